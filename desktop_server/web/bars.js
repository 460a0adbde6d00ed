// Probabilities as a table with bars: the numbers are there for everybody, the bars for the eye.

import { el, fill } from "./dom.js";
import { EMOTIONS } from "./server.js";
import { MODALITIES, percent, seconds, title, word } from "./words.js";

/** A bar of a share in 0…1. `kind` is a class: "lead" for what is said, "thin", "hollow". */
export function bar(share, kind = "") {
  return el("span", { class: `bar ${kind}`, "aria-hidden": "true", vars: { "--share": share ?? 0 } }, el("i"));
}

/**
 * What is said, and beside it what it was made of. With `smooth_s` the estimate is of a moment: what is said is smoothed
 * over time, and what the rule makes of this moment alone stands beside it, as face and voice do.
 */
export function drawBars(parent, estimate, { smooth_s }) {
  if (estimate.probs === null) {
    const why = estimate.label === "nobody" ? "neither a face nor a voice" : estimate.reason;
    fill(parent, el("h3", {}, "Probabilities"), el("p", { class: "empty" }, `There is nothing to weigh: ${why}.`));
    return;
  }
  const present = MODALITIES.filter((name) => estimate.modalities[name].probs);
  const both = present.length === 2;
  const smoothed = smooth_s > 0 && estimate.unsmoothed !== null;
  const sides = [
    ...(smoothed ? [{ heading: "This moment", probs: estimate.unsmoothed }] : []),
    ...(both ? present.map((name) => ({ heading: title(name), probs: estimate.modalities[name].probs })) : []),
  ];
  const whole = both ? "Together" : title(present[0]);
  fill(
    parent,
    el("h3", {}, "Probabilities"),
    el("table", { class: `sides-${sides.length}` },
      el("caption", { class: "unseen" }, both ? "Fused, and of face and voice alone" : `Read from the ${word(present[0])} alone`),
      el("thead", {}, el("tr", {},
        el("th", { scope: "col" }, el("span", { class: "unseen" }, "Emotion")),
        el("th", { scope: "col", class: "wide" }, smoothed ? `${whole}, smoothed` : whole),
        sides.map(({ heading }) => el("th", { scope: "col", class: "side" }, heading)),
      )),
      el("tbody", {}, EMOTIONS.map((emotion) => row(emotion, estimate, sides))),
    ),
    smoothed && el("p", { class: "small" }, `What is said is smoothed over about ${seconds(smooth_s)}. “This moment” is ${both ? "face and voice together" : `the ${word(present[0])}`} without that${both ? ", and so are face and voice alone" : ""}.`),
  );
}

function row(emotion, { label, probs }, sides) {
  const said = emotion === label;
  return el("tr", { class: said ? "said" : null },
    el("th", { scope: "row" }, title(emotion), said && el("span", { class: "unseen" }, " (said)")),
    el("td", { class: "wide" }, el("div", { class: "measure" }, bar(probs[emotion], said ? "lead" : ""), el("span", {}, percent(probs[emotion])))),
    sides.map((side) => el("td", { class: "side" }, el("div", { class: "measure" },
      bar(side.probs[emotion], "thin"), el("span", {}, percent(side.probs[emotion])),
    ))),
  );
}
