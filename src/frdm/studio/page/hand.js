// The pointer on the picture: pan, zoom, wipe, pick; and the strokes of the tools, which it hands over to paint.js.

import { get } from "./api.js";
import { at, named, say, settled, tell } from "./dom.js";
import { pan, pointed, toFilm, toScreen, zoomBy } from "./geometry.js";
import { draft, draw } from "./marks.js";
import { finished } from "./paint.js";
import { about, known } from "./pictures.js";
import { decideHere, select } from "./review.js";
import { on, set, state } from "./state.js";

const CLICK = 4; // a pointer that moves less than this many pixels has clicked
const NEAR = 9; // … and one this near to the wipe's edge takes hold of it
const NOTCH = 300; // of a wheel's way, doubles the zoom
const MOST = 150; // of it that counts at once
const LINE = 33; // of it in a line, where a browser counts lines
let drag = null;

export function start() {
  const place = at("picture");
  place.addEventListener("pointerdown", down);
  place.addEventListener("pointermove", moved);
  place.addEventListener("pointerup", up);
  place.addEventListener("pointercancel", letGo);
  place.addEventListener("pointerleave", () => {
    draft.pointer = null;
    at("pixel").hidden = true;
    draw();
  });
  place.addEventListener("contextmenu", (event) => event.preventDefault());
  place.addEventListener("wheel", wheeled, { passive: false });
  on("tool view", () => {
    place.dataset.tool = state.tool;
    letGo();
  });
}

/** Whatever is being drawn or moved is left as it is. */
function letGo() {
  drag = null;
  draft.points = [];
  draw();
}

function flat() {
  return !state.film || state.view === "sheet" || state.view === "stages";
}

function wheeled(event) {
  if (flat()) return;
  event.preventDefault();
  const way = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE : 1); // a trackpad tells many small ones
  if (way) zoomBy(2 ** (-Math.max(-MOST, Math.min(MOST, way)) / NOTCH), pointed(event));
}

function down(event) {
  if (flat() || drag) return;
  const place = pointed(event);
  at("picture").setPointerCapture(event.pointerId);
  const moving = event.button !== 0 || state.tool === "move";
  drag = { from: place, last: place, far: false, what: moving ? "pan" : "draw", frame: state.frame, pointer: event.pointerId };
  if (moving && state.view === "wipe" && nearEdge(place)) drag.what = "wipe";
  if (drag.what === "draw") {
    set({ playing: 0 });
    drag.frame = state.frame;
    draft.tool = state.tool;
    draft.points = [toFilm(...place)];
    draw();
  }
}

function nearEdge([x]) {
  return Math.abs(x - toScreen(state.wipe * state.film.width, 0)[0]) < NEAR * devicePixelRatio;
}

function moved(event) {
  if (flat() || (drag && drag.pointer !== event.pointerId)) return;
  const place = pointed(event);
  draft.pointer = toFilm(...place);
  at("picture").classList.toggle("edge", state.tool === "move" && state.view === "wipe" && nearEdge(place));
  if (drag) dragged(event, place);
  else look(place);
  draw();
}

function dragged(event, place) {
  drag.far ||= Math.hypot(place[0] - drag.from[0], place[1] - drag.from[1]) > CLICK * devicePixelRatio;
  if (drag.what === "wipe") set({ wipe: Math.min(1, Math.max(0, toFilm(...place)[0] / state.film.width)) });
  else if (drag.what === "pan" && drag.far) pan(place[0] - drag.last[0], place[1] - drag.last[1]);
  else if (drag.what === "draw") extend(event, place);
  drag.last = place;
}

function extend(event, place) {
  if (state.tool === "line") {
    draft.points = [draft.points[0], toFilm(...place)];
    return;
  }
  for (const one of event.getCoalescedEvents?.() ?? [event]) draft.points.push(toFilm(...pointed(one)));
}

function up(event) {
  const done = drag;
  if (done?.pointer !== event.pointerId) return;
  const { tool, points } = draft;
  letGo();
  if (done.what === "draw") {
    if (done.frame !== state.frame) tell(say("paint.moved"));
    else finished(tool, points).catch((error) => tell(error.message, { wrong: true }));
  } else if (!done.far && event.button === 0) {
    pick(toFilm(...pointed(event))).catch((error) => tell(error.message, { wrong: true }));
  }
}

/** Click: the defect there is at hand; on the one at hand it changes sides. */
async function pick(place) {
  const { frame } = state;
  const [ids, told] = await Promise.all([under(place, 2), about(frame)]);
  if (frame !== state.frame) return; // the hand went on before the answer came
  if (ids.includes(state.defect?.id)) {
    await decideHere(state.defect.status === "accepted" ? "reject" : "accept");
    return;
  }
  const defect = told.defects.find((one) => one.id === ids[0]);
  if (defect) await select(defect);
  else set({ defect: null });
}

/** Ids of the defects at a film place, topmost first. */
export async function under([x, y], radius = 0) {
  const [column, row] = [Math.floor(x), Math.floor(y)];
  if (column < 0 || row < 0 || column >= state.film.width || row >= state.film.height) return [];
  return (await get(`/api/frames/${state.frame}/at`, { x: column, y: row, radius })).ids;
}

/** Say what the pointer rests on: the pixel's place, and where it came from. */
const look = settled(async (place) => {
  const { frame } = state;
  const { pointer } = draft;
  const told = known(state.frame);
  const [x, y] = toFilm(...place).map(Math.floor);
  if (!told || drag || x < 0 || y < 0 || x >= state.film.width || y >= state.film.height) return;
  const ids = told.defects.length ? await under([x, y]).catch(() => []) : [];
  if (frame !== state.frame || pointer === null || pointer !== draft.pointer) return; // it went on before the answer came
  const found = told.defects.find((one) => one.id === ids[0]);
  const box = at("pixel");
  box.textContent = `${say("pixel.place", { x: String(x), y: String(y) })}${found ? `   ${named("kind", found.kind)}: ${cameFrom(found)}` : ""}`;
  box.hidden = false;
}, 60);

/** Where a defect's pixels came from, in words. */
export function cameFrom(defect) {
  if (!defect.repair) return say("pixel.held", { reason: defect.reason });
  if (defect.status !== "accepted") return say("pixel.scan");
  if (defect.engine === "diffusion") return say("pixel.made", { seed: String(defect.seed ?? "–") });
  const by = named("engine", defect.engine);
  const offsets = defect.sources.map((frame) => `${frame} (${signed(frame - defect.frame)})`).join(", ");
  return defect.sources.length ? say("pixel.from", { by, frames: offsets }) : by;
}

function signed(offset) {
  return offset > 0 ? `+${offset}` : offset < 0 ? `−${-offset}` : "0";
}
