// What each modality said, how clear it was, and how much it weighed.

import { bar } from "./bars.js";
import { el, fill } from "./dom.js";
import { MODALITIES, best, percent, title } from "./words.js";

const ABSENT = { face: "No face was found.", speech: "No voice was heard." };
const QUALITY = { face: "Clarity of the face", speech: "Clarity of the voice" };

/** `mode` is what was asked for: a modality that was not asked is told of as such. */
export function drawModalities(parent, { modalities }, mode) {
  fill(parent, MODALITIES.map((name) => card(name, modalities[name], mode === "both" || mode === name)));
}

function card(name, modality, asked) {
  return el("div", { class: `card modality ${modality.present ? "" : "absent"}` },
    el("h3", {}, title(name)),
    modality.present ? said(name, modality) : el("p", { class: "empty" }, asked ? ABSENT[name] : "Not read this time."),
  );
}

function said(name, { label, probs, quality, weight }) {
  const [leader, share] = probs ? best(probs) : [null, null];
  const sure = label === leader ? `${title(leader)}, ${percent(share)}` : `Uncertain; ${leader} leads with ${percent(share)}`;
  return [
    el("p", { class: "says" }, probs ? sure : "Heard"),
    el("dl", {},
      figure("Weight", weight),
      quality !== null && quality !== undefined && figure(QUALITY[name], quality),
    ),
  ];
}

function figure(name, share) {
  return el("div", {}, el("dt", {}, name), el("dd", { class: "measure" }, bar(share, "thin"), el("span", {}, percent(share))));
}
