// Nothing to mark now: look again by itself, sooner where the server said when.

const OFTEN_MS = 15_000;

/** Call `look()` every now and then while the page is seen; returns how to stop. */
export function lookAgain(section, look) {
  const at = Date.parse(section.dataset.at ?? "") - Date.now();
  const soon = at > 0 ? Math.min(at + 1_000, OFTEN_MS) : OFTEN_MS;
  let timer = 0;
  const again = () => {
    if (!document.hidden) look();
  };
  timer = setTimeout(again, soon);
  document.addEventListener("visibilitychange", again);
  return () => {
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", again);
  };
}
