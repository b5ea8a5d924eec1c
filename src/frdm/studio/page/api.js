// The server: questions, changes and events. Every answer that fails becomes one sentence for the user.

import { say } from "./dom.js";

const SEAT = "frdm-seat";
const AGAIN = 2000; // milliseconds until a line that the browser gave up is asked for again
const WHO = "frdm-who";

/** This window's name among all that work on the project. */
function seat() {
  let name = sessionStorage.getItem(SEAT);
  if (!name) {
    name = crypto.getRandomValues(new Uint32Array(3)).reduce((text, part) => text + part.toString(36), "");
    sessionStorage.setItem(SEAT, name);
  }
  return name;
}

/** The person who works here; "" lets the server say who runs it. */
export function who(name) {
  if (name !== undefined) localStorage.setItem(WHO, name.trim().slice(0, 120));
  return localStorage.getItem(WHO) ?? "";
}

class Refused extends Error {
  constructor(sentence, status) {
    super(sentence);
    this.status = status;
  }
}

async function ask(method, path, body, signal) {
  const answer = await answered(method, path, body, signal);
  return answer.json().catch(() => null);
}

/** The answer to a request. Throws `Refused` with a sentence where the server refuses, or does not answer (status 0). */
async function answered(method, path, body, signal) {
  const headers = { "X-Frdm-Seat": seat(), "X-Frdm-Who": encodeURIComponent(who()) };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(path, { method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(say("wrong.away"), 0);
  }
  if (answer.ok) return answer;
  const found = await answer.json().catch(() => null);
  throw new Refused(found?.error?.sentence ?? say("wrong.status", { status: answer.status }), answer.status);
}

/** A question; `query` may hold lists, null values are left out. */
export function get(path, query = {}, { signal } = {}) {
  return ask("GET", withQuery(path, query), undefined, signal);
}

/** A file that the server sends: its name and its bytes. */
export async function fileOf(path, query = {}) {
  const answer = await answered("GET", withQuery(path, query));
  const told = answer.headers.get("Content-Disposition") ?? "";
  const [, coded] = /filename\*=utf-8''([^;]+)/i.exec(told) ?? []; // a name that is more than plain letters
  const [, plain] = /filename="([^"]+)"/.exec(told) ?? [];
  return { name: coded ? decodeURIComponent(coded) : (plain ?? path.split("/").at(-1)), data: await answer.blob() };
}

export function post(path, body = {}) {
  return ask("POST", path, body);
}

export function remove(path) {
  return ask("DELETE", path);
}

export function withQuery(path, query) {
  const said = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== null && one !== undefined && one !== "") said.append(name, one);
    }
  }
  const text = said.toString();
  return text ? `${path}?${text}` : path;
}

/** Listen to the server: `heard` maps event names to functions; `linked` is told whether the line stands. A broken line is made again. */
export function events(heard, linked) {
  const source = new EventSource(withQuery("/api/events", { seat: seat() }));
  for (const [name, work] of Object.entries(heard)) source.addEventListener(name, (event) => work(JSON.parse(event.data)));
  source.addEventListener("open", () => linked(true));
  source.addEventListener("error", () => {
    linked(false);
    if (source.readyState === EventSource.CLOSED) setTimeout(() => events(heard, linked), AGAIN); // else the browser tries by itself
  });
}
