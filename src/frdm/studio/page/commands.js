// All that a key or a button does: one table, from which the keyboard, the hints of buttons and the sheet of keys are made.

import { openAnew } from "./about.js";
import { at, hush, tell } from "./dom.js";
import { decideAlike } from "./filters.js";
import { closer, middleOf, scale, zoomBy, zoomTo } from "./geometry.js";
import { begin } from "./jobs.js";
import { showKeys } from "./keyboard.js";
import * as legend from "./legend.js";
import { again } from "./paint.js";
import { play, step, stop } from "./play.js";
import { decide, go, jump, turn } from "./review.js";
import * as sheet from "./sheet.js";
import { claim } from "./shots.js";
import { sign } from "./signs.js";
import { set, state } from "./state.js";
import { toggleRange } from "./timeline.js";
import { goTo } from "./viewer.js";

const PEEK = 350; // a key held longer than this many milliseconds shows the other side only while it is held
export const LOOKS = ["display", "log", "codes"];
let flippedAt = 0;
let flippedFrom = "after";
let zoomAside = null;

/** Run what a person asked for; a refusal is a sentence. */
function asked(work) {
  return (event) => Promise.resolve(work(event)).catch((error) => tell(error.message, { wrong: true }));
}

function flip() {
  flippedAt = performance.now();
  flippedFrom = state.view;
  set({ view: state.view === "before" ? "after" : "before" });
}

function flipBack() {
  if (performance.now() - flippedAt > PEEK) set({ view: flippedFrom });
}

/** Another view. Neighbours are small: they begin close to the defect at hand, and the zoom comes back after them. */
function show(view) {
  if (view === state.view) return;
  const before = state.view === "neighbours" ? { zoom: zoomAside } : {};
  if (view === "neighbours") zoomAside = state.zoom;
  set({ playing: 0, view, ...before, ...(view === "neighbours" ? { zoom: null } : {}) });
}

/** The defect at hand close up, and back. */
function closeUp() {
  const { defect } = state;
  if (state.zoom !== null && (!defect || Math.abs(scale() - closer(defect.box)) < 0.01)) set({ zoom: null });
  else if (defect) zoomTo(closer(defect.box), middleOf(defect.box));
  else zoomTo(1);
}

/** Another place in a row of values. */
function turned(values, value) {
  return values[(values.indexOf(value) + 1) % values.length];
}

/** The channels that the film has. */
export function channels() {
  const { encoding } = state.film;
  const colours = encoding.layout === "y" ? ["rgb"] : ["rgb", "r", "g", "b", "luma"];
  return [...colours, ...encoding.extra];
}

/** Change how the picture is shown. */
export function tone(changes) {
  set({ tone: { ...state.tone, ...changes } });
}

/** Left and right, up and down: frames and rows; on the sheet, its cells. */
function along(by, down, otherwise) {
  return asked(() => (sheet.open() ? sheet.move(by * (down ? sheet.wide() : 1)) : otherwise(by)));
}

function leave() {
  const wasTool = state.tool !== "move";
  set({ tool: "move" });
  stop();
  if (!wasTool && (sheet.open() || state.view === "stages")) sheet.leave();
  hush();
  at("picture").focus({ preventScroll: true });
}

export const VIEWS = ["before", "after", "wipe", "difference", "neighbours", "sheet", "stages"];
export const TOOLS = [
  ["move", "V"],
  ["brush", "B"],
  ["lasso", "Q"],
  ["line", "T"],
  ["reveal", "R"],
  ["erase", "E"],
  ["protect", "P"],
];
export const JUMPS = [
  ["unreviewed", "N"],
  ["held", "H"],
  ["shot", "]"],
];

/** The table; `button` is the element that does the same. */
export function table() {
  return [...review(), ...moving(), ...looking(), ...tools(), ...rest()];
}

function review() {
  return [
    { group: "review", id: "accept", keys: ["A"], run: asked(() => (sheet.open() ? sheet.takePage() : decide("accept"))), once: true },
    { group: "review", id: "reject", keys: ["X"], run: asked(() => (sheet.open() ? sheet.strike() : decide("reject"))), once: true },
    { group: "review", id: "next", keys: ["ArrowDown"], run: along(1, true, go) },
    { group: "review", id: "last", keys: ["ArrowUp"], run: along(-1, true, go) },
    { group: "review", id: "page", keys: ["Enter"], run: asked(() => (sheet.open() ? sheet.takePage() : go(1))), once: true },
    { group: "review", id: "alike-accept", keys: ["Shift+A"], run: asked(() => decideAlike("accept")), once: true },
    { group: "review", id: "alike-reject", keys: ["Shift+X"], run: asked(() => decideAlike("reject")), once: true },
    { group: "review", id: "again", keys: ["G"], run: asked(() => again()), once: true },
    { group: "review", id: "again-as", keys: ["Shift+G"], run: asked(openAnew), once: true },
    { group: "review", id: "undo", keys: ["Ctrl+Z", "Backspace"], button: "undo", run: asked(() => turn("undo")) },
    { group: "review", id: "redo", keys: ["Ctrl+Shift+Z", "Ctrl+Y"], button: "redo", run: asked(() => turn("redo")) },
  ];
}

