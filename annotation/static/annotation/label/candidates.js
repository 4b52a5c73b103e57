// The candidates of one position: marked one after the other; more may come while that is done.

import { paint, readMark, setTone, toneOf, writeMark } from "./marks.js";
import { page, send } from "./server.js";

const FIRST_MS = 1_000;
const LONGEST_MS = 10_000;

export class Candidates {
  /** `moved(choices)` tells whether a piece that came is of another path. */
  constructor(box, marks, { url, saying, writing, changed, moved }) {
    Object.assign(this, { box, url, saying, writing, changed, moved });
    this.list = box.querySelector("[data-candidates]");
    this.bar = box.querySelector("[data-bar]");
    this.places = [];
    this.isFinished = "finished" in box.dataset;
    this.byPointer = false;
    this.timer = 0;
    this.later = FIRST_MS;
    if (this.isFinished) return;
    for (const place of this.list.querySelectorAll("[data-step]")) this.#add(place, marks[place.dataset.step]);
    this.current = this.#unmarked;
    this.#listen();
    this.#paint();
    this.#wait();
  }

  leave() {
    clearTimeout(this.timer);
    this.timer = 0;
    this.url = null;
  }

  /** Put the marks of what is shown here into `marks`, by the id of the step. */
  writeInto(marks) {
    for (const place of this.places) {
      const mark = readMark(place);
      const comment = this.#comment(place).value;
      if (mark || comment) marks[place.dataset.step] = { rating: null, flagged: false, ...mark, comment };
      else delete marks[place.dataset.step];
    }
  }

  get great() {
    return this.places.filter((place) => toneOf(place) === "great");
  }

  numberOf(step) {
    return this.places.findIndex((place) => Number(place.dataset.step) === step) + 1;
  }

  mark(tone) {
    if (!this.current) return;
    setTone(this.current, tone);
    this.#marked(this.current, { movesOn: true });
  }

  move(by) {
    const at = this.places.indexOf(this.current);
    const to = at < 0 ? this.places.at(by < 0 ? -1 : 0) : this.places[at + by];
    if (to) this.#light(to);
  }

  /** Light the first that has no mark and return the words for it; null where all are marked. */
  lightUnmarked() {
    const place = this.#unmarked;
    if (!place) return null;
    this.#light(place);
    return this.saying.text("candidate_unmarked", { number: this.#number(place) });
  }

  point(field) {
    const place = this.places.find(({ dataset }) => field === `marks.${dataset.step}`);
    if (place) this.#light(place);
  }

  focus() {
    const place = this.current ?? this.bar;
    place?.focus({ preventScroll: true });
    if (place === this.bar) this.writing.scrollIntoView();
    place?.scrollIntoView({ block: "nearest" });
  }

  /** Show what was just `said` above the candidates, for those who see. */
  tell(said) {
    if (!said) return;
    const words = Object.assign(document.createElement("p"), { className: "quiet said-now" });
    words.textContent = said;
    this.box.querySelector(".taken")?.after(words);
  }

  /** Return this piece of the page as the server has it now; null where it did not answer. */
  async fetch() {
    return (await page(this.url))?.querySelector("[data-building]") ?? null;
  }

  /** Ask for more candidates; false where the server did not hear it. */
  async ask(url) {
    const answer = await send("POST", url);
    if (!answer.ok) return false;
    this.later = FIRST_MS;
    const before = this.places.length;
    await this.look();
    if (!this.#draws && this.places.length === before) this.saying.announce("nothing_more");
    return true;
  }

  /** Look for what came since, and put it after what is there. */
  async look() {
    const box = await this.fetch();
    if (!box || !this.url || this.moved(JSON.parse(box.dataset.choices))) return;
    const known = new Set(this.places.map(({ dataset }) => dataset.step));
    const came = [...box.querySelectorAll("[data-step]")].filter(({ dataset }) => !known.has(dataset.step));
    for (const place of came) this.#add(this.list.appendChild(document.adoptNode(place)), null);
    this.#renew(box);
    if (!came.length) return;
    this.later = FIRST_MS;
    this.saying.announce("came", { count: came.length });
    const isFree = [this.bar, document.body].includes(document.activeElement);
    if (!this.current) this.#light(this.#unmarked, { focus: isFree });
    else this.#paint();
  }

  /** Say whether more are coming, as the piece `box` says it. */
  #renew(box) {
    const [now, next] = [this.box, box].map((one) => one.querySelector("[data-more]"));
    this.box.toggleAttribute("data-draws", "draws" in box.dataset);
    if (now.textContent.trim() !== next.textContent.trim()) {
      const held = now.contains(document.activeElement);
      now.replaceChildren(...[...next.childNodes].map((node) => document.adoptNode(node)));
      const why = now.querySelector("[data-why]");
      if (why) this.saying.announceText(why.closest("p").textContent);
      if (held) (now.querySelector("button") ?? this.bar).focus();
    }
    this.#paint();
    this.#wait();
  }

  get #draws() {
    return "draws" in this.box.dataset;
  }

  /** While more are being drawn, look again; less and less often, and not unseen. */
  #wait() {
    clearTimeout(this.timer);
    if (!this.#draws || !this.url) return;
    this.timer = setTimeout(async () => {
      if (!this.box.isConnected) return;
      this.later = Math.min(this.later * 1.5, LONGEST_MS);
      if (!document.hidden) await this.look();
      this.#wait();
    }, this.later);
  }

  get #unmarked() {
    return this.places.find((place) => toneOf(place) === null) ?? null;
  }

