// Review mode: one step after the other is marked, up to the first Bad where the project stops there.

import { AfterBad } from "./after_bad.js";
import { isMark, paint, readMark, setTone, toneOf, writeMark } from "./marks.js";

export class Review {
  /** `changed()` is called after each change by the annotator; `saying` announces. */
  constructor(work, draft, { changed, saying }) {
    this.work = work;
    this.changed = changed;
    this.saying = saying;
    this.stops = "stops" in work.dataset;
    this.list = work.querySelector("[data-steps]");
    this.places = [...this.list.querySelectorAll("[data-step]")];
    this.byPointer = false;
    this.#load(draft);
    this.afterBad = new AfterBad(work, draft, { changed: () => this.#changedHere() });
    this.current = this.#firstUnmarked() ?? this.error ?? this.places.at(-1);
    this.#listen();
    this.#paint();
  }

  /** Return the parts of the draft that this mode knows. */
  draft() {
    const marks = {};
    for (const place of this.places) {
      const mark = readMark(place) ?? { rating: null, flagged: false };
      const comment = this.#comment(place).value;
      if (mark.rating !== null || mark.flagged || comment) marks[place.dataset.step] = { ...mark, comment };
    }
    const split = this.places.filter((place) => this.#splitButton(place).ariaPressed === "true");
    const after = this.afterBad.draft(this.error);
    return {
      marks: { ...marks, ...after.marks },
      progress: after.progress,
      critiques: after.critiques,
      bad_splits: split.map((place) => Number(place.dataset.position)),
    };
  }

  /** Do what a key means here; false where it means nothing. */
  act(action) {
    if (isMark(action)) this.mark(action);
    else if (action === "up" || action === "down") this.move(action === "up" ? -1 : 1);
    else if (action === "rest-great") this.markRestGreat();
    else return false;
    return true;
  }

  mark(tone) {
    const candidate = document.activeElement?.closest?.("[data-alternative]");
    if (candidate) {
      setTone(candidate, tone);
      this.afterBad.paint();
      this.#changedHere();
      return;
    }
    setTone(this.current, tone);
    this.#marked(this.current, { movesOn: true });
  }

  move(by) {
    const to = this.#open()[this.#open().indexOf(this.current) + by];
    if (to) this.#light(to);
  }

  markRestGreat() {
    for (const place of this.#open()) if (toneOf(place) === null) setTone(place, "great");
    this.#light(this.places.at(-1));
    this.saying.announce("rest_great");
    this.#changedHere();
  }

  /** Show what still needs a mark and return the words for it; null where all is marked. */
  unfinished() {
    const place = this.#firstUnmarked();
    if (!place) return null;
    this.#light(place);
    return this.saying.text("unmarked", { number: this.#number(place) });
  }

  /** Show where the server found something missing, by the name of a field of the draft. */
  point(field) {
    const place = this.places.find(({ dataset }) => field === `marks.${dataset.step}`);
    if (place) this.#light(place);
  }

  /** What models wrote of a mistake is there once the mark is saved. */
  async saved() {
    await this.afterBad.explain(this.error);
    this.#paint();
  }

  focus() {
    this.current?.focus({ preventScroll: true });
    this.current?.scrollIntoView({ block: "nearest" });
  }

  get count() {
    return this.places.length;
  }

  /** The first step marked Bad, if any. */
  get error() {
    return this.places.find((place) => toneOf(place) === "bad") ?? null;
  }

  /** The steps that can be marked: where the project stops at a Bad, none after it. */
  #open() {
    const last = this.stops && this.error ? this.places.indexOf(this.error) : this.places.length;
    return this.places.slice(0, last + 1);
  }

  #firstUnmarked() {
    return this.#open().find((place) => toneOf(place) === null) ?? null;
  }

  #number(place) {
    return this.places.indexOf(place) + 1;
  }

  #comment(place) {
    return place.querySelector(".note textarea");
  }

  #splitButton(place) {
    return place.querySelector("[data-split]");
  }

  #load(draft) {
    for (const place of this.places) {
      const mark = draft.marks?.[place.dataset.step];
      writeMark(place, mark);
      this.#comment(place).value = mark?.comment ?? "";
      const isSplit = draft.bad_splits?.includes(Number(place.dataset.position));
      this.#splitButton(place).ariaPressed = String(Boolean(isSplit));
      this.#unfold(place, Boolean(mark?.comment));
    }
  }

