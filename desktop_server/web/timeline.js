// How the probabilities went over time: one small curve an emotion, and what was said below them.

import { el, fill, svg } from "./dom.js";
import { EMOTIONS } from "./server.js";
import { seconds, sentence, title, word } from "./words.js";

const WIDTH = 1000;
const ROW = 30;
const TOP = 4;

/** The moment at or before `at_s`, the first if there is none. */
export function momentAt(moments, at_s) {
  return moments.findLast((moment) => moment.at_s <= at_s + 1e-6) ?? moments[0];
}

/** Draws moments (in order). With `onPick` a moment can be chosen: it is called with seconds, or null for the whole. */
export function drawTimeline(parent, moments, { smooth_s = 0, from_s = 0, to_s = end(moments), onPick = null } = {}) {
  parent.hidden = moments.length < 2;
  if (parent.hidden) return;
  const across = (at_s) => (to_s > from_s ? (at_s - from_s) / (to_s - from_s) : 0);
  fill(
    parent,
    el("div", { class: "title" }, el("h3", {}, smooth_s > 0 ? "Over time, smoothed" : "Over time"), onPick && el("button", { type: "button", class: "quiet", id: "whole", hidden: true, on: { click: () => onPick(null) } }, "Show the whole")),
    el("div", { class: "tracks" },
      el("div", { class: "names", "aria-hidden": "true" }, EMOTIONS.map((name) => el("span", {}, title(name)))),
      el("div", { class: "curves" }, curves(moments, across), onPick && slider(moments, from_s, to_s, onPick)),
      el("span", { class: "names said", "aria-hidden": "true" }, "Said"),
      el("div", { class: "lane", "aria-hidden": "true" }, segments(moments, to_s).map((part) => segment(part, across))),
      el("span", {}),
      el("div", { class: "scale", "aria-hidden": "true" }, el("span", {}, seconds(from_s)), el("span", {}, seconds(to_s))),
    ),
    el("figcaption", { class: "unseen" }, inWords(segments(moments, to_s))),
  );
}

/** Moves the cursor of a drawn timeline; null is the whole. */
export function pointAt(parent, moments, at_s) {
  const range = parent.querySelector("input");
  if (!range) return;
  range.classList.toggle("idle", at_s === null);
  parent.querySelector("#whole").hidden = at_s === null;
  if (at_s === null) return;
  range.value = at_s;
  range.setAttribute("aria-valuetext", `${seconds(at_s)}: ${sentence(momentAt(moments, at_s))}`);
}

function slider(moments, from_s, to_s, onPick) {
  return el("input", {
    type: "range", min: from_s, max: to_s, step: 0.1, value: from_s, class: "idle", "aria-label": "Moment",
    "aria-valuetext": "The whole", on: { input: (event) => onPick(Number(event.target.value)) },
  });
}

function curves(moments, across) {
  const height = ROW * EMOTIONS.length;
  return svg("svg", { viewBox: `0 0 ${WIDTH} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" },
    EMOTIONS.map((name, number) => {
      const floor = (number + 1) * ROW;
      const spots = runs(moments).map((run) => run.map((m) => [across(m.at_s) * WIDTH, floor - m.probs[name] * (ROW - TOP)]));
      return svg("g", {}, svg("path", { class: "floor", d: `M0 ${floor}H${WIDTH}` }), spots.map((run) => curve(run, floor)));
    }),
  );
}

function curve(spots, floor) {
  const line = spots.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(2)}`).join("L");
  return [
    svg("path", { class: "area", d: `M${spots[0][0].toFixed(1)} ${floor}L${line}L${spots.at(-1)[0].toFixed(1)} ${floor}Z` }),
    svg("path", { class: "line", d: `M${line}` }),
  ];
}

/** Stretches in which somebody was there. */
function runs(moments) {
  const found = [];
  let open = false;
  for (const moment of moments) {
    if (moment.probs && !open) found.push([]);
    if (moment.probs) found.at(-1).push(moment);
    open = Boolean(moment.probs);
  }
  return found;
}

function segments(moments, to_s) {
  const found = [];
  for (const { label, at_s } of moments) {
    if (found.at(-1)?.label === label) continue;
    if (found.length) found.at(-1).to_s = at_s;
    found.push({ label, from_s: at_s, to_s });
  }
  return found;
}

function segment({ label, from_s, to_s }, across) {
  const share = across(to_s) - across(from_s);
  return el("span", { class: label, vars: { "--left": across(from_s), "--width": share } }, share > 0.09 ? word(label) : "");
}

function inWords(parts) {
  const said = parts.slice(-8).map((part) => `${part.label} from ${seconds(part.from_s)} to ${seconds(part.to_s)}`);
  return `${parts.length > 8 ? "At last: " : ""}${said.join(", ")}.`;
}

function end(moments) {
  return moments.at(-1)?.at_s ?? 0;
}

