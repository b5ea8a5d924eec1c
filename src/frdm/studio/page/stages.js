// The pipeline for the frame at hand: each stage as a picture with what it found; where a picture has colours, what they mean.

import { get } from "./api.js";
import { whyNone } from "./defects.js";
import { at, framesOf, make, named, say, settled, shown, tell } from "./dom.js";
import { aspect } from "./geometry.js";
import { colours, swatch } from "./legend.js";
import { on, state } from "./state.js";

const SUM = 12; // figures of a digest that are shown
const NUMBERED = ["shots", "neighbours"]; // stages with numbers in their picture, which is asked for as large as it stands; others finer
let loads = 0;

// How what a stage tells is said; counts and words by themselves.
const TELL = {
  size: ([wide, high]) => `${wide} × ${high}`,
  codes: ({ bits, layout, transfer }) =>
    say("fact.codes.value", { bits, layout: named("layout", layout), transfer: named("transfer", transfer) }),
  frames: ([start, stop]) => framesOf(start, stop),
  place: ([n, all]) => say("fact.place.value", { place: n, all }),
  engines: (names) => listed(names.map((name) => named("engine", name))),
  sources: listed,
  weights: (sums) => listed(sums.map((sum) => sum.slice(0, SUM))),
  altered: (share) => `${(100 * share).toFixed(4)} %`,
};

// Stages whose picture has colours, each with a sign of its own: [colour, sign, words].
const LEGENDS = {
  detection: ({ statuses }, facts) =>
    statuses.map(({ name, colour, line }) => [
      colour,
      line,
      say("stage.status", { n: facts[name] ?? 0, status: named("status", name), line: named("line", line) }),
    ]),
  diffusion: ({ provenance }) =>
    provenance.filter(({ name }) => name === "generated").map(({ name, colour }) => [colour, "filled", named("origin", name)]),
};

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
  if (state.project?.begun === false) {
    at("sheet").replaceChildren(make("p", { class: "nothing", text: whyNone() }));
    return;
  }
  const [{ stages }, legend] = await Promise.all([get(`/api/frames/${frame}/pipeline`), colours()]);
  if (mine !== loads || frame !== state.frame || state.view !== "stages") return;
  const sheet = at("sheet");
  const wide = stages.length > 6 ? 4 : 3;
  const unit = parseFloat(getComputedStyle(document.documentElement).fontSize);
  const room = (at("picture").clientWidth - 2 * unit) / wide - unit;
  const pixels = Math.max(200, Math.min(1600, Math.round((room * devicePixelRatio) / 20) * 20));
  sheet.style.setProperty("--across", wide);
  sheet.style.setProperty("--shape", (state.film.width * aspect()) / state.film.height);
  sheet.replaceChildren(...stages.map((stage, index) => figure(stage, index, { pixels, legend, frame })));
  at("picture").dataset.drawn = `${frame} stages`;
}

function listed(values) {
  return values.length ? values.join(", ") : "–";
}

function figure(stage, index, { pixels, legend, frame }) {
  const colour = stage.available ? (LEGENDS[stage.name]?.(legend, stage.facts) ?? []) : [];
  const facts = stage.name === "detection" ? [] : Object.entries(stage.facts);
  const cells = facts.flatMap(([name, value]) => [
    make("dt", { text: say(`fact.${name}`) }),
    make("dd", { text: TELL[name] ? TELL[name](value) : shown(value) }),
  ]);
  return make(
    "figure",
    { class: stage.available ? "stage" : "stage away", "data-stage": stage.name },
    make(
      "figcaption",
      {},
      make("h3", {}, make("span", { class: "step", text: String(index + 1) }), named("stage", stage.name)),
      make("p", { class: "dim", text: named("stage.why", stage.name) }),
    ),
    stage.available ? pictureOf(stage, pixels, frame) : make("div", { class: "none", text: say("stage.none") }),
    make(
      "div",
      { class: "told" },
      colour.length ? make("ul", { class: "colours" }, ...colour.map(([value, sign, text]) => make("li", {}, swatch(value, sign), text))) : null,
      cells.length ? make("dl", {}, ...cells) : null,
    ),
  );
}

function pictureOf(stage, pixels, frame) {
  const alt = say("stage.alt", { stage: named("stage", stage.name), frame });
  const width = NUMBERED.includes(stage.name) ? pixels : Math.min(1600, 2 * pixels);
  return make("img", { src: `${stage.picture}?width=${width}`, alt, draggable: "false" });
}
