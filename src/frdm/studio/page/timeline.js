// The timeline: how much was found where, what is left to look at, cuts, protected ranges; drag to scrub, double-click for the shot alone.

import { get } from "./api.js";
import { at, eachFrame, say } from "./dom.js";
import { lineColour } from "./legend.js";
import { timecode } from "./play.js";
import { current } from "./shots.js";
import { on, set, state } from "./state.js";
import { goTo } from "./viewer.js";

const GREYS = { accepted: "#8f8f8f", held: "#f2f2f2" }; // rejected: as its sign
const draw = eachFrame(drawNow);
let dragging = false;
let reloads = 0;
let ground = { of: null, drawn: null }; // all but the head, drawn once for each density

export function start() {
  const place = at("time");
  place.addEventListener("pointerdown", (event) => {
    dragging = true;
    place.setPointerCapture(event.pointerId);
    set({ playing: 0 });
    goTo(frameAt(event));
  });
  place.addEventListener("pointermove", (event) => {
    if (dragging) goTo(frameAt(event));
    place.title = String(frameAt(event));
  });
  place.addEventListener("lostpointercapture", () => (dragging = false));
  place.addEventListener("dblclick", toggleRange);
  place.addEventListener("wheel", wheeled, { passive: false });
  new ResizeObserver(draw).observe(place);
  on("frame density film job", draw);
  on("legend", () => {
    ground = { of: null, drawn: null };
    draw();
  });
  on("range", () => reload().catch(() => null));
}

/** What the timeline shows: [start, stop]. */
function range() {
  return state.range ?? state.project?.range ?? [0, state.film.frames];
}

/** The whole film, or the shot at hand alone. */
export function toggleRange() {
  const shot = current();
  set({ range: state.range || !shot ? null : [shot.start, shot.stop] });
}

function wheeled(event) {
  event.preventDefault();
  if (!event.deltaY) return null;
  const [start, stop] = range();
  const [first, last] = state.project?.range ?? [0, state.film.frames];
  const wanted = Math.min(last - first, Math.max(8, Math.round((stop - start) * (event.deltaY > 0 ? 1.25 : 0.8))));
  if (wanted >= last - first) return set({ range: null });
  const frame = frameAt(event);
  const from = Math.round(frame - ((frame - start) / (stop - start)) * wanted);
  const begin = Math.min(last - wanted, Math.max(first, from));
  return set({ range: [begin, begin + wanted] });
}

function frameAt(event) {
  const box = at("time").getBoundingClientRect();
  const [start, stop] = range();
  const share = Math.min(0.999999, Math.max(0, (event.clientX - box.left) / box.width));
  return Math.floor(start + share * (stop - start));
}

/** Ask for the counts that are shown. */
export async function reload() {
  if (!state.film) return;
  const [start, stop] = range();
  const bins = Math.max(1, Math.min(4000, stop - start, Math.round(at("time").clientWidth * devicePixelRatio)));
  reloads += 1;
  const mine = reloads;
  const density = await get("/api/density", { bins, start, stop });
  if (mine === reloads) set({ density });
}

function drawNow() {
  const canvas = at("timeline");
  const { clientWidth, clientHeight } = at("time");
  const [wide, high] = [clientWidth, clientHeight].map((length) => Math.max(1, Math.round(length * devicePixelRatio)));
  if (canvas.width !== wide || canvas.height !== high) [canvas.width, canvas.height] = [wide, high];
  if (!state.film) return;
  const unit = parseFloat(getComputedStyle(document.documentElement).fontSize) * devicePixelRatio;
  const [start, stop] = range();
  const across = (frame) => ((frame - start) / (stop - start)) * canvas.width;
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, wide, high);
  if (state.density && (ground.of !== state.density || ground.drawn.width !== canvas.width || ground.drawn.height !== canvas.height)) {
    ground = { of: state.density, drawn: new OffscreenCanvas(canvas.width, canvas.height) };
    drawCuts(ground.drawn.getContext("2d"), across, unit);
    drawBars(ground.drawn.getContext("2d"), across, unit);
  }
  if (ground.drawn) context.drawImage(ground.drawn, 0, 0);
  drawHead(context, across, unit);
  describe();
}

