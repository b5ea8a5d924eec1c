// The pipeline for the frame at hand: each stage as a picture with what it found.

import { get } from "./api.js";
import { at, make, named, say, settled, tell } from "./dom.js";
import { aspect } from "./geometry.js";
import { on, state } from "./state.js";

let loads = 0;

export function start() {
  on("view frame size pictures", soon);
}

const soon = settled(() => {
  if (state.view === "stages") load().catch((error) => tell(error.message, { wrong: true }));
}, 120);

async function load() {
  const { frame } = state;
  loads += 1;
  const mine = loads;
  const { stages } = await get(`/api/frames/${frame}/pipeline`);
  if (mine !== loads || frame !== state.frame || state.view !== "stages") return;
  const sheet = at("sheet");
  const wide = stages.length > 6 ? 4 : 3;
  const unit = parseFloat(getComputedStyle(document.documentElement).fontSize);
  const room = (at("picture").clientWidth - 2 * unit) / wide - unit;
  const pixels = Math.max(480, Math.min(1600, Math.round((room * devicePixelRatio) / 80) * 80));
  sheet.style.setProperty("--across", wide);
  sheet.style.setProperty("--shape", (state.film.width * aspect()) / state.film.height);
  sheet.replaceChildren(...stages.map((stage, index) => figure(stage, index, pixels)));
  at("picture").dataset.drawn = `${frame} stages`;
}

function figure(stage, index, pixels) {
  const facts = Object.entries(stage.facts ?? {}).flatMap(([name, value]) => [make("dt", { text: name }), make("dd", { text: value })]);
  const picture = stage.available && stage.picture ? pictureOf(stage, pixels) : make("div", { class: "none", text: say("stage.none") });
  return make(
    "figure",
    { class: stage.available ? "stage" : "stage away" },
    make(
      "figcaption",
      {},
      make("h3", {}, make("span", { class: "step", text: String(index + 1) }), named("stage", stage.name)),
      make("p", { class: "dim", text: named("stage.why", stage.name) }),
    ),
    picture,
    make("dl", {}, ...facts),
  );
}

function pictureOf(stage, pixels) {
  const joint = stage.picture.includes("?") ? "&" : "?";
  return make("img", { src: `${stage.picture}${joint}width=${pixels}`, alt: named("stage", stage.name), draggable: "false" });
}
