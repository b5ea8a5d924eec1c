// What the page knows and shows, in one place; parts listen to the names that concern them.

const heard = new Map();

export const state = {
  project: null, // what the server says of the project
  film: null, // … and of its film
  legend: null, // … and of the colours of its overlays
  engines: [{ name: "auto", available: true, sentence: "" }], // the ways to mend by hand
  shots: [],
  frame: 0,
  view: "after", // before, after, wipe, difference, neighbours, stages, sheet
  wipe: 0.5, // place of the wipe's edge, a share of the picture's width
  times: 8, // how much a difference is multiplied
  matte: false, // show mattes by kind
  hiddenKinds: [], // kinds whose mattes are left out
  origin: false, // show where pixels came from
  outlines: true, // show boxes around defects
  tone: { look: "display", gamma: 1, channel: "rgb" },
  zoom: null, // screen pixels a film pixel; null: the whole picture
  middle: [0, 0], // film column and row in the middle of the viewer
  tool: "move",
  brush: 12, // width in film pixels
  defect: null, // the defect at hand, as the server tells it
  playing: 0, // frames a step, 0: still
  version: null, // of the project, as the server counts it
  density: null, // what the timeline shows
  range: null, // [start, stop] that the timeline shows; null: the whole film
  job: null,
};

/** Set some names and tell those who listen to any of them. */
export function set(changes) {
  const changed = Object.keys(changes).filter((name) => state[name] !== changes[name]);
  Object.assign(state, changes);
  emit(...changed);
}

/** Listen to names; `work` is called once however many of them change together. */
export function on(names, work) {
  for (const name of names.split(" ")) {
    if (!heard.has(name)) heard.set(name, new Set());
    heard.get(name).add(work);
  }
}

/** Tell those who listen to these names. */
export function emit(...names) {
  const called = new Set();
  for (const name of names) for (const work of heard.get(name) ?? []) called.add(work);
  for (const work of called) work();
}
