// Above the list: what is shown, in which order; a threshold with its count and a preview; what is decided for many at once.

import { get, post } from "./api.js";
import { at, make, named, say, settled, shown, tell } from "./dom.js";
import * as defects from "./defects.js";
import { middleOf } from "./geometry.js";
import { signOf } from "./legend.js";
import { address } from "./pictures.js";
import { decideMany, select } from "./review.js";
import { current } from "./shots.js";
import { on, state } from "./state.js";

const STATUSES = ["accepted", "rejected", "held"];
const SORTS = ["status", "kind", "frame", "size", "confidence"]; // in the order of the list's columns
const { filter, order } = defects;
let threshold = 0.5;
let recounts = 0;

export function start() {
  buildFilters();
  buildHeads();
  buildThreshold();
  buildBulk();
  on("project filter", kinds);
  on("list filter", recount);
  on("changed", recountLater);
  on("defect frame", bulkNames);
  on("frame", followShot);
}

function toggle(word, pressed, changed) {
  return make("button", {
    type: "button",
    text: word,
    "aria-pressed": String(pressed),
    click: (event) => {
      const now = event.currentTarget.getAttribute("aria-pressed") !== "true";
      event.currentTarget.setAttribute("aria-pressed", String(now));
      changed(now);
      defects.refilter();
    },
  });
}

function numberOf(name, word, { percent = false, ...attributes }) {
  const input = make("input", {
    type: "number",
    placeholder: say(word),
    "aria-label": say(`filter.${name}`),
    ...attributes,
    input: () => {
      const value = input.value === "" ? null : Number(input.value);
      filter[name] = value !== null && percent ? value / 100 : value;
      defects.refilter();
    },
  });
  return input;
}

function buildFilters() {
  const form = at("filters");
  form.addEventListener("submit", (event) => event.preventDefault());
  const statuses = STATUSES.map((status) => {
    const chosen = (now) => (filter.status = now ? [...filter.status, status] : filter.status.filter((s) => s !== status));
    const button = toggle(say(`filter.${status}`), false, chosen);
    button.prepend(make("i", { class: signOf(status) }));
    return button;
  });
  const size = [numberOf("smallest", "filter.from", { min: "0" }), numberOf("largest", "filter.to", { min: "0" })];
  const sure = [
    numberOf("above", "filter.from", { min: "0", max: "100", percent: true }),
    numberOf("below", "filter.to", { min: "0", max: "100", percent: true }),
  ];
  form.replaceChildren(
    make("div", { class: "row chips", id: "kinds", role: "group", "aria-label": say("filter.kinds") }),
    make(
      "div",
      { class: "row chips", role: "group", "aria-label": say("filter.statuses") },
      ...statuses,
      toggle(say("filter.left"), false, (now) => (filter.reviewed = now ? false : null)),
    ),
    make(
      "details",
      {},
      make("summary", {}, make("span", { class: "grow", text: say("filter.more") }), make("strong", { id: "rows-count" })),
      make(
        "div",
        { class: "grid" },
        make("span", { text: say("filter.size") }),
        ...size,
        make("span", { text: say("filter.sure") }),
        ...sure,
      ),
      make(
        "div",
        { class: "row chips" },
        toggle(say("filter.shot"), false, (now) => (filter.shot = now ? (current()?.number ?? null) : null)),
        toggle(say("filter.painted"), false, (now) => (filter.painted = now ? true : null)),
      ),
    ),
  );
}

/** The heads of the list's columns: a click puts it in that order, another one turns the order round. */
function buildHeads() {
  const heads = SORTS.map((sort) => make("button", { type: "button", class: `plain ${sort}`, "data-sort": sort, click: () => sortBy(sort) }));
  at("heads").replaceChildren(...heads, make("span", { class: "dim", text: say("sort.by") }));
  showOrder();
}

function sortBy(sort) {
  order.descending = order.sort === sort && !order.descending;
  order.sort = sort;
  showOrder();
  defects.refilter();
}

