// Work that is broken off, given up or on a bad problem, says so and can be taken up again.

const BUTTONS = { give_up: "give-up", bad_problem: "bad-problem" };

export class Ending {
  constructor(work, { end, reason }) {
    this.work = work;
    this.set({ end, reason });
  }

  /** `end` is give_up, bad_problem, or "" for work that goes on. */
  set({ end, reason }) {
    [this.end, this.reason] = [end, reason];
    const box = this.work.querySelector("[data-ending]");
    box.hidden = !end;
    const button = end ? this.work.querySelector(`[data-do="${BUTTONS[end]}"]`) : null;
    const title = button?.textContent.trim() ?? "";
    box.querySelector("span").textContent = reason ? `${title}: ${reason}` : title;
  }
}
