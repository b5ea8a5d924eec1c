// Playing: one frame after the other at the film's rate, as fast as pictures come.

import { at } from "./dom.js";
import { sign } from "./signs.js";
import { emit, on, set, state } from "./state.js";
import { goTo, prepare } from "./viewer.js";

const AHEAD = 10;
let began = 0;
let from = 0;

/** Play `speed` frames a step (negative: backwards), or stop when the same is asked for again. */
export function play(speed) {
  const wanted = state.playing === speed ? 0 : speed;
  set({ playing: wanted });
  if (!wanted) return;
  restart();
  requestAnimationFrame(tick);
}

/** Stop. */
export function stop() {
  if (state.playing) set({ playing: 0 });
}

/** One step, or several; stops a playing film. */
export function step(by) {
  stop();
  goTo(state.frame + by);
}

function restart() {
  began = performance.now();
  from = state.frame;
}

function tick(now) {
  if (!state.playing) return;
  requestAnimationFrame(tick);
  if (at("picture").classList.contains("loading")) {
    restart(); // pictures come more slowly than the film runs: go on from here, leave none out
    return;
  }
  const due = from + Math.trunc(((now - began) / 1000) * state.film.rate_value * state.playing);
  const next = state.frame + Math.sign(state.playing) * Math.min(Math.abs(due - state.frame), Math.abs(state.playing));
  if (next === state.frame) return;
  if (next < 0 || next >= state.film.frames) {
    set({ playing: 0 });
    return;
  }
  goTo(next);
  ahead();
}

function ahead() {
  const coming = [];
  for (let i = 1; i <= AHEAD; i += 1) {
    const frame = state.frame + i * state.playing;
    if (frame >= 0 && frame < state.film.frames) coming.push({ frame, place: null });
  }
  prepare(coming);
}

/** The row of buttons, the frame's number and its time. */
export function start() {
  const number = at("frame");
  number.addEventListener("change", () => goTo(Number(number.value) || 0));
  number.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === "Escape") at("picture").focus();
  });
  on("frame film", () => {
    if (!state.film) return;
    number.max = state.film.frames - 1;
    if (document.activeElement !== number) number.value = state.frame;
    at("timecode").textContent = timecode(state.frame);
  });
  on("playing", () => at("go-play").replaceChildren(sign(state.playing ? "stop" : "play")));
  emit("playing");
}

/** Hours, minutes, seconds and frames of a frame. */
export function timecode(frame) {
  const rate = Math.max(1, Math.round(state.film.rate_value));
  const seconds = Math.floor(frame / rate);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60, frame % rate];
  return parts.map((part) => String(part).padStart(2, "0")).join(":");
}
