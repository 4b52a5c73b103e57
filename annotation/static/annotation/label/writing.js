// The field for a step of one's own. What is half written stays in this browser until it is taken.

const PREFIX = "stepmark:writing:";

export class Writing {
  constructor(place) {
    this.key = PREFIX + place;
    this.field = null;
  }

  /** Use the field in `box`, where the solution has come as far as `path`. */
  take(box, path, { goOn, leave }) {
    this.path = path;
    this.box = box.querySelector("[data-write]");
    this.field = this.box?.querySelector("textarea");
    if (!this.field) return;
    this.field.value = this.#kept();
    this.field.addEventListener("input", () => this.keep(path, this.field.value));
    this.field.addEventListener("keydown", (event) => {
      if (event.isComposing || event.keyCode === 229 || event.repeat) return;
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) goOn();
      else if (event.key === "Escape") leave();
      else return;
      event.preventDefault();
    });
  }

  get text() {
    return this.field?.value ?? "";
  }

  show(isShown) {
    if (this.box) this.box.hidden = !isShown;
  }

  scrollIntoView() {
    if (this.box && !this.box.hidden) this.box.scrollIntoView({ block: "nearest" });
  }

  focus() {
    this.field?.focus({ preventScroll: true });
    this.scrollIntoView();
  }

  keep(path, text) {
    try {
      localStorage.setItem(this.key, JSON.stringify({ path, text }));
    } catch {
      // A browser without storage keeps nothing between visits.
    }
  }

  forget() {
    try {
      localStorage.removeItem(this.key);
    } catch {
      // As above.
    }
  }

  #kept() {
    try {
      const { path, text } = JSON.parse(localStorage.getItem(this.key)) ?? {};
      return path === this.path ? text : "";
    } catch {
      return "";
    }
  }
}
