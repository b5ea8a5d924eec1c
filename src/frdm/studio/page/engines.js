// The choice of an engine: those that this server can use now; others are named with the reason why not.

import { get } from "./api.js";
import { make, named } from "./dom.js";
import { set, state } from "./state.js";

/** Ask which engines there are. */
export async function reload() {
  set({ engines: (await get("/api/engines")).engines });
}

/** A list of engines; `changed` is told the one that was chosen. */
export function engineChoice({ value, changed, without = null, ...attributes }) {
  const wanted = state.engines.filter(({ name }) => name !== without);
  const chosen = make(
    "select",
    { ...attributes, change: () => changed(chosen.value) },
    ...wanted.map(({ name, available }) =>
      make("option", { value: name, text: named("engine", name), selected: name === value && available, disabled: !available }),
    ),
  );
  chosen.title = wanted
    .filter(({ available }) => !available)
    .map(({ name, sentence }) => `${named("engine", name)}: ${sentence}`)
    .join(" ");
  return chosen;
}
