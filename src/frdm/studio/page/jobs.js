// Jobs: restore and render, how far they are, pause and stop; the films that were made; who works here.

import { get, post, who } from "./api.js";
import { at, duration, make, named, say, shown, tell } from "./dom.js";
import { claim, current } from "./shots.js";
import { on, set, state } from "./state.js";

const RUNS = ["running", "paused", "finishing"];
const CODECS = ["", "ffv1", "prores", "dnxhr", "h264"];

export function start() {
  build();
  on("job project", showJob);
  on("project", showOutputs);
  on("shots frame", showClaim);
  on("project", () => (at("who").placeholder = state.project?.who ?? ""));
}

function act(id, word, work, attributes = {}) {
  return make("button", {
    type: "button",
    id,
    text: say(word),
    click: () => work().catch((error) => tell(error.message, { wrong: true })),
    ...attributes,
  });
}

function build() {
  const codec = make(
    "select",
    { id: "codec", "aria-label": say("jobs.codec") },
    ...CODECS.map((one) => make("option", { value: one, text: one || say("jobs.codec.same") })),
  );
  const name = make("input", { type: "text", id: "who", maxlength: "120", value: who(), change: () => who(name.value) });
  at("panel-jobs").replaceChildren(
    make("h2", { text: say("jobs.title") }),
    make(
      "div",
      { class: "row" },
      act("job-restore", "jobs.restore", () => begin("restore")),
      act("job-render", "jobs.render", () => begin("render"), { class: "strong" }),
      make("label", { class: "pair" }, make("span", { text: say("jobs.codec") }), codec),
    ),
    make(
      "section",
      { id: "job", hidden: true, "aria-label": say("jobs.name") },
      make("p", { id: "job-what" }),
      make("progress", { id: "job-bar", max: "1", value: "0", "aria-label": say("jobs.name") }),
      make("dl", { id: "job-facts" }),
      make("p", { id: "job-note", class: "dim" }),
      make(
        "div",
        { class: "row" },
        act("job-pause", "jobs.pause", () => turn("pause")),
        act("job-resume", "jobs.resume", () => turn("resume")),
        act("job-stop", "jobs.stop", () => turn("stop")),
      ),
    ),
    make("h2", { text: say("jobs.films") }),
    make("ul", { id: "outputs" }),
    make("h2", { text: say("seat.title") }),
    make("label", { class: "stacked" }, make("span", { text: say("seat.who") }), name),
    make("p", { id: "claim-told", class: "dim" }),
    make("div", { class: "row" }, act("claim", "claim.take", () => claim({ over: true }))),
  );
}

/** Begin a job, and show it. */
export async function begin(kind) {
  const codec = at("codec").value || null;
  await started(post("/api/job", { kind, codec: kind === "render" ? codec : null }));
  tell(say(`jobs.begun.${kind}`));
}

async function turn(how) {
  await started(post(`/api/job/${how}`));
}

/** Take over what the server said of a job, unless its own telling came first and the job is over. */
export async function started(asked) {
  const job = await asked;
  const over = state.job?.number === job.number && !RUNS.includes(state.job.state);
  if (!over) set({ job });
}

function showJob() {
  const { job } = state;
  at("job").hidden = !job;
  const busy = job !== null && RUNS.includes(job.state);
  at("job-restore").disabled = busy;
  for (const id of ["job-render", "render"]) at(id).disabled = busy || !state.project?.begun;
  at("tab-jobs").classList.toggle("busy", busy);
  if (!job) return;
  at("job-what").textContent =
    `${say(`jobs.kind.${job.kind}`)}: ${named("job.state", job.state)}${busy ? `, ${named("job.phase", job.phase)}` : ""}`;
  const share = job.state === "done" ? 1 : job.frames ? job.frame / job.frames : 0;
  at("job-bar").value = share;
  at("tab-jobs").textContent = busy ? say("tab.jobs.busy", { n: Math.floor(share * 100) }) : say("tab.jobs");
  const facts = {
    frames: say("jobs.frames.of", { done: job.frame, all: job.frames }),
    speed: job.per_second ? say("jobs.per.second", { rate: job.per_second.toFixed(1) }) : "–",
    left: busy ? duration(job.seconds_left) : "–",
    spent: duration(job.seconds),
  };
  if (job.kind === "restore")
    Object.assign(facts, { found: shown(job.found ?? 0), mended: shown(job.mended ?? 0), held: shown(job.held ?? 0) });
  at("job-facts").replaceChildren(
    ...Object.entries(facts).flatMap(([name, value]) => [make("dt", { text: say(`jobs.fact.${name}`) }), make("dd", { text: value })]),
  );
  at("job-note").textContent = job.error ?? job.note ?? "";
  at("job-pause").disabled = job.state !== "running";
  at("job-resume").disabled = job.state !== "paused";
  at("job-stop").disabled = !busy;
}

function showOutputs() {
  const outputs = state.project?.outputs ?? [];
  at("outputs").replaceChildren(
    ...outputs.map((film) =>
      make("li", { text: say(film.stale ? "jobs.film.stale" : "jobs.film", { name: film.name, state: named("film.state", film.state) }) }),
    ),
  );
  if (!outputs.length) at("outputs").replaceChildren(make("li", { class: "dim", text: say(state.project?.begun ? "jobs.films.none" : "jobs.films.first") }));
}

function showClaim() {
  const shot = current();
  const held = shot?.claim ?? null;
  at("claim").disabled = !shot;
  at("claim").textContent = say(held?.mine ? "claim.release" : held ? "claim.over" : "claim.take", { number: shot?.number ?? "" });
  at("claim-told").textContent = held && !held.mine ? say("claim.other", { number: shot.number, who: held.who }) : say("claim.why");
}

/** The job as the server has it now. */
export async function reload() {
  set({ job: (await get("/api/job")).job });
}
