// Reviewing: the defect at hand, one key a decision that also moves on, and pictures of the next ones fetched meanwhile.
// How long the page itself takes is measured: performance entries named "decision", from the key to the next picture drawn.

import { get, post } from "./api.js";
import { at, say, tell } from "./dom.js";
import * as defects from "./defects.js";
import { middleOf } from "./geometry.js";
import { inOrder } from "./order.js";
import { about, forget, known } from "./pictures.js";
import { emit, on, set, state } from "./state.js";
import { prepare } from "./viewer.js";

const AHEAD = 8;
const AFTER = { accept: "accepted", reject: "rejected" };
const LOOKS = 2; // frames that may be asked about at once: while one scrubs, the newest is asked about next
let moves = 0; // every step of the hand; an answer that comes after another step moves nothing
let asking = 0;

/** Make a defect the one at hand: its frame, its place, its row; `index` where it is known. */
export async function select(defect, index = null) {
  if (!defect) return;
  moves += 1;
  const closer = state.zoom !== null ? { middle: middleOf(defect.box) } : {};
  set({ defect, frame: defect.frame, playing: 0, ...closer });
  const found = index ?? (await defects.find(defect.id).catch(() => -1));
  if (state.defect?.id !== defect.id) return;
  defects.point(found);
  prepare(defects.following(found, AHEAD).map((next) => ({ frame: next.frame, place: middleOf(next.box) })));
}

/** Go along the list by `by` rows; true if there was one. */
export async function go(by) {
  set({ playing: 0 });
  moves += 1;
  const mine = moves;
  await defects.loaded();
  if (mine !== moves) return true; // the hand went elsewhere meanwhile
  const from = defects.list.at >= 0 ? defects.list.at : await nearest(by);
  const index = defects.list.at >= 0 ? from + by : from;
  const row = defects.row(index) ?? (await defects.rowLater(index));
  if (mine !== moves) return true; // the hand went elsewhere meanwhile
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
  set({ playing: 0 });
  moves += 1;
  const mine = moves;
  const found = await onwards(to, backwards);
  if (mine !== moves) return;
  if (found.frame === null) {
    tell(say(`jump.none.${to}`));
    return;
  }
  if (!found.id) {
    set({ frame: found.frame, defect: null });
    return;
  }
  const told = await about(found.frame);
  if (mine === moves) await select(told.defects.find((one) => one.id === found.id));
}

/** A defect as it will be once `verb` is known to the server; held ones have nothing to accept and count as looked at. */
function decided(defect, verb) {
  return { ...defect, reviewed: true, status: defect.repair ? AFTER[verb] : defect.status };
}

/** Send what was decided about one defect. */
function sendOne(defect, verb) {
  return send({ verb: defect.repair ? verb : "confirm", selection: { ids: [defect.id] } }, [defect.frame]);
}

/** Decide about the defect at hand and move on at once; the server hears of it meanwhile. */
export async function decide(verb) {
  const { defect } = state;
  if (!defect) {
    await go(1);
    return;
  }
  const began = performance.now();
  if (!defect.repair && verb === "accept") tell(say("review.held"));
  const changed = decided(defect, verb);
  sendOne(defect, verb);
  renewed(changed);
  emit("decided");
  if (!(await go(1))) {
    if (state.defect?.id === defect.id) set({ defect: changed });
    return;
  }
  if (await drawn()) performance.measure("decision", { start: began, end: performance.now() });
}

/** The list shows what was decided; a list that is on its way was asked for before that, and is told as well. */
function renewed(changed) {
  defects.renew(changed);
  defects.loaded().then(() => defects.renew(changed));
}

/** Decide about the defect at hand and stay there. */
export async function decideHere(verb) {
  const { defect } = state;
  if (!defect) return;
  if (!defect.repair) tell(say("review.held"));
  const changed = decided(defect, verb);
  set({ defect: changed });
  renewed(changed);
  await sendOne(defect, verb);
  const told = await about(defect.frame).catch(() => null);
  const now = told?.defects.find((one) => one.id === defect.id);
  if (!now) return;
  defects.renew(now);
  if (state.defect?.id === now.id) set({ defect: now });
}

/** Wait until the screen shows where the hand is; false if it went on before that. */
function drawn() {
  const mine = moves;
  const wanted = `${state.frame} ${state.view}`;
  return new Promise((done) => {
    const look = () => {
      if (mine !== moves) done(false);
      else if (at("picture").dataset.drawn === wanted || state.view === "sheet") done(true);
      else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  });
}

/** Send a decision; frames that it touches are asked for anew when it is done. */
export function send(body, frames = null) {
  return inOrder(() => post("/api/decisions", body), { patient: true }).then((answer) => took(answer, frames), failed);
}

/** What follows a change of ours: pictures and lists are asked for anew where they changed; all of them if others changed something too. */
export function took(answer, frames = null) {
  const before = state.version;
  set({ version: answer.version });
  if (before && answer.version.action > before.action + (answer.action ? 1 : 0)) {
    emit("foreign");
    return;
  }
  forget(frames);
  emit("changed");
  if (frames === null || frames.includes(state.frame)) seeAgain();
}

/** Ask for the frame at hand anew, and draw it. */
export function seeAgain() {
  about(state.frame).then(
    () => emit("pictures", "frame-known"),
    () => null,
  );
}

function failed(error) {
  tell(error.message, { wrong: true, lasting: true });
  forget();
  emit("changed");
  seeAgain();
  return defects.reload().catch(() => null);
}

/** Undo or redo the last action, and show where it was. */
export async function turn(way) {
  const answer = await inOrder(() => post(`/api/${way}`, { everyone: false }));
  if (!answer.action) {
    tell(say(`${way}.none`));
    return;
  }
  const action = await meant(answer.action);
  await shownAgain({ ...answer, action });
  tellTurned(way, action.verb, answer.changed);
}

/** Say what was taken back or done again, and of how many repairs; where a place was protected that had none, it alone. */
export function tellTurned(way, verb, changed) {
  const alone = verb === "protect" && !changed;
  tell(say(alone ? `${way}.alone` : `${way}.told`, { what: say(`verb.${verb}`), n: changed }));
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
  if (defect && defect.frame === told?.index) set({ defect: told.defects.find((one) => one.id === defect.id && !one.aside) ?? null });
  emit("pictures", "frame-known");
}

/** Decide about many at once: the selection that a filter means. */
export async function decideMany(verb, selection) {
  const answer = await inOrder(() => post("/api/decisions", { verb, selection }));
  took(answer);
  await defects.reload();
  await atHandAgain();
  tell(say("bulk.told", { n: answer.changed, verb: say(`verb.${verb}`) }));
}

/** Ask what lies on the frame at hand, at most of so many frames at once; whichever is at hand then comes next. */
async function look() {
  if (!state.film || known(state.frame) || asking >= LOOKS) return;
  const { frame } = state;
  asking += 1;
  await about(frame).catch((error) => tell(error.message, { wrong: true }));
  asking -= 1;
  if (frame === state.frame) emit("frame-known");
  else look();
}

on("frame", () => {
  if (!state.film) return;
  moves += 1;
  if (state.defect && state.defect.frame !== state.frame) {
    set({ defect: null });
    defects.point(-1);
  }
  if (known(state.frame)) emit("frame-known");
  else look();
});
