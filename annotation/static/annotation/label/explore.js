// Explore mode: the solution is built position by position, each with a step marked Great or one's own.

import { Candidates } from "./candidates.js";
import { askWhether } from "./dialogs.js";
import { isMark } from "./marks.js";
import { Writing } from "./writing.js";

const RETRY_MS = 2_000;
const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

/** Choices as a text to compare. */
const pathOf = (choices) => JSON.stringify(choices.map(({ chosen, human }) => [chosen ?? null, human ?? null]));

export class Explore {
  /** `building` is what the page lends: outbox, place, urls, alone, compose, settled, isTooSoon, stale. */
  constructor(work, draft, { changed, saying, building }) {
    this.work = work;
    this.saying = saying;
    this.building = building;
    this.changed = changed;
    this.marks = { ...draft.marks };
    this.choices = draft.choices ?? [];
    this.writing = new Writing(building.place);
    this.isChoosing = building.outbox.isChoosing;
    this.#take(work.querySelector("[data-building]"));
    this.work.addEventListener("click", (event) => this.#clicked(event));
  }

  /** Return the parts of the draft that this mode knows. */
  draft() {
    this.candidates.writeInto(this.marks);
    return { marks: { ...this.marks }, choices: this.choices };
  }

  /** Do what a key means here; false where it means nothing. */
  act(action) {
    if (action === "look-again") this.#lookAgain();
    else if (action === "write") this.#write();
    else if (!isMark(action) && action !== "up" && action !== "down") return false;
    else if (!this.isTurning && isMark(action)) this.candidates.mark(action);
    else if (!this.isTurning) this.candidates.move(action === "up" ? -1 : 1);
    return true;
  }

  /** Finish the position, or say what is missing; false where the solution has ended. */
  goOn() {
    if (this.isTurning) return true;
    if (this.candidates.isFinished) return false;
    const { great, current } = this.candidates;
    if (this.candidates.isReady && !great.length) {
      this.#goOnWritten();
      return true;
    }
    if (this.building.isTooSoon()) return true;
    const missing = this.candidates.lightUnmarked();
    if (missing) this.#refuse(missing);
    else if (!current) this.#choose({});
    else if (!great.includes(current)) this.#refuse(this.saying.text("only_great"));
    else this.#choose({ chosen: Number(current.dataset.step) });
    return true;
  }

  /** Take up a choice that an earlier visit has left on its way. */
  resume() {
    this.#settle(() => this.building.outbox.finish(), {});
  }

  /** Take back the last choice; false where there is none. */
  back() {
    if (!this.choices.length) return false;
    if (!this.isTurning) this.#backTo(this.choices.length - 1);
    return true;
  }

  /** The server has everything: what is shown can follow. */
  saved() {
    if (this.isTurning && !this.isChoosing) this.#turn();
  }

  unfinished() {
    return null;
  }

  /** Show where the server found something missing, by the name of a field of the draft. */
  point(field) {
    this.candidates.point(field);
  }

  focus() {
    this.candidates.focus();
  }

  get count() {
    return this.candidates.places.length;
  }

  /** Whether another position is shown than the draft stands at. */
  get isTurning() {
    return pathOf(this.choices) !== pathOf(JSON.parse(this.box.dataset.choices));
  }

  /** Show the piece of the page `box`. */
  #take(box) {
    this.box = box;
    this.writing.take(box, pathOf(this.choices), {
      goOn: () => this.goOn(), leave: () => this.candidates.focus(),
    });
    this.candidates?.leave();
    this.candidates = new Candidates(box, this.marks, {
      url: this.building.urls.candidates,
      saying: this.saying,
      writing: this.writing,
      changed: this.changed,
      moved: (choices) => this.isChoosing || this.isTurning || this.#isElsewhere(choices),
    });
    this.#paintTurning();
    const word = this.work.querySelector("[data-word]");
    word.textContent = this.saying.text(this.candidates.isFinished ? "word_submit" : "word_go_on");
  }

