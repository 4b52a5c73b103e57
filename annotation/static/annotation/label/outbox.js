// Brings the work on one slot to the server, whatever happens on the way.
//
// Every change is written to this browser's storage first and then sent, one request at a time. A
// save that got no answer is sent again with the same key, so that it counts once; what changed
// meanwhile waits its turn as the newest draft. A tab has a place of its own in the storage, so
// that two tabs never overwrite each other there; what a closed tab left is taken up on load, and
// replaying what another tab has sent already changes nothing.

import { send, uuid } from "./server.js";

const TAB = "stepmark:tab";
const A_WEEK_MS = 7 * 24 * 3_600_000;
const RETRY_MS = [1_000, 2_000, 4_000, 8_000, 15_000];

function tab() {
  try {
    let name = sessionStorage.getItem(TAB);
    if (!name) sessionStorage.setItem(TAB, (name = uuid()));
    return name;
  } catch {
    return uuid();
  }
}

/** The place in storage of the work of `user` on one slot, or on one correction of it. */
export function placeOf(user, project, assignment, corrects) {
  return `stepmark:work:${user}:${project}:${assignment}:${corrects || 0}`;
}

/** Return [key, work] of all that waits in storage under `prefix`. */
export function waiting(prefix) {
  const found = [];
  try {
    for (let n = 0; n < localStorage.length; n += 1) {
      const key = localStorage.key(n);
      if (!key.startsWith(`${prefix}:`)) continue;
      try {
        found.push([key, JSON.parse(localStorage.getItem(key))]);
      } catch {
        // Not written by us: leave it.
      }
    }
  } catch {
    // A browser without storage keeps nothing between visits.
  }
  return found;
}

function isPending(work) {
  return Boolean(work.saving || work.draft || work.choice || work.submit);
}

export function forget(key) {
  try {
    localStorage.removeItem(key);
  } catch {
    // As above.
  }
}

/** Forget what other tabs noted as saved under `place`: the server knows a newer state. */
export function forgetSaved(place) {
  waiting(place).filter(([, work]) => !isPending(work)).forEach(([key]) => forget(key));
}

