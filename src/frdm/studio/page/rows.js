// A list of any length: only the rows in sight exist, and are used again while it scrolls.

import { eachFrame, make } from "./dom.js";

const SPARE = 6; // rows above and below those in sight

export class Rows {
  /** `fill(element, index)` shows row `index` in an element made by `blank()`; every row is `tall` rem high. */
  constructor(place, { tall, blank, fill, chosen }) {
    Object.assign(this, { place, tall, blank, fill, chosen });
    this.count = 0;
    this.at = -1;
    this.shown = new Map();
    this.spare = [];
    this.inner = make("div", { class: "rows", role: "presentation" });
    place.replaceChildren(this.inner);
    this.draw = eachFrame(() => this.drawNow());
    place.addEventListener("scroll", this.draw, { passive: true });
    this.high = 0; // CSS pixels in sight
    new ResizeObserver(() => this.resized()).observe(place);
    place.addEventListener("click", (event) => {
      const row = event.target.closest("[data-index]");
      if (row) chosen(Number(row.dataset.index), event);
    });
  }

  /** Height of a row in CSS pixels. */
  get step() {
    return Math.round(this.tall * parseFloat(getComputedStyle(document.documentElement).fontSize));
  }

  /** The first and the last row in sight. */
  inSight() {
    const { scrollTop, clientHeight } = this.place;
    const last = Math.floor((scrollTop + clientHeight) / this.step);
    return [Math.floor(scrollTop / this.step), Math.max(0, Math.min(last, this.count - 1))];
  }

  /** Another list of `count` rows. */
  reset(count) {
    this.count = count;
    this.refresh();
  }

  /** Show all rows in sight anew. */
  refresh() {
    for (const element of this.shown.values()) this.give(element);
    this.shown.clear();
    this.draw();
  }

  /** Mark row `index` and bring it into sight. */
  choose(index, { scroll = true } = {}) {
    this.at = index;
    if (scroll && index >= 0) {
      const top = index * this.step;
      const { scrollTop, clientHeight } = this.place;
      if (top < scrollTop) this.place.scrollTop = top;
      else if (top + this.step > scrollTop + clientHeight) this.place.scrollTop = top + this.step - clientHeight;
    }
    for (const [row, element] of this.shown) this.mark(element, row);
    this.describe();
    this.draw();
  }

  /** What is below takes more room: the row at hand stays in sight if it was. */
  resized() {
    const { scrollTop, clientHeight } = this.place;
    const bottom = (this.at + 1) * this.step - scrollTop;
    if (this.at >= 0 && bottom <= this.high && bottom > clientHeight) this.place.scrollTop = scrollTop + bottom - clientHeight;
    this.high = clientHeight;
    this.draw();
  }

  drawNow() {
    const step = this.step;
    this.inner.style.height = `${this.count * step}px`;
    const first = Math.max(0, Math.floor(this.place.scrollTop / step) - SPARE);
    const last = Math.min(this.count - 1, Math.ceil((this.place.scrollTop + this.place.clientHeight) / step) + SPARE);
    for (const [index, element] of this.shown) {
      if (index >= first && index <= last) continue;
      this.give(element);
      this.shown.delete(index);
    }
    for (let index = first; index <= last; index += 1) if (!this.shown.has(index)) this.take(index, step);
    this.describe();
  }

  take(index, step) {
    const element = this.spare.pop() ?? this.made();
    element.hidden = false;
    element.dataset.index = index;
    element.id = `${this.place.id}-${index}`;
    element.style.height = `${step}px`;
    element.style.transform = `translateY(${index * step}px)`;
    element.setAttribute("aria-posinset", index + 1);
    element.setAttribute("aria-setsize", this.count);
    this.mark(element, index);
    this.fill(element, index);
    this.shown.set(index, element);
  }

  made() {
    const element = this.blank();
    element.classList.add("one");
    element.setAttribute("role", "option");
    this.inner.append(element);
    return element;
  }

  give(element) {
    element.hidden = true;
    element.removeAttribute("id");
    this.spare.push(element);
  }

  mark(element, index) {
    element.setAttribute("aria-selected", index === this.at ? "true" : "false");
  }

  describe() {
    const element = this.shown.get(this.at);
    if (element) this.place.setAttribute("aria-activedescendant", element.id);
    else this.place.removeAttribute("aria-activedescendant");
  }
}
