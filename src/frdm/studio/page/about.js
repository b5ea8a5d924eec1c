// The defect at hand in words: what it is, where its pixels came from, what was decided; and making it again.

import { get } from "./api.js";
import { whyNone } from "./defects.js";
import { at, make, named, say, settled, shown, tell } from "./dom.js";
import { engineChoice, engineNote } from "./engines.js";
import { cameFrom } from "./hand.js";
import { keyShown } from "./keyboard.js";
import { signOf } from "./legend.js";
import { again } from "./paint.js";
import { decide, select } from "./review.js";
import { on, state } from "./state.js";

const REST = 200; // milliseconds that a defect is at hand before its history is asked for: whoever hurries past does without
let more = null; // history and versions of the defect at hand, when they have come
let fetches = 0;
let open = false;
const asked = { engine: "auto", offset: 0, seed: "" };

export function start() {
  on("defect decided engines", build);
  on("project", () => state.defect || build());
  on("changed", refresh);
  build();
}

function build() {
  const { defect } = state;
  const place = at("about");
  if (!defect) {
    place.replaceChildren(make("p", { class: "dim", text: whyNone() ?? say("about.none") }));
    return;
  }
  if (more?.id !== defect.id) {
    more = { id: defect.id, found: null };
    fetchMore();
  }
  const focused = place.contains(document.activeElement) ? document.activeElement.dataset.part : null;
  place.replaceChildren(title(defect), facts(defect), acts(defect), anew(defect), ...past());
  if (focused) place.querySelector(`[data-part="${focused}"]`)?.focus({ preventScroll: true });
}

/** The same defect, when something was decided: what was told of it is old. */
function refresh() {
  if (state.defect) fetchMore();
}

function title(defect) {
  const words = say("about.title", { polarity: named("polarity", defect.polarity), kind: named("kind", defect.kind) });
  const status = `${named("status", defect.status)}${defect.reviewed ? "" : `, ${say("reviewed.no")}`}`;
  return make(
    "h3",
    { class: "row" },
    make("span", { class: "grow", text: words }),
    make("span", { class: "badge" }, make("i", { class: signOf(defect.status) }), status),
  );
}

function facts(defect) {
  const rows = {
    frame: `${shown(defect.frame)}  ·  ${say("shot.number", { number: defect.shot })}`,
    sure: `${Math.round(defect.confidence * 100)} %`,
    size: say("about.pixels", { high: defect.box[2] - defect.box[0], wide: defect.box[3] - defect.box[1] }),
    from: cameFrom({ ...defect, status: "accepted" }),
    reason: defect.repair && defect.reason ? defect.reason : null,
    trust: defect.trust === null ? null : `${Math.round(defect.trust * 100)} %`,
    seed: defect.seed === null ? null : String(defect.seed),
    weights: defect.weights ? defect.weights.slice(0, 12) : null,
    number: defect.id,
  };
  const cells = Object.entries(rows).filter(([, value]) => value !== null);
  return make("dl", {}, ...cells.flatMap(([name, value]) => [make("dt", { text: say(`about.${name}`) }), make("dd", { text: value })]));
}

function acts(defect) {
  const button = (word, key, run, disabled = false) =>
    make(
      "button",
      { type: "button", "data-part": key, disabled, click: () => Promise.resolve(run()).catch(wrong) },
      say(word),
      make("kbd", { text: keyShown(key) }),
    );
  return make(
    "div",
    { class: "row three" },
    button(defect.repair ? "do.accept" : "do.confirm", "A", () => decide("accept")),
    button("do.reject", "X", () => decide("reject"), !defect.repair),
    button(defect.repair ? "do.again" : "do.mend", "G", () => again()),
  );
}

function wrong(error) {
  tell(error.message, { wrong: true });
}

/** The form for making it again with a chosen engine, source or seed. */
function anew(defect) {
  const note = make("p", { class: "dim", id: "engine-note", text: engineNote(asked.engine) });
  const engine = engineChoice({
    value: asked.engine,
    changed: (name) => {
      asked.engine = name;
      note.textContent = engineNote(name);
    },
    "data-part": "engine",
    "aria-label": say("paint.engine"),
    "aria-describedby": "engine-note",
  });
  const offset = make(
    "select",
    { "data-part": "source", "aria-label": say("paint.source"), change: () => (asked.offset = Number(offset.value)) },
    ...[0, -2, -1, 1, 2].map((one) =>
      make("option", {
        value: String(one),
        selected: one === asked.offset,
        text: one ? say("paint.source.frame", { offset: one > 0 ? `+${one}` : `−${-one}` }) : say("paint.source.auto"),
      }),
    ),
  );
  const seed = make("input", {
    type: "number",
    min: "0",
    value: asked.seed,
    placeholder: say("about.seed"),
    "data-part": "seed",
    "aria-label": say("about.seed"),
    input: () => (asked.seed = seed.value),
  });
  const go = make("button", { type: "button", "data-part": "again", text: say(defect.repair ? "do.again" : "do.mend"), click: makeAnew });
  const details = make(
    "details",
    { open },
    make("summary", { "data-part": "anew", text: say("about.anew") }),
    make("div", { class: "grid four" }, engine, offset, seed, go),
    note,
  );
  details.addEventListener("toggle", () => {
    open = details.open;
    if (open) details.scrollIntoView({ block: "nearest" });
  });
  return details;
}

function makeAnew() {
  const { defect } = state;
  const wanted = { engine: asked.engine, source: asked.offset ? defect.frame + asked.offset : null };
  if (asked.seed !== "") wanted.seed = Number(asked.seed);
  again(wanted).catch(wrong);
}

/** Open the form for making it again. */
export function openAnew() {
  open = true;
  build();
  at("about").querySelector("details select")?.focus();
}

const fetchMore = settled(async () => {
  fetches += 1;
  const mine = fetches;
  const { id } = more;
  const found = await get(`/api/defects/${encodeURIComponent(id)}`).catch(() => null);
  if (!found || more.id !== id || mine !== fetches) return;
  more.found = found;
  if (found.versions.length || found.history.length) build();
}, REST);

/** What was done to it, and what it has been since, where that does not say the same. */
function becameOf({ verb, after }) {
  const [done, is] = [say(`verb.${verb}`), named("status", after)];
  return done === is ? done : say("about.decided.so", { verb: done, after: is });
}

/** Other versions of the repair, and what was decided about it. */
function past() {
  if (!more?.found) return [];
  const { versions, history } = more.found;
  const made = versions.map((one) =>
    make(
      "li",
      {},
      make("button", {
        type: "button",
        class: "plain",
        text: say("about.version", { by: named("engine", one.engine), seed: String(one.seed ?? "–"), status: named("status", one.status) }),
        click: () => select(one),
      }),
    ),
  );
  const told = history.map((one) =>
    make("li", {
      class: "dim",
      text: say("about.decided", { what: becameOf(one), who: one.who, at: new Date(one.at).toLocaleString() }),
    }),
  );
  return [make("ul", { class: "past" }, ...made, ...told)];
}
