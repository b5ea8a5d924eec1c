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
  addEventListener("blur", () => [...held.keys()].forEach(let_go));
  for (const command of table) if (command.button) label(at(command.button), command);
}

/** The name of a key with its modifiers: "Shift+A", "Ctrl+Z", "?", "ArrowLeft". */
function nameOf(event) {
  const key = event.key.length === 1 ? event.key.toUpperCase() : event.key;
  const shift = event.shiftKey && (/^[A-Z0-9]$/.test(key) || key.length > 1);
  return `${event.ctrlKey || event.metaKey ? "Ctrl+" : ""}${event.altKey ? "Alt+" : ""}${shift ? "Shift+" : ""}${key === " " ? "Space" : key}`;
}

/** True where keys belong to a control: text fields, open lists, sliders with their arrows. */
function typing(event, name) {
  const target = event.target;
  if (document.querySelector("dialog[open]")) return true;
  if (target.matches("input[type=text], input[type=search], input[type=number], textarea, select")) return !name.startsWith("Ctrl+Enter");
  if (target.matches("input[type=range], [role=tab]")) return name.startsWith("Arrow") || name === "Home" || name === "End";
  if (target.matches("button, a, input")) return name === "Space" || name === "Enter";
  return false;
}

/** A control that was set with the pointer gives the keys back to the picture. */
function handBack(event) {
  if (byPointer && event.target.matches("select, input[type=range], input[type=checkbox]")) at("picture").focus({ preventScroll: true });
}

function pressed(event) {
  byPointer = false;
  const name = nameOf(event);
  const command = byKey.get(name);
  if (!command || typing(event, name)) return;
  event.preventDefault();
  if (command.end) {
    if (event.repeat) return;
    held.set(event.code, command);
  }
  if (event.repeat && command.once) return;
  command.run(event);
}

function released(event) {
  let_go(event.code);
}

function let_go(code) {
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
  button.setAttribute("aria-label", word);
  button.setAttribute("aria-keyshortcuts", command.keys.map((k) => k.replace("Ctrl", "Control")).join(" "));
  button.addEventListener("click", (event) => {
    command.run(event);
    if (command.end) command.end();
    if (event.detail && !command.stays) at("picture").focus({ preventScroll: true });
  });
}

/** The sheet of all keys. */
export function showKeys() {
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
    make("div", { class: "columns" }, ...columns),
  );
  sheet.showModal();
}

function grouped() {
  const groups = new Map();
  for (const command of commands) groups.set(command.group, [...(groups.get(command.group) ?? []), command]);
  return groups;
}
