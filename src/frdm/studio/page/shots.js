// The list of shots: a thumbnail each, what was found in it, how much is left to look at, and who works on it.

import { get, post, remove } from "./api.js";
import { at, framesOf, make, say, shown, tell } from "./dom.js";
import { Rows } from "./rows.js";
import { on, set, state } from "./state.js";

let rows = null;
let reloads = 0;

export function start() {
  rows = new Rows(at("shot-list"), { tall: 8.9, blank, fill, chosen: (index) => goTo(index) });
  on("shots", () => {
    at("shots-count").textContent = shown(state.shots.length);
    rows.reset(state.shots.length);
    point();
  });
  on("frame", point);
  at("shot-list").addEventListener("keydown", (event) => {
    const last = state.shots.length - 1;
    const to = { ArrowDown: rows.at + 1, ArrowUp: rows.at - 1, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    goTo(Math.min(last, Math.max(0, to)));
  });
}

/** The shot that a frame stands in; its place in the list, -1 for none. */
function shotOf(frame) {
  let [low, high] = [0, state.shots.length - 1];
  while (low <= high) {
    const half = (low + high) >> 1;
    if (frame < state.shots[half].start) high = half - 1;
    else if (frame >= state.shots[half].stop) low = half + 1;
    else return half;
  }
  return -1;
}

/** The shot at hand. */
export function current() {
  return state.shots[shotOf(state.frame)] ?? null;
}

function point() {
  const index = shotOf(state.frame);
  if (index !== rows.at) rows.choose(index);
}

function goTo(index) {
  const shot = state.shots[index];
  if (shot) set({ frame: shot.start, defect: null });
}

function blank() {
  const picture = make("img", { alt: "", loading: "lazy", draggable: "false" });
  const bar = make("span", { class: "bar", "aria-hidden": "true" }, make("i", { class: "seen" }), make("i", { class: "left" }));
  return make(
    "div",
    {},
    picture,
    make("span", { class: "line" }, make("b"), make("span", { class: "dim" })),
    bar,
    make("span", { class: "note dim" }),
  );
}

function fill(element, index) {
  const shot = state.shots[index];
  const [picture, line, bar, note] = element.children;
  if (picture.getAttribute("src") !== shot.thumbnail) picture.src = shot.thumbnail;
  line.children[0].textContent = say("shot.number", { number: shot.number });
  line.children[1].textContent = framesOf(shot.start, shot.stop);
  const found = shot.accepted + shot.rejected + shot.held;
  bar.children[0].style.flexGrow = found ? found - shot.unreviewed : 0;
  bar.children[1].style.flexGrow = found ? shot.unreviewed : 1;
  note.textContent = noteOf(shot, found);
  element.title = say("shot.hint", { found, held: shot.held, left: shot.unreviewed, altered: (100 * shot.altered).toFixed(2) });
  element.setAttribute("aria-label", `${line.children[0].textContent}. ${element.title}`);
}

function noteOf(shot, found) {
  if (!shot.analysed) return say("shot.waiting");
  if (shot.claim && !shot.claim.mine) return say("shot.claimed", { who: shot.claim.who });
  const share = (100 * shot.altered).toFixed(1);
  return say(shot.claim ? "shot.mine" : "shot.found", { n: found, share, left: shot.unreviewed });
}

/** Claim the shot at hand for this seat, or give it back; `over` takes it from another seat. */
export async function claim({ over = false } = {}) {
  const shot = current();
  if (!shot) return;
  const { number } = shot;
  if (shot.claim?.mine) {
    await remove(`/api/shots/${number}/claim`);
    tell(say("claim.released", { number }));
  } else {
    await post(`/api/shots/${number}/claim`, { take_over: over });
    tell(say("claim.taken", { number }));
  }
  await reload();
}

/** Ask for the shots anew. */
export async function reload() {
  reloads += 1;
  const mine = reloads;
  const { shots } = await get("/api/shots");
  if (mine === reloads) set({ shots });
}
