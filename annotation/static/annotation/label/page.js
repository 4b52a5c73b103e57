// The labelling page: shows one piece of work after the other and connects what happens on it.

import { ActiveTime } from "./active_time.js";
import { Ahead, slotUrl } from "./ahead.js";
import { askReason, toggleGuidelines } from "./dialogs.js";
import { Explore } from "./explore.js";
import { Ending } from "./ending.js";
import { listen } from "./keys.js";
import { Outbox, forgetSaved, placeOf, replayOthers } from "./outbox.js";
import { Review } from "./review.js";
import { Saying } from "./saying.js";
import { page, send } from "./server.js";
import { countOne } from "./today.js";
import { lookAgain } from "./waiting.js";

const MODES = { review: Review, explore: Explore };
const SETTLE_MS = 400;
const RETRY_MS = 2_000;
const COUNT_MS = 5_000;

const config = JSON.parse(document.getElementById("label-config").textContent);
const holder = document.querySelector("[data-place]");
const saying = new Saying(config.texts);
const ahead = new Ahead(config, () => Boolean(now) && !now.time.isIdle);

/** The work on screen: {work, mode, outbox, time, id, corrects, place, ending}. */
let now = null;
let busy = false;
let shownAt = 0;
let touched = false;
let stopLooking = () => {};
let heldAt = 0;

function show(work, { said = "", ready = null } = {}) {
  leave();
  if (!holder.contains(work)) holder.replaceChildren(document.adoptNode(work));
  saying.quiet();
  const { assignment: id, corrects, version } = work.dataset;
  const place = placeOf(config.user, config.project, id, corrects);
  const urls = Object.fromEntries(["draft", "choose", "submit"].map((name) => [name, slotUrl(config.urls[name], id)]));
  const outbox = new Outbox({ place, urls, version: Number(version), ready });
  const earlier = Outbox.activeTime(place);
  const fresh = JSON.parse(work.querySelector(":scope > script").textContent);
  const draft = outbox.adopt(place) ?? fresh;
  const time = new ActiveTime(config.idle_ms, Math.max(earlier, draft.active_ms, fresh.active_ms));
  now = { work, outbox, time, id, corrects, place, ending: new Ending(work, draft) };
  now.mode = new MODES[work.dataset.mode](work, draft, { changed, saying, building: building(id, outbox, place) });
  outbox.tell = told;
  shownAt = performance.now();
  heldAt = shownAt;
  touched = false;
  history.replaceState(null, "", corrects ? `${config.urls.page}?assignment=${id}` : config.urls.page);
  now.mode.focus();
  if (said) saying.announce(said, { count: now.mode.count });
  // Later: whoever shows this may still be busy with what was here before.
  if (outbox.isSubmitting) setTimeout(() => finishSubmitting(outbox.finish()));
  else if (outbox.isChoosing) setTimeout(() => now?.mode.resume());
  else outbox.pump();
}

/** What explore mode needs beside: where its pieces come from, and the page's say in things. */
function building(id, outbox, place) {
  const url = (name) => slotUrl(config.urls[name], id);
  return {
    outbox, place, alone, compose,
    urls: { candidates: url("candidates"), ask: url("ask") },
    settled: () => { [shownAt, touched] = [performance.now(), false]; },
    isTooSoon,
    stale: () => { outbox.frozen = true; told("stale"); },
  };
}

function leave() {
  stopLooking();
  stopLooking = () => {};
  if (!now) return;
  now.time.stop();
  now.outbox.tell = () => {};
  now = null;
}

function compose() {
  return { choices: [], ...now.mode.draft(), end: now.ending.end, reason: now.ending.reason, active_ms: now.time.total };
}

function changed() {
  touched = true;
  now.outbox.change(compose());
  ahead.want();
}

function told(state, body = {}) {
  if (state === "surplus") {
    saying.notice("surplus");
    return;
  }
  saying.state(state === "submitted" ? "stale" : state);
  if (state === "saved") {
    saying.quiet("out_notice");
    saying.quiet("gone_notice");
    saying.quiet("ended");
    now.mode.saved?.();
    heldAt = performance.now();
  } else if (state === "out") {
    const href = `${config.urls.login}?next=${encodeURIComponent(config.urls.page)}`;
    saying.quiet("gone_notice");
    saying.keep("out_notice", { button: "log_in", href });
  } else if (state === "gone") {
    saying.quiet("out_notice");
    saying.keep("gone_notice");
  } else if (state === "stale") {
    saying.notice("stale_notice", { button: "load_newer", act: loadNewer });
  } else if (state === "submitted") {
    saying.notice("submitted_notice", { button: "go_on", act: goOn });
  } else if (state === "refused") {
    saying.noticeText(body.errors?.[0]?.detail || body.detail || saying.text("refused"));
  }
}

async function load(url, said) {
  const shown = await page(url);
  const work = shown?.querySelector("[data-work]");
  const waits = shown?.querySelector("[data-waiting]");
  if (work) {
    show(work, { said });
    ahead.want();
  } else if (waits) {
    leave();
    saying.quiet();
    // What was handed in last has arrived, and nothing comes after it to say so.
    saying.state("saved");
    history.replaceState(null, "", config.urls.page);
    holder.replaceChildren(document.adoptNode(waits));
    wait(waits);
  }
  return Boolean(work || waits);
}

function wait(section) {
  saying.announceText(section.innerText);
  stopLooking = lookAgain(section, async () => {
    stopLooking();
    if (!(await load(config.urls.page, "shown"))) wait(section);
  });
}

