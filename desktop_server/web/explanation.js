// Why: heat over the face that the net saw and over the voice's features, and how much each modality moved the label.

import { el, fill } from "./dom.js";
import { points, title } from "./words.js";

/** `explanation` of an answer whose estimate has this `label`; null hides it. */
export async function drawExplanation(parent, explanation, label) {
  parent.hidden = !explanation;
  if (parent.hidden) return;
  const maps = [await faceMap(explanation), speechMap(explanation)].filter(Boolean);
  const heat = el("input", { type: "checkbox", role: "switch", checked: true, id: "heat" });
  heat.addEventListener("change", () => maps.forEach((map) => map.paint(heat.checked)));
  fill(
    parent,
    el("div", { class: "title" }, el("h3", { id: "explanation-title" }, label === explanation.label ? `Why ${label}?` : `${title(label)}, but what speaks for ${explanation.label}`), maps.length > 0 && el("label", { class: "switch" }, heat, el("span", {}, "Heat"))),
    maps.length ? el("div", { class: "maps" }, maps.map((map) => map.figure)) : el("p", { class: "empty" }, "There is nothing to show: nothing was read."),
    contributions(explanation.contributions),
    el("p", { class: "small" }, `Method: ${explanation.method}. It shows what the nets looked at, not whether they were right. What pitch and movement add to a voice is in no place of it.`),
  );
}

async function faceMap({ face_map, face_crop_png_base64 }) {
  if (!face_map) return null;
  const crop = face_crop_png_base64 ? await createImageBitmap(new Blob([bytes(face_crop_png_base64)], { type: "image/png" })) : null;
  const [rows, columns] = [face_map.length, face_map[0].length];
  return map("Face", "The 48 × 48 crop that the net saw.", face_map, "square", (context, width, height) => {
    if (crop) context.drawImage(crop, 0, 0, width, height);
  }, where(face_map, rows, columns, ["top", "middle", "bottom"], ["left", "centre", "right"]));
}

function speechMap({ speech_map, speech_features }) {
  if (!speech_map) return null;
  const turned = transposed(speech_map);
  const below = speech_features ? transposed(speech_features) : null;
  return map("Voice", "What the net heard: time runs to the right, low bands are at the bottom.", turned, "oblong", (context, width, height) => {
    if (below) context.drawImage(greys(below), 0, 0, width, height);
  }, where(turned, turned.length, turned[0].length, ["high bands", "middle bands", "low bands"], ["beginning", "middle", "end"]));
}

/** A canvas with a grey picture and, over it, the heat: the accent, as opaque as the map is high. */
function map(name, about, values, shape, paintBelow, words) {
  const canvas = el("canvas", { class: shape, role: "img", "aria-label": `${name}: ${words}`, width: shape === "square" ? 384 : 768, height: 384 });
  const context = canvas.getContext("2d");
  const heat = tinted(values);
  const paint = (warm) => {
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.imageSmoothingEnabled = false;
    paintBelow(context, canvas.width, canvas.height);
    context.imageSmoothingEnabled = true;
    if (warm) context.drawImage(heat, 0, 0, canvas.width, canvas.height);
  };
  paint(true);
  return { paint, figure: el("figure", {}, canvas, el("figcaption", {}, el("b", {}, name), ` ${about} ${words}`)) };
}

function contributions(shares) {
  const all = Object.entries(shares ?? {});
  if (!all.length) return null;
  const largest = Math.max(...all.map(([, share]) => Math.abs(share)), 0.01);
  return el("dl", { class: "contributions" }, all.map(([name, share]) => el("div", {},
    el("dt", {}, `${title(name)} moved it by`),
    el("dd", { class: "measure" },
      el("span", { class: `pull ${share < 0 ? "against" : ""}`, "aria-hidden": "true", vars: { "--share": Math.abs(share) / largest } }, el("i")),
      el("span", {}, `${points(share)} points`)),
  )));
}

function where(values, rows, columns, vertical, horizontal) {
  let top = { value: -1 };
  for (const row of [0, 1, 2]) for (const column of [0, 1, 2]) {
    const value = meanOf(values, third(row, rows), third(column, columns));
    if (value > top.value) top = { value, row, column };
  }
  return `Hottest: ${horizontal[top.column]}, ${vertical[top.row]}.`;
}

function third(number, length) {
  const low = Math.floor((number * length) / 3);
  return [low, Math.max(low + 1, Math.floor(((number + 1) * length) / 3))];
}

function meanOf(values, [top, bottom], [left, right]) {
  const part = values.slice(top, bottom).flatMap((row) => row.slice(left, right));
  return part.reduce((sum, value) => sum + value, 0) / part.length;
}

function transposed(values) {
  const rows = values[0].map((_, band) => values.map((moment) => moment[band]));
  return rows.reverse(); // low bands at the bottom
}

function tinted(values) {
  const [red, green, blue] = [255, 122, 26]; // warm in light and dark: it lies on a grey picture, not on the page
  return pixels(values, (value) => [red, green, blue, Math.round(Math.min(Math.max(value, 0), 1) ** 1.2 * 205)]);
}

function greys(values) {
  const all = values.flat();
  const [low, high] = [Math.min(...all), Math.max(...all)];
  return pixels(values, (value) => {
    const grey = Math.round(((value - low) / (high - low || 1)) * 220 + 18);
    return [grey, grey, grey, 255];
  });
}

function pixels(values, colour) {
  const canvas = new OffscreenCanvas(values[0].length, values.length);
  const context = canvas.getContext("2d");
  context.putImageData(new ImageData(new Uint8ClampedArray(values.flat().flatMap(colour)), canvas.width, canvas.height), 0, 0);
  return canvas;
}

function bytes(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}
