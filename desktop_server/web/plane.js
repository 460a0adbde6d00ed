// The valence–arousal plane: where the estimate lies, where each modality would put it, and where it came from.

import { el, fill, svg } from "./dom.js";
import { COORDINATES, EMOTIONS } from "./server.js";
import { MODALITIES, title, word } from "./words.js";

const SIZE = 320;
const MARGIN = 26;

/** `trail` are estimates before this one, oldest first; `other` is int8's estimate or null. */
export function drawPlane(parent, estimate, { trail = [], other = null, smooth_s = 0 } = {}) {
  fill(
    parent,
    el("h3", {}, "Valence and arousal"),
    svg("svg", { viewBox: `0 0 ${SIZE} ${SIZE}`, role: "img", "aria-label": described(estimate) },
      axes(),
      EMOTIONS.map(anchor),
      !estimate.probs ? svg("text", { x: SIZE / 2, y: SIZE * 0.8, class: "none" }, nothing(estimate)) : marks(estimate, trail, other),
    ),
    el("figcaption", { class: "small" }, legend(estimate, other, smooth_s)),
  );
}

function marks(estimate, trail, other) {
  const path = [...trail, estimate].filter((e) => e.probs).map((e) => at(e.valence, e.arousal).join());
  return [
    path.length > 1 && svg("polyline", { points: path.join(" "), class: "trail" }),
    MODALITIES.filter((name) => estimate.modalities[name].probs).map((name) => modality(name, estimate)),
    other?.probs && dot(other.valence, other.arousal, "other", 9),
    dot(estimate.valence, estimate.arousal, estimate.label === "uncertain" ? "estimate unsure" : "estimate", 7),
  ].flat().filter(Boolean);
}

function modality(name, { modalities }) {
  const both = MODALITIES.every((m) => modalities[m].probs);
  if (!both) return null; // it is where the estimate is
  const [x, y] = at(...placed(modalities[name].probs));
  return svg("g", { class: "modality" },
    svg("circle", { cx: x, cy: y, r: 8.5 }),
    svg("text", { x, y: y + 3.5 }, word(name)[0].toUpperCase()),
  );
}

function dot(valence, arousal, kind, radius) {
  const [cx, cy] = at(valence, arousal);
  return svg("circle", { cx, cy, r: radius, class: kind });
}

function axes() {
  const middle = SIZE / 2;
  return svg("g", { class: "axes" },
    svg("rect", { x: MARGIN, y: MARGIN, width: SIZE - 2 * MARGIN, height: SIZE - 2 * MARGIN, rx: 10 }),
    svg("path", { d: `M${MARGIN} ${middle}H${SIZE - MARGIN}M${middle} ${MARGIN}V${SIZE - MARGIN}` }),
    svg("text", { x: middle, y: 16 }, "excited"),
    svg("text", { x: middle, y: SIZE - 8 }, "calm"),
    svg("text", { x: 14, y: middle, transform: `rotate(-90 14 ${middle})` }, "unpleasant"),
    svg("text", { x: SIZE - 14, y: middle, transform: `rotate(90 ${SIZE - 14} ${middle})` }, "pleasant"),
  );
}

function anchor(name) {
  const [x, y] = at(...COORDINATES[name]);
  const below = name === "angry" || name === "neutral" || name === "disgust" || name === "sad";
  return svg("g", { class: "anchor" },
    svg("circle", { cx: x, cy: y, r: 2 }),
    svg("text", { x, y: y + (below ? 14 : -7) }, name),
  );
}

/** Expected valence and arousal of a modality's probabilities, as the server computes the estimate's. */
function placed(probs) {
  return [0, 1].map((axis) => EMOTIONS.reduce((sum, name) => sum + probs[name] * COORDINATES[name][axis], 0));
}

function at(valence, arousal) {
  const half = (SIZE - 2 * MARGIN) / 2;
  return [SIZE / 2 + valence * half, SIZE / 2 - arousal * half].map((value) => Math.round(value * 10) / 10);
}

function nothing({ label }) {
  return label === "nobody" ? "nobody to place" : "nothing to place";
}

function described({ label, probs, valence, arousal }) {
  if (!probs) return `The plane of valence and arousal: ${nothing({ label })}.`;
  const pleasure = Math.abs(valence) < 0.1 ? "neither pleasant nor unpleasant" : valence > 0 ? "pleasant" : "unpleasant";
  const energy = Math.abs(arousal) < 0.1 ? "neither excited nor calm" : arousal > 0 ? "excited" : "calm";
  return `The plane of valence and arousal. ${title(label)}: ${pleasure}, ${energy}.`;
}

function legend(estimate, other, smooth_s) {
  if (!estimate.probs) return "";
  const both = MODALITIES.every((name) => estimate.modalities[name].probs);
  const smoothed = smooth_s > 0;
  const unsure = estimate.label === "uncertain" ? "The hollow dot is the estimate, which is uncertain" : "The dot is the estimate";
  return `${unsure}${smoothed ? ", smoothed over time" : ""}${both ? `, F and V are what face and voice say alone${smoothed ? " at this moment" : ""}` : ""}${other ? ", the dashed ring is int8's" : ""}.`;
}
