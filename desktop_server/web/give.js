// Files from this device: chosen, dropped or pasted.

import { Problem } from "./api.js";
import { byId } from "./dom.js";

const BY_ENDING = { flv: "video", mkv: "video", mp4: "video", mov: "video", avi: "video", webm: "video", flac: "audio", ogg: "audio", opus: "audio", wav: "audio", mp3: "audio", m4a: "audio", jpg: "picture", jpeg: "picture", png: "picture", webp: "picture" };

/** Calls `take` with the files of each gift, each `{blob, kind}`. */
export function takeFiles(take) {
  const drop = byId("drop");
  byId("file").addEventListener("change", ({ target }) => {
    if (target.files.length) take([...target.files].map(known));
    target.value = ""; // the same file may be given again
  });
  document.addEventListener("paste", ({ clipboardData }) => {
    if (clipboardData.files.length) take([...clipboardData.files].map(known));
  });
  for (const name of ["dragenter", "dragover"]) addEventListener(name, (event) => over(event, drop));
  addEventListener("dragleave", ({ relatedTarget }) => relatedTarget || drop.classList.remove("over"));
  addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    if (event.dataTransfer.files.length) take([...event.dataTransfer.files].map(known));
  });
}

/** The address that reads these files in this mode, and the form to send. Throws a `Problem`. */
export function requestFor(files, { mode, fusion, compare, explain }) {
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

function known(blob) {
  const [type] = blob.type.split("/");
  const kind = BY_ENDING[blob.name?.split(".").at(-1).toLowerCase()] ?? type;
  return { blob, kind: kind === "image" ? "picture" : kind };
}

function over(event, drop) {
  if (![...event.dataTransfer.types].includes("Files")) return;
  event.preventDefault();
  drop.classList.add("over");
}
