// The picture: what each view is made of, where it comes from, and how it is drawn.

import { at, eachFrame, say, tell } from "./dom.js";
import { ACROSS, aspect, fitting, inSight, mainPane, middle, panes, scale, toScreen } from "./geometry.js";
import { about, address, fetchAhead, known, picture, ready } from "./pictures.js";
import { emit, on, set, state } from "./state.js";

const GRID = 64; // crops begin and end at multiples of it, so that a small move needs no new picture
const STEP = 160; // widths of whole pictures are multiples of it
const PLAYING = 960; // most columns of a whole picture while the film plays
const EXACT = 1.5e6; // most pixels of a crop that is sent without loss
const FRAMES = 2; // frames of which pictures may be under way for the screen: while one scrubs, the newest is asked for next

const stale = new Map(); // place in the drawing → the last bitmap that was drawn there
const underway = new Map(); // frame → its pictures that are under way for the screen
const failed = new Map(); // address → when it failed
const RESTED = 3000; // milliseconds until what failed is asked for again
let preparing = 0;
export const draw = eachFrame(drawNow);

/** Listen to all that changes the picture. */
export function start() {
  on("frame frame-known view wipe times matte origin hiddenKinds tone zoom middle film defect playing pictures", draw);
  on("view", () => stale.clear());
  new ResizeObserver(fitCanvas).observe(at("picture"));
  fitCanvas();
}

function fitCanvas() {
  const { clientWidth, clientHeight } = at("picture");
  for (const canvas of [at("canvas"), at("marks")]) {
    canvas.width = Math.max(1, Math.round(clientWidth * devicePixelRatio));
    canvas.height = Math.max(1, Math.round(clientHeight * devicePixelRatio));
  }
  emit("size");
  draw();
}

/** The two pictures of a layer: the whole frame reduced, and true pixels of what is in sight where that shows more. */
function sources(layer, pane, { place = middle(), times = scale(), playing = state.playing !== 0 } = {}) {
  const { width } = state.film;
  const version = known(layer.frame)?.version ?? null;
  const screen = width * aspect() * (state.zoom === null ? times : Math.min(times, fitting(pane)));
  const native = Math.round(width * aspect());
  const most = Math.min(native, playing ? PLAYING : 4096);
  const columns = Math.max(16, Math.min(most, Math.ceil(screen / STEP) * STEP));
  const found = { whole: address(layer.frame, { ...layer.query, width: columns, version }), detail: null };
  if (playing || times * width * aspect() <= columns * 1.05) return found;
  const sight = inSight(pane, place, times);
  if (sight) found.detail = detail(layer, sight, times, version);
  return found;
}

function detail(layer, sight, times, version) {
  const { width, height } = state.film;
  const crop = [
    Math.floor(sight[0] / GRID) * GRID,
    Math.floor(sight[1] / GRID) * GRID,
    Math.min(width, Math.ceil(sight[2] / GRID) * GRID),
    Math.min(height, Math.ceil(sight[3] / GRID) * GRID),
  ];
  const across = crop[2] - crop[0];
  const columns = Math.max(16, Math.round(across * aspect() * Math.min(1, times)));
  const pixels = across * (crop[3] - crop[1]);
  const form = times >= 1 && pixels <= EXACT ? "png" : null;
  return { crop, url: address(layer.frame, { ...layer.query, crop, width: Math.min(4096, columns), form, version }) };
}

/** What a view lays over each other, from the bottom up. */
function layers(frame = state.frame) {
  const plain = (view) => ({ frame, query: { view } });
  const made = {
    before: [plain("before")],
    after: [plain("after")],
    wipe: [plain("before"), { ...plain("after"), part: "right" }],
    difference: [{ frame, query: { view: "difference", gain: state.times } }],
  }[state.view] ?? [plain("after")];
  const over = { toned: false, ground: "none" };
  const kind = kindsSeen();
  if (state.matte && (kind === null || kind.length))
    made.push({ frame, over: true, query: { view: "overlay", status: ["accepted", "held", "rejected"], kind, ...over } });
  if (state.origin) made.push({ frame, over: true, query: { view: "provenance", ...over } });
  return made;
}

/** Kinds whose mattes are shown: those of this project that nobody switched off; null for all. */
function kindsSeen() {
  if (!state.hiddenKinds.length) return null;
  return (state.project?.kinds ?? []).filter(({ name, count }) => count > 0 && !state.hiddenKinds.includes(name)).map(({ name }) => name);
}

function drawNow() {
  if (!state.film) return;
  if (["sheet", "stages"].includes(state.view)) {
    at("picture").classList.remove("loading"); // they say themselves when they are drawn
    return;
  }
  if (!known(state.frame)) {
    mark(false); // it is being asked for, and drawn when it is known
    return;
  }
  const context = at("canvas").getContext("2d", { alpha: false });
  context.fillStyle = getComputedStyle(at("picture")).getPropertyValue("--surround");
  context.fillRect(0, 0, context.canvas.width, context.canvas.height);
  const whole = state.view === "neighbours" ? drawNeighbours(context) : drawLayers(context, layers(), mainPane(), "main");
  mark(whole);
  if (whole) emit("drawn");
}

function mark(whole) {
  at("picture").classList.toggle("loading", !whole);
  at("picture").dataset.drawn = whole ? `${state.frame} ${state.view}` : "";
}

