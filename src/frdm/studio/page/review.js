// Reviewing: the defect at hand, one key a decision that also moves on, and pictures of the next ones fetched meanwhile.
// How long the page itself takes is measured: performance entries named "decision", from the key to the next picture drawn.

import { get, post } from "./api.js";
import { at, say, tell } from "./dom.js";
import * as defects from "./defects.js";
import { middleOf } from "./geometry.js";
import { about, forget } from "./pictures.js";
import { emit, on, set, state } from "./state.js";
import { prepare } from "./viewer.js";

const AHEAD = 8;
const AFTER = { accept: "accepted", reject: "rejected" };
let queue = Promise.resolve(); // decisions are sent one after the other, in the order in which they were made
let waiting = 0;

/** Make a defect the one at hand: its frame, its place, its row; `index` where it is known. */
export async function select(defect, index = null) {
  if (!defect) return;
  const closer = state.zoom !== null ? { middle: middleOf(defect.box) } : {};
  set({ defect, frame: defect.frame, ...closer });
  const found = index ?? (await defects.find(defect.id).catch(() => -1));
  if (state.defect?.id !== defect.id) return;
  defects.point(found);
  prepare(defects.following(found, AHEAD).map((next) => ({ frame: next.frame, place: middleOf(next.box) })));
}

/** Go along the list by `by` rows; true if there was one. */
export async function go(by) {
  const from = defects.list.at >= 0 ? defects.list.at : await nearest(by);
  const index = defects.list.at >= 0 ? from + by : from;
  const row = defects.row(index) ?? (await defects.rowLater(index));
  if (!row) {
    tell(say(by > 0 ? "review.end" : "review.begin"));
    return false;
  }
  await select(row, index);
  return true;
}

/** Where the list goes on from the frame at hand. */
async function nearest(by) {
  const found = await onwards("defect", by < 0);
  return found.id ? defects.find(found.id) : -1;
}

/** What comes next (or before) from the defect at hand; without one, what lies on the frame at hand counts too. */
async function onwards(to, backwards) {
  const { frame, defect } = state;
  if (to === "shot") return get("/api/jump", { to, from_frame: frame, backwards });
  const here = defect?.frame === frame ? defect.id : null;
  if (here) return get("/api/jump", { ...defects.wanted(), to, from_frame: frame, from_id: here, backwards });
  if (backwards) return get("/api/jump", { ...defects.wanted(), to, from_frame: frame + 1, backwards });
  const only = { held: { status: "held" }, unreviewed: { reviewed: false } }[to] ?? {};
  const { items } = await get("/api/defects", { ...defects.wanted(), ...only, start: frame, limit: 1 });
  return items.length ? { frame: items[0].frame, id: items[0].id } : { frame: null, id: null };
}

/** Go to the next (or last) defect, held or unreviewed one, or shot. */
export async function jump(to, backwards = false) {
  const found = await onwards(to, backwards);
  if (found.frame === null) {
    tell(say(`jump.none.${to}`));
    return;
  }
  if (!found.id) {
    set({ frame: found.frame, defect: null });
    return;
  }
  const told = await about(found.frame);
  await select(told.defects.find((one) => one.id === found.id));
}

/** Decide about the defect at hand and move on at once; the server hears of it meanwhile. */
export async function decide(verb) {
  const defect = state.defect;
  if (!defect) {
    await go(1);
    return;
  }
  const began = performance.now();
  const held = !defect.repair;
  if (held && verb === "accept") tell(say("review.held"));
  const changed = { ...defect, reviewed: true, status: held ? defect.status : AFTER[verb] };
  send({ verb: held ? "confirm" : verb, selection: { ids: [defect.id] } }, [defect.frame]);
  defects.renew(changed);
  emit("decided");
  if (!(await go(1))) {
    if (state.defect?.id === defect.id) set({ defect: changed });
    return;
  }
  await drawn();
  performance.measure("decision", { start: began, end: performance.now() });
}

