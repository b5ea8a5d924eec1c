// The sheet: many repairs at a glance, scan beside repair. Strike out the wrong ones, and Enter decides for all of the page.

import { at, eachFrame, make, named, say, tell } from "./dom.js";
import * as defects from "./defects.js";
import { pairOf } from "./filters.js";
import { signOf } from "./legend.js";
import { select, send } from "./review.js";
import { emit, on, set, state } from "./state.js";

const CELL = 11.4; // rem across
const HIGH = 7;
let first = 0;
let across = 1;
let size = 1;
let shown = []; // ids of the repairs on the page
let draws = 0;
const turned = new Set(); // ids of those that are to be the other of accepted and rejected than they were
const draw = eachFrame(drawNow);

export function start() {
  at("sheet").addEventListener("click", (event) => {
    const cell = event.target.closest("[data-index]");
    if (!cell) return;
    const index = Number(cell.dataset.index);
    strike(defects.row(index));
    move(index - defects.list.at);
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
  draws += 1;
  const mine = draws;
  const unit = parseFloat(getComputedStyle(document.documentElement).fontSize);
  const { clientWidth, clientHeight } = at("picture");
  across = Math.max(1, Math.floor(clientWidth / (CELL * unit)));
  size = across * Math.max(1, Math.floor((clientHeight - 2.4 * unit) / (HIGH * unit)));
  first = Math.floor(Math.max(0, defects.list.at) / size) * size;
  const found = [];
  for (let i = first; i < Math.min(first + size, defects.list.total); i += 1) found.push(defects.row(i) ?? (await defects.rowLater(i)));
  if (mine !== draws || !open()) return; // the page was turned, or left, before all of it had come
  const page = found.filter(Boolean);
  shown = page.map((one) => one.id);
  ahead();
  sheet.style.setProperty("--across", across);
  sheet.style.setProperty("--down", size / across);
  const told = say("sheet.told", { from: first + 1, to: first + page.length, all: defects.list.total });
  sheet.replaceChildren(make("p", { class: "dim", text: page.length ? told : "" }), ...page.map(cell));
  if (!page.length) sheet.append(make("p", { class: "nothing", text: defects.whyNone() ?? say("sheet.none") }));
  if (defects.list.at < 0 && page.length) await select(page[0], first);
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
    {
      type: "button",
      class: "cell",
      tabindex: "-1",
      id: `cell-${first + index}`,
      "data-index": String(first + index),
      "aria-label": defects.spoken(defect),
    },
    make("span", { class: "pairs" }, ...pairOf(defect, 74)),
    make(
      "span",
      { class: "line" },
      make("b", { text: named("kind", defect.kind) }),
      make("span", { class: "dim grow", text: `${defect.frame} · ${Math.round(defect.confidence * 100)} %` }),
      make("i"),
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
    element.classList.toggle("struck", Boolean(defect) && isStruck(defect));
    element.classList.toggle("done", Boolean(defect?.reviewed));
    element.classList.toggle("held", defect?.status === "held");
    element.querySelector("i").className = signOf(signed(defect));
  }
}

/** The status whose sign a cell bears: as it will be with its page, once a person said so; none before that, but for held ones. */
function signed(defect) {
  if (!defect) return null;
  if (isStruck(defect)) return "rejected";
  return defect.reviewed || defect.status === "held" ? (defect.repair ? "accepted" : "held") : null;
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

/** Will a repair be rejected with its page? */
function isStruck(defect) {
  return Boolean(defect.repair) && (defect.status === "rejected" && defect.reviewed) !== turned.has(defect.id);
}

/** Strike a repair out (the one at hand), or take that back; it is recorded with the page. */
export function strike(defect = state.defect) {
  if (!defect?.repair) return;
  if (!turned.delete(defect.id)) turned.add(defect.id);
  mark();
}

/** Record the page: what is struck out is rejected, all else accepted (held ones: looked at); go on with the next. */
export async function takePage() {
  const began = performance.now();
  const page = [];
  for (let i = first; i < first + size; i += 1) if (shown.includes(defects.row(i)?.id)) page.push(defects.row(i));
  const groups = { reject: [], accept: [], confirm: [] };
  for (const defect of page) groups[!defect.repair ? "confirm" : isStruck(defect) ? "reject" : "accept"].push(defect);
  for (const [verb, chosen] of Object.entries(groups)) {
    if (!chosen.length) continue;
    send({ verb, selection: { ids: chosen.map((one) => one.id) } }, [...new Set(chosen.map((one) => one.frame))]);
    for (const one of chosen) {
      const status = { reject: "rejected", accept: "accepted", confirm: one.status }[verb];
      defects.renew({ ...one, reviewed: true, status });
    }
  }
  for (const one of page) turned.delete(one.id);
  emit("decided");
  if (page.length) tell(say("sheet.taken", { n: page.length, wrong: groups.reject.length }));
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
