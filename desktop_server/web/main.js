// Where everything comes together: what is given, how it is to be read, and what is shown of the answer.

import { Problem, ask, keepToken, token } from "./api.js";
import { byId, el, fill } from "./dom.js";
import { offerDownloads } from "./download.js";
import { followFleet } from "./fleet.js";
import { requestFor, takeFiles } from "./give.js";
import { Live } from "./live.js";
import { showFiles } from "./picture.js";
import { offerRequest } from "./request_code.js";
import { LiveView, clearResult, showAnswer } from "./result.js";
import { isOfOneRule, underRule } from "./rules.js";
import { DEFAULTS, RULES, knowServer } from "./server.js";
import { RULE_WORDS } from "./words.js";

const options = byId("options");
let given = []; // files that were last given
let player = null; // what plays them
let answered = null; // what the server made of them, once it is there
let asking = new AbortController();
let live = null;

function chosen() {
  const form = new FormData(options);
  return { mode: form.get("mode"), fusion: form.get("fusion") || null, compare: form.has("compare"), explain: form.has("explain") };
}

function offerRules() {
  const { fusion } = options.elements;
  const offered = [...Object.keys(RULE_WORDS).filter((rule) => RULES.includes(rule)), ...RULES.filter((rule) => !(rule in RULE_WORDS))];
  fusion.append(el("option", { value: "" }, "Default"), ...offered.map((value) => el("option", { value }, RULE_WORDS[value]?.[0] ?? value)));
  const explain = () => {
    byId("fusion-hint").textContent = RULE_WORDS[fusion.value]?.[1] ?? "The rule that the model set was measured to do best with.";
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
  answered = null;
  asking = new AbortController();
  const { signal } = asking;
  busy(true);
  if (isNew) byId("busy").scrollIntoView({ block: "nearest" });
  try {
    await knowServer();
    const [path, body] = requestFor(given, chosen());
    const answer = await ask(path, { method: "POST", body, signal });
    tell(null);
    await show(answer);
    busy(false); // its row is above the result, which would move after it was scrolled to
    if (isNew) byId("result").scrollIntoView({ block: "start" });
  } catch (problem) {
    if (!signal.aborted) fail(problem);
  } finally {
    if (!signal.aborted) busy(false);
  }
}

async function show(answer) {
  answered = answer;
  offerDownloads(byId("downloads"), answer, given.map(({ blob }) => blob.name || "pasted picture").join(" and "));
  offerRequest(byId("downloads"), () => ({ files: given, path: requestFor(given, chosen())[0] }));
  await showAnswer(answer, player);
}

/** Shows at once what another rule makes of the same readings; asks again only for what one rule alone has. */
async function changeRule() {
  const answer = answered && underRule(answered, chosen().fusion ?? DEFAULTS.fusion);
  if (answer) await show(answer);
  if (!answer || isOfOneRule(answer)) await read();
}

async function goLive() {
  const view = new LiveView();
  const session = {};
  asking.abort();
  busy(false);
  given = [];
  answered = null;
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
    await knowServer();
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
  byId("spoken").textContent = ""; // the former answer
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
  if (!live) (target.name === "fusion" ? changeRule : read)();
  else if (target.name === "mode") { stopLive(); goLive(); } // other sensors
  else live.change(chosen());
});
addEventListener("server", offerRules, { once: true });
takeFiles(take);
followFleet(askForToken);