/** Go to the next work: the one fetched ahead at once, else whatever the server gives. */
async function advance(said) {
  const next = now?.corrects ? null : await ahead.take();
  if (next) {
    const begun = begin(next.id);
    show(next.work, { said, ready: begun });
    begun.then((isOurs) => {
      if (isOurs) ahead.want();
      else load(config.urls.page).then(() => saying.notice("swapped"));
    });
    return;
  }
  while (!(await load(config.urls.page, said))) await pause(RETRY_MS);
}

/** Turn the slot claimed ahead into one that is held; false where it is no longer ours. */
async function begin(id) {
  for (;;) {
    const answer = await send("POST", config.urls.next);
    if (answer.ok) return answer.body.assignment?.id === id;
    if (!answer.lost) return true;
    await pause(RETRY_MS);
  }
}

const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

function setBusy(isBusy) {
  busy = isBusy;
  holder.ariaBusy = isBusy ? "true" : null;
}

/** Run `job` alone: what is pressed meanwhile is not done twice. */
async function alone(job) {
  if (busy || !now || now.outbox.frozen) return;
  setBusy(true);
  try {
    await job();
  } finally {
    setBusy(false);
  }
}

/** Whether a key pressed now may still be meant for the work that was here a moment ago. */
function isTooSoon() {
  return !touched && performance.now() - shownAt < SETTLE_MS;
}

function submit() {
  const missing = now.ending.end ? null : now.mode.unfinished();
  if (missing) {
    saying.announceText(missing);
    saying.noticeText(missing);
    return;
  }
  saying.quiet();
  finishSubmitting(now.outbox.submit(compose()));
}

function finishSubmitting(submission) {
  alone(async () => {
    const answer = await submission;
    if (!answer.ok) {
      const [error] = answer.body.errors ?? [];
      if (error) {
        now.mode.point(error.field);
        saying.announceText(error.detail);
      }
      return;
    }
    if (answer.body.is_new && !now.corrects) countOne((count) => saying.text("today", { count }));
    await advance("next");
  });
}

function skip() {
  return alone(async () => {
    const url = now.corrects ? config.urls.release : config.urls.skip;
    // What was marked goes first: it is there when the solution comes back.
    await now.outbox.pump();
    if (now.outbox.frozen) return;
    const answer = await send("POST", slotUrl(url, now.id));
    if (!answer.ok) {
      saying.announce("not_now");
      saying.noticeText(saying.text("not_now"));
      return;
    }
    now.outbox.close();
    await advance(now.corrects ? "shown" : "skipped");
  });
}

function undo() {
  return alone(async () => {
    const answer = await send("POST", config.urls.undo);
    const id = answer.body.assignment?.id;
    const shown = id ? await page(slotUrl(config.urls.assignment, id)) : null;
    const work = shown?.querySelector("[data-work]");
    if (work) show(work, { said: "undone" });
    else {
      const why = answer.lost || answer.ok ? saying.text("not_now") : answer.body.detail;
      saying.announceText(why);
      saying.noticeText(why);
    }
  });
}

async function endWith(name) {
  if (busy || now.outbox.frozen) return;
  const answer = await askReason(name);
  if (!now) return;
  if (!answer) {
    // Not back to the button: the next Enter is meant for the steps.
    now.mode.focus();
    return;
  }
  now.ending.set(answer);
  submit();
}

function takeBack() {
  now.ending.set({ end: "", reason: "" });
  changed();
  now.mode.focus();
}

function loadNewer() {
  const { id, outbox, place } = now;
  outbox.close();
  forgetSaved(place);
  load(`${config.urls.page}?assignment=${id}`, "shown");
}

function goOn() {
  now.outbox.close();
  load(config.urls.page, "shown");
}

const ACTIONS = {
  submit: () => (!now.ending.end && now.mode.goOn?.()) || isTooSoon() || submit(),
  skip: () => isTooSoon() || skip(),
  undo: () => now.mode.back?.() || undo(),
  "give-up": () => endWith("give-up"),
  "bad-problem": () => endWith("bad-problem"),
  "take-back": takeBack,
};

function act(action) {
  if (action === "guidelines") {
    toggleGuidelines(config.urls.guidelines, saying.text("guidelines_lost"));
    return true;
  }
  if (!now) return false;
  // Frozen work waits for the decision that the notice asks for.
  if (busy || now.outbox.frozen) return true;
  if (ACTIONS[action]) ACTIONS[action]();
  else {
    saying.quiet("");
    return now.mode.act(action);
  }
  return true;
}

/** Hold on to the slot while somebody reads, and remember the time spent if the tab should die. */
function beat() {
  if (!now || now.outbox.frozen) return;
  now.outbox.count(now.time.total);
  const every = Math.min(config.lease_ms / 3, 300_000);
  if (now.time.isIdle || performance.now() - heldAt < every) return;
  heldAt = performance.now();
  const { id } = now;
  send("POST", slotUrl(config.urls.extend, id)).then((answer) => {
    if (answer.status === 409 && now?.id === id && saying.box.hidden) saying.notice("ended");
  });
}

listen(config.keys, act);
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-do]");
  if (button) act(button.dataset.do);
});
setInterval(beat, COUNT_MS);
addEventListener("pagehide", () => now?.outbox.count(now.time.total));
addEventListener("pageshow", (event) => { if (event.persisted && now) now.outbox.again(); });

const first = holder.querySelector("[data-work]");
if (first) show(first);
else wait(holder.querySelector("[data-waiting]"));
saying.state("saved");
replayOthers(`stepmark:work:${config.user}`, now?.place ?? "");
if (document.readyState === "complete") ahead.want();
else addEventListener("load", () => ahead.want());
