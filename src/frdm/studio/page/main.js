// The way in: words, parts, the project, then whatever the server tells.

import * as aboutPart from "./about.js";
import { events, get } from "./api.js";
import { LOOKS, TOOLS, VIEWS, JUMPS, channels, table, tone } from "./commands.js";
import * as defects from "./defects.js";
import { at, fillWords, make, named, say, settled, tell } from "./dom.js";
import * as engines from "./engines.js";
import * as exporting from "./exporting.js";
import * as filters from "./filters.js";
import { scale } from "./geometry.js";
import * as hand from "./hand.js";
import * as jobs from "./jobs.js";
import { listen } from "./keyboard.js";
import * as legend from "./legend.js";
import * as marks from "./marks.js";
import * as memory from "./memory.js";
import { pending } from "./order.js";
import * as paint from "./paint.js";
import * as past from "./past.js";
import { forget } from "./pictures.js";
import * as play from "./play.js";
import { seeAgain, select } from "./review.js";
import * as sheet from "./sheet.js";
import * as shots from "./shots.js";
import * as stages from "./stages.js";
import { emit, on, set, state } from "./state.js";
import * as timeline from "./timeline.js";
import * as viewer from "./viewer.js";

const SLOW = 400; // milliseconds that decisions may be on their way before the page says so
let reloads = 0;
let unheard = null; // what the server told of while changes of ours were on their way
const TABS = ["defects", "jobs", "history", "report"];

/** Buttons and lists that are made from tables. */
function furnish() {
  at("views").append(
    ...VIEWS.map((view) => make("button", { type: "button", id: `view-${view}`, "aria-pressed": "false", text: say(`view.${view}`) })),
  );
  at("tools").append(...TOOLS.map(([tool]) => make("button", { type: "button", id: `tool-${tool}`, "aria-pressed": "false" })));
  at("jumps").append(...JUMPS.map(([to]) => make("button", { type: "button", id: `next-${to}`, text: say(`jump.${to}`) })));
  at("look").append(...LOOKS.map((look) => make("option", { value: look, text: say(`look.${look}`) })));
  at("matte").textContent = say("matte");
  at("origin").textContent = say("origin");
  at("zoom-fit").textContent = say("zoom.fit");
  at("zoom-one").textContent = say("zoom.one");
  at("tabs").append(
    ...TABS.map((name) =>
      make("button", {
        type: "button",
        role: "tab",
        id: `tab-${name}`,
        "aria-controls": `panel-${name}`,
        text: say(`tab.${name}`),
        click: () => tab(name),
      }),
    ),
  );
  at("tabs").addEventListener("keydown", alongTabs);
}

function tab(name) {
  for (const one of TABS) {
    at(`panel-${one}`).hidden = one !== name;
    at(`tab-${one}`).setAttribute("aria-selected", String(one === name));
    at(`tab-${one}`).tabIndex = one === name ? 0 : -1;
  }
  past.show(name);
}

function alongTabs(event) {
  const from = TABS.findIndex((name) => document.activeElement.id === `tab-${name}`);
  const to = { ArrowRight: from + 1, ArrowLeft: from - 1, Home: 0, End: TABS.length - 1 }[event.key];
  if (to === undefined) return;
  const name = TABS[(to + TABS.length) % TABS.length];
  tab(name);
  at(`tab-${name}`).focus();
}

/** Controls of how the picture is shown, both ways. */
function wireLooks() {
  at("look").addEventListener("change", () => tone({ look: at("look").value }));
  at("channel").addEventListener("change", () => tone({ channel: at("channel").value }));
  at("gamma").addEventListener("input", () => tone({ gamma: Number(at("gamma").value) }));
  at("gamma").addEventListener("dblclick", () => tone({ gamma: 1 }));
  at("times").addEventListener("input", () => set({ times: Number(at("times").value) }));
  on("tone film", () => {
    at("look").value = state.tone.look;
    at("channel").value = state.tone.channel;
    at("gamma").value = state.tone.gamma;
    at("gamma-value").textContent = state.tone.gamma.toFixed(2);
  });
  on("times view", () => {
    at("times").value = state.times;
    at("times-value").textContent = `×${state.times}`;
    at("times-pair").hidden = state.view !== "difference";
  });
  on("view matte origin tool", showPressed);
  on("zoom size film view defect", () => (at("zoom-value").textContent = state.film ? `${Math.round(scale() * 100)} %` : ""));
}

function showPressed() {
  for (const view of VIEWS) at(`view-${view}`).setAttribute("aria-pressed", String(state.view === view));
  for (const [tool] of TOOLS) at(`tool-${tool}`).setAttribute("aria-pressed", String(state.tool === tool));
  at("matte").setAttribute("aria-pressed", String(state.matte));
  at("origin").setAttribute("aria-pressed", String(state.origin));
  at("sheet").hidden = !["sheet", "stages"].includes(state.view);
  if (at("sheet").className !== state.view) at("sheet").replaceChildren();
  at("sheet").className = state.view;
  at("tag-left").textContent =
    state.view === "wipe" ? say("view.before") : ["before", "after"].includes(state.view) ? say(`view.${state.view}`) : "";
  at("tag-right").textContent = state.view === "wipe" ? say("view.after") : "";
}

