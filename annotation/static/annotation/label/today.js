// How many solutions the annotator has done today, against their goal where they have one.

/** Count one more; `words(count)` says it where there is no goal. */
export function countOne(words) {
  const today = document.querySelector("[data-today]");
  const count = Number(today.dataset.count) + 1;
  today.dataset.count = count;
  const meter = today.querySelector("meter");
  if (meter) meter.value = count;
  today.querySelector("[data-today-text]").textContent = meter ? `${count}/${meter.max}` : words(count);
}
