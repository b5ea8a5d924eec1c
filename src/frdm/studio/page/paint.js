// Tools that make: paint a defect (brush, lasso, line), reveal from a neighbour, take repairs away, protect a region.

import { get, post } from "./api.js";
import { at, make, named, say, tell } from "./dom.js";
import { engineChoice } from "./engines.js";
import { inOrder } from "./order.js";
import { current } from "./shots.js";
import { atHandAgain, decideMany, select, took } from "./review.js";
import * as defects from "./defects.js";
import { about } from "./pictures.js";
import { emit, on, set, state } from "./state.js";

const KINDS = ["dirt", "hair", "scratch", "line", "stain", "burn", "spot", "tear"];
const SAMPLES = 12; // places of a stroke of the eraser that are looked under
const OFFSETS = [-2, -1, 1, 2];

// What each tool lets one choose; `defects` kinds are what it paints unless told otherwise.
const TOOLS = {
  move: [],
  brush: ["width", "kind", "engine", "source", "frames"],
  lasso: ["kind", "engine", "source", "feather", "frames"],
  line: ["width", "column", "kind", "engine", "frames"],
  reveal: ["width", "source", "offset", "follow", "frames"],
  erase: ["width"],
  protect: ["width", "column", "frames", "note"],
};
const chosen = {
  kind: "dirt",
  engine: "auto",
  source: 0,
  feather: "",
  column: false,
  across: 0,
  down: 0,
  follow: true,
  frames: "this",
  from: 0,
  to: 0,
  note: "",
};

let widthShown = () => {};

export function start() {
  on("tool engines", build);
  on("brush", () => widthShown());
  on("frame", () => {
    if (chosen.frames !== "range") [chosen.from, chosen.to] = [state.frame, state.frame];
  });
  at("options").addEventListener("submit", (event) => event.preventDefault());
}

/** The options of the tool at hand. */
function build() {
  const form = at("options");
  const parts = TOOLS[state.tool];
  form.hidden = parts.length === 0;
  if (state.tool === "line" && chosen.kind === "dirt") chosen.kind = "line";
  else if (state.tool !== "line" && chosen.kind === "line") chosen.kind = "dirt";
  form.replaceChildren(make("strong", { text: say(`do.${state.tool}`) }), ...parts.flatMap((part) => CONTROLS[part]()));
}

function pair(word, ...controls) {
  return make("label", { class: "pair" }, make("span", { text: say(word) }), ...controls);
}

function choice(name, values, shownAs, changed = () => null) {
  const select_ = make("select", {
    id: `option-${name}`,
    change: () => {
      chosen[name] = typeof values[0] === "number" ? Number(select_.value) : select_.value;
      changed();
    },
  });
  for (const value of values)
    select_.append(make("option", { value: String(value), text: shownAs(value), selected: value === chosen[name] }));
  return select_;
}

function number(name, attributes = {}) {
  const input = make("input", {
    type: "number",
    id: `option-${name}`,
    value: String(chosen[name]),
    ...attributes,
    input: () => (chosen[name] = input.value === "" ? "" : Number(input.value)),
  });
  return input;
}

function box(name) {
  return make("input", { type: "checkbox", id: `option-${name}`, checked: chosen[name], change: (event) => (chosen[name] = event.target.checked) });
}

const CONTROLS = {
  width: () => {
    const value = make("output", { text: say("px", { n: state.brush }) });
    const slider = make("input", {
      type: "range",
      id: "option-width",
      min: "1",
      max: "160",
      value: String(state.brush),
      input: () => set({ brush: Number(slider.value) }),
    });
    widthShown = () => {
      slider.value = String(state.brush);
      value.textContent = say("px", { n: state.brush });
    };
    return [pair("paint.width", slider, value)];
  },
  kind: () => [
    pair(
      "paint.kind",
      choice("kind", KINDS, (kind) => named("kind", kind)),
    ),
  ],
  engine: () => [pair("paint.engine", engineOption())],
  source: () => [pair("paint.source", choice("source", [0, ...OFFSETS], offsetName))],
  offset: () => [pair("paint.offset", number("across", { step: "0.5" }), number("down", { step: "0.5", "aria-label": say("paint.down") }))],
  follow: () => [pair("paint.follow", box("follow"))],
  feather: () => [pair("paint.feather", number("feather", { min: "0", max: "40", step: "0.5", placeholder: say("auto") }))],
  column: () => [pair("paint.column", box("column"))],
  note: () => {
    const input = make("input", { type: "text", value: chosen.note, maxlength: "200", input: () => (chosen.note = input.value) });
    return [pair("paint.note", input)];
  },
  frames: () => {
    const ends = make(
      "span",
      { class: "pair", hidden: chosen.frames !== "range" },
      number("from", { min: "0", "aria-label": say("paint.from") }),
      make("span", { text: "–" }),
      number("to", { min: "0", "aria-label": say("paint.to") }),
    );
    const which = choice(
      "frames",
      ["this", "shot", "range"],
      (value) => say(`paint.frames.${value}`),
      () => (ends.hidden = chosen.frames !== "range"),
    );
    return [pair("paint.frames", which), ends];
  },
};

function offsetName(offset) {
  if (offset === 0) return say("paint.source.auto");
  return say("paint.source.frame", { offset: offset > 0 ? `+${offset}` : `−${-offset}` });
}

function engineOption() {
  return engineChoice({ id: "option-engine", value: chosen.engine, without: "reveal", changed: (name) => (chosen.engine = name) });
}

