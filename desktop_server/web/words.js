// What things are called, and how numbers are written.

import { EMOTIONS } from "./server.js";

export const MODALITIES = ["face", "speech"];
const CALLED = { speech: "voice" };

/** Title and explanation of each rule of fusion, in the order in which they are offered. */
export const RULE_WORDS = {
  product: ["Product", "Multiplies what both say: what one holds for impossible is out."],
  learned: ["Learned", "A product with powers learned from actors who were seen and heard at once."],
  average: ["Average", "Both count the same."],
  weighted: ["By quality", "Each counts by how clear the picture or the sound is."],
  max_confidence: ["The surer one", "Whichever of the two is surer decides alone."],
};

/** A label or modality as a word of a sentence. */
export function word(name) {
  return CALLED[name] ?? name;
}

/** The same at the start of one. */
export function title(name) {
  const text = word(name);
  return text[0].toUpperCase() + text.slice(1);
}

/** 0.814 as “81 %”; never 100 % for what is less. */
export function percent(share) {
  return written(share, 0);
}

/** 0.814 as “81.4 %”: where differences are small. */
export function fine(share) {
  return written(share, 1);
}

function written(share, digits) {
  const text = (share * 100).toFixed(digits);
  const tooMuch = Number(text) === 100 && share < 1;
  return `${tooMuch ? `>${(100 - 10 ** -digits).toFixed(digits)}` : text}\u202f%`;
}

/** A difference of shares in percentage points, with its sign. */
export function points(difference) {
  const value = (difference * 100).toFixed(1);
  return Number(value) === 0 ? "0.0" : value.replace("-", "\u2212").replace(/^(?=\d)/, "+");
}

/** Seconds from a start. */
export function seconds(value) {
  return `${value.toFixed(1)}\u202fs`;
}

/** How long ago, roughly. */
export function ago(age_s) {
  if (age_s < 2) return "just now";
  if (age_s < 90) return `${Math.round(age_s)}\u202fs ago`;
  if (age_s < 5400) return `${Math.round(age_s / 60)}\u202fmin ago`;
  return `${Math.round(age_s / 3600)}\u202fh ago`;
}

/** The likeliest emotion and its probability, whatever the label says. */
export function best(probs) {
  return EMOTIONS.map((name) => [name, probs[name]]).reduce((top, next) => (next[1] > top[1] ? next : top));
}

/** What an estimate says, in one sentence. */
export function sentence({ label, reason, confidence, probs }) {
  if (label === "unknown") return `Unknown: ${reason}.`;
  if (label === "nobody") return "Nobody: no face was found and no voice was heard.";
  if (label === "uncertain") return `Uncertain: ${best(probs)[0]} leads with ${percent(best(probs)[1])}.`;
  return `${title(label)}, ${percent(confidence)}.`;
}
