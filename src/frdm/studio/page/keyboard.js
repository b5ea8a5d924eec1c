// Keys: one table of commands (commands.js) is what the keyboard does, what the sheet on ? shows and what buttons say in their hints.

import { at, make, say } from "./dom.js";

let commands = [];
let byPointer = false; // the last thing that was used
const byKey = new Map();
const held = new Map(); // commands that end when their key is let go

/** Take the table: rows of { id, group, keys, run, end?, buttons? }. */
export function listen(table) {
  commands = table;
  for (const command of table) for (const key of command.keys) byKey.set(key, command);
  addEventListener("keydown", pressed);
  addEventListener("keyup", released);
  addEventListener("pointerdown", () => (byPointer = true), true);
  addEventListener("change", handBack);
  addEventListener("click", (event) => event.detail && event.target.closest("button") && toPicture()); // a click by pointer, not by key
  addEventListener("blur", () => [...held.keys()].forEach(letGo));
  for (const command of table) if (command.button) label(at(command.button), command);
  buildKeys();
}

/** The name of a key with its modifiers: "Shift+A", "Ctrl+Z", "?", "ArrowLeft". */
function nameOf(event, key) {
  const letter = /^[A-Z0-9]$/.test(key);
  const typed = key.length === 1 && !letter; // a sign may need Shift, Alt or AltGr on one keyboard and none on another
  const ctrl = (event.ctrlKey || event.metaKey) && !(typed && event.altKey);
  const shift = event.shiftKey && !typed;
  return `${ctrl ? "Ctrl+" : ""}${event.altKey && !typed ? "Alt+" : ""}${shift ? "Shift+" : ""}${key === " " ? "Space" : key}`;
}

/** The command of a key: by what it writes, else by where it lies (letters of other alphabets, digits that need Shift). */
export function commandOf(event) {
  const key = event.key.length === 1 ? event.key.toUpperCase() : event.key;
  const found = byKey.get(nameOf(event, key));
  if (found || event.getModifierState("AltGraph")) return found;
  const [, letter, digit] = /^(?:Key([A-Z])|Digit([0-9]))$/.exec(event.code) ?? [];
  if (letter && !/^[A-Z]$/.test(key)) return byKey.get(nameOf(event, letter));
  if (digit && !event.ctrlKey && !event.metaKey && !event.altKey) return byKey.get(digit);
  return undefined;
}

/** True where keys belong to a control: text fields, open lists, sliders with their arrows. */
function typing(event, command) {
  const { target, key } = event;
  if (document.querySelector("dialog[open]")) return true;
  const single = key.length === 1 && !event.ctrlKey && !event.metaKey;
  if (at("only-there").checked && single && !target.closest("#picture, #rows, #shot-list, #time")) return true;
  if (target.matches("select")) return !(event.ctrlKey || event.metaKey || command.id === "leave");
  if (target.matches("input[type=text], input[type=search], input[type=number], textarea")) return !["render", "leave"].includes(command.id);
  if (target.matches("input[type=range], [role=tab]")) return key.startsWith("Arrow") || key === "Home" || key === "End";
  if (target.matches("button, a, input, summary")) return key === " " || key === "Enter";
  return false;
}

/** A control that was set with the pointer gives the keys back to the picture. */
function handBack(event) {
  if (byPointer && event.target.matches("select, input[type=range], input[type=checkbox]")) toPicture();
}

function toPicture() {
  if (!document.querySelector("dialog[open]")) at("picture").focus({ preventScroll: true });
}

function pressed(event) {
  byPointer = false;
  const command = event.isComposing ? undefined : commandOf(event);
  if (!command || typing(event, command)) return;
  event.preventDefault();
  if (command.end) {
    if (event.repeat) return;
    held.set(event.code, command);
  }
  if (event.repeat && command.once) return;
  command.run(event);
}

function released(event) {
  letGo(event.code);
}

function letGo(code) {
  const command = held.get(code);
  held.delete(code);
  command?.end();
}

const SYMBOLS = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Backspace: "⌫", Escape: "Esc" };

/** A key's name for people. */
export function keyShown(name) {
  return name
    .split("+")
    .map((part, index, all) =>
      part === "" && index === all.length - 1 ? "+" : (SYMBOLS[part] ?? (part === "Space" ? say("key.space") : part)),
    )
    .filter((part, index, all) => !(part === "+" && all[index - 1] === "+"))
    .join(" ");
}

/** Give a button its command: text or picture, name with the key, what it does. */
function label(button, command) {
  const word = say(`do.${command.id}`);
  if (!button.childNodes.length) button.append(command.sign ?? word);
  button.title = `${word} (${command.keys.map(keyShown).join(", ")})`;
  const seen = button.textContent.trim(); // whoever speaks to the page says what they see
  button.setAttribute("aria-label", !/[\p{L}\d]/u.test(seen) || word.toLowerCase().includes(seen.toLowerCase()) ? word : `${seen}: ${word}`);
  button.setAttribute("aria-keyshortcuts", command.keys.map((k) => k.replace("Ctrl", "Control")).join(" "));
  button.addEventListener("click", (event) => {
    command.run(event);
    if (command.end) command.end();
  });
}

const ONLY = "frdm-keys-only-there";

/** The choice that keys of one letter work only where the picture, a list or the timeline has the focus. */
function onlyThere() {
  const box = make("input", { type: "checkbox", id: "only-there", change: () => localStorage.setItem(ONLY, box.checked ? "1" : "") });
  box.checked = localStorage.getItem(ONLY) === "1";
  return make("label", { class: "pair" }, box, make("span", { text: say("keys.only") }));
}

/** The sheet of all keys. */
function buildKeys() {
  const sheet = at("keys");
  const groups = grouped();
  const columns = [...groups].map(([group, rows]) =>
    make(
      "section",
      {},
      make("h3", { text: say(`keys.${group}`) }),
      make(
        "dl",
        {},
        ...rows.flatMap((row) => [
          make("dt", {}, ...row.keys.flatMap((key, index) => [index ? " " : "", make("kbd", { text: keyShown(key) })])),
          make("dd", { text: say(`do.${row.id}`) }),
        ]),
      ),
    ),
  );
  const close = make("button", { text: say("close"), click: () => sheet.close() });
  sheet.replaceChildren(
    make("header", { class: "row" }, make("h2", { id: "keys-title", class: "grow", text: say("keys.title") }), close),
    make("p", { class: "dim", text: say("keys.pointer") }),
    make("p", { class: "dim", text: say("keys.boxes") }),
    make("div", { class: "columns" }, ...columns),
    onlyThere(),
  );
  sheet.addEventListener("click", (event) => event.target === sheet && sheet.close()); // beside the sheet
}

/** Show the sheet of all keys. */
export function showKeys() {
  at("keys").showModal();
}

function grouped() {
  const groups = new Map();
  for (const command of commands) groups.set(command.group, [...(groups.get(command.group) ?? []), command]);
  return groups;
}
