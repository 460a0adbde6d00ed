// Where everything comes together: what is given, how it is to be read, and what is shown of the answer.

import { Problem, ask, keepToken, token } from "./api.js";
import { byId, el, fill } from "./dom.js";
import { followFleet } from "./fleet.js";
import { requestFor, takeFiles } from "./give.js";
import { Live } from "./live.js";
import { showFiles } from "./picture.js";
import { LiveView, clearResult, showAnswer } from "./result.js";
import { RULES } from "./words.js";

const options = byId("options");
let given = []; // files that were last given
let player = null; // what plays them
let asking = new AbortController();
let live = null;

function chosen() {
  const form = new FormData(options);
  return { mode: form.get("mode"), fusion: form.get("fusion") || null, compare: form.has("compare"), explain: form.has("explain") };
}

function offerRules() {
  const { fusion } = options.elements;
  fusion.append(el("option", { value: "" }, "Default"), ...Object.entries(RULES).map(([value, [name]]) => el("option", { value }, name)));
  const explain = () => {
    byId("fusion-hint").textContent = RULES[fusion.value]?.[1] ?? "The rule that the model set was measured to do best with.";
  };
  fusion.addEventListener("change", explain);
  explain();
}

async function take(files) {
  stopLive();
  given = files;
  clearResult();
  player = showFiles(byId("media"), files);
  await read({ isNew: true });
}

/** Asks the server about what was given, with the options of now. */
async function read({ isNew = false } = {}) {
  if (!given.length) return;
  asking.abort();
  asking = new AbortController();
  const { signal } = asking;
  busy(true);
  if (isNew) byId("busy").scrollIntoView({ block: "nearest" });
  try {
    const [path, body] = requestFor(given, chosen());
    const answer = await ask(path, { method: "POST", body, signal });
    tell(null);
    await showAnswer(answer, player);
    busy(false); // its row is above the result, which would move after it was scrolled to
    if (isNew) byId("result").scrollIntoView({ block: "start" });
  } catch (problem) {
    if (!signal.aborted) fail(problem);
  } finally {
    if (!signal.aborted) busy(false);
  }
}

async function goLive() {
  const view = new LiveView();
  const session = {};
  asking.abort();
  busy(false);
  given = [];
  live = new Live({
    ready: ({ models, int8_models, uncertain_below, smooth_s, hold_s }) => Object.assign(session, { models, int8_models, uncertain_below, smooth_s, hold_s }),
    estimate: (message) => message.estimate && view.show(message, { ...session, mode: chosen().mode }),
    doubtful: (why) => { byId("live-hint").textContent = why ? `No face is read: ${why}.` : ""; },
    lacking: (sensor) => { byId("live-hint").textContent = `There is no ${sensor}; the other one is read alone.`; },
    ended: (problem) => {
      isLive(false);
      live = null;
      fill(byId("media"), el("p", { class: "unplayable" }, "Camera and microphone are closed."));
      view.end();
      if (problem) fail(problem);
    },
  });
  tell(null);
  clearResult();
  fill(byId("media"));
  isLive(true);
  try {
    const picture = await live.start(chosen());
    fill(byId("media"),
      picture ? el("div", { class: "frame" }, picture) : el("p", { class: "unplayable" }, "Listening to the microphone."),
      el("figcaption", { class: "small" }, "Live from this device. ", el("button", { type: "button", class: "quiet", on: { click: stopLive } }, "End it")),
    );
    byId("result").scrollIntoView({ block: "start" });
  } catch (problem) {
    stopLive();
    isLive(false);
    fail(problem);
  }
}

function stopLive() {
  live?.stop();
  live = null;
}

function isLive(now) {
  const button = byId("live-button");
  button.textContent = now ? "Stop" : "Go live";
  button.setAttribute("aria-pressed", now);
  byId("live").classList.toggle("on", now);
  options.elements.explain.disabled = now; // maps are for single answers
  for (const id of ["explanation", "provenance"]) byId(id).hidden = now || (id === "explanation" && !given.length);
}

function busy(now) {
  byId("busy").hidden = !now;
  byId("result").setAttribute("aria-busy", now);
}

/** Shows a problem in words, or takes the last one away. */
function tell(problem) {
  fill(byId("problem"), problem ? el("div", { class: "notice bad" },
    el("h2", {}, problem.message),
    el("p", {}, sentenceOf(problem.detail)),
    problem.retryAfter_s && el("p", {}, `Try again in ${problem.retryAfter_s}\u202fs. `, el("button", { type: "button", class: "button", on: { click: () => read() } }, "Try again")),
  ) : []);
}

function fail(problem) {
  if (!(problem instanceof Problem)) throw problem; // a mistake of this page: the console has it
  if (problem.status === 401) askForToken(problem);
  else tell(problem);
  byId("result").hidden = true;
}

function askForToken({ code }) {
  if (token() && code === "wrong-token") tell(new Problem({ title: "The token is not valid", detail: "It may have been revoked. Give another one." }));
  keepToken(null);
  byId("token-form").hidden = false;
  byId("token").focus();
}

function sentenceOf(text) {
  return text && text[0].toUpperCase() + text.slice(1) + (/[.!?…]$/.test(text) ? "" : ".");
}

byId("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  tell(null);
  keepToken(byId("token").value.trim());
  byId("token").value = "";
  byId("token-form").hidden = true;
  read();
});
byId("live-button").addEventListener("click", () => (live ? stopLive() : goLive()));
options.addEventListener("submit", (event) => event.preventDefault());
options.addEventListener("change", ({ target }) => {
  if (!live) read();
  else if (target.name === "mode") { stopLive(); goLive(); } // other sensors
  else live.change(chosen());
});
offerRules();
takeFiles(take);
followFleet(askForToken);