function showOrder() {
  for (const head of at("heads").querySelectorAll("button")) {
    const { sort } = head.dataset;
    const here = sort === order.sort;
    const arrow = here ? (order.descending ? " ↓" : " ↑") : "";
    head.textContent = `${sort === "status" ? "" : say(`sort.${sort}`)}${arrow}`;
    if (sort === "status") head.prepend(make("i", { class: signOf("accepted") })); // its column shows signs alone
    head.classList.toggle("here", here);
    head.setAttribute("aria-label", say(here ? (order.descending ? "sort.down" : "sort.up") : "sort.not", { name: say(`sort.${sort}`) }));
  }
}

/** A button a kind that the film has. */
function kinds() {
  const present = (state.project?.kinds ?? []).filter((kind) => kind.count > 0);
  const place = at("kinds");
  const wanted = present.map((kind) => `${kind.name}${kind.count}`).join();
  if (place.dataset.shows === wanted) return;
  place.dataset.shows = wanted;
  place.replaceChildren(
    ...present.map(({ name, count }) => {
      const button = toggle(
        `${named("kind", name)} `,
        filter.kind.includes(name),
        (now) => (filter.kind = now ? [...filter.kind, name] : filter.kind.filter((k) => k !== name)),
      );
      button.append(make("small", { text: shown(count) }));
      return button;
    }),
  );
}

/** The filter "this shot" goes along with the frame at hand. */
function followShot() {
  const shot = current()?.number ?? null;
  if (filter.shot === null || filter.shot === shot) return;
  filter.shot = shot;
  defects.refilter();
}

function buildThreshold() {
  const slider = make("input", { type: "range", min: "0", max: "100", value: "50", id: "least", "aria-label": say("threshold.name") });
  slider.addEventListener("input", () => {
    threshold = Number(slider.value) / 100;
    recount();
  });
  at("threshold").replaceChildren(
    make(
      "div",
      { class: "row" },
      make("label", { for: "least", text: say("threshold.name") }),
      make("output", { id: "least-value", for: "least" }),
    ),
    make("div", { class: "histogram" }, make("canvas", { id: "histogram", "aria-hidden": "true" }), slider),
    make(
      "div",
      { class: "row" },
      make("span", { id: "least-count", class: "grow", "aria-live": "polite" }),
      make("button", {
        type: "button",
        id: "least-preview",
        "aria-pressed": "false",
        text: say("threshold.preview"),
        click: togglePreview,
      }),
      make("button", { type: "button", id: "least-reject", text: say("threshold.reject"), click: rejectBelow }),
    ),
    make("div", { id: "samples", hidden: true }),
  );
}

/** What the filter means, as a selection for a decision. */
function selection(extra = {}) {
  const { kind, status, shot, above, below, smallest, largest, reviewed, painted } = filter;
  const asked = {
    kinds: kind.length ? kind : null,
    statuses: status.length ? status : null,
    shot,
    above,
    below,
    smallest,
    largest,
    reviewed,
    painted,
    ...extra,
  };
  const said = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== null));
  return Object.keys(said).length ? said : { start: 0 };
}

function belowThreshold() {
  return selection({ below: Math.min(threshold, filter.below ?? 1.01), statuses: ["accepted"] });
}

const recount = settled(async () => {
  if (!state.project?.begun) return;
  at("least-value").textContent = `${Math.round(threshold * 100)} %`;
  recounts += 1;
  const mine = recounts;
  const asked = defects.wanted();
  const [all, cut] = await Promise.all([
    get("/api/counts", { ...asked, above: null, below: null, status: ["accepted"] }),
    post("/api/decisions/preview", { verb: "reject", selection: belowThreshold() }),
  ]).catch(() => []);
  if (!cut || mine !== recounts) return;
  at("least-count").textContent = say("threshold.count", { n: cut.changed, frames: cut.frames });
  at("least-reject").disabled = cut.changed === 0;
  drawHistogram(all.histogram);
  if (!at("samples").hidden) showSamples(cut.sample);
}, 60);

