// An answer to take home: as JSON, and as a table with the columns of the server's own.

import { el, fill } from "./dom.js";
import { EMOTIONS } from "./server.js";
import { MODALITIES } from "./words.js";

const END = "\r\n"; // RFC 4180
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/; // a spreadsheet would calculate a file's name that begins so

/** Offers the answer as files; `name` is what was given, which only this browser knows. */
export function offerDownloads(parent, answer, name) {
  parent.hidden = false;
  fill(parent,
    el("span", {}, "Save the numbers: "),
    button("CSV", () => save(`${name}.csv`, "text/csv;charset=utf-8", table(answer, name))),
    button("JSON", () => save(`${name}.json`, "application/json", JSON.stringify(answer, null, 1))),
  );
}

/** A row a picture, or an estimate of a recording. */
export function table({ estimate, timeline }, file) {
  const columns = ["file", "at_s", "label", "confidence", "valence", "arousal", ...EMOTIONS, ...MODALITIES.flatMap((name) => [`${name}_quality`, `${name}_weight`])];
  const moments = timeline.length ? timeline : [estimate];
  return [columns, ...moments.map((moment) => row(file, moment))].map(line).join("");
}

function row(file, { at_s, label, confidence, valence, arousal, probs, modalities }) {
  const shares = EMOTIONS.map((name) => probs?.[name]);
  return [FORMULA.test(file) ? `'${file}` : file, at_s, label, confidence, valence, arousal, ...shares, ...MODALITIES.flatMap((name) => [modalities[name].quality, modalities[name].weight])];
}

function line(cells) {
  return cells.map((cell) => quoted(String(cell ?? ""))).join(",") + END;
}

function quoted(text) {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function button(words, click) {
  return el("button", { type: "button", class: "button", "aria-label": `Save as ${words}`, on: { click } }, words);
}

function save(name, type, text) {
  const href = URL.createObjectURL(new Blob([text], { type }));
  el("a", { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 10_000); // the browser has taken it by then
}