/** Draw all layers of a pane; true when every picture that it is made of was there. */
function drawLayers(context, made, pane, slot) {
  context.save();
  context.beginPath();
  context.rect(pane.left, pane.top, pane.width, pane.height);
  context.clip();
  let whole = true;
  for (const layer of made) {
    const edge = toScreen(state.wipe * state.film.width, 0, pane)[0];
    context.save();
    if (layer.part === "right") {
      context.beginPath();
      context.rect(edge, pane.top, pane.left + pane.width - edge, pane.height);
      context.clip();
    }
    whole = drawLayer(context, layer, pane, `${slot} ${layer.query.view}`) && whole;
    context.restore();
  }
  context.restore();
  return whole;
}

function drawLayer(context, layer, pane, slot) {
  const { whole, detail } = sources(layer, pane);
  const full = { url: whole, crop: [0, 0, state.film.width, state.film.height] };
  let complete = true;
  for (const part of detail ? [full, detail] : [full]) {
    const key = `${slot} ${part === detail ? "detail" : "whole"}`;
    const bitmap = fetched(part.url, layer.frame);
    if (bitmap) stale.set(key, { bitmap, crop: part.crop, frame: layer.frame });
    const shown = stale.get(key);
    if (!bitmap && !(part === full && detail && ready(detail.url))) complete = false;
    const late = !bitmap && shown?.frame !== layer.frame; // an old whole picture is better than none, an old detail is not
    if (!shown?.bitmap.width || (late && (layer.over || part === detail))) continue;
    place(context, shown, pane);
  }
  return complete;
}

/** The bitmap at `url` if it is here; asked for otherwise, and drawn when it comes. */
function fetched(url, frame) {
  const bitmap = ready(url);
  const most = state.view === "neighbours" ? FRAMES + ACROSS : FRAMES;
  if (bitmap || (!underway.has(frame) && underway.size >= most)) return bitmap;
  const urls = underway.get(frame) ?? new Set();
  if (urls.has(url) || performance.now() - (failed.get(url) ?? -RESTED) < RESTED) return null;
  underway.set(frame, urls.add(url));
  picture(url)
    .then(
      () => failed.delete(url),
      (error) => {
        failed.set(url, performance.now());
        tell(say("wrong.picture", { reason: error.message }), { wrong: true });
      },
    )
    .then(() => {
      urls.delete(url);
      if (!urls.size && underway.get(frame) === urls) underway.delete(frame);
      draw();
    });
  return null;
}

function place(context, { bitmap, crop }, pane) {
  const [left, top] = toScreen(crop[0], crop[1], pane);
  const [right, bottom] = toScreen(crop[2], crop[3], pane);
  const [x, y] = [Math.round(left), Math.round(top)];
  const closeUp = state.zoom !== null && scale() >= 1;
  context.imageSmoothingEnabled = !closeUp;
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, x, y, Math.round(right) - x, Math.round(bottom) - y);
}

/** The frames around, scan above and restored below; frames beyond the shot stay empty. */
function drawNeighbours(context) {
  const inside = together();
  let whole = true;
  panes().forEach((pane, index) => {
    const frame = state.frame + (index % ACROSS) - Math.floor(ACROSS / 2);
    const view = index < ACROSS ? "before" : "after";
    const inner = { left: pane.left + 1, top: pane.top + 1, width: pane.width - 2, height: pane.height - 2 };
    if (inside.includes(frame)) {
      if (!known(frame)) about(frame).then(draw, () => null);
      whole = drawLayers(context, [{ frame, query: { view } }], inner, `pane ${index}`) && whole;
    }
    nameOf(context, pane, frame, inside.includes(frame), view);
  });
  return whole;
}

/** Frames that are shown beside the one at hand: of its shot, or of a film whose shots nobody knows yet. */
function together() {
  if (state.project?.begun) return known(state.frame)?.neighbours ?? [state.frame];
  const beside = Array.from({ length: ACROSS }, (_, index) => state.frame + index - Math.floor(ACROSS / 2));
  return beside.filter((frame) => frame >= 0 && frame < state.film.frames);
}

function nameOf(context, pane, frame, inside, view) {
  const size = 0.85 * parseFloat(getComputedStyle(document.documentElement).fontSize) * devicePixelRatio;
  const offset = frame - state.frame;
  const signed = offset > 0 ? `+${offset}` : offset < 0 ? `−${-offset}` : say("neighbours.here");
  const text = inside ? `${signed}   ${frame}   ${say(`view.${view}`)}` : say("neighbours.none", { offset: signed });
  context.font = `${size}px system-ui, sans-serif`;
  const wide = context.measureText(text).width;
  context.fillStyle = "#101010cc";
  context.fillRect(pane.left + 4, pane.top + 4, wide + size, size * 1.6);
  context.fillStyle = offset === 0 ? "#ffffff" : "#c8c8c8";
  context.fillText(text, pane.left + 4 + size / 2, pane.top + 4 + size * 1.15);
}

/** Fetch what the view will need for these frames, each around a place (null: where the viewer is). */
export async function prepare(coming) {
  const urls = [];
  preparing += 1;
  const mine = preparing;
  for (const { frame, place } of coming) {
    if (!known(frame)) await about(frame).catch(() => null);
    const around = place && state.zoom !== null ? place : middle();
    for (const layer of state.view === "neighbours" ? [] : layers(frame)) {
      const { whole, detail } = sources(layer, mainPane(), { place: around });
      urls.push(whole);
      if (detail) urls.push(detail.url);
    }
  }
  if (mine === preparing) fetchAhead(urls);
}

/** Go to a frame, if the film has it. */
export function goTo(frame) {
  const last = state.film.frames - 1;
  set({ frame: Math.min(last, Math.max(0, Math.round(frame))) });
}
