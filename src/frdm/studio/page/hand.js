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
let drag = null;

export function start() {
  const place = at("picture");
  place.addEventListener("pointerdown", down);
  place.addEventListener("pointermove", moved);
  place.addEventListener("pointerup", up);
  place.addEventListener("pointercancel", () => (drag = null));
  place.addEventListener("pointerleave", () => {
    draft.pointer = null;
    at("pixel").hidden = true;
    draw();
  });
  place.addEventListener("contextmenu", (event) => event.preventDefault());
  place.addEventListener("wheel", wheeled, { passive: false });
  on("tool view", () => {
    place.dataset.tool = state.tool;
    draft.points = [];
  });
}

function flat() {
  return !state.film || state.view === "sheet" || state.view === "stages";
}

function wheeled(event) {
  if (flat()) return;
  event.preventDefault();
  zoomBy(2 ** (-Math.sign(event.deltaY) / 3), pointed(event));
}

function down(event) {
  if (flat()) return;
  const place = pointed(event);
  at("picture").setPointerCapture(event.pointerId);
  const moving = event.button !== 0 || state.tool === "move";
  drag = { from: place, last: place, far: false, what: moving ? "pan" : "draw" };
  if (moving && state.view === "wipe" && nearEdge(place)) drag.what = "wipe";
  if (drag.what === "draw") {
    draft.tool = state.tool;
    draft.points = [toFilm(...place)];
    draw();
  }
}

function nearEdge([x]) {
  return Math.abs(x - toScreen(state.wipe * state.film.width, 0)[0]) < NEAR * devicePixelRatio;
}

function moved(event) {
  if (flat()) return;
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
  drag = null;
  if (!done) return;
  if (done.what === "draw") {
    const points = draft.points;
    draft.points = [];
    draw();
    finished(state.tool, points).catch((error) => tell(error.message, { wrong: true }));
  } else if (!done.far && event.button === 0) {
    pick(toFilm(...pointed(event))).catch((error) => tell(error.message, { wrong: true }));
  }
}

/** Click: the defect there is at hand; on the one at hand it changes sides. */
async function pick(place) {
  const ids = await under(place, 2);
  const told = await about(state.frame);
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
  const told = known(state.frame);
  const [x, y] = toFilm(...place).map(Math.floor);
  if (!told || drag || x < 0 || y < 0 || x >= state.film.width || y >= state.film.height) return;
  const ids = told.defects.length ? await under([x, y]).catch(() => []) : [];
  const found = told.defects.find((one) => one.id === ids[0]);
  const box = at("pixel");
  box.textContent = `${say("pixel.place", { x: String(x), y: String(y) })}${found ? `   ${named("kind", found.kind)}: ${cameFrom(found)}` : ""}`;
  box.hidden = false;
}, 60);

/** Where a defect's pixels came from, in words. */
export function cameFrom(defect) {
  if (!defect.repair) return say("pixel.held", { reason: defect.reason });
  if (defect.status !== "accepted") return say("pixel.scan");
  const by = named("engine", defect.engine);
  const offsets = defect.sources.map((frame) => `${frame} (${signed(frame - defect.frame)})`).join(", ");
  return defect.sources.length ? say("pixel.from", { by, frames: offsets }) : by;
}

function signed(offset) {
  return offset > 0 ? `+${offset}` : offset < 0 ? `−${-offset}` : "0";
}
