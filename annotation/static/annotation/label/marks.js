// One group of marks as a value: {rating, flagged}. Unsure is a flag without a rating.

const TONES = { 1: "great", 0: "okay", [-1]: "bad", unsure: "unsure" };
const VALUES = { great: "1", okay: "0", bad: "-1", unsure: "unsure" };

export const isMark = (action) => action in VALUES;

function checked(group) {
  return group.querySelector(".marks input:checked")?.value ?? null;
}

/** Return the name of the mark in `group`: great, okay, bad, unsure, or null. */
export function toneOf(group) {
  const value = checked(group);
  return value === null ? null : TONES[value];
}

export function readMark(group) {
  const value = checked(group);
  if (value === null) return null;
  return value === "unsure" ? { rating: null, flagged: true } : { rating: Number(value), flagged: false };
}

/** Show `mark`, or with nothing to show none at all. */
export function writeMark(group, mark) {
  const rated = mark && mark.rating !== null && mark.rating !== undefined;
  const value = rated ? String(mark.rating) : mark?.flagged ? "unsure" : null;
  for (const input of group.querySelectorAll(".marks input")) input.checked = input.value === value;
}

export function setTone(group, tone) {
  group.querySelector(`.marks input[value="${VALUES[tone]}"]`).checked = true;
}

/** Let the looks of a place follow its mark. */
export function paint(place) {
  const tone = toneOf(place);
  place.classList.remove("great", "okay", "bad", "unsure");
  if (tone) place.classList.add(tone);
  place.classList.toggle("done", tone !== null);
}
