// The estimate in words: never an emotion where the server says that it is not sure.

import { el, fill } from "./dom.js";
import { best, fine, percent, seconds, title, word } from "./words.js";

/**
 * `at_s` is the moment of a recording that is looked at, null for the whole, which `whole` names; `past` names what was
 * live. `chosen` has what labels are chosen by: `uncertain_below`, `smooth_s` of the probabilities (0 for a whole), and
 * `hold_s`, for which a label outlasts its lead.
 */
export function drawHeadline(parent, estimate, chosen, { at_s = null, live = false, past = null, whole = "On the whole" } = {}) {
  const when = live ? "Now" : past ?? (at_s === null ? whole : `At ${seconds(at_s)}`);
  fill(
    parent,
    el("p", { class: "when" }, when),
    el("p", { class: `label ${estimate.label}`, "data-label": estimate.label }, title(estimate.label)),
    el("p", { class: "why" }, explained(estimate, chosen)),
    estimate.probs && affect(estimate),
  );
}

function explained({ label, reason, confidence, probs, unsmoothed, modalities }, { uncertain_below, smooth_s, hold_s }) {
  if (label === "unknown") return `Nothing can be told: ${reason}.`;
  if (label === "nobody") return "No face was found and no voice was heard.";
  const [leader, share] = best(probs);
  const isLikely = share >= uncertain_below;
  const why = isLikely ? `${percent(share)}, but has not led for ${seconds(hold_s)} yet` : `${fine(share)}, below the ${percent(uncertain_below)} that it takes to be said`;
  const alone = smooth_s > 0 && unsmoothed ? momentAlone(label, leader, best(unsmoothed)) : "";
  if (label === "uncertain") return `${title(leader)} leads with ${why}.${alone}`;
  const held = leader === label && isLikely ? "" : ` By now ${leader} is likeliest, with ${why}.`;
  return `Confidence ${percent(confidence)}, ${from(modalities)}.${held}${alone}`;
}

/** What this moment says without the smoothing, where that is something else. */
function momentAlone(label, leader, [momentary, share]) {
  return momentary === label || momentary === leader ? "" : ` This moment alone, not smoothed, says ${momentary}, ${percent(share)}.`;
}

function from(modalities) {
  const [face, speech] = [modalities.face, modalities.speech];
  if (!(face.present && speech.present)) return `from the ${word(face.present ? "face" : "speech")} alone`;
  if (!face.label || !speech.label) return "from face and voice";
  return face.label === speech.label ? "and face and voice agree" : "though face and voice do not say the same";
}

function affect({ valence, arousal }) {
  return el("dl", { class: "affect" },
    el("div", {}, el("dt", {}, "Valence"), el("dd", {}, signed(valence))),
    el("div", {}, el("dt", {}, "Arousal"), el("dd", {}, signed(arousal))),
  );
}

function signed(value) {
  return (value < 0 ? "\u2212" : "+") + Math.abs(value).toFixed(2);
}
