// What every rule of fusion makes of the same readings, side by side; and an answer under another rule.

import { el, fill } from "./dom.js";
import { EMOTIONS } from "./server.js";
import { RULE_WORDS, fine, percent, title } from "./words.js";

/** A table of the whole by rule. Where one modality was read alone all rules say the same, and it is hidden. */
export function drawRules(parent, { rules, fusion, modalities_used }) {
  parent.hidden = modalities_used.length < 2;
  if (parent.hidden) return;
  fill(
    parent,
    el("h3", { id: "rules-title" }, "The same readings under every rule"),
    el("p", { class: "verdict" }, el("b", {}, inWords(rules))),
    el("div", { class: "across", tabindex: "0", role: "region", "aria-label": "All numbers by rule" }, table(rules, fusion)),
  );
}

/** The answer as it is under another rule; the timeline, int8 and the explanation stay as they were. */
export function underRule(answer, fusion) {
  const { face_weight, speech_weight, ...fused } = answer.rules[fusion];
  const { face, speech } = answer.estimate.modalities;
  const modalities = { face: { ...face, weight: face_weight }, speech: { ...speech, weight: speech_weight } };
  return { ...answer, fusion, estimate: { ...answer.estimate, ...fused, unsmoothed: fused.probs, modalities } };
}

/** Whether the answer holds what is of its rule alone: moments of face and voice together, int8, an explanation. */
export function isOfOneRule({ timeline, modalities_used, int8, explanation }) {
  return Boolean(int8 || explanation || (timeline.length && modalities_used.length === 2));
}

function inWords(rules) {
  const labels = new Map();
  for (const [rule, { label }] of Object.entries(rules)) labels.set(label, [...(labels.get(label) ?? []), called(rule)]);
  if (labels.size === 1) return `Every rule says ${[...labels.keys()][0]}.`;
  return `${[...labels].map(([label, names]) => `${title(label)}: ${names.join(", ")}`).join(". ")}.`;
}

function table(rules, chosen) {
  return el("table", { class: "rules" },
    el("caption", { class: "unseen" }, "What each rule says of the whole, how much face and voice count, and all probabilities"),
    el("thead", {}, el("tr", {}, ["Rule", "Says", "Face counts", "Voice counts", ...EMOTIONS.map(title)].map((name) => el("th", { scope: "col" }, name)))),
    el("tbody", {}, Object.entries(rules).map(([rule, result]) => el("tr", { class: rule === chosen ? "lead" : "", "aria-current": rule === chosen ? "true" : null },
      el("th", { scope: "row" }, called(rule)),
      el("td", {}, `${title(result.label)}, ${percent(result.confidence)}`),
      el("td", {}, percent(result.face_weight)),
      el("td", {}, percent(result.speech_weight)),
      EMOTIONS.map((name) => el("td", {}, result.probs ? fine(result.probs[name]) : "")),
    ))),
  );
}

function called(rule) {
  return RULE_WORDS[rule]?.[0] ?? rule;
}
