// The list of defects: filters, order, pages of rows from the server, and the row at hand.

import { get } from "./api.js";
import { at, make, named, say, settled, shown, tell } from "./dom.js";
import { Rows } from "./rows.js";
import { emit, on, state } from "./state.js";

const PAGE = 200;
const MARK = { accepted: "✓", rejected: "✕", held: "◌" };

export const list = { total: 0, at: -1, pages: new Map(), asked: 0, rows: null };
export const filter = {
  kind: [],
  status: [],
  shot: null,
  above: null,
  below: null,
  smallest: null,
  largest: null,
  reviewed: null,
  painted: null,
};
export const order = { sort: "frame", descending: false };
let choose = () => {};

/** Build the list; `chosen` is told which row a person pointed at. */
export function start(chosen) {
  choose = chosen;
  list.rows = new Rows(at("rows"), { tall: 2.15, blank, fill, chosen });
}

/** The filter as the server understands it. */
export function query() {
  return { ...filter, ...order, descending: order.descending ? true : null };
}

/** The filter alone, for questions that have an order of their own. */
export function wanted() {
  return { ...filter };
}

/** Ask for the list anew, keeping the defect at hand if it is still there. */
export async function reload() {
  list.asked += 1;
  const mine = list.asked;
  const keep = state.defect?.id;
  const [first, place] = await Promise.all([
    get("/api/defects", { ...query(), offset: 0, limit: PAGE }),
    keep ? get(`/api/defects/${keep}/place`, query()).catch(() => ({ index: null })) : { index: null },
  ]);
  if (mine !== list.asked) return;
  list.pages = new Map([[0, first.items]]);
  list.total = first.total;
  list.at = place.index ?? -1;
  list.rows.reset(list.total);
  list.rows.choose(list.at);
  emit("list");
}

/** Row `index` if it is here; its page is asked for otherwise. */
export function row(index) {
  if (index < 0 || index >= list.total) return null;
  const number = Math.floor(index / PAGE);
  const page = list.pages.get(number);
  if (!page) page_(number);
  return Array.isArray(page) ? (page[index % PAGE] ?? null) : null;
}

/** Row `index`, waited for. */
export async function rowLater(index) {
  if (index < 0 || index >= list.total) return null;
  await page_(Math.floor(index / PAGE));
  return row(index);
}

function page_(number) {
  const found = list.pages.get(number);
  if (found) return Array.isArray(found) ? null : found;
  const mine = list.asked;
  const asked = get("/api/defects", { ...query(), offset: number * PAGE, limit: PAGE }).then(
    (answer) => {
      if (mine !== list.asked) return;
      list.pages.set(number, answer.items);
      list.rows.refresh();
    },
    (error) => {
      list.pages.delete(number);
      tell(error.message, { wrong: true });
    },
  );
  list.pages.set(number, asked);
  return asked;
}

/** The rows after `index` (before it, backwards) that are here already, at most `many`. */
export function following(index, many, by = 1) {
  const found = [];
  for (let i = 1; i <= many; i += 1) {
    const next = row(index + i * by);
    if (next) found.push(next);
  }
  return found;
}

/** Make row `index` the one at hand in the list. */
export function point(index) {
  list.at = index;
  list.rows.choose(index);
  emit("at");
}

/** Take over what changed of a defect, wherever it is in the list. */
export function renew(defect) {
  for (const page of list.pages.values()) {
    if (!Array.isArray(page)) continue;
    const found = page.findIndex((one) => one.id === defect.id);
    if (found >= 0) page[found] = defect;
  }
  list.rows.refresh();
}

/** The index of a defect in the list, asked for where its row is not here. */
export async function find(id) {
  for (const [number, page] of list.pages) {
    const found = Array.isArray(page) ? page.findIndex((one) => one.id === id) : -1;
    if (found >= 0) return number * PAGE + found;
  }
  return (await get(`/api/defects/${id}/place`, query())).index ?? -1;
}

function blank() {
  const cell = (name) => make("span", { class: name });
  return make("div", {}, cell("status"), cell("kind"), cell("where"), cell("size"), cell("sure"), cell("by"));
}

function fill(element, index) {
  const defect = row(index);
  const [status, kind, where, size, sure, by] = element.children;
  element.classList.toggle("waiting", !defect);
  element.className = `one ${defect ? defect.status : "waiting"} ${defect?.reviewed ? "reviewed" : ""}`;
  status.textContent = defect ? MARK[defect.status] : "";
  kind.textContent = defect ? `${named("kind", defect.kind)}` : "…";
  where.textContent = defect ? shown(defect.frame) : "";
  size.textContent = defect ? `${Math.round(defect.size)}` : "";
  sure.textContent = defect ? `${Math.round(defect.confidence * 100)} %` : "";
  by.textContent = defect ? named("engine.short", defect.engine ?? "none") : "";
  element.setAttribute("aria-label", defect ? spoken(defect) : say("defects.loading"));
}

/** A defect in one sentence, for screen readers. */
export function spoken(defect) {
  return say("defects.spoken", {
    kind: named("kind", defect.kind),
    polarity: named("polarity", defect.polarity),
    frame: defect.frame,
    sure: Math.round(defect.confidence * 100),
    status: named("status", defect.status),
    reviewed: say(defect.reviewed ? "reviewed.yes" : "reviewed.no"),
  });
}

const soon = settled(() => reload().catch((error) => tell(error.message, { wrong: true })), 150);

/** The filter changed: ask for the list when the hand rests. */
export function refilter() {
  soon();
  emit("filter");
}

/** Words above the list: how many rows, of how many. */
function counted() {
  const all = state.project?.totals.defects ?? list.total;
  return say("defects.count", { n: list.total, all });
}

on("project list", () => {
  const place = at("rows-count");
  if (place) place.textContent = counted();
});
