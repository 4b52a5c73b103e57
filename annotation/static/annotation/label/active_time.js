// How long somebody was at work: without hidden tabs, and without idleness beyond a limit.

const SIGNS = ["keydown", "pointerdown", "pointermove", "wheel", "scroll", "touchmove", "input"];

export class ActiveTime {
  /** Time since the last sign counts up to `limit` ms: reading a hard step is not idling. */
  constructor(limit, counted = 0) {
    this.limit = limit;
    this.counted = counted;
    this.last = performance.now();
    this.running = !document.hidden;
    const stop = new AbortController();
    const options = { passive: true, capture: true, signal: stop.signal };
    for (const sign of SIGNS) addEventListener(sign, () => this.sign(), options);
    document.addEventListener("visibilitychange", () => this.turn(!document.hidden), options);
    this.stop = () => stop.abort();
  }

  /** Milliseconds at work until now. */
  get total() {
    return Math.round(this.counted + this.#since());
  }

  get isIdle() {
    return !this.running || performance.now() - this.last > this.limit;
  }

  sign() {
    this.counted += this.#since();
    this.last = performance.now();
  }

  turn(running) {
    this.sign();
    this.running = running;
  }

  #since() {
    return this.running ? Math.min(performance.now() - this.last, this.limit) : 0;
  }
}