  #unfold(place, isOpen) {
    place.querySelector(".note").hidden = !isOpen;
    place.querySelector("[data-comment]").ariaExpanded = String(isOpen);
  }

  #listen() {
    this.list.addEventListener("pointerdown", (event) => {
      this.byPointer = Boolean(event.target.closest(".marks label"));
    });
    this.list.addEventListener("keydown", () => { this.byPointer = false; });
    this.list.addEventListener("change", (event) => {
      if (event.target.type !== "radio") return;
      // With the arrows one goes through the marks of a group: only a click moves on.
      this.#marked(event.target.closest("[data-step]"), { movesOn: this.byPointer });
    });
    this.list.addEventListener("input", (event) => {
      if (event.target.tagName !== "TEXTAREA") return;
      this.afterBad.mirror(event.target.closest("[data-step]"), event.target.value);
      this.changed();
    });
    this.list.addEventListener("click", (event) => this.#clicked(event));
    this.list.addEventListener("focusin", (event) => {
      const place = event.target.closest("[data-step]");
      if (place && place !== this.current && this.#open().includes(place)) this.#light(place, { focus: false });
    });
    this.afterBad.onWords = (words) => {
      if (!this.error) return;
      this.#comment(this.error).value = words;
      this.changed();
    };
  }

  #clicked(event) {
    const place = event.target.closest("[data-step]");
    if (event.target.closest("[data-comment]")) {
      const isOpen = place.querySelector(".note").hidden;
      this.#unfold(place, isOpen);
      if (isOpen) this.#comment(place).focus();
    } else if (event.target.closest("[data-split]")) {
      const button = this.#splitButton(place);
      button.ariaPressed = String(button.ariaPressed !== "true");
      // After a click the next Enter is meant for the steps, not for this button again.
      if (event.detail > 0) place.focus({ preventScroll: true });
      this.#paint();
      this.changed();
    }
  }

  #marked(place, { movesOn }) {
    const tone = toneOf(place);
    const closes = this.stops && tone === "bad" && place !== this.places.at(-1);
    this.current = place;
    this.#paint();
    const said = [this.saying.text("marked", { number: this.#number(place), mark: this.saying.text(tone) })];
    if (closes) said.push(this.saying.text("closed"));
    if (!this.#firstUnmarked()) said.push(this.saying.text("all_marked"));
    this.saying.announceText(said.join(" "));
    const next = this.#open()[this.#open().indexOf(place) + 1];
    if (movesOn && next) this.#light(next);
    else if (movesOn) this.#light(place);
    this.#changedHere();
  }

  #changedHere() {
    this.#paint();
    this.changed();
  }

  #light(place, { focus = true } = {}) {
    this.current = place;
    this.#paint();
    if (focus) this.focus();
  }

  #paint() {
    const open = this.#open();
    if (!open.includes(this.current)) this.current = open.at(-1);
    const at = this.places.indexOf(this.current);
    this.places.forEach((place, number) => {
      const isClosed = !open.includes(place);
      paint(place);
      place.classList.toggle("now", place === this.current);
      place.classList.toggle("shut", isClosed);
      place.classList.toggle("later", isClosed || (number > at && toneOf(place) === null));
      place.classList.toggle("split", this.#splitButton(place).ariaPressed === "true");
      place.querySelector(".closed").hidden = !isClosed;
      place.querySelector(".marks").disabled = isClosed;
      if (place === this.current) place.setAttribute("aria-current", "step");
      else place.removeAttribute("aria-current");
    });
    const ends = this.stops || this.error === this.places.at(-1);
    const comment = this.error ? this.#comment(this.error).value : "";
    this.afterBad.show(this.error, { takesAlternatives: ends, comment });
  }
}