export class Outbox {
  /**
   * `tell(state, more)` hears of every turn: saved, saving, submitting, offline, queued, out,
   * stale, submitted, surplus, refused. `ready` is awaited before anything is sent.
   */
  constructor({ place, urls, version, tell = () => {}, ready = null }) {
    this.key = `${place}:${tab()}`;
    this.urls = urls;
    this.tell = tell;
    this.ready = ready;
    this.work = { version, saving: null, draft: null, choice: null, submit: null, active_ms: 0, urls };
    this.adopted = [];
    this.running = null;
    this.timer = 0;
    this.tries = 0;
    this.frozen = false;
    this.refused = false;
    this.kept = true;
    this.done = null;
    this.left = new AbortController();
    const { signal } = this.left;
    addEventListener("online", () => this.again(), { signal });
    addEventListener("focus", () => this.again(), { signal });
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.again();
    }, { signal });
  }

  /** Go on with what was left in storage for this slot; return the newest draft in it, if any. */
  adopt(place) {
    const left = waiting(place).sort(([, a], [, b]) => (a.at ?? 0) - (b.at ?? 0));
    const newest = left.filter(([, work]) => isPending(work)).pop();
    if (!newest) return this.#catchUp(left.map(([, work]) => work));
    const [key, work] = newest;
    this.work = { ...this.work, ...work, urls: this.urls };
    if (key !== this.key) this.adopted.push(key);
    this.#write();
    return work.submit?.draft ?? work.draft ?? work.choice?.draft ?? work.saving?.draft ?? null;
  }

  /** A page can be older than a save that the page before it made while this one was on its way. */
  #catchUp(works) {
    const newer = works.filter(({ version, saved }) => saved && version > this.work.version);
    const last = newer.sort((a, b) => a.version - b.version).pop();
    if (!last) return null;
    this.work.version = last.version;
    return last.saved;
  }

  /** The active time that was counted in this browser on an earlier visit. */
  static activeTime(place) {
    return Math.max(0, ...waiting(place).map(([, work]) => work.active_ms ?? 0));
  }

  get isClean() {
    return !isPending(this.work);
  }

  get isSubmitting() {
    return this.work.submit !== null;
  }

  /** Whether a position is being finished (explore mode). */
  get isChoosing() {
    return Boolean(this.work.choice);
  }

  /** Keep `draft` here at once, and on the server as soon as can be. */
  change(draft) {
    if (this.frozen || this.isSubmitting || this.isChoosing) return;
    this.refused = false;
    this.work.draft = draft;
    this.count(draft.active_ms);
    this.pump();
  }

  /** Remember the active time: too small a change to send. */
  count(active_ms) {
    this.work.active_ms = active_ms;
    this.#write();
  }

  /** Hand the work in, once; resolves when the server has it or has refused it. */
  submit(draft) {
    if (this.frozen) return Promise.resolve({ ok: false, body: {} });
    if (!this.isSubmitting) {
      this.refused = false;
      this.work.submit = { key: uuid(), draft };
      // What is handed in holds all of it; a save on its way is waited for.
      this.work.draft = null;
      this.#write();
    }
    return this.finish();
  }

  /** Finish a position with `choice`, once; resolves like `submit`. */
  choose(draft, choice) {
    if (this.frozen || this.isSubmitting) return Promise.resolve({ ok: false, body: {} });
    if (!this.isChoosing) {
      this.refused = false;
      this.work.choice = { key: uuid(), draft, choice };
      this.work.draft = null;
      this.#write();
    }
    return this.finish();
  }

  /** Wait for what was handed in, or a choice, perhaps from an earlier visit. */
  finish() {
    this.done ??= Promise.withResolvers?.() ?? withResolvers();
    const { promise } = this.done;
    this.pump();
    return promise;
  }

  again() {
    clearTimeout(this.timer);
    this.timer = 0;
    if (!this.frozen && !this.isClean) this.pump();
  }

  /** Send what waits, one after the other; a second call joins the first. */
  pump() {
    this.running ??= this.#run().finally(() => { this.running = null; });
    return this.running;
  }

  /** Leave the storage and stop trying: there is nothing left to bring. */
  close() {
    this.frozen = true;
    clearTimeout(this.timer);
    this.left.abort();
    forget(this.key);
    this.adopted.forEach(forget);
  }

  async #run() {
    await this.ready;
    if (this.refused) return;
    while (!this.frozen && !this.isClean) {
      if (!this.work.saving && this.work.draft) {
        const { draft, version } = this.work;
        this.work.saving = { key: uuid(), version, draft };
        this.work.draft = null;
        this.#write();
      }
      const goesOn = await (this.work.saving ? this.#save() : this.isChoosing ? this.#choose() : this.#submit());
      if (!goesOn) return;
    }
    if (!this.frozen) this.tell("saved");
  }

  async #save() {
    this.tell("saving");
    const { key, version, draft } = this.work.saving;
    const answer = await send("PUT", this.urls.draft, { key, body: { version, draft } });
    if (answer.ok) {
      this.work.saving = null;
      this.work.version = answer.body.version;
      this.work.saved = draft;
      this.#arrived();
      if (answer.body.surplus) this.tell("surplus");
      return true;
    }
    if (answer.body.code === "submitted" && this.isSubmitting) {
      this.work.saving = null;
      return true;
    }
    return this.#failed(answer);
  }

  async #choose() {
    this.tell("saving");
    const { key, draft, choice } = this.work.choice;
    const body = { version: this.work.version, draft, choice };
    const answer = await send("POST", this.urls.choose, { key, body });
    if (!answer.ok) return this.#failed(answer);
    this.work.choice = null;
    this.work.version = answer.body.version;
    this.work.saved = { ...draft, choices: [...draft.choices, answer.body.choice] };
    this.#arrived();
    if (answer.body.surplus) this.tell("surplus");
    this.#settle(answer);
    return true;
  }

  async #submit() {
    this.tell("submitting");
    const { key, draft } = this.work.submit;
    const body = { draft, version: this.work.version };
    const answer = await send("POST", this.urls.submit, { key, body });
    if (!answer.ok) return this.#failed(answer);
    this.#arrived();
    this.close();
    this.#settle(answer);
    return false;
  }

  #arrived() {
    this.tries = 0;
    this.#write();
  }

  /** Decide what an answer that is no success means; nothing is sent again before it is told. */
  #failed(answer) {
    if (answer.lost || answer.out || answer.gone) {
      const offline = this.isSubmitting ? "queued" : this.isChoosing ? "queued_choice" : this.kept ? "offline" : "offline_unkept";
      this.tell(answer.out ? "out" : answer.gone ? "gone" : offline, answer.body);
      this.timer ||= setTimeout(() => this.again(), RETRY_MS[Math.min(this.tries, 4)]);
      this.tries += 1;
      return false;
    }
    if (answer.status === 409) {
      this.frozen = true;
      this.tell(answer.body.code === "stale" ? "stale" : "submitted", answer.body);
      this.#settle(answer);
      return false;
    }
    // The server understood and says no: what it is about can be put right on the page.
    const { submit, choice, saving, draft } = this.work;
    const goesOn = answer.body.code === "unfinished" || Boolean(draft);
    this.work.draft = (submit ?? choice)?.draft ?? draft ?? saving.draft;
    this.work.submit = this.work.choice = this.work.saving = null;
    // The same again would be refused again: it is kept here until something changes.
    this.refused = !goesOn;
    this.#write();
    this.tell("refused", answer.body);
    this.#settle(answer);
    return goesOn;
  }

  #settle(answer) {
    this.done?.resolve(answer);
    this.done = null;
  }

  #write() {
    try {
      localStorage.setItem(this.key, JSON.stringify({ ...this.work, at: Date.now() }));
      this.kept = true;
    } catch {
      this.kept = false;
    }
  }
}

function withResolvers() {
  const made = {};
  made.promise = new Promise((resolve) => { made.resolve = resolve; });
  return made;
}

/** Bring what earlier visits left for other slots; `except` is the place that is on screen. */
export function replayOthers(prefix, except) {
  for (const [key, work] of waiting(prefix)) {
    if (key.startsWith(`${except}:`)) continue;
    if (!isPending(work)) {
      if (Date.now() - (work.at ?? 0) > A_WEEK_MS) forget(key);
      continue;
    }
    const outbox = new Outbox({ place: key, urls: work.urls, version: work.version });
    outbox.key = key;
    outbox.work = work;
    outbox.tell = (state) => {
      // A newer version, or the finished work, is on the server: this one is of the past.
      if (["saved", "stale", "submitted"].includes(state)) outbox.close();
    };
    outbox.pump();
  }
}
