// What a window remembers over a reload: the place in this project; and what a person prefers, in every project.

import { settled } from "./dom.js";
import { on, set, state } from "./state.js";

const REST = 300; // milliseconds of rest before it is written down
const PLACE = "frdm-place";
const TASTE = "frdm-taste";
const PLACES = ["frame", "view", "zoom", "middle", "range"];
const TASTES = ["matte", "origin", "outlines", "hiddenKinds", "times", "tone", "brush"];

/** Take up what was remembered, as far as it fits this film, and remember from now on. */
export function start() {
  const taste = read(localStorage, TASTE);
  if (taste.tone) taste.tone = { ...state.tone, ...taste.tone, channel: state.tone.channel }; // another film may not have that channel
  const { project, ...place } = read(sessionStorage, PLACE);
  const here = project === identity() ? place : {};
  set({ ...chosen(taste, TASTES), ...(fits(here) ? chosen(here, PLACES) : {}) });
  on([...PLACES, ...TASTES].join(" "), settled(remember, REST));
  addEventListener("pagehide", remember);
}

function remember() {
  write(sessionStorage, PLACE, { project: identity(), ...chosen(state, PLACES) });
  write(localStorage, TASTE, chosen(state, TASTES));
}

function identity() {
  const { name, folder, film } = state.project;
  return [name, folder, film.width, film.height, film.frames].join("/");
}

function fits({ frame }) {
  return Number.isInteger(frame) && frame >= 0 && frame < state.film.frames;
}

/** The values of some names, as far as they are of the sort that `state` has. */
function chosen(found, names) {
  const same = (name) => found[name] !== undefined && (found[name] === null || state[name] === null || sort(found[name]) === sort(state[name]));
  return Object.fromEntries(names.filter(same).map((name) => [name, found[name]]));
}

function sort(value) {
  return Array.isArray(value) ? "list" : typeof value;
}

function read(store, name) {
  try {
    return JSON.parse(store.getItem(name)) ?? {};
  } catch {
    return {};
  }
}

function write(store, name, value) {
  try {
    store.setItem(name, JSON.stringify(value));
  } catch {
    // a browser that lets nothing be stored: then nothing is remembered
  }
}
