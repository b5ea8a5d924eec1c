// Elements and words: small helpers that every part of the page uses.

import { words } from "./words.js";

/** An element; attributes that are functions listen, `dataset`, `class` and plain attributes are set, null ones left out. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name, value);
    else if (name === "text") element.textContent = value;
    else if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** The element with this id. */
export function at(id) {
  return document.getElementById(id);
}

/** A sentence of words.js with its {places} filled; "one|many" is chosen by `n`. */
export function say(name, values = {}) {
  const found = words[name];
  if (found === undefined) throw new Error(`words.js has no "${name}"`);
  const forms = found.split("|");
  const form = forms.length > 1 && values.n !== 1 ? forms[1] : forms[0];
  return form.replace(/\{(\w+)\}/g, (_, key) => shown(values[key]));
}

/** Words for a value that the server names (a kind, a status …); the value itself where there is no word. */
export function named(group, value) {
  return words[`${group}.${value}`] ?? String(value ?? "");
}

/** A number for people, with thin spaces between thousands; text stays. */
export function shown(value) {
  if (typeof value !== "number") return String(value ?? "");
  if (!Number.isInteger(value)) return value.toFixed(2);
  return String(value).replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f");
}

/** Frames start … stop-1 as people name them: the first and the last, or the only one. */
export function framesOf(start, stop) {
  return stop - start === 1 ? String(start) : `${start}–${stop - 1}`;
}

/** Minutes and seconds, or hours and minutes, of a number of seconds. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return say("time.seconds", { n: whole });
  if (whole < 3600) return say("time.minutes", { minutes: Math.floor(whole / 60), seconds: whole % 60 });
  return say("time.hours", { hours: Math.floor(whole / 3600), minutes: Math.floor((whole % 3600) / 60) });
}

/** Fill in the words of static markup: data-word is the text, data-name the accessible name, data-hint the tooltip. */
export function fillWords(root = document) {
  for (const element of root.querySelectorAll("[data-word]")) element.textContent = say(element.dataset.word);
  for (const element of root.querySelectorAll("[data-name]")) element.setAttribute("aria-label", say(element.dataset.name));
  for (const element of root.querySelectorAll("[data-hint]")) element.title = say(element.dataset.hint);
  document.documentElement.lang = words.lang;
}

/** Say a sentence where everybody sees it and a screen reader reads it; `lasting` ones stay until the next. */
export function tell(sentence, { lasting = false, wrong = false } = {}) {
  const place = at("told");
  place.setAttribute("aria-live", wrong ? "assertive" : "polite");
  place.textContent = sentence;
  place.classList.toggle("wrong", wrong);
  place.classList.add("shown");
  clearTimeout(tell.timer);
  if (!lasting) tell.timer = setTimeout(() => place.classList.remove("shown"), wrong ? 9000 : 3500);
}

/** Take the last sentence away. */
export function hush() {
  at("told").classList.remove("shown");
}

/** Call `work` once in the next animation frame, however often it is asked for. */
export function eachFrame(work) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      work();
    });
  };
}

/** Call `work` when it was not asked for again within `wait` milliseconds. */
export function settled(work, wait) {
  let timer = 0;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...values), wait);
  };
}