/** The frames that a stroke is meant for. */
function meant() {
  const shot = current();
  if (chosen.frames === "shot" && shot) return { start: shot.start, stop: shot.stop };
  if (chosen.frames === "range") return { start: Math.min(chosen.from, chosen.to), stop: Math.max(chosen.from, chosen.to) + 1 };
  return { start: state.frame, stop: state.frame + 1 };
}

function source() {
  if (!chosen.source) return state.tool === "reveal" ? nearby() : null;
  return state.frame + chosen.source;
}

/** The neighbour to reveal where none was named: the one before, or after at the beginning of a shot. */
function nearby() {
  return current()?.start === state.frame ? state.frame + 1 : state.frame - 1;
}

/** A stroke as a shape of the server's. */
function shape(tool, points) {
  const rounded = points.map(([x, y]) => [Math.round(x * 4) / 4, Math.round(y * 4) / 4]);
  if (chosen.column && TOOLS[tool].includes("column")) {
    const xs = rounded.map(([x]) => x);
    const [left, right] = [Math.min(...xs) - state.brush / 2, Math.max(...xs) + state.brush / 2];
    const clip = (x) => Math.min(state.film.width, Math.max(0, Math.round(x)));
    return { type: "rectangle", box: [0, clip(left), state.film.height, clip(right)] };
  }
  if (tool === "lasso" || tool === "protect") return { type: "polygon", points: rounded };
  return { type: "stroke", points: rounded, width: state.brush };
}

/** A stroke of a tool has ended. */
export async function finished(tool, points) {
  if (!points.length) return null;
  if (tool === "erase") return erase(points);
  const made = shape(tool, thinned(points));
  if (made.type === "polygon" && made.points.length < 3) return tell(say("paint.small"));
  return tool === "protect" ? protect(made) : paint(tool, made);
}

/** At most as many points as the server takes. */
function thinned(points, most = 2048) {
  const every = Math.ceil(points.length / most);
  return points.filter((_, index) => index % every === 0 || index === points.length - 1);
}

async function paint(tool, made) {
  tell(say("paint.working"), { lasting: true });
  const reveal = tool === "reveal";
  const body = {
    ...meant(),
    shapes: [made],
    kind: reveal ? "dirt" : chosen.kind,
    engine: reveal ? "reveal" : chosen.engine,
    source: TOOLS[tool].includes("source") ? source() : null,
    offset: reveal ? [Number(chosen.down), Number(chosen.across)] : [0, 0],
    follow: reveal ? chosen.follow : true,
    seed: 0,
    feather: tool === "lasso" && chosen.feather !== "" ? Number(chosen.feather) : null,
  };
  const asked = state.frame;
  await madeNow(await inOrder(() => post("/api/paint", body)), asked);
}

/** New repairs are there: show them, unless the hand went on from the frame where they were asked for; or say why there are none. */
async function madeNow(answer, asked) {
  took(answer);
  await defects.reload().catch(() => null);
  await about(state.frame).catch(() => null);
  emit("pictures", "frame-known");
  const here = answer.made.find((one) => one.frame === asked) ?? answer.made[0];
  if (here && state.frame === asked) await select(here);
  const refused = answer.refused[0];
  if (refused) tell(say("paint.refused", { n: answer.refused.length, frame: refused.frame, reason: refused.reason }), { wrong: true });
  else tell(say("paint.made", { n: answer.made.length, by: named("engine", here?.engine), seconds: Number(answer.seconds).toFixed(1) }));
}

/** Reject every repair that the stroke went over. */
async function erase(points) {
  const every = Math.max(1, Math.ceil(points.length / SAMPLES));
  const { frame, film } = state;
  const radius = Math.floor(state.brush / 2);
  const places = points
    .filter((_, index) => index % every === 0)
    .map(([x, y]) => [Math.floor(x), Math.floor(y)])
    .filter(([x, y]) => x >= 0 && y >= 0 && x < film.width && y < film.height);
  const found = await Promise.all(places.map(([x, y]) => get(`/api/frames/${frame}/at`, { x, y, radius })));
  const ids = new Set(found.flatMap((one) => one.ids));
  const told = await about(frame);
  const repairs = told.defects.filter((one) => ids.has(one.id) && one.repair && one.status === "accepted").map((one) => one.id);
  if (!repairs.length) return tell(say("erase.none"));
  return decideMany("reject", { ids: repairs });
}

async function protect(made) {
  const body = { ...meant(), shapes: [made], note: chosen.note };
  const answer = await inOrder(() => post("/api/protections", body));
  took(answer);
  await defects.reload().catch(() => null);
  await atHandAgain();
  const { start: from, stop } = answer.protection;
  tell(say("protect.made", { n: answer.changed, from, last: stop - 1 }));
}

let mending = null; // the defect that is being made again

/** Make the repair at hand once more: with another seed, or as asked. */
export async function again(asked = {}) {
  const { defect, frame } = state;
  if (!defect) {
    tell(say("again.none"));
    return;
  }
  if (mending === defect.id) return; // it is on its way
  mending = defect.id;
  tell(say("paint.working"), { lasting: true });
  const body = { engine: "auto", source: null, offset: [0, 0], follow: true, feather: null, seed: (defect.seed ?? 0) + 1, ...asked };
  if (body.engine === "reveal") body.source ??= nearby();
  try {
    await madeNow(await inOrder(() => post(`/api/defects/${defect.id}/again`, body)), frame);
  } finally {
    mending = null;
  }
}
