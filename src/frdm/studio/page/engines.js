// The choice of an engine: those that this server can use now, by which weights; others are named with the reason why not.

import { get } from "./api.js";
import { make, named, say } from "./dom.js";
import { set, state } from "./state.js";

const SUM = 12; // figures of a digest that are shown

/** Ask which engines there are. */
export async function reload() {
  set({ engines: (await get("/api/engines")).engines });
}

/** What is to be known of the chosen engine: by which weights it generates; and why others can't be had. */
export function engineNote(chosen) {
  const { weights } = state.engines.find(({ name }) => name === chosen) ?? {};
  const missing = state.engines.filter(({ available }) => !available);
  const reasons = missing.map(({ name, sentence }) => say("engine.missing", { engine: named("engine", name), sentence }));
  return [...(weights ? [weightsNote(weights)] : []), ...reasons].join(" ");
}

function weightsNote({ folder, sha256, other }) {
  const sum = sha256.slice(0, SUM);
  const by = folder === null ? say("weights.shipped", { sum }) : say("weights.own", { folder, sum });
  return other ? `${by} ${say("weights.other")}` : by;
}

/** A list of engines; `changed` is told the one that was chosen. */
export function engineChoice({ value, changed, without = null, ...attributes }) {
  const wanted = state.engines.filter(({ name }) => name !== without);
  const chosen = make(
    "select",
    {
      ...attributes,
      change: () => {
        chosen.title = engineNote(chosen.value);
        changed(chosen.value);
      },
    },
    ...wanted.map(({ name, available }) =>
      make("option", { value: name, text: named("engine", name), selected: name === value && available, disabled: !available }),
    ),
  );
  chosen.title = engineNote(chosen.value);
  return chosen;
}
