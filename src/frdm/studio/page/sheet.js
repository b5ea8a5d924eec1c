// The sheet: many repairs at a glance, scan beside repair. Strike out the wrong ones, and Enter decides for all of the page.

import { at, eachFrame, make, named, say, tell } from "./dom.js";
import * as defects from "./defects.js";
import { pairOf } from "./filters.js";
import { select, send } from "./review.js";
import { emit, on, set, state } from "./state.js";

const CELL = 11.4; // rem across
const HIGH = 7;
let first = 0;
let across = 1;
let size = 1;
let shown = [];
const struck = new Set();
const draw = eachFrame(drawNow);

export function start() {
  at("sheet").addEventListener("click", (event) => {
    const cell = event.target.closest("[data-index]");
    if (!cell) return;
    const index = Number(cell.dataset.index);
    if (defects.list.at === index) strike();
    else move(index - defects.list.at);
  });
  on("view list size", draw);
  on("at decided", mark);
}

/** Is the sheet what the viewer shows? */
export function open() {
  return state.view === "sheet";
}

async function drawNow() {
  const sheet = at("sheet");
  if (!open()) return;
  const unit = parseFloat(getComputedStyle(document.documentElement).fontSize);
  const { clientWidth, clientHeight } = at("picture");
  across = Math.max(1, Math.floor(clientWidth / (CELL * unit)));
  size = across * Math.max(1, Math.floor((clientHeight - 2.4 * unit) / (HIGH * unit)));
  first = Math.floor(Math.max(0, defects.list.at) / size) * size;
  shown = [];
  for (let i = first; i < Math.min(first + size, defects.list.total); i += 1) shown.push(defects.row(i) ?? (await defects.rowLater(i)));
  shown = shown.filter(Boolean);
  ahead();
  sheet.style.setProperty("--across", across);
  sheet.style.setProperty("--down", size / across);
  const told = say("sheet.told", { from: defects.list.total ? first + 1 : 0, to: first + shown.length, all: defects.list.total });
  sheet.replaceChildren(make("p", { class: "dim", text: told }), ...shown.map(cell));
  if (defects.list.at < 0 && shown.length) await select(shown[0], first);
  mark();
  at("picture").dataset.drawn = `sheet ${first}`;
}

/** Fetch the pictures of the next page. */
async function ahead() {
  for (let i = first + size; i < Math.min(first + 2 * size, defects.list.total); i += 1) {
    const next = defects.row(i) ?? (await defects.rowLater(i));
    if (next) pairOf(next, 74).forEach((image) => (image.loading = "eager"));
  }
}

function cell(defect, index) {
  return make(
    "button",
    { type: "button", class: "cell", tabindex: "-1", "data-index": String(first + index), "aria-label": defects.spoken(defect) },
    make("span", { class: "pairs" }, ...pairOf(defect, 74)),
    make(
      "span",
      { class: "line" },
      make("b", { text: named("kind", defect.kind) }),
      make("span", { class: "dim", text: `${defect.frame} · ${Math.round(defect.confidence * 100)} %` }),
      make("i", {}),
    ),
  );
}

function mark() {
  if (!open()) return;
  const page = Math.floor(Math.max(0, defects.list.at) / size) * size;
  if (page !== first && defects.list.at >= 0) {
    draw();
    return;
  }
  for (const element of at("sheet").querySelectorAll(".cell")) {
    const index = Number(element.dataset.index);
    const defect = defects.row(index);
    element.setAttribute("aria-pressed", String(index === defects.list.at));
    element.classList.toggle("struck", struck.has(defect?.id) || (defect?.status === "rejected" && defect.reviewed));
    element.classList.toggle("done", Boolean(defect?.reviewed));
    element.classList.toggle("held", defect?.status === "held");
    element.querySelector("i").textContent = element.classList.contains("struck")
      ? "✕"
      : defect?.reviewed
        ? "✓"
        : defect?.status === "held"
          ? "◌"
          : "";
  }
}

/** Move along the sheet by so many defects. */
export async function move(by) {
  const index = Math.min(defects.list.total - 1, Math.max(0, defects.list.at + by));
  const row = defects.row(index) ?? (await defects.rowLater(index));
  if (row) await select(row, index);
}

/** Cells in a row of the sheet. */
export function wide() {
  return across;
}

/** Strike the repair at hand out, or take that back; it is recorded with the page. */
export function strike() {
  const { defect } = state;
  if (!defect) return;
  if (!struck.delete(defect.id)) struck.add(defect.id);
  mark();
}

/** Record the page: what is struck out is rejected, all else accepted (held ones: looked at); go on with the next. */
export async function takePage() {
  const began = performance.now();
  const page = shown;
  const groups = { reject: [], accept: [], confirm: [] };
  for (const defect of page) {
    const verb = !defect.repair ? "confirm" : struck.has(defect.id) ? "reject" : "accept";
    groups[verb].push(defect);
  }
  for (const [verb, chosen] of Object.entries(groups)) {
    if (!chosen.length) continue;
    send({ verb, selection: { ids: chosen.map((one) => one.id) } }, [...new Set(chosen.map((one) => one.frame))]);
    for (const one of chosen) {
      const status = { reject: "rejected", accept: "accepted", confirm: one.status }[verb];
      defects.renew({ ...one, reviewed: true, status });
    }
  }
  for (const one of page) struck.delete(one.id);
  emit("decided");
  tell(say("sheet.taken", { n: page.length, wrong: groups.reject.length }));
  if (first + size >= defects.list.total) {
    mark();
    return;
  }
  await move(first + size - defects.list.at);
  performance.measure("page", { start: began, end: performance.now() });
}

/** Leave the sheet for the picture. */
export function leave() {
  set({ view: "after" });
}
