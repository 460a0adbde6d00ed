// What was given: the picture with its faces, the film, the recording.

import { el, fill, svg } from "./dom.js";
import { title } from "./words.js";

let shown = null; // the address of what is shown, to be given back

/** Shows files from this device; nothing is asked of a server. Gives the player, or null for a picture. */
export function showFiles(parent, files) {
  if (shown) shown.forEach(URL.revokeObjectURL);
  shown = files.map((file) => URL.createObjectURL(file.blob));
  const parts = files.map((file, number) => SHOWN[file.kind]?.(shown[number], file.blob.name || "pasted picture"));
  fill(parent, parts, el("figcaption", { class: "small" }, files.map((file) => file.blob.name || "pasted picture").join(" and ")));
  return parent.querySelector("video, audio");
}

const SHOWN = {
  picture: (src, name) => el("div", { class: "frame" }, unplayable(el("img", { src, alt: `The picture ${name}` }), "picture")),
  video: (src, name) => el("div", { class: "frame" }, unplayable(el("video", { src, controls: true, playsinline: true, "aria-label": `The film ${name}` }), "film")),
  audio: (src, name) => unplayable(el("audio", { src, controls: true, "aria-label": `The recording ${name}` }), "recording"),
};

/** Puts a box around each face; the largest is the one that was read. */
export function drawFaces(parent, faces, size) {
  const frame = parent.querySelector(".frame");
  frame?.querySelector("svg")?.remove();
  if (!frame || !size || !faces.length) return;
  const { width_px: width, height_px: height } = size;
  const unit = Math.max(width, height) / 100;
  frame.append(svg("svg", { viewBox: `0 0 ${width} ${height}`, class: "boxes", role: "img", "aria-label": inWords(faces) },
    faces.map((face) => box(face, unit, width)),
  ));
}

function box({ box: { left_px, top_px, width_px, height_px }, is_used, label }, unit, width) {
  const words = title(label);
  const size = Math.min(4, Math.max(2, width_px / unit / words.length / 0.58)) * unit; // names of many small faces lie apart
  const x = Math.max(0, Math.min(left_px, width - words.length * size * 0.62));
  const y = Math.max(size * 1.5, top_px);
  return svg("g", { class: is_used ? "used" : "" },
    svg("title", {}, words),
    svg("rect", { class: "casing", x: left_px, y: top_px, width: width_px, height: height_px, rx: unit, "stroke-width": unit * 1.3 }),
    svg("rect", { x: left_px, y: top_px, width: width_px, height: height_px, rx: unit, "stroke-width": unit * 0.6 }),
    svg("rect", { class: "plate", x, y: y - size * 1.45, width: words.length * size * 0.58 + size * 0.8, height: size * 1.45, rx: unit }),
    svg("text", { x: x + size * 0.4, y: y - size * 0.42, "font-size": size }, words),
  );
}

function inWords(faces) {
  const said = faces.map((face) => `${face.label}${face.is_used && faces.length > 1 ? ", the largest, which was read" : ""}`);
  return `${faces.length === 1 ? "One face" : `${faces.length} faces`}: ${said.join("; ")}.`;
}

function unplayable(player, what) {
  player.addEventListener("error", () => player.replaceWith(
    el("p", { class: "unplayable" }, `This browser cannot show this kind of ${what}. The server may be able to read it.`),
  ));
  return player;
}