/** Decide about the defect at hand and stay there. */
export async function decideHere(verb) {
  const { defect } = state;
  if (!defect) return;
  const held = !defect.repair;
  if (held) tell(say("review.held"));
  const changed = { ...defect, reviewed: true, status: held ? defect.status : AFTER[verb] };
  set({ defect: changed });
  defects.renew(changed);
  await send({ verb: held ? "confirm" : verb, selection: { ids: [defect.id] } }, [defect.frame]);
  const told = await about(defect.frame).catch(() => null);
  const now = told?.defects.find((one) => one.id === defect.id);
  if (!now) return;
  defects.renew(now);
  if (state.defect?.id === now.id) set({ defect: now });
}

function drawn() {
  const wanted = `${state.frame} ${state.view}`;
  return new Promise((done) => {
    const look = () => (at("picture").dataset.drawn === wanted || state.view === "sheet" ? done() : requestAnimationFrame(look));
    requestAnimationFrame(look);
  });
}

/** Send a decision; frames that it touches are asked for anew when it is done. */
export function send(body, frames = null) {
  waiting += 1;
  emit("sending");
  queue = queue
    .then(() => post("/api/decisions", body))
    .then((answer) => {
      took(answer, frames); // what follows from it is not waited for: the next decision may go out
    })
    .catch(failed)
    .finally(() => {
      waiting -= 1;
      emit("sending");
    });
  return queue;
}

/** How many decisions the server has not taken yet. */
export function pending() {
  return waiting;
}

/** What follows a change of ours: pictures and lists are asked for anew where they changed. */
export function took(answer, frames = null) {
  set({ version: answer.version });
  forget(frames);
  emit("changed");
  if (frames === null || frames.includes(state.frame))
    about(state.frame).then(
      () => emit("pictures", "frame-known"),
      () => null,
    );
}

function failed(error) {
  tell(error.message, { wrong: true, lasting: true });
  forget();
  emit("changed", "pictures");
  return defects.reload().catch(() => null);
}

/** Undo or redo the last action, and show where it was. */
export async function turn(way) {
  await queue;
  const answer = await post(`/api/${way}`, { everyone: false });
  if (!answer.action) {
    tell(say(`${way}.none`));
    return;
  }
  const action = await meant(answer.action);
  await shownAgain({ ...answer, action });
  tell(say(`${way}.told`, { what: say(`verb.${action.verb}`), n: answer.changed }));
}

/** The action that an undo or redo is about in the end. */
async function meant(action) {
  let found = action;
  while (found?.of) [found] = (await get("/api/actions", { limit: 1, before: found.of + 1 })).actions;
  return found ?? action;
}

/** After an undo: lists and pictures anew, the defect concerned at hand. */
export async function shownAgain(answer) {
  took(answer);
  const { action } = answer;
  const ids = action.selection?.ids ?? [];
  if (action.frame !== null && action.frame !== undefined) set({ frame: action.frame });
  await defects.reload().catch(() => null);
  await atHandAgain();
  const told = await about(state.frame).catch(() => null);
  const one = told?.defects.find((defect) => ids.length === 1 && defect.id === ids[0]);
  if (one) await select(one);
}

/** The defect at hand as it is now; none where it was set aside. */
export async function atHandAgain() {
  const told = await about(state.frame).catch(() => null);
  const { defect } = state;
  if (defect && told) set({ defect: told.defects.find((one) => one.id === defect.id && !one.aside) ?? null });
  emit("pictures", "frame-known");
}

/** Decide about many at once: the selection that a filter means. */
export async function decideMany(verb, selection) {
  await queue;
  const answer = await post("/api/decisions", { verb, selection });
  took(answer);
  await defects.reload();
  await atHandAgain();
  tell(say("bulk.told", { n: answer.changed, verb: say(`verb.${verb}`) }));
}

on("frame", async () => {
  if (!state.film) return;
  const frame = state.frame;
  if (state.defect && state.defect.frame !== frame) {
    set({ defect: null });
    defects.point(-1);
  }
  await about(frame).catch((error) => tell(error.message, { wrong: true }));
  if (frame === state.frame) emit("frame-known");
});