/** The project and all lists anew. */
async function reload() {
  reloads += 1;
  const mine = reloads;
  const project = await get("/api/project");
  if (mine !== reloads) return;
  const begins = project.begun && state.project?.begun === false;
  set({ project, film: project.film, version: state.version ?? project.version });
  if (project.job && !state.job) set({ job: project.job });
  at("title").textContent = project.name;
  document.title = say("title", { name: project.name });
  at("facts").textContent = factsOf(project.film);
  if (!project.begun) return;
  if (begins) set({ view: "after" });
  const lists = [shots.reload(), timeline.reload(), past.ends()];
  if (begins || !defects.list.asked) lists.push(defects.reload());
  if (begins) lists.push(engines.reload());
  await Promise.all(lists);
}

function factsOf({ width, height, encoding, rate_value: rate, frames }) {
  const { bits, layout } = encoding;
  return say("film.facts", { width, height, bits, layout: named("layout", layout), rate: String(Math.round(rate * 1000) / 1000), n: frames });
}

/** A film that was not restored yet can be looked at; restoring it comes first. */
function notBegun() {
  set({ view: "before" });
  tab("jobs");
  tell(say("jobs.first"), { lasting: true });
  for (const id of ["undo", "redo"]) at(id).disabled = true;
  at("job-restore").focus();
}

const soon = settled(() => reload().catch((error) => tell(error.message, { wrong: true })), 500);

/** The project has come to another state: all of it is asked for anew unless it was us, and known already. */
function changed({ version }) {
  if (pending() > 0) {
    unheard = { version }; // ours may be on their way: looked at when they are through
    return;
  }
  unheard = null;
  const known = state.version;
  if (known && ["action", "repairs", "analysed"].every((name) => version[name] <= known[name])) return;
  set({ version });
  allAnew();
}

/** Others changed something, or we may have missed it: whatever was said of the project is forgotten. */
function allAnew() {
  forget();
  emit("changed");
  if (!state.project?.begun) return;
  defects.reload().catch(() => null);
  seeAgain();
}

function heardJob(job) {
  const ended = state.job && job && state.job.state !== job.state && ["done", "failed", "stopped"].includes(job.state);
  set({ job });
  if (!ended) return;
  tell(job.error ?? say(`jobs.ended.${job.state}`, { what: say(`jobs.kind.${job.kind}`), name: job.output ?? "" }), {
    lasting: true,
    wrong: job.state === "failed",
  });
  soon();
}

/** Tell a screen reader which defect is at hand, when the hand rests. */
const speak = settled(() => (at("spoken").textContent = state.defect ? defects.spoken(state.defect) : ""), SLOW);

/** The line to the server stands, or does not. When it stands again, what happened meanwhile is asked for. */
function linked(stands) {
  const stood = !document.body.classList.contains("away");
  document.body.classList.toggle("away", !stands);
  if (stood && !stands) tell(say("wrong.away"), { wrong: true, lasting: true });
  if (stood || !stands) return;
  tell(say("linked.again"));
  if (pending() === 0) allAnew();
}

/** How many decisions are not recorded yet. */
function showSaving() {
  const n = pending();
  at("saving").textContent = n ? say("saving", { n }) : "";
  if (n === 0 && unheard) changed(unheard);
}

async function open() {
  fillWords();
  furnish();
  for (const part of [viewer, marks, legend, play, shots, timeline, hand, paint, stages, jobs, past, aboutPart, exporting]) part.start();
  defects.start((index) => select(defects.row(index), index));
  filters.start();
  sheet.start();
  wireLooks();
  listen(table());
  tab("defects");
  showPressed();
  engines.reload().catch((error) => tell(error.message, { wrong: true })); // weights may have to be looked at: nothing waits for that
  legend.colours().catch((error) => tell(error.message, { wrong: true }));
  await reload();
  memory.start();
  for (const channel of channels()) at("channel").append(make("option", { value: channel, text: named("channel", channel) }));
  emit("tone", "times", "frame");
  if (!state.project.begun) notBegun();
  on("changed", soon);
  on("foreign", allAnew);
  on("defect", speak);
  on("sending", settled(showSaving, SLOW));
  on("sending", () => pending() === 0 && showSaving());
  addEventListener("beforeunload", (event) => pending() && event.preventDefault()); // decisions are still on their way
  events({ job: heardJob, changed, claims: () => shots.reload().catch(() => null) }, linked);
  if (state.project.begun) at("picture").focus({ preventScroll: true });
  if (state.project.warnings.length) tell(state.project.warnings.join(" "), { lasting: true });
  document.body.dataset.open = "";
}

open().catch((error) => tell(error.message, { wrong: true, lasting: true }));
