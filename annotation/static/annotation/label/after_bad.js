// What the project asks once a step is Bad: explanations, progress, the other candidates.

import { paint, readMark, writeMark } from "./marks.js";
import { page } from "./server.js";

export class AfterBad {
  constructor(work, draft, { changed }) {
    this.panel = work.querySelector("[data-after]");
    this.onWords = () => {};
    if (!this.panel) return;
    this.explanations = [];
    this.critiques = draft.critiques ?? {};
    this.asked = new Set();
    this.others = [...this.panel.querySelectorAll("[data-alternative]")];
    this.words = this.panel.querySelector("[data-own-words]");
    for (const other of this.others) writeMark(other, draft.marks?.[other.dataset.alternative]);
    const progress = this.panel.querySelector("[data-progress]");
    if (progress) this.#choose(progress, draft.progress);
    this.panel.addEventListener("change", (event) => {
      if (event.target.type === "radio") changed();
    });
    this.words?.addEventListener("input", () => this.onWords(this.words.value));
    this.paint();
  }

  /** Return the marks, critiques and progress that belong to `error`; nothing without one. */
  draft(error) {
    const marks = {}, critiques = {};
    if (!this.panel || !error) return { marks, critiques, progress: null };
    for (const other of this.others) {
      const mark = other.hidden ? null : readMark(other);
      if (mark) marks[other.dataset.alternative] = { ...mark, comment: "" };
    }
    for (const explanation of this.explanations) {
      const chosen = explanation.hidden ? null : this.#chosen(explanation);
      if (chosen !== null) critiques[explanation.dataset.explanation] = chosen;
    }
    // What was rated on an earlier visit stays, also before its explanations are here again.
    const isHere = this.explanations.some((one) => one.dataset.of === error.dataset.step);
    if (!isHere && error.dataset.step === this.rated) Object.assign(critiques, this.critiques);
    const progress = this.panel.querySelector("[data-progress]");
    return { marks, critiques, progress: progress ? this.#chosen(progress) : null };
  }

  /** Show what belongs to the step `error`, or nothing without one. */
  show(error, { takesAlternatives, comment }) {
    if (!this.panel) return;
    this.error = error;
    // What was rated before is about the step that was Bad then.
    this.rated ??= error?.dataset.step ?? "";
    this.panel.hidden = !error;
    if (!error) return;
    for (const one of this.explanations) one.hidden = one.dataset.of !== error.dataset.step;
    const hint = this.panel.querySelector("[data-explanations-hint]");
    if (hint) hint.hidden = this.explanations.every((one) => one.hidden);
    for (const other of this.others) {
      other.hidden = !takesAlternatives || other.dataset.at !== error.dataset.position;
    }
    const list = this.panel.querySelector("[data-alternatives]");
    if (list) list.hidden = this.others.every((other) => other.hidden);
    if (this.words && document.activeElement !== this.words) this.words.value = comment;
    // A panel with nothing in it for this step is no panel.
    const progress = this.panel.querySelector("[data-progress]");
    this.panel.hidden = !this.words && !progress && (!list || list.hidden);
    this.paint();
  }

  /** Fetch what models wrote of `error`: the server shows it once the Bad is saved, not before. */
  async explain(error) {
    const list = this.panel?.querySelector("[data-explanations]");
    if (!list || !error || this.asked.has(error.dataset.step)) return;
    this.asked.add(error.dataset.step);
    const shown = await page(list.dataset.explanations);
    // Marked anew meanwhile: that answer may have come without them.
    if (!shown || this.error !== error) this.asked.delete(error.dataset.step);
    const known = new Set(this.explanations.map((one) => one.dataset.explanation));
    for (const one of shown?.querySelectorAll("[data-explanation]") ?? []) {
      if (known.has(one.dataset.explanation)) continue;
      this.#choose(one, this.critiques[one.dataset.explanation]);
      list.append(document.adoptNode(one));
      this.explanations.push(one);
    }
  }

  /** The words about the mistake are the comment on its step: both fields show the same. */
  mirror(place, words) {
    if (this.words && place?.classList.contains("bad")) this.words.value = words;
  }

  paint() {
    this.others?.forEach(paint);
  }

  #chosen(group) {
    const value = group.querySelector("input:checked")?.value;
    return value === undefined ? null : Number(value);
  }

  #choose(group, value) {
    for (const input of group.querySelectorAll("input")) input.checked = input.value === String(value);
  }
}