function moving() {
  const jumps = JUMPS.flatMap(([to, key]) => {
    const back = key === "]" ? "[" : `Shift+${key}`;
    return [
      { group: "moving", id: `next-${to}`, keys: [key], button: `next-${to}`, run: asked(() => jump(to)) },
      { group: "moving", id: `last-${to}`, keys: [back], run: asked(() => jump(to, true)) },
    ];
  });
  return [
    { group: "moving", id: "back", keys: ["ArrowLeft"], button: "go-back", sign: sign("back"), run: along(-1, false, step) },
    { group: "moving", id: "on", keys: ["ArrowRight"], button: "go-on", sign: sign("on"), run: along(1, false, step) },
    { group: "moving", id: "back-ten", keys: ["Shift+ArrowLeft"], run: () => step(-10) },
    { group: "moving", id: "on-ten", keys: ["Shift+ArrowRight"], run: () => step(10) },
    { group: "moving", id: "first", keys: ["Home"], button: "go-first", sign: sign("first"), run: () => goTo(0) },
    { group: "moving", id: "end", keys: ["End"], button: "go-last", sign: sign("last"), run: () => goTo(state.film.frames - 1) },
    {
      group: "moving",
      id: "play",
      keys: ["Space"],
      button: "go-play",
      sign: sign("play"),
      run: () => play(state.playing ? state.playing : 1),
      once: true,
    },
    {
      group: "moving",
      id: "play-back",
      keys: ["J"],
      run: () => play(state.playing < 0 ? Math.max(-8, state.playing * 2) : -1),
      once: true,
    },
    { group: "moving", id: "play-stop", keys: ["K"], run: stop },
    { group: "moving", id: "play-on", keys: ["L"], run: () => play(state.playing > 0 ? Math.min(8, state.playing * 2) : 1), once: true },
    ...jumps,
    { group: "moving", id: "range", keys: ["\\"], run: toggleRange },
  ];
}

function looking() {
  return [
    ...VIEWS.map((view, index) => ({
      group: "looking",
      id: `view-${view}`,
      keys: [String(index + 1)],
      button: `view-${view}`,
      run: () => show(view),
    })),
    { group: "looking", id: "flip", keys: ["F"], run: flip, end: flipBack },
    { group: "looking", id: "matte", keys: ["M"], button: "matte", run: () => set({ matte: !state.matte }) },
    { group: "looking", id: "kinds", keys: ["Shift+M"], run: legend.focus },
    { group: "looking", id: "origin", keys: ["W"], button: "origin", run: () => set({ origin: !state.origin }) },
    { group: "looking", id: "outlines", keys: ["O"], run: () => set({ outlines: !state.outlines }) },
    { group: "looking", id: "close", keys: ["Z"], run: closeUp },
    { group: "looking", id: "fit", keys: ["0"], button: "zoom-fit", run: () => set({ zoom: null }) },
    { group: "looking", id: "one", keys: ["9"], button: "zoom-one", run: () => zoomTo(1) },
    { group: "looking", id: "closer", keys: ["+", "="], button: "zoom-in", sign: "+", run: () => zoomBy(Math.SQRT2) },
    { group: "looking", id: "further", keys: ["-"], button: "zoom-out", sign: "−", run: () => zoomBy(Math.SQRT1_2) },
    { group: "looking", id: "look", keys: ["I"], run: () => tone({ look: turned(LOOKS, state.tone.look) }) },
    { group: "looking", id: "channel", keys: ["C"], run: () => tone({ channel: turned(channels(), state.tone.channel) }) },
    { group: "looking", id: "gamma", keys: ["Shift+I"], run: () => tone({ gamma: 1 }) },
  ];
}

function tools() {
  const width = (times) => () => set({ brush: Math.min(160, Math.max(1, Math.round(state.brush * times + Math.sign(times - 1)))) });
  return [
    ...TOOLS.map(([tool, key]) => ({
      group: "tools",
      id: tool,
      keys: [key],
      button: `tool-${tool}`,
      sign: sign(tool),
      run: () => set({ tool }),
    })),
    { group: "tools", id: "thinner", keys: [","], run: width(0.87) },
    { group: "tools", id: "wider", keys: ["."], run: width(1.15) },
  ];
}

function rest() {
  return [
    { group: "rest", id: "render", keys: ["Ctrl+Enter"], button: "render", run: asked(() => begin("render")) },
    { group: "rest", id: "claim", keys: ["Ctrl+L"], run: asked(() => claim()) },
    { group: "rest", id: "filter", keys: ["/"], run: () => at("panel-defects").querySelector("button").focus() },
    { group: "rest", id: "list", keys: ["Ctrl+ArrowDown"], run: () => at("rows").focus() },
    { group: "rest", id: "leave", keys: ["Escape"], run: leave },
    { group: "rest", id: "help", keys: ["?", "F1"], button: "help", sign: "?", run: showKeys },
  ];
}
