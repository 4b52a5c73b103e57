// Says the rules of a version in words while its form is filled in. Without this a button does.

const PAUSE_MS = 400;

const form = document.querySelector("[data-freeze]");
const words = document.getElementById("words");
let timer;
let asking = new AbortController();

async function say() {
  clearTimeout(timer);
  asking.abort();
  const mine = (asking = new AbortController());
  const body = new FormData(form);
  body.set("do", "words");
  words.setAttribute("aria-busy", "true");
  try {
    const where = form.getAttribute("action");
    const answer = await fetch(where, { method: "POST", body, signal: mine.signal });
    if (!answer.ok || answer.redirected) throw new Error(`${answer.status}`);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!mine.signal.aborted) words.replaceChildren(...page.getElementById("words").childNodes);
  } catch {
    // The next change asks again, and the button that freezes says what is wrong.
  }
  if (!mine.signal.aborted) words.removeAttribute("aria-busy");
}

form.querySelector("[data-without-script]").hidden = true;
form.addEventListener("input", () => {
  clearTimeout(timer);
  asking.abort(); // an answer to what was chosen before would say the wrong thing
  timer = setTimeout(say, PAUSE_MS);
});
form.addEventListener("submit", (event) => {
  if (event.submitter?.value === "freeze") return;
  event.preventDefault();
  say();
});
say(); // a browser may have put back what was chosen before
