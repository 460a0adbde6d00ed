// int8 and float side by side on the same input, and how far they are apart.

import { bar } from "./bars.js";
import { el, fill } from "./dom.js";
import { EMOTIONS } from "./server.js";
import { fine, points, title } from "./words.js";

/**
 * `int8` is an opinion (its estimate, perhaps its timeline), `models` what float answered with; null hides it. With
 * `smooth_s` both are of a moment and smoothed.
 */
export function drawComparison(parent, estimate, models, int8, smooth_s = 0) {
  parent.hidden = !int8;
  if (parent.hidden) return;
  fill(
    parent,
    el("h3", { id: "comparison-title" }, "The same input, float and int8"),
    verdict(estimate, int8.estimate),
    estimate.probs && int8.estimate.probs && table(estimate, int8.estimate),
    int8.models && el("p", { class: "small" }, `Float: ${models.runtime}. int8: ${int8.models.runtime}.${smooth_s > 0 ? " Both are smoothed over time." : ""}`),
  );
}

function verdict(full, small) {
  const same = full.label === small.label;
  const words = same ? `Both say ${full.label}.` : `Float says ${full.label}, int8 says ${small.label}.`;
  const apart = furthest(full, small);
  return el("p", { class: "verdict" },
    el("b", {}, `${same ? "=" : "≠"} ${words}`),
    apart && (Math.abs(apart.by) < 0.0005 ? " No probability differs by a tenth of a point." : ` They are furthest apart at ${apart.name}: ${points(apart.by)} points.`),
  );
}

function furthest({ probs }, { probs: others }) {
  if (!probs || !others) return null;
  const all = EMOTIONS.map((name) => ({ name, by: others[name] - probs[name] }));
  return all.reduce((top, next) => (Math.abs(next.by) > Math.abs(top.by) ? next : top));
}

function table(full, small) {
  return el("table", { class: "pairs" },
    el("caption", { class: "unseen" }, "Probabilities of both, and the difference in percentage points"),
    el("thead", {}, el("tr", {},
      el("th", { scope: "col" }, el("span", { class: "unseen" }, "Emotion")),
      el("th", { scope: "col" }, "Float32"), el("th", { scope: "col" }, "int8"),
      el("th", { scope: "col", class: "number" }, "Points"),
    )),
    el("tbody", {}, EMOTIONS.map((name) => el("tr", {},
      el("th", { scope: "row" }, title(name)),
      cell(full.probs[name], name === full.label ? "lead" : ""),
      cell(small.probs[name], name === small.label ? "lead hollow" : "hollow"),
      el("td", { class: "number" }, points(small.probs[name] - full.probs[name])),
    ))),
  );
}

function cell(share, kind) {
  return el("td", {}, el("div", { class: "measure" }, bar(share, kind), el("span", {}, fine(share))));
}