const recountLater = settled(recount, 600);

function drawHistogram(counts) {
  const canvas = at("histogram");
  canvas.width = Math.max(1, canvas.clientWidth * devicePixelRatio);
  canvas.height = Math.max(1, canvas.clientHeight * devicePixelRatio);
  const context = canvas.getContext("2d");
  const most = Math.max(1, ...counts);
  counts.forEach((n, index) => {
    const [left, right] = [index, index + 1].map((i) => Math.round((i * canvas.width) / counts.length));
    const high = n ? Math.max(2, Math.sqrt(n / most) * canvas.height) : 0;
    context.fillStyle = (index + 0.5) / counts.length < threshold ? "#565656" : "#a2a2a2";
    context.fillRect(left, canvas.height - high, right - left - 1, high);
  });
}

function togglePreview(event) {
  const now = at("samples").hidden;
  at("samples").hidden = !now;
  event.currentTarget.setAttribute("aria-pressed", String(now));
  recount();
}

/** The repairs nearest to the threshold: scan left, repair right. */
function showSamples(sample) {
  at("samples").replaceChildren(
    ...sample.map((defect) =>
      make(
        "button",
        {
          type: "button",
          class: "plain pairs",
          title: defects.spoken(defect),
          "aria-label": defects.spoken(defect),
          click: () => select(defect),
        },
        ...pairOf(defect, 64),
      ),
    ),
  );
}

/** Two pictures of a defect's place, the scan and with this repair alone. */
export function pairOf(defect, size) {
  const crop = square(defect.box);
  const pixels = Math.round(size * devicePixelRatio);
  const ask = (query) => address(defect.frame, { crop, width: pixels, form: "jpeg", ...query });
  const one = (src, which) => make("img", { src, alt: "", width: size, height: size, class: which, draggable: "false", loading: "lazy" });
  return [one(ask({ view: "before" }), "before"), one(ask({ view: "after", only: defect.repair ? defect.id : null }), "after")];
}

/** A square crop around a box, inside of the frame. */
function square(box) {
  const [top, left, bottom, right] = box;
  const { width, height } = state.film;
  const side = Math.min(width, height, Math.max(40, Math.round(2.6 * Math.max(bottom - top, right - left))));
  const [x, y] = middleOf(box);
  const begin = (centre, most) => Math.min(most - side, Math.max(0, Math.round(centre - side / 2)));
  const [x0, y0] = [begin(x, width), begin(y, height)];
  return [x0, y0, x0 + side, y0 + side];
}

async function rejectBelow() {
  await decideMany("reject", belowThreshold()).catch((error) => tell(error.message, { wrong: true }));
}

function buildBulk() {
  const act = (id, verb, chosen) =>
    make("button", { type: "button", id, click: () => decideMany(verb, chosen()).catch((error) => tell(error.message, { wrong: true })) });
  at("bulk").replaceChildren(
    act("all-accept", "accept", selection),
    act("all-reject", "reject", selection),
    act("all-confirm", "confirm", selection),
  );
  on("list", bulkNames);
  on("filter", () => {
    for (const verb of ["accept", "reject", "confirm"]) at(`all-${verb}`).disabled = true; // until the list shows what is meant
  });
}

function bulkNames() {
  const n = defects.list.total;
  for (const verb of ["accept", "reject", "confirm"]) {
    at(`all-${verb}`).textContent = say(`bulk.${verb}`, { n });
    at(`all-${verb}`).disabled = n === 0;
  }
}

/** Decide for all of the kind at hand in the shot at hand. */
export async function decideAlike(verb) {
  const { defect } = state;
  if (!defect) return tell(say("again.none"));
  return decideMany(verb, { kinds: [defect.kind], shot: defect.shot });
}
