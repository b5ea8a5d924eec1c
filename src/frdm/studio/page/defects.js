// The list of defects: filters, order, pages of rows from the server, and the row at hand.

import { get } from "./api.js";
import { at, make, named, say, settled, shown, tell } from "./dom.js";
import { signOf } from "./legend.js";
import { inTurn } from "./order.js";
import { Rows } from "./rows.js";
import { emit, on, state } from "./state.js";

const PAGE = 200;
const PAGES = 60; // pages that are kept of a list that our decisions do not change

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
  at("rows").addEventListener("keydown", (event) => {
    const page = Math.max(1, Math.floor(at("rows").clientHeight / list.rows.step) - 1);
    const to = { Home: 0, End: list.total - 1, PageUp: list.at - page, PageDown: list.at + page }[event.key];
    if (to === undefined || !list.total) return;
    event.preventDefault();
    event.stopPropagation();
    const index = Math.min(list.total - 1, Math.max(0, to));
    list.rows.choose(index);
    rowLater(index).then((found) => found && choose(index));
  });
}

/** The filter as the server understands it. */
export function query() {
  return { ...filter, ...order, descending: order.descending ? true : null };
}

/** The filter alone, for questions that have an order of their own. */
export function wanted() {
  return { ...filter };
}

let loading = Promise.resolve();

/** Ask for the list anew, keeping the defect at hand if it is still there; `scroll` brings its row into sight. */
export function reload(how = {}) {
  const asked = reloaded(how);
  loading = asked.catch(() => null);
  return asked;
}

/** The list is the one that was asked for last: whoever steps along it waits for this, or steps from where the hand was before. */
export function loaded() {
  return loading;
}

async function reloaded({ scroll = false }) {
  list.asked += 1;
  const mine = list.asked;
  const keep = state.defect?.id;
  const sight = scroll ? [0] : pagesInSight();
  const ask = () =>
    Promise.all([
      keep ? get(`/api/defects/${keep}/place`, query()).catch(() => ({ index: null })) : { index: null },
      ...sight.map((number) => get("/api/defects", { ...query(), offset: number * PAGE, limit: PAGE })),
    ]);
  const [place, ...pages] = await inTurn(ask); // decisions that are on their way come first: the list shows them
  if (mine !== list.asked) return;
  list.pages = new Map(sight.map((number, index) => [number, pages[index].items]));
  list.total = pages[0].total;
  list.at = place.index ?? -1;
  list.rows.reset(list.total);
  list.rows.choose(list.at, { scroll });
  if (scroll && list.at < 0) at("rows").scrollTop = 0;
  emit("list");
}

/** The first page, and those whose rows are in sight. */
function pagesInSight() {
  const [first, last] = list.rows.inSight();
  return [...new Set([0, Math.floor(first / PAGE), Math.floor(last / PAGE)])];
}

/** Row `index` if it is here; its page is asked for otherwise. */
export function row(index) {
  if (index < 0 || index >= list.total) return null;
  const number = Math.floor(index / PAGE);
  const page = list.pages.get(number);
  if (!page) fetchPage(number);
  return Array.isArray(page) ? (page[index % PAGE] ?? null) : null;
}

/** Row `index`, waited for; null beyond the list's end. */
export async function rowLater(index) {
  while (index >= 0 && index < list.total) {
    const number = Math.floor(index / PAGE);
    if (Array.isArray(list.pages.get(number))) return row(index);
    if (!(await fetchPage(number))) return null;
  }
  return null;
}

/** Ask for a page; true when the list knows it, or was asked for anew meanwhile. */
function fetchPage(number) {
  const found = list.pages.get(number);
  if (found) return Array.isArray(found) ? true : found;
  const { pages } = list;
  const asked = pageOf(number).then(
    (items) => {
      pages.set(number, items);
      if (!shrinks() && pages.size > PAGES) pages.delete([...pages.keys()].find((one) => one !== 0 && one !== number));
      if (pages === list.pages) list.rows.refresh();
      return true;
    },
    (error) => {
      pages.delete(number);
      tell(error.message, { wrong: true });
      return false;
    },
  );
  pages.set(number, asked);
  return asked;
}

/** A page as it was when the list was asked for: rows before it that left the server's list by our decisions until now are counted. */
async function pageOf(number) {
  const offset = Math.max(0, number * PAGE - gone(number));
  const ask = () => get("/api/defects", { ...query(), offset, limit: PAGE });
  return (await (shrinks() ? inTurn(ask) : ask())).items;
}

/** Do rows leave the server's list when they are decided? */
function shrinks() {
  return filter.reviewed !== null || filter.status.length > 0;
}

/** Rows of the pages before `number` that fit the filter no longer, because of what was decided since. */
function gone(number) {
  let left = 0;
  for (const [earlier, page] of list.pages) {
    if (earlier < number && Array.isArray(page)) left += page.filter((one) => !fits(one)).length;
  }
  return left;
}

function fits(defect) {
  const status = !filter.status.length || filter.status.includes(defect.status);
  return status && (filter.reviewed === null || filter.reviewed === defect.reviewed);
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
  return make("div", {}, make("span", { class: "status" }, make("i")), cell("kind"), cell("where"), cell("size"), cell("sure"), cell("by"));
}

function fill(element, index) {
  const defect = row(index);
  const [status, kind, where, size, sure, by] = element.children;
  element.classList.toggle("waiting", !defect);
  element.className = `one ${defect ? defect.status : "waiting"} ${defect?.reviewed ? "reviewed" : ""}`;
  status.firstChild.className = signOf(defect?.status);
  kind.textContent = defect ? `${named("kind", defect.kind)}` : "…";
  where.textContent = defect ? shown(defect.frame) : "";
  size.textContent = defect ? `${Math.round(defect.size)}` : "";
  sure.textContent = defect ? `${Math.round(defect.confidence * 100)} %` : "";
  by.textContent = defect ? named("engine.short", defect.engine ?? "none") : "";
  element.setAttribute("aria-label", defect ? spoken(defect) : say("defects.loading"));
}

/** Why there is no defect at all; null where there are some. */
export function whyNone() {
  if (state.project?.begun === false) return say("jobs.first");
  return state.project?.totals.defects === 0 ? say("defects.nothing") : null;
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

const soon = settled(() => reload({ scroll: true }).catch((error) => tell(error.message, { wrong: true })), 150);

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
