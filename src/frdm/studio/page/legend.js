// What colours mean, as long as there are colours on the picture; each kind's matte can be switched off by itself.

import { get } from "./api.js";
import { at, make, named, say, shown } from "./dom.js";
import { on, set, state } from "./state.js";

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
  state.legend ??= await get("/api/legend");
  return state.legend;
}

/** A patch of a colour: filled or hatched ("generated"), or a box in a line ("whole", "dashed", "crossed"). */
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
