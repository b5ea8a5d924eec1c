// What colours mean, as long as there are colours on the picture; each kind's matte can be switched off by itself. And the sign of a
// status, which is the same wherever it stands: a box in a whole line, in dashes, or crossed out in the one colour that the page has.

import { get } from "./api.js";
import { at, make, named, say, shown } from "./dom.js";
import { on, set, state } from "./state.js";

const LINE = { accepted: "whole", held: "dashed", rejected: "crossed" };
const GREY = { accepted: "#b4b4b4", held: "#ffffff", rejected: "#b4b4b4" }; // on the picture; rejected until its colour is known

export function start() {
  on("view matte origin hiddenKinds project", build);
}

async function build() {
  const place = at("legend");
  place.hidden = !(state.matte || state.origin) || ["sheet", "stages"].includes(state.view);
  if (place.hidden) return;
  if (!(await colours().catch(() => null))) return;
  const focused = document.activeElement?.dataset.kind;
  const present = (state.project?.kinds ?? []).filter(({ count }) => count > 0);
  const kinds = state.matte ? present.map(kindSwitch) : [];
  const origins = state.origin ? state.legend.provenance.map(originSwatch) : [];
  place.replaceChildren(...kinds, ...origins);
  place.querySelector(`[data-kind="${CSS.escape(focused ?? "")}"]`)?.focus({ preventScroll: true });
}

/** What colours and lines mean, asked for once. */
export async function colours() {
  if (state.legend) return state.legend;
  const legend = await get("/api/legend");
  document.documentElement.style.setProperty("--rejected", legend.statuses.find(({ name }) => name === "rejected").colour);
  set({ legend });
  return legend;
}

/** In which colour a status is drawn on the picture. */
export function lineColour(status) {
  const told = status === "rejected" && state.legend?.statuses.find(({ name }) => name === status);
  return told ? told.colour : GREY[status];
}

/** The class of an element that is a status's sign; none for no status. */
export function signOf(status) {
  return status ? `sign ${LINE[status]}` : "";
}

/** A patch of a colour: filled or hatched ("generated"), or a status's box in its line ("whole", "dashed", "crossed"). */
export function swatch(colour, sign = "filled") {
  const patch = make("i", { class: `swatch ${sign}` });
  patch.style.setProperty("--colour", colour);
  return patch;
}

/** A button that shows or hides the mattes of a kind; with Shift this kind alone, or all. */
function kindSwitch({ name, count }) {
  const { colour } = state.legend.kinds.find((one) => one.name === name) ?? {};
  const word = named("kind", name);
  return make(
    "button",
    {
      type: "button",
      class: "plain",
      "data-kind": name,
      "aria-pressed": String(!state.hiddenKinds.includes(name)),
      title: say("legend.hint"),
      pointerdown: (event) => event.stopPropagation(),
      click: (event) => toggle(name, event.shiftKey),
    },
    swatch(colour),
    word,
    make("small", { class: "dim", text: shown(count) }),
  );
}

function toggle(name, alone) {
  const hidden = state.hiddenKinds;
  const others = (state.project?.kinds ?? []).map((kind) => kind.name).filter((kind) => kind !== name);
  if (alone) set({ hiddenKinds: others.every((kind) => hidden.includes(kind)) ? [] : others });
  else set({ hiddenKinds: hidden.includes(name) ? hidden.filter((kind) => kind !== name) : [...hidden, name] });
}

function originSwatch({ name, colour }) {
  return make("span", {}, swatch(colour, name === "generated" ? "generated" : "filled"), named("origin", name));
}

/** To the switches, by key; they are shown first. */
export function focus() {
  if (!state.matte) set({ matte: true });
  requestAnimationFrame(() => at("legend").querySelector("button")?.focus());
}
