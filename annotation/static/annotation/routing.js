// Counts where solutions would go while a policy is edited, and changes its list of rules in place.
// Without this, the same buttons load the page.

const PAUSE_MS = 400;
const LOADS_PAGE = new Set(["save", "without"]);

const form = () => document.querySelector("[data-policy]");
let timer;
let counting = new AbortController();
let isPlain = false;

/** Return the page that answers when the button `what` is pressed. */
async function ask(what, signal) {
  const body = new FormData(form());
  body.set("do", what);
  const answer = await fetch(form().getAttribute("action"), { method: "POST", body, signal });
  if (!answer.ok || answer.redirected) throw new Error(`${answer.status}`);
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

/** Take over what a page says of the form, and leave alone what somebody is typing in. */
function take(page) {
  for (const said of page.querySelectorAll("[data-swap][id]")) {
    const here = document.getElementById(said.id);
    if (here && !here.contains(document.activeElement)) here.replaceWith(said);
  }
  for (const there of page.querySelectorAll("[data-policy] [id^='id_']")) {
    const here = document.getElementById(there.id);
    for (const name of ["aria-invalid", "aria-describedby"]) {
      if (there.hasAttribute(name)) here?.setAttribute(name, there.getAttribute(name));
      else here?.removeAttribute(name);
    }
  }
}

async function count() {
  counting.abort();
  const mine = (counting = new AbortController());
  document.getElementById("preview").setAttribute("aria-busy", "true");
  try {
    const page = await ask("count", mine.signal);
    if (!mine.signal.aborted) take(page);
  } catch {
    // The next change asks again, and a button of the form does without this.
  }
  if (!mine.signal.aborted) document.getElementById("preview").removeAttribute("aria-busy");
}

function countSoon() {
  clearTimeout(timer);
  counting.abort(); // an answer to what was typed before would undo nothing, but say the wrong thing
  timer = setTimeout(count, PAUSE_MS);
}

/** Offer in the rules the labelers that mark first, and those that a rule names already. */
function offer() {
  const marking = new Set(
    [...form().querySelectorAll("[name='first']:checked")].map((box) => box.value),
  );
  for (const part of form().querySelectorAll("[data-labeler]")) {
    const isAside = !marking.has(part.dataset.labeler) && !part.querySelector("input").value;
    part.hidden = part.disabled = isAside;
  }
}

/** Press a button that changes the form, and go on where the new form says. */
async function change(button) {
  counting.abort();
  clearTimeout(timer);
  const old = form();
  old.inert = true;
  try {
    const page = await ask(button.value);
    const open = old.querySelector("details")?.open;
    old.replaceWith(page.querySelector("[data-policy]"));
    if (open) form().querySelector(".parts > details").open = true;
    begin();
    form().querySelector("[autofocus]")?.focus();
  } catch {
    old.inert = false;
    isPlain = true;
    button.click();
  }
}

function begin() {
  for (const button of form().querySelectorAll("[data-without-script]")) button.hidden = true;
  form().addEventListener("input", (event) => {
    if (event.target.name === "text") return;
    if (event.target.name === "first") offer();
    countSoon();
  });
  form().addEventListener("submit", (event) => {
    const asked = event.submitter?.value ?? "preview";
    if (isPlain || LOADS_PAGE.has(asked)) return;
    event.preventDefault();
    if (asked === "preview") count();
    else change(event.submitter);
  });
  count();
}

begin();
