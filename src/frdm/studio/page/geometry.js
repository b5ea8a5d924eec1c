// Where film pixels lie on the screen. Screen places are device pixels of the canvas, film places luma pixels (column, row).
// A pane is the part of the canvas that shows one picture: { left, top, width, height }.

import { at } from "./dom.js";
import { set, state } from "./state.js";

const LEAST = 0.02;
const MOST = 32;
const CLOSE = 8; // times true pixels that a defect is shown close up at most, on a screen with thin lines
const EDGE = 0.985; // of the pane: a whole picture leaves a little surround
export const ACROSS = 5; // panes side by side in the view of neighbours
const DOWN = 2;

/** How much wider than high a film pixel is shown. */
export function aspect() {
  return state.film?.pixel_aspect ?? 1;
}

/** The pane of the picture at hand: the canvas, or the middle one of the neighbours. */
export function mainPane() {
  return state.view === "neighbours" ? panes()[Math.floor(ACROSS / 2)] : wholePane();
}

function wholePane() {
  const canvas = at("canvas");
  return { left: 0, top: 0, width: canvas.width, height: canvas.height };
}

/** The panes of the view of neighbours, row by row. */
export function panes() {
  const { width, height } = wholePane();
  const made = [];
  for (let row = 0; row < DOWN; row += 1) {
    for (let column = 0; column < ACROSS; column += 1) {
      const left = Math.round((column * width) / ACROSS);
      const top = Math.round((row * height) / DOWN);
      const right = Math.round(((column + 1) * width) / ACROSS);
      const bottom = Math.round(((row + 1) * height) / DOWN);
      made.push({ left, top, width: right - left, height: bottom - top });
    }
  }
  return made;
}

/** Screen pixels a film row when the whole picture is shown. */
export function fitting(pane = mainPane()) {
  if (!state.film) return 1;
  return Math.max(LEAST, EDGE * Math.min(pane.width / (state.film.width * aspect()), pane.height / state.film.height));
}

/** Screen pixels a film row now. Neighbours are looked at closely where a defect is at hand. */
export function scale() {
  if (state.zoom !== null) return state.zoom;
  return close() ? closer(state.defect.box) : fitting();
}

/** The film place in the middle of each pane. */
export function middle() {
  if (state.zoom !== null) return state.middle;
  return close() ? inside(middleOf(state.defect.box), mainPane(), scale()) : [state.film.width / 2, state.film.height / 2];
}

/** A middle as near to `place` as leaves the pane full of film, where the film is large enough for that. */
function inside([x, y], pane, times) {
  const { width, height } = state.film;
  const kept = (value, half, whole) => (2 * half >= whole ? whole / 2 : Math.min(whole - half, Math.max(half, value)));
  return [kept(x, pane.width / 2 / (times * aspect()), width), kept(y, pane.height / 2 / times, height)];
}

function close() {
  return state.view === "neighbours" && state.defect !== null && state.defect.frame === state.frame;
}

/** The middle of a box [top, left, bottom, right] as (column, row). */
export function middleOf([top, left, bottom, right]) {
  return [(left + right) / 2, (top + bottom) / 2];
}

/** The scale that shows a box in its surround. */
export function closer([top, left, bottom, right], pane = mainPane()) {
  const room = Math.min(pane.width / (right - left + 4), pane.height / (bottom - top + 4)) / 3;
  return Math.max(fitting(pane), room >= 1 ? Math.min(Math.round(CLOSE * hair()), Math.floor(room)) : room);
}

/** Screen place of a film place. */
export function toScreen(column, row, pane = mainPane()) {
  const [x, y] = middle();
  const times = scale();
  return [pane.left + pane.width / 2 + (column - x) * times * aspect(), pane.top + pane.height / 2 + (row - y) * times];
}

/** Film place of a screen place. */
export function toFilm(left, top, pane = mainPane()) {
  const [x, y] = middle();
  const times = scale();
  return [x + (left - pane.left - pane.width / 2) / (times * aspect()), y + (top - pane.top - pane.height / 2) / times];
}

/** Screen place of a pointer event. */
export function pointed(event) {
  const box = at("canvas").getBoundingClientRect();
  return [(event.clientX - box.left) * devicePixelRatio, (event.clientY - box.top) * devicePixelRatio];
}

/** The film pixels that a pane shows around `place` at `times`: [left, top, right, bottom], whole, or null where it shows none. */
export function inSight(pane, place = middle(), times = scale()) {
  const [x, y] = place;
  const [across, down] = [pane.width / 2 / (times * aspect()), pane.height / 2 / times];
  const clip = (value, most) => Math.min(most, Math.max(0, value));
  const { width, height } = state.film;
  const box = [
    clip(Math.floor(x - across), width),
    clip(Math.floor(y - down), height),
    clip(Math.ceil(x + across), width),
    clip(Math.ceil(y + down), height),
  ];
  return box[2] > box[0] && box[3] > box[1] ? box : null;
}

/** Zoom by a factor, keeping the film place under this screen place where it is. */
export function zoomBy(factor, place = null) {
  const pane = mainPane();
  const [left, top] = place ?? [pane.left + pane.width / 2, pane.top + pane.height / 2];
  const [x, y] = toFilm(left, top);
  const wanted = Math.min(MOST, Math.max(LEAST, scale() * factor));
  set({
    middle: [x - (left - pane.left - pane.width / 2) / (wanted * aspect()), y - (top - pane.top - pane.height / 2) / wanted],
    zoom: wanted,
  });
}

/** Show film pixels `times` as large as the screen's, around a place. */
export function zoomTo(times, place = middle()) {
  set({ middle: [...place], zoom: times });
}

/** Move the picture by screen pixels. */
export function pan(dx, dy) {
  const [x, y] = middle();
  const times = scale();
  set({ middle: [x - dx / (times * aspect()), y - dy / times], zoom: times });
}

/** Width of a thin line on the canvas: a pixel where the type has 13, more where it is larger. */
export function hair() {
  return Math.max(1, parseFloat(getComputedStyle(document.documentElement).fontSize) / 13) * devicePixelRatio;
}
