// The way in: words, parts, the project, then whatever the server tells.

import * as aboutPart from "./about.js";
import { events, get } from "./api.js";
import { LOOKS, TOOLS, VIEWS, JUMPS, channels, table, tone } from "./commands.js";
import * as defects from "./defects.js";
import { at, fillWords, make, named, say, settled, tell } from "./dom.js";
import * as filters from "./filters.js";
import { scale } from "./geometry.js";
import * as hand from "./hand.js";
import * as jobs from "./jobs.js";
import { listen } from "./keyboard.js";
import * as marks from "./marks.js";
import * as paint from "./paint.js";
import * as past from "./past.js";
import { about, forget } from "./pictures.js";
import * as play from "./play.js";
import { pending, select } from "./review.js";
import * as sheet from "./sheet.js";
import * as shots from "./shots.js";
import * as stages from "./stages.js";
import { emit, on, set, state } from "./state.js";
import * as timeline from "./timeline.js";
import * as viewer from "./viewer.js";

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
  const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!by) return;
  const from = TABS.findIndex((name) => document.activeElement.id === `tab-${name}`);
  const name = TABS[(from + by + TABS.length) % TABS.length];
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
  at("sheet").className = state.view;
  at("tag-left").textContent =
    state.view === "wipe" ? say("view.before") : ["before", "after"].includes(state.view) ? say(`view.${state.view}`) : "";
  at("tag-right").textContent = state.view === "wipe" ? say("view.after") : "";
  showLegend();
}

/** What colours mean, as long as there are colours on the picture. */
async function showLegend() {
  const place = at("legend");
  place.hidden = !(state.matte || state.origin) || ["sheet", "stages"].includes(state.view);
  if (place.hidden) return;
  state.legend ??= await get("/api/legend").catch(() => ({ kinds: [], provenance: [] }));
  const present = new Set((state.project?.kinds ?? []).filter((kind) => kind.count).map((kind) => kind.name));
  const kinds = state.matte ? state.legend.kinds.filter((one) => present.has(one.name)) : [];
  const origins = state.origin ? state.legend.provenance : [];
  const swatch = ({ colour }, word) => {
    const patch = make("i", {});
    patch.style.background = colour;
    return make("span", {}, patch, word);
  };
  place.replaceChildren(
    ...kinds.map((one) => swatch(one, named("kind", one.name))),
    ...origins.map((one) => swatch(one, named("origin", one.name))),
  );
}

/** The project and all lists anew. */
async function reload() {
  const project = await get("/api/project");
  const begins = project.begun && state.project?.begun === false;
  set({ project, film: project.film, version: project.version });
  if (project.job) set({ job: project.job });
  at("title").textContent = project.name;
  document.title = say("title", { name: project.name });
  if (!project.begun) return;
  if (begins) set({ view: "after" });
  const lists = [shots.reload(), timeline.reload(), past.ends()];
  if (begins || !defects.list.asked) lists.push(defects.reload());
  await Promise.all(lists);
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

/** Somebody changed something: all of it is asked for anew unless it was us, and known already. */
function changed({ version }) {
  const known = state.version;
  const old = known && ["action", "repairs", "analysed"].every((name) => version[name] <= known[name]);
  if (pending() > 0 || old) return;
  set({ version });
  forget();
  soon();
  if (!state.project?.begun) return;
  defects.reload().catch(() => null);
  about(state.frame).then(
    () => emit("frame-known", "pictures"),
    () => null,
  );
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

/** The line to the server stands, or does not. */
function linked(stands) {
  const was = !document.body.classList.contains("away");
  document.body.classList.toggle("away", !stands);
  if (was && !stands) tell(say("wrong.away"), { wrong: true, lasting: true });
}

async function open() {
  fillWords();
  furnish();
  for (const part of [viewer, marks, play, shots, timeline, hand, paint, stages, jobs, past, aboutPart]) part.start();
  defects.start((index) => select(defects.row(index), index));
  filters.start();
  sheet.start();
  wireLooks();
  listen(table());
  tab("defects");
  showPressed();
  await reload();
  for (const channel of channels()) at("channel").append(make("option", { value: channel, text: named("channel", channel) }));
  emit("tone", "times", "frame");
  if (!state.project.begun) notBegun();
  on("changed", soon);
  addEventListener("beforeunload", (event) => pending() && event.preventDefault()); // decisions are still on their way
  events({ job: heardJob, changed, claims: () => shots.reload().catch(() => null) }, linked);
  if (state.project.begun) at("picture").focus({ preventScroll: true });
  for (const warning of state.project.warnings) tell(warning, { lasting: true });
  document.body.dataset.open = "";
}

open().catch((error) => tell(error.message, { wrong: true, lasting: true }));
