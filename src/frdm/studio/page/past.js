// What was done, each of it to be undone; and the treatment report as decisions stand.

import { get, post } from "./api.js";
import { whyNone } from "./defects.js";
import { at, framesOf, make, named, say, settled, shown, tell } from "./dom.js";
import { inOrder } from "./order.js";
import { shownAgain, tellTurned } from "./review.js";
import { on, set, state } from "./state.js";

const PAGE = 60;
const MOST = 500; // lines that the server tells at once
let asked = 0;
let visible = null;
let listed = [];

export function start() {
  at("panel-history").replaceChildren(
    make("h2", { text: say("history.title") }),
    make("p", { class: "dim", text: say("history.why") }),
    make("ol", { id: "history" }),
    make("button", { type: "button", id: "older", text: say("history.older"), click: () => older().catch(wrong) }),
  );
  on("changed", soon);
}

function wrong(error) {
  tell(error.message, { wrong: true });
}

/** A panel is in sight (or none of these): fill it, and keep it filled. */
export function show(name) {
  visible = name;
  soon();
}

const soon = settled(() => {
  if (state.project?.begun === false) {
    showHistory();
    at("report").replaceChildren(make("p", { class: "dim", text: whyNone() }));
    return;
  }
  if (visible === "history") history().catch(wrong);
  if (visible === "report") report().catch(wrong);
}, 120);

/** What of undo and redo is there to be done. */
export async function ends() {
  const { can_undo: undo, can_redo: redo } = await get("/api/actions", { limit: 1 });
  at("undo").disabled = !undo;
  at("redo").disabled = !redo;
}

async function history() {
  asked += 1;
  const mine = asked;
  const { actions } = await get("/api/actions", { limit: Math.min(MOST, Math.max(PAGE, listed.length)) }); // older ones that were shown stay
  if (mine !== asked) return;
  listed = actions;
  showHistory();
}

async function older() {
  listed = [...listed, ...(await get("/api/actions", { limit: PAGE, before: listed.at(-1)?.number })).actions];
  showHistory();
}

function showHistory() {
  at("older").hidden = listed.length === 0 || listed.at(-1).number <= 1;
  at("history").replaceChildren(...listed.map(line));
  if (!listed.length) at("history").replaceChildren(make("li", { class: "dim", text: say("history.none") }));
}

function line(action) {
  const what = told(action);
  const where = action.frame === null ? "" : say("history.where", { frame: action.frame, n: action.changed });
  const when = `${action.who}, ${new Date(action.at).toLocaleString()}`;
  const turns = ["undo", "redo", "take over"].includes(action.verb); // what has no undo of its own
  return make(
    "li",
    { class: action.undone ? "undone" : "" },
    make(
      "button",
      { type: "button", class: "plain what", disabled: action.frame === null, click: () => set({ frame: action.frame }) },
      make("span", { text: what + where }),
      make("small", { class: "dim", text: when }),
    ),
    turns
      ? null
      : make("button", {
          type: "button",
          disabled: action.undone,
          text: say("do.undo"),
          "aria-label": say("history.undo", { what: what + where }),
          click: () => undo(action).catch(wrong),
        }),
  );
}

/** What was done, to how many defects; of an undo or redo also what was taken back or done again. */
function told({ verb, about, changed }) {
  const what = verb === about ? say(`verb.${verb}`) : say("history.turned", { verb: say(`verb.${verb}`), what: say(`verb.${about}`) });
  return changed ? say(verb === "protect" ? "history.protect" : "history.line", { what, n: changed }) : what;
}

async function undo(action) {
  const answer = await inOrder(() => post(`/api/actions/${action.number}/undo`));
  await shownAgain({ ...answer, action: answer.action ?? action });
  if (answer.action) tellTurned("undo", action.verb, answer.changed);
  else tell(say("undo.none"));
}

async function report() {
  const found = await get("/api/report");
  const { totals, shots } = found;
  const held = Object.values(totals.held).reduce((sum, n) => sum + n, 0);
  const facts = {
    frames: shown(totals.frames),
    shots: shown(totals.shots),
    found: counts(totals.found) || shown(0),
    mended: shown(totals.mended),
    rejected: shown(totals.rejected),
    held: shown(held),
    altered: `${(100 * totals.altered).toFixed(3)} %`,
    worst:
      totals.worst_frame === null
        ? "–"
        : say("report.worst.frame", { frame: totals.worst_frame, share: (100 * totals.worst_altered).toFixed(2) }),
  };
  const rows = shots.map((shot) =>
    make(
      "tr",
      {},
      ...[
        shot.number,
        framesOf(shot.start, shot.stop),
        shot.mended,
        shot.rejected,
        Object.values(shot.held).reduce((sum, n) => sum + n, 0),
        `${(100 * shot.altered).toFixed(2)} %`,
      ].map((value) => make("td", { class: "number", text: shown(value) })),
    ),
  );
  const heads = ["shot", "frames", "mended", "rejected", "held", "altered"].map((name) =>
    make("th", { class: "number", scope: "col", text: say(`report.${name}`) }),
  );
  const reasons = Object.entries(totals.held).map(([reason, n]) => make("li", { text: `${shown(n)}: ${reason}` }));
  const parts = [
    make("h2", { text: say("report.title") }),
    make("p", { class: "dim", text: say("report.why") }),
    make(
      "div",
      { class: "row" },
      make("a", { href: "/api/report.html?crops=12", target: "_blank", rel: "noopener", class: "button", text: say("report.open") }),
    ),
    make(
      "dl",
      {},
      ...Object.entries(facts).flatMap(([name, value]) => [make("dt", { text: say(`report.${name}`) }), make("dd", { text: value })]),
    ),
    reasons.length ? make("h3", { text: say("report.reasons") }) : null,
    make("ul", { class: "reasons" }, ...reasons),
  ];
  at("report").replaceChildren(...parts.filter(Boolean));
  at("report-shots").replaceChildren(make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...rows));
}

function counts(found) {
  return Object.entries(found)
    .map(([kind, n]) => `${shown(n)} ${named("kind", kind)}`)
    .join(", ");
}
