// Files from this device: chosen, dropped or pasted.

import { Problem } from "./api.js";
import { byId } from "./dom.js";

const BY_ENDING = { flv: "video", mkv: "video", mp4: "video", mov: "video", avi: "video", webm: "video", flac: "audio", ogg: "audio", opus: "audio", wav: "audio", mp3: "audio", m4a: "audio", aac: "audio", jpg: "picture", jpeg: "picture", jfif: "picture", png: "picture", webp: "picture", heic: "picture", heif: "picture", avif: "picture" };
const BY_TYPE = { image: "picture", audio: "audio", video: "video" };
const MOST_LOOKED_AT_BYTES = 64e6;

/** Calls `take` with the files of each gift, each `{blob, kind}`; the kind of what is not read here is empty. */
export function takeFiles(take) {
  const drop = byId("drop");
  const give = async (files) => take(await Promise.all([...files].map(known)));
  byId("file").addEventListener("change", ({ target }) => {
    if (target.files.length) give(target.files);
    target.value = ""; // the same file may be given again
  });
  document.addEventListener("paste", ({ clipboardData }) => {
    if (clipboardData.files.length) give(clipboardData.files);
  });
  for (const name of ["dragenter", "dragover"]) addEventListener(name, (event) => over(event, drop));
  addEventListener("dragleave", ({ relatedTarget }) => relatedTarget || drop.classList.remove("over"));
  addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    if (event.dataTransfer.files.length) give(event.dataTransfer.files);
  });
}

/** The address that reads these files in this mode, and the form to send. Throws a `Problem`. */
export function requestFor(files, { mode, fusion, compare, explain }) {
  const other = files.find((file) => !file.kind);
  if (other) throw new Problem({ title: "This kind of file is not read here", detail: `${other.blob.name ? `“${other.blob.name}”` : "What was pasted"}: give a picture (JPEG, PNG or WebP), a recording (WAV, FLAC, Ogg, MP3 or AAC) or a film (MP4, WebM, Matroska or FLV)` });
  const kinds = files.map((file) => file.kind).sort().join(" and ");
  const path = PATHS[kinds];
  if (!path) throw new Problem({ title: "That cannot be read together", detail: "Give one picture, one recording or one film, or one picture and one recording." });
  if (LACKS[kinds] === mode) throw new Problem({ title: kinds === "audio" ? "A recording has no face" : "A picture has no voice", detail: "Choose “Both” under “Read”, or give a film." });
  const form = new FormData();
  for (const { blob, kind } of files) form.append(kind, blob, "file"); // the name stays here
  const query = new URLSearchParams({ compare, explain });
  if (fusion) query.set("fusion", fusion);
  if (path === "fused") query.set("mode", mode);
  return [`v1/${path}?${query}`, form];
}

const PATHS = { picture: "face", audio: "speech", video: "fused", "audio and picture": "fused" };
const LACKS = { picture: "speech", audio: "face" };

async function known(blob) {
  const ending = blob.name?.split(".").at(-1).toLowerCase();
  const kind = BY_ENDING[ending] ?? BY_TYPE[blob.type.split("/")[0]];
  return { blob, kind: kind ?? ((await isPicture(blob)) ? "picture" : "") };
}

/** A name may say nothing: the browser itself knows a picture by its content. */
async function isPicture(blob) {
  if (blob.size > MOST_LOOKED_AT_BYTES) return false;
  return createImageBitmap(blob).then((bitmap) => { bitmap.close(); return true; }, () => false);
}

function over(event, drop) {
  if (![...event.dataTransfer.types].includes("Files")) return;
  event.preventDefault();
  drop.classList.add("over");
}
