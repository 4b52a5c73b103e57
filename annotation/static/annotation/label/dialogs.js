// The panels that lie over the page: guidelines, giving up, reporting a bad problem.

import { page } from "./server.js";

const dialog = (name) => document.querySelector(`[data-dialog="${name}"]`);

document.addEventListener("click", (event) => {
  event.target.closest?.("[data-close]")?.closest("dialog").close();
});

/** Show or hide the guidelines, which are fetched when they are first wanted. */
export async function toggleGuidelines(url, lost) {
  const panel = dialog("guidelines");
  if (panel.open) {
    panel.close();
    return;
  }
  const text = panel.querySelector("[data-guidelines]");
  panel.showModal();
  text.focus();
  if (text.dataset.loaded) return;
  const shown = await page(url);
  if (shown) {
    text.replaceChildren(...shown.body.childNodes);
    text.dataset.loaded = "yes";
  } else {
    text.textContent = lost;
  }
}

/** Ask for a reason in the dialog `name`; resolves to {end, reason}, or null where it was left. */
export function askReason(name) {
  const panel = dialog(name);
  const field = panel.querySelector("textarea");
  panel.returnValue = "";
  field.setCustomValidity("");
  panel.showModal();
  field.focus();
  return new Promise((resolve) => {
    panel.addEventListener("close", () => {
      const end = panel.returnValue;
      const reason = field.value.trim();
      field.value = "";
      resolve(end ? { end, reason } : null);
    }, { once: true });
  });
}

/** Ask in the dialog `name`; resolves to whether the answer was yes. */
export function askWhether(name) {
  const panel = dialog(name);
  panel.returnValue = "";
  panel.showModal();
  return new Promise((resolve) => {
    panel.addEventListener("close", () => resolve(panel.returnValue === "yes"), { once: true });
  });
}

// A reason of blanks is none; the dialog stays open and says so.
document.addEventListener("input", (event) => {
  const field = event.target;
  if (field.matches?.("dialog textarea[required]")) {
    field.setCustomValidity(field.value.trim() ? "" : field.closest("dialog").querySelector("label").textContent);
  }
});
