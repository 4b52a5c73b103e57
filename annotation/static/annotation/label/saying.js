// What the page tells: whether work is saved, what has just happened, what needs a decision.

const PATIENCE_MS = 400;

export class Saying {
  constructor(texts) {
    this.texts = texts;
    this.saved = document.querySelector("[data-saved]");
    this.live = document.querySelector("[data-live]");
    this.box = document.querySelector("[data-notice]");
    this.later = 0;
  }

  text(name, values = {}) {
    const one = values.count === 1 ? this.texts[`${name}_one`] : null;
    return (one ?? this.texts[name] ?? name).replace(/\{(\w+)\}/g, (_, key) => values[key] ?? "");
  }

  /** Show how far saving is. What is over in a blink is not worth a word. */
  state(name) {
    clearTimeout(this.later);
    const show = () => {
      if (!this.saved || this.saved.dataset.state === name) return;
      this.saved.dataset.state = name;
      this.saved.textContent = this.text(name);
    };
    if (name === "saving" || name === "submitting") this.later = setTimeout(show, PATIENCE_MS);
    else show();
  }

  announce(name, values) {
    this.announceText(this.text(name, values));
  }

  announceText(text) {
    this.live.textContent = "";
    // Two equal announcements in a row are still two.
    requestAnimationFrame(() => { this.live.textContent = text; });
  }

  /** Show a notice that stays, with at most one thing to do about it. */
  notice(name, { button = "", act = null, href = "" } = {}) {
    this.noticeText(this.text(name));
    this.box.dataset.about = name;
    if (href) {
      const link = Object.assign(document.createElement("a"), { href, target: "_blank" });
      link.textContent = this.text(button);
      this.box.append(" ", link);
    } else if (button) {
      const pressed = document.createElement("button");
      pressed.type = "button";
      pressed.textContent = this.text(button);
      pressed.addEventListener("click", () => { this.quiet(); act(); });
      this.box.append(" ", pressed);
    }
  }

  /** Show a notice in the place of any other, once for as long as it stays. */
  keep(name, options) {
    if (this.box.hidden || this.box.dataset.about !== name) this.notice(name, options);
  }

  noticeText(text) {
    const words = document.createElement("span");
    words.textContent = text;
    this.box.replaceChildren(words);
    this.box.dataset.about = "";
    this.box.hidden = false;
  }

  /** Take the notice away, or only one `about` this. */
  quiet(about) {
    if (about !== undefined && this.box.dataset.about !== about) return;
    this.box.hidden = true;
    this.box.replaceChildren();
  }
}
