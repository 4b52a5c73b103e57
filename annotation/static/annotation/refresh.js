// Loads the part of a page marked data-refresh again, until it comes without that mark. The whole
// page is loaded where its state has changed: its buttons are other ones then.

const EVERY_MS = 3000;
const PATIENCE_MS = 20_000;

async function again() {
  const part = document.querySelector("[data-refresh]");
  if (!part) return;
  try {
    const response = await fetch(location.href, { signal: AbortSignal.timeout(PATIENCE_MS) });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const now = page.querySelector("[data-state]");
    if (now && now.dataset.state !== part.dataset.state) return location.reload();
    if (now) part.replaceWith(now);
  } catch {
    // A server that does not answer now may do so the next time.
  }
  setTimeout(again, EVERY_MS);
}

setTimeout(again, EVERY_MS);
