// What other programs take from the project: files that the browser saves, and pictures that a job writes beside the project.

import { fileOf, post } from "./api.js";
import { at, make, say, tell } from "./dom.js";
import { started } from "./jobs.js";
import { on, state } from "./state.js";

const FILES = ["json", "csv", "otio", "edl", "resolve"];
const MARKED = ["otio", "edl", "resolve"]; // those that hold markers
const PICTURES = ["overlay-exr", "overlay-png", "mattes"];

export function start() {
  const per = choice("export-per", "export.per", ["defect", "shot"], "export.per");
  const status = choice("export-status", "export.status", ["", "accepted", "rejected", "held"], "export.status");
  const form = choice("export-form", "export.form", PICTURES, "export.form");
  const alpha = choice("export-alpha", "export.alpha", ["whole", "soft"], "export.alpha");
  form.addEventListener("change", () => (alpha.parentElement.hidden = form.value === "mattes"));
  at("exports").replaceChildren(
    make("h2", { text: say("export.title") }),
    make("p", { class: "dim", text: say("export.why") }),
    make("div", { class: "grid three" }, ...FILES.map((name) => fileButton(name, per, status))),
    make("div", { class: "grid two" }, stacked("export.per", per), stacked("export.status", status)),
    make("h3", { text: say("export.pictures") }),
    make("div", { class: "grid two" }, stacked("export.form", form), stacked("export.alpha", alpha)),
    make("button", { type: "button", id: "export-pictures", text: say("export.begin"), click: () => pictures(form.value, alpha.value).catch(wrong) }),
  );
  on("project job", () => (at("export-pictures").disabled = !state.project?.begun || ["running", "paused", "finishing"].includes(state.job?.state)));
}

function wrong(error) {
  tell(error.message, { wrong: true, lasting: true });
}

function choice(id, name, values, words) {
  return make("select", { id, "aria-label": say(name) }, ...values.map((value) => make("option", { value, text: say(`${words}.${value || "all"}`) })));
}

function stacked(word, control) {
  return make("label", { class: "stacked" }, make("span", { text: say(word) }), control);
}

function fileButton(name, per, status) {
  const wanted = () => (MARKED.includes(name) ? { per: per.value, status: status.value || null } : {});
  return make("button", {
    type: "button",
    id: `export-${name}`,
    text: say(`export.${name}`),
    title: say(`export.${name}.hint`),
    click: () => save(`/api/export/${name}`, wanted()).catch(wrong),
  });
}

/** Fetch a file and let the browser save it. */
async function save(path, query) {
  const { name, data } = await fileOf(path, query);
  const link = make("a", { href: URL.createObjectURL(data), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  tell(say("export.saved", { name }));
}

async function pictures(form, alpha) {
  await started(post("/api/job", { kind: "export", form, ...(form === "mattes" ? {} : { alpha }) }));
  tell(say("jobs.begun.export"));
}
