// The server: requests with the tab's token, problems as errors, events as they come.

const KEY = "affectd-token";

/** A problem document (RFC 9457), or what stands for one where there is no server to write it. */
export class Problem extends Error {
  constructor({ title, detail = "", status = 0, code = "" }, retryAfter_s = null) {
    super(title);
    Object.assign(this, { title, detail, status, code, retryAfter_s });
  }
}

/** The token of this tab, or null. */
export function token() {
  return sessionStorage.getItem(KEY);
}

/** Keeps a token until the tab is closed; null forgets it. */
export function keepToken(value) {
  if (value) sessionStorage.setItem(KEY, value);
  else sessionStorage.removeItem(KEY);
  if (value) dispatchEvent(new Event("token"));
}

/** Asks and gives the answer's JSON. Throws a `Problem`. */
export async function ask(path, options = {}) {
  return (await fetched(path, options)).json();
}

/** Yields the data of each server-sent event. By fetch: an EventSource cannot carry a token but in its address. */
export async function* events(path, signal) {
  const response = await fetched(path, { signal, headers: { Accept: "text/event-stream" } });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (text + value.replaceAll("\r\n", "\n")).split("\n\n");
    text = blocks.pop();
    for (const block of blocks) {
      const data = block.split("\n").filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trimStart());
      if (data.length) yield JSON.parse(data.join("\n"));
    }
  }
}

async function fetched(path, { headers = {}, ...options }) {
  const sent = token();
  const authorization = sent ? { Authorization: `Bearer ${sent}` } : {};
  let response;
  try {
    response = await fetch(path, { ...options, headers: { ...headers, ...authorization }, cache: "no-store" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem({ title: "The server cannot be reached", detail: "Is it running, and is this device in its network?" });
  }
  if (response.ok) return response;
  const told = await document_(response);
  // Given while this one was under way: a late 401 must not take the new token away.
  if (response.status === 401 && token() && token() !== sent) return fetched(path, { headers, ...options });
  throw new Problem(told, Number(response.headers.get("Retry-After")) || null);
}

async function document_(response) {
  try {
    return await response.json();
  } catch {
    return { title: `The server answered ${response.status}`, detail: "It gave no reason.", status: response.status };
  }
}
