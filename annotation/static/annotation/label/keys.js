// Which key means which action, and when a key means nothing to us.

const ONCE = new Set(["great", "okay", "bad", "unsure", "submit", "skip", "undo", "guidelines"]);
const DOES_ITS_OWN = "button, a[href], summary, select, [role=button]";

function isTextField(element) {
  if (element.isContentEditable) return true;
  if (element.tagName === "TEXTAREA" || element.tagName === "SELECT") return true;
  return element.tagName === "INPUT" && !["radio", "checkbox"].includes(element.type);
}

/** Call `act(action)` for each key that means one; `keys` has the keys of each action. */
export function listen(keys, act) {
  const actions = new Map();
  for (const [action, names] of Object.entries(keys)) {
    for (const name of names) actions.set(name, action);
  }
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) return;
    // While an input method composes, Enter and letters are its own.
    if (event.isComposing || event.keyCode === 229) return;
    const target = event.target instanceof Element ? event.target : document.body;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const action = actions.get(key);
    if (!action || isTextField(target)) return;
    if (key === "Enter" && target.closest(DOES_ITS_OWN)) return;
    // In a group of marks the arrows choose among them.
    if (key.startsWith("Arrow") && target.matches("input[type=radio]")) return;
    if (event.repeat && ONCE.has(action)) {
      event.preventDefault();
      return;
    }
    const open = document.querySelector("dialog[open]");
    if (open && !(action === "guidelines" && open.dataset.dialog === "guidelines")) return;
    if (act(action) !== false) event.preventDefault();
  });
}
