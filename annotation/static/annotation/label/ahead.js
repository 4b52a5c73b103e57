// Fetches the next solution while this one is marked, and gives it back when it is not wanted.

import { page, send } from "./server.js";

// Given back before it runs out, so that it is not lost to somebody else in mid-use.
const EARLY_MS = 5_000;

export class Ahead {
  /** `isAtWork()` tells whether somebody is there to want the next one. */
  constructor(config, isAtWork) {
    this.config = config;
    this.isAtWork = isAtWork;
    this.claimed = null;
    this.asking = null;
    this.timer = 0;
    addEventListener("pagehide", () => this.giveBack());
    addEventListener("pageshow", (event) => { if (event.persisted) this.want(); });
    document.addEventListener("visibilitychange", () => { if (!document.hidden) this.want(); });
  }

  /** Claim one ahead, unless there is one or nobody is looking. */
  want() {
    if (this.claimed || this.asking || document.hidden || !this.isAtWork()) return;
    this.asking = this.#fetch().finally(() => { this.asking = null; });
  }

  /** Return the one that is there, as {id, work}, or null; it is the caller's from now on. */
  async take() {
    await this.asking;
    const { claimed } = this;
    this.claimed = null;
    clearTimeout(this.timer);
    return claimed?.work ? claimed : null;
  }

  giveBack() {
    clearTimeout(this.timer);
    if (!this.claimed) return null;
    const { id } = this.claimed;
    this.claimed = null;
    return send("POST", slotUrl(this.config.urls.release, id), { keepalive: true });
  }

  async #fetch() {
    const answer = await send("POST", this.config.urls.next, { body: { ahead: true } });
    const id = answer.body.assignment?.id;
    if (!answer.ok || !id) return;
    this.claimed = { id, work: null };
    this.timer = setTimeout(() => this.#renew(), this.config.ahead_ms - EARLY_MS);
    const shown = await page(slotUrl(this.config.urls.assignment, id));
    const work = shown?.querySelector("[data-work]") ?? null;
    if (this.claimed?.id === id) this.claimed.work = work;
    if (!work) await this.giveBack();
  }

  async #renew() {
    await this.giveBack();
    this.want();
  }
}

/** Put the id of a slot into an address that has 0 in its place. */
export function slotUrl(pattern, id) {
  return pattern.replace("/0/", `/${id}/`);
}
