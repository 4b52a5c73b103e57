// Practice: the same marks and keys as the labelling page, checked at once and kept nowhere.

import { toggleGuidelines } from "./dialogs.js";
import { listen } from "./keys.js";
import { Review } from "./review.js";
import { Saying } from "./saying.js";
import { sendForPage } from "./server.js";

const config = JSON.parse(document.getElementById("label-config").textContent);
const work = document.querySelector("[data-work]");
const saying = new Saying(config.texts);
const draft = JSON.parse(work.querySelector(":scope > script").textContent);
const mode = new Review(work, draft, { changed: () => saying.quiet(), saying });
let busy = false;
let onward = null;

async function check() {
  const missing = mode.unfinished();
  if (missing) {
    saying.announceText(missing);
    saying.noticeText(missing);
    return;
  }
  busy = true;
  const shown = await sendForPage(work.dataset.check, mode.draft());
  busy = false;
  if (shown) tell(shown);
  else saying.noticeText(saying.text("not_now"));
}

/** Put what was expected under each step. */
function tell(shown) {
  for (const place of work.querySelectorAll("[data-step]")) {
    const about = shown.querySelector(`[data-about="${place.dataset.step}"]`);
    const box = place.querySelector("[data-feedback]");
    box.replaceChildren(about);
    box.hidden = false;
    place.querySelector(".marks").disabled = true;
  }
  work.dataset.checked = "";
  const verdict = work.querySelector("[data-verdict]");
  const text = shown.querySelector("[data-verdict-text]");
  verdict.replaceChildren(text);
  verdict.hidden = false;
  work.querySelector("[data-do=submit]").hidden = true;
  onward = text.querySelector("[data-onward]");
  text.focus();
  text.scrollIntoView({ block: "nearest" });
}

function act(action) {
  if (action === "guidelines") {
    toggleGuidelines(config.urls.guidelines, saying.text("guidelines_lost"));
    return true;
  }
  if (busy) return true;
  if (onward) {
    if (action === "submit") location.assign(onward.href);
    return action === "submit";
  }
  if (action !== "submit") return mode.act(action);
  check();
  return true;
}

listen(config.keys, act);
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-do]");
  if (button) act(button.dataset.do);
});
mode.focus();
