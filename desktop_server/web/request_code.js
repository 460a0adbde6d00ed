// The request behind an answer, as a command of curl and as Python, to be copied.

import { token } from "./api.js";
import { el } from "./dom.js";

const VARIABLE = "AFFECTD_TOKEN"; // the token itself is not to stand in anybody's notes

/** Adds buttons that copy the request; `request()` gives its files and its address, as they are when it is asked. */
export function offerRequest(parent, request) {
  const told = el("span", { role: "status" });
  const written = el("textarea", { class: "request", readonly: true, hidden: true, rows: 6, spellcheck: "false", "aria-label": "The request" });
  const copy = async (code) => {
    const text = code(request());
    written.hidden = await isCopied(text);
    told.textContent = written.hidden ? "Copied." : "Copy it from here:"; // without TLS a browser lets no page copy
    written.value = text;
    if (!written.hidden) written.select();
  };
  const button = (words, code) => el("button", { type: "button", class: "button", "aria-label": `Copy as ${words}`, on: { click: () => copy(code) } }, words);
  parent.append(el("span", {}, "Copy the request: "), button("curl", asCurl), button("Python", asPython), told, written);
}

function asCurl({ files, path }) {
  const header = token() ? ` -H "Authorization: Bearer $${VARIABLE}"` : "";
  const forms = files.map(({ blob, kind }) => `-F ${inShell(`${kind}=@"${nameOf(blob, kind).replace(/["\\]/g, "\\$&")}"`)}`);
  return `curl${header} ${forms.join(" ")} ${inShell(addressOf(path))}\n`;
}

function asPython({ files, path }) {
  const fields = files.map(({ blob, kind }) => `    "${kind}": Path(${JSON.stringify(nameOf(blob, kind))}).read_bytes(),\n`);
  return [
    token() ? "import os\n" : "", "from pathlib import Path\n\nimport httpx\n\n",
    "files = {\n", ...fields, "}\n",
    token() ? `headers = {"Authorization": f"Bearer {os.environ['${VARIABLE}']}"}\n` : "",
    `answer = httpx.post(${JSON.stringify(addressOf(path))}, files=files${token() ? ", headers=headers" : ""}, timeout=60)\n`,
    'print(answer.raise_for_status().json()["estimate"])\n',
  ].join("");
}

/** Without what is as it is by default. */
function addressOf(path) {
  const address = new URL(path, location.href);
  for (const [name, value] of [...address.searchParams]) if (value === "false") address.searchParams.delete(name);
  return address.href;
}

function nameOf(blob, kind) {
  return blob.name || `pasted ${kind}`;
}

function inShell(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

async function isCopied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