function drawCuts(context, across, unit) {
  const { height } = context.canvas;
  const { cuts, protected: kept } = state.density;
  const ends = [...cuts.slice(1), range()[1]];
  context.font = `${unit * 0.78}px system-ui, sans-serif`;
  cuts.forEach((cut, index) => {
    const [left, right] = [across(cut), across(ends[index])];
    context.fillStyle = index % 2 ? "#212121" : "#272727";
    context.fillRect(left, unit * 1.15, right - left, height);
    context.fillStyle = "#5c5c5c";
    context.fillRect(Math.round(left), 0, 1, height);
    if (right - left > unit * 2.6) {
      context.fillStyle = "#a8a8a8";
      context.fillText(String(cut), left + unit * 0.3, unit * 0.85);
    }
  });
  context.fillStyle = "#bdbdbd";
  for (const [from, to] of kept) context.fillRect(across(from), unit * 1.15, Math.max(2, across(to) - across(from)), 3);
}

function drawBars(context, across, unit) {
  const { height } = context.canvas;
  const { bins, start, frames_per_bin: per, accepted, rejected, held, unreviewed, painted, analysed } = state.density;
  const [top, bottom] = [unit * 1.45, height - unit * 0.75];
  const most = Math.max(1, ...accepted.map((n, i) => n + rejected[i] + held[i]));
  const tall = (n) => Math.sqrt(n / most) * (bottom - top);
  for (let i = 0; i < bins; i += 1) {
    const left = Math.round(across(start + i * per));
    const wide = Math.max(1, Math.round(across(start + (i + 1) * per)) - left - (per <= 1 && bins < 400 ? 1 : 0));
    const all = accepted[i] + rejected[i] + held[i];
    if (analysed[i] < 1) hatch(context, left, top, wide, bottom - top);
    let from = bottom;
    for (const [status, n] of [
      ["accepted", accepted[i]],
      ["rejected", rejected[i]],
      ["held", held[i]],
    ]) {
      if (!n) continue;
      const high = (tall(all) * n) / all;
      context.fillStyle = GREYS[status] ?? lineColour(status);
      context.fillRect(left, from - high, wide, high);
      if (status === "rejected") crossOut(context, [left, from - high, wide, high], unit);
      from -= high;
    }
    context.fillStyle = "#ffffff";
    if (painted[i]) context.fillRect(left, top - 3, wide, 2);
    if (!all) continue;
    context.fillStyle = "#3d3d3d";
    context.fillRect(left, height - unit * 0.5, wide, unit * 0.28);
    context.fillStyle = "#d2d2d2";
    context.fillRect(left, height - unit * 0.5, wide * (1 - unreviewed[i] / all), unit * 0.28);
  }
}

/** Dark lines through what was rejected, aslant as on its sign; on narrow bars they are dots of it. */
function crossOut(context, [left, top, wide, high], unit) {
  const step = unit * 0.5;
  context.save();
  context.beginPath();
  context.rect(left, top, wide, high);
  context.clip();
  context.beginPath();
  for (let sum = Math.ceil((left + top) / step) * step; sum < left + wide + top + high; sum += step) {
    context.moveTo(sum - top, top); // x + y = sum: the lines of neighbouring bars meet
    context.lineTo(sum - top - high, top + high);
  }
  context.strokeStyle = "#101010";
  context.lineWidth = step * 0.3;
  context.stroke();
  context.restore();
}

/** Frames that were not analysed yet. */
function hatch(context, left, top, wide, high) {
  context.fillStyle = "#1b1b1b";
  context.fillRect(left, top, wide, high);
  context.fillStyle = "#303030";
  for (let y = top; y < top + high; y += 6) context.fillRect(left, y, wide, 1);
}

function drawHead(context, across, unit) {
  const { height } = context.canvas;
  const [left, right] = [across(state.frame), across(state.frame + 1)];
  const x = Math.round((left + right) / 2);
  context.fillStyle = "#ffffff26";
  context.fillRect(left, 0, Math.max(1, right - left), height);
  context.fillStyle = "#ffffff";
  context.fillRect(x - 1, 0, 2, height);
  context.beginPath();
  context.moveTo(x - unit * 0.4, 0);
  context.lineTo(x + unit * 0.4, 0);
  context.lineTo(x, unit * 0.6);
  context.fill();
}

function describe() {
  const place = at("time");
  place.setAttribute("aria-valuemin", 0);
  place.setAttribute("aria-valuemax", state.film.frames - 1);
  place.setAttribute("aria-valuenow", state.frame);
  place.setAttribute("aria-valuetext", say("timeline.spoken", { frame: state.frame, time: timecode(state.frame) }));
}