  #paintTurning() {
    this.box.toggleAttribute("inert", this.isTurning);
    this.box.classList.toggle("turning", this.isTurning);
  }

  /** Whether a piece that came is of another path than ours: then another tab has gone on. */
  #isElsewhere(choices) {
    if (pathOf(choices) === pathOf(this.choices)) return false;
    if (this.building.outbox.isClean) this.building.stale();
    return true;
  }

  #refuse(text) {
    this.saying.announceText(text);
    this.saying.noticeText(text);
  }

  #goOnWritten() {
    const text = this.writing.text.trim();
    if (text) this.#choose({ human: text });
    else this.#write();
  }

  #write() {
    if (this.isTurning) return;
    const missing = this.candidates.lightUnmarked();
    if (missing) this.#refuse(missing);
    else if (this.candidates.great.length) this.#refuse(this.saying.text("write_only"));
    else {
      this.writing.focus();
      this.saying.announce("write");
    }
  }

  #choose(choice) {
    this.#settle(() => this.building.outbox.choose(this.building.compose(), choice), choice);
  }

  #settle(choose, asked) {
    this.building.alone(async () => {
      this.saying.quiet();
      this.isChoosing = true;
      const answer = await choose();
      this.isChoosing = false;
      if (!answer.ok) {
        await this.#refused(answer);
        return;
      }
      const { choice } = answer.body;
      const said = this.#said(choice, asked);
      this.choices = [...this.choices, choice];
      this.writing.forget();
      await this.#turn(said);
    });
  }

  #said(choice, asked) {
    if (choice.human !== null) return this.saying.text("written");
    const number = this.candidates.numberOf(choice.chosen);
    const isLot = !asked.chosen && this.candidates.great.length > 1;
    return number ? this.saying.text(isLot ? "taken_by_lot" : "taken", { number }) : "";
  }

  /** The server says no: a candidate may have come that was not seen. */
  async #refused(answer) {
    const [error] = answer.body.errors ?? [];
    if (!error) return;
    await this.candidates.look();
    this.candidates.point(error.field);
    this.saying.announceText(error.detail);
  }

  async #backTo(position) {
    const dropped = this.choices.slice(position);
    if (dropped.length > 1 && !(await askWhether("go-back"))) return;
    this.saying.quiet();
    this.choices = this.choices.slice(0, position);
    if (dropped[0].human !== null) this.writing.keep(pathOf(this.choices), dropped[0].human);
    this.#paintTurning();
    this.saying.announce("turning");
    this.changed();
  }

  /** Fetch and show the position where the draft stands; what was `said` stays to be read. */
  async #turn(said = "") {
    if (this.turning) return;
    this.turning = true;
    try {
      const box = await this.#fetch();
      if (!box) return;
      const isBack = Number(box.dataset.position) < Number(this.box.dataset.position);
      this.box.replaceWith(box);
      this.#take(box);
      this.building.settled();
      this.saying.quiet();
      this.focus();
      this.saying.announceText([said, this.#where(isBack)].filter(Boolean).join(" "));
      this.candidates.tell(said);
    } finally {
      this.turning = false;
    }
  }

  #where(isBack) {
    if (this.candidates.isFinished) return this.saying.text("ends");
    const number = Number(this.box.dataset.position) + 1;
    const back = isBack ? this.saying.text("back_at", { number }) : "";
    return `${back} ${this.saying.text("position", { number, count: this.count })}`.trim();
  }

  /** Return the piece for where the draft stands, whenever it comes; null where that is not ours. */
  async #fetch() {
    while (this.work.isConnected) {
      const box = await this.candidates.fetch();
      if (box) return this.#isElsewhere(JSON.parse(box.dataset.choices)) ? null : document.adoptNode(box);
      this.saying.noticeText(this.saying.text("not_shown"));
      await pause(RETRY_MS);
    }
    return null;
  }

  async #lookAgain() {
    if (this.isTurning || this.candidates.isFinished) return;
    if (!(await this.candidates.ask(this.building.urls.ask))) this.#refuse(this.saying.text("not_now"));
  }

  #clicked(event) {
    const back = event.target.closest("[data-back]");
    const take = event.target.closest("[data-take] button");
    if (this.isTurning || this.building.outbox.frozen || this.isChoosing) return;
    if (back) this.#backTo(Number(back.dataset.back));
    if (take) this.#choose({ chosen: Number(take.closest("[data-step]").dataset.step) });
  }
}