  #number(place) {
    return this.places.indexOf(place) + 1;
  }

  #comment(place) {
    return place.querySelector(".note textarea");
  }

  #add(place, mark) {
    this.places.push(place);
    writeMark(place, mark);
    this.#comment(place).value = mark?.comment ?? "";
    this.#unfold(place, Boolean(mark?.comment));
  }

  #unfold(place, isOpen) {
    place.querySelector(".note").hidden = !isOpen;
    place.querySelector("[data-comment]").ariaExpanded = String(isOpen);
  }

  #listen() {
    const of = (event) => event.target.closest("[data-step]");
    this.list.addEventListener("pointerdown", (event) => {
      this.byPointer = Boolean(event.target.closest(".marks label"));
    });
    this.list.addEventListener("mousedown", (event) => {
      // What it lights grows: the button would be gone from under the pointer.
      if (event.target.closest("[data-take]")) event.preventDefault();
    });
    this.list.addEventListener("keydown", () => { this.byPointer = false; });
    this.list.addEventListener("change", (event) => {
      // With the arrows one goes through the marks of a group: only a click moves on.
      if (event.target.type === "radio") this.#marked(of(event), { movesOn: this.byPointer });
    });
    this.list.addEventListener("input", (event) => {
      if (event.target.tagName === "TEXTAREA") this.changed();
    });
    this.list.addEventListener("click", (event) => {
      if (!event.target.closest("[data-comment]")) return;
      const isOpen = of(event).querySelector(".note").hidden;
      this.#unfold(of(event), isOpen);
      if (isOpen) this.#comment(of(event)).focus();
    });
    this.list.addEventListener("focusin", (event) => {
      if (of(event) !== this.current) this.#light(of(event), { focus: false });
    });
  }

  #marked(place, { movesOn }) {
    const said = this.saying.text("candidate_marked", {
      number: this.#number(place), mark: this.saying.text(toneOf(place)),
    });
    const wasReady = this.isReady;
    this.isReady = !this.#unmarked;
    this.current = place;
    // Once all are marked nothing is lit: what is moved to from then on is what is chosen.
    if (movesOn && this.isReady) this.current = wasReady ? place : null;
    else if (movesOn) this.current = this.#after(place);
    this.#paint();
    if (movesOn) this.focus();
    // What has the focus is read anyway.
    const next = this.isReady && document.activeElement !== this.bar ? this.bar.textContent : "";
    this.saying.announceText(`${said} ${next}`.trim());
    this.changed();
  }

  /** The next one without a mark, from `place` on and round. */
  #after(place) {
    const at = this.places.indexOf(place);
    const round = [...this.places.slice(at + 1), ...this.places.slice(0, at)];
    return round.find((one) => toneOf(one) === null);
  }

  #light(place, { focus = true } = {}) {
    this.current = place;
    this.#paint();
    if (focus) this.focus();
  }

  #paint() {
    this.isReady = !this.#unmarked;
    for (const place of this.places) {
      const isNow = place === this.current;
      paint(place);
      place.classList.toggle("now", isNow);
      place.querySelector("[data-take]").hidden = !this.isReady || toneOf(place) !== "great";
      if (isNow) place.setAttribute("aria-current", "step");
      else place.removeAttribute("aria-current");
    }
    const text = this.isReady ? this.#whatNext() : "";
    if (this.bar.textContent !== text) this.bar.textContent = text;
    this.bar.hidden = !text;
    this.writing.show(this.isReady && !this.great.length);
  }

  /** What Enter does now that all are marked. */
  #whatNext() {
    const { great, current, places } = this;
    const say = (name, values) => this.saying.text(name, values);
    if (!places.length) return say(this.#draws ? "none_yet" : "none_there");
    if (!great.length) return say("none_great");
    if (great.includes(current)) return say("takes", { number: this.#number(current) });
    if (current) return say("only_great");
    return great.length > 1
      ? say("by_lot", { count: great.length })
      : say("one_great", { number: this.#number(great[0]) });
  }
}
