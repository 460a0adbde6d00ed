// Probabilities as a table with bars: the numbers are there for everybody, the bars for the eye.

import { el, fill } from "./dom.js";
import { EMOTIONS, MODALITIES, percent, title, word } from "./words.js";

/** A bar of a share in 0…1. `kind` is a class: "lead" for what is said, "thin", "hollow". */
export function bar(share, kind = "") {
  return el("span", { class: `bar ${kind}`, "aria-hidden": "true", vars: { "--share": share ?? 0 } }, el("i"));
}

/** What was fused, and beside it what each modality said. */
export function drawBars(parent, estimate) {
  if (estimate.probs === null) {
    const why = estimate.label === "nobody" ? "neither a face nor a voice" : estimate.reason;
    fill(parent, el("h3", {}, "Probabilities"), el("p", { class: "empty" }, `There is nothing to weigh: ${why}.`));
    return;
  }
  const present = MODALITIES.filter((name) => estimate.modalities[name].probs);
  const both = present.length === 2;
  fill(
    parent,
    el("h3", {}, "Probabilities"),
    el("table", {},
      el("caption", { class: "unseen" }, both ? "Fused, and of face and voice alone" : `Read from the ${word(present[0])} alone`),
      el("thead", {}, el("tr", {},
        el("th", { scope: "col" }, el("span", { class: "unseen" }, "Emotion")),
        el("th", { scope: "col", class: "wide" }, both ? "Together" : title(present[0])),
        both && present.map((name) => el("th", { scope: "col", class: "side" }, title(name))),
      )),
      el("tbody", {}, EMOTIONS.map((emotion) => row(emotion, estimate, both ? present : []))),
    ),
  );
}

function row(emotion, { label, probs, modalities }, sides) {
  const said = emotion === label;
  return el("tr", { class: said ? "said" : null },
    el("th", { scope: "row" }, title(emotion), said && el("span", { class: "unseen" }, " (said)")),
    el("td", { class: "wide" }, el("div", { class: "measure" }, bar(probs[emotion], said ? "lead" : ""), el("span", {}, percent(probs[emotion])))),
    sides.map((name) => el("td", { class: "side" }, el("div", { class: "measure" },
      bar(modalities[name].probs[emotion], "thin"), el("span", {}, percent(modalities[name].probs[emotion])),
    ))),
  );
}
