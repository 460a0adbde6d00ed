// Every node that the server hears on MQTT: how it is, what it sees, and how old that is.

import { Problem, ask, events } from "./api.js";
import { byId, el, fill } from "./dom.js";
import { EMOTIONS, knowServer } from "./server.js";
import { ago, best, percent, title } from "./words.js";

const AGAIN_MS = 3000;
const STATES = {
  online: ["●", "online"],
  silent: ["◐", "silent: it says it is online, and has not been heard for half a minute"],
  stopped: ["■", "stopped by its owner"],
  offline: ["○", "offline: the broker lost it"],
  unknown: ["?", "not known"],
};

let ahead_ms = 0; // of the server's clock to this one

/** Follows the fleet until the page is left; shows nothing where the server has none. `refused` is told of a 401. */
export async function followFleet(refused) {
  setInterval(tellAges, 1000);
  for (;;) {
    try {
      await knowServer();
      const first = await ask("v1/fleet");
      if (!first.broker) return;
      show(first);
      for await (const fleet of events("v1/fleet/events")) show(fleet);
      throw new Problem({ title: "The server ended the connection" });
    } catch (problem) {
      if (problem.status === 401) refused(problem);
      else tell(`${problem.message}. Trying again …`);
      await (problem.status === 401 ? aToken() : pause());
    }
  }
}

function aToken() {
  return new Promise((resolve) => addEventListener("token", resolve, { once: true }));
}

function pause() {
  return new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
}

function show({ ts, broker, nodes }) {
  ahead_ms = Date.parse(ts) - Date.now();
  const isAny = broker.connected || nodes.length > 0 || !broker.is_default; // who has no broker is not told of one
  byId("fleet").hidden = byId("fleet-link").hidden = !isAny;
  tell(broker.connected ? summary(nodes, broker) : `Nothing is known of the nodes now: ${broker.problem}.`);
  fill(byId("nodes"), nodes.map(card));
  tellAges();
}

function tell(text) {
  if (byId("fleet-lead").textContent !== text) byId("fleet-lead").textContent = text;
}

function summary(nodes, broker) {
  if (!nodes.length) return `No node has said anything yet on the broker at ${broker.address}.`;
  const online = nodes.filter((node) => node.state === "online").length;
  return `${online} of ${nodes.length} ${nodes.length === 1 ? "node" : "nodes"} online, heard on the broker at ${broker.address}.`;
}

function card(node) {
  const [sign, words] = STATES[node.state];
  return el("article", { class: `card node ${node.state}`, "data-node": node.name, "data-state": node.state, "aria-label": node.name },
    el("header", {},
      el("h3", {}, node.name),
      el("p", { class: "state" }, el("span", { "aria-hidden": "true" }, `${sign} `), node.state === "online" ? words : words.split(":")[0]),
    ),
    node.state === "silent" && el("p", { class: "small" }, "It says it is online, and has not been heard for half a minute."),
    estimate(node),
    sensors(node),
    health(node),
    models(node),
    node.unreadable.length > 0 && el("p", { class: "odd" }, `Says something that cannot be read on ${node.unreadable.join(", ")}.`),
    el("p", { class: "small word" }, el("span", {}, node.last_word_ts ? "Last word " : "Not heard since this server listens"), age(node.last_word_ts)),
  );
}

function estimate({ estimate: now, estimate_ts }) {
  if (!now) {
    return el("p", { class: "empty" }, estimate_ts ? ["No estimate that still holds; the last came ", age(estimate_ts), "."] : "No estimate heard yet.");
  }
  return el("div", { class: "now" },
    el("p", { class: `label ${now.label}`, "data-label": now.label }, title(now.label)),
    el("p", { class: "small" }, sure(now)),
    isRead(now) && el("div", { class: "spark", role: "img", "aria-label": EMOTIONS.map((name) => `${name} ${percent(now.probs[name])}`).join(", ") },
      EMOTIONS.map((name) => el("span", { class: name === now.label ? "lead" : "", vars: { "--share": now.probs[name] }, title: `${name} ${percent(now.probs[name])}` }, el("i"), el("b", {}, name.slice(0, 3)))),
    ),
  );
}

/** Whether probabilities were read from anything: without, a node sends nothing but zeros. */
function isRead({ probs }) {
  return probs && EMOTIONS.some((name) => probs[name] > 0);
}

function sure({ label, reason, confidence, probs, modalities }) {
  if (label === "unknown") return `It neither sees nor hears: ${reason ?? "it does not say why"}.`;
  if (label === "nobody") return "No face and no voice.";
  const from = ["face", "speech"].filter((name) => modalities[name]?.present).map((name) => `${name === "face" ? "face" : "voice"} ${percent(modalities[name].weight)}`);
  const said = label === "uncertain" ? `${best(probs)[0]} leads with ${percent(best(probs)[1])}` : `confidence ${percent(confidence)}`;
  return `${said}${from.length ? ` · ${from.join(", ")}` : ""}`;
}

function sensors({ camera, microphone, models: nets, store, privacy }) {
  const parts = [["Camera", camera], ["Microphone", microphone], ["Models", nets], ["Store", store?.state === "online" ? null : store]]
    .filter(([, part]) => part);
  if (!parts.length && !privacy) return null;
  return el("ul", { class: "parts" },
    parts.map(([name, { state, reason }]) => el("li", { class: state }, `${name} ${state}${reason ? `: ${reason}` : ""}`)),
    privacy && el("li", { class: "disabled" }, "Privacy on: its user closed the sensors"),
  );
}

function health({ health: said }) {
  if (!said) return null;
  return el("dl", { class: "figures" },
    figure("Frames", said.frame_rate_hz, (value) => `${value.toFixed(1)}/s`),
    figure("Memory", said.memory_rss_bytes, (value) => `${Math.round(value / 1e6)}\u202fMB`),
    figure("Load", said.load_1min, (value) => value.toFixed(2)),
    figure("Heat", said.soc_temperature_celsius, (value) => `${Math.round(value)}\u202f°C`),
    figure("Dropped", Object.values(said.dropped).reduce((sum, value) => sum + value, 0) || null, String),
    figure("Power", said.undervoltage_now || null, () => "undervoltage"),
    figure("Clock", said.clock_synced === false || null, () => "not set"),
  );
}

function figure(name, value, written) {
  return value === null || value === undefined ? null : el("div", {}, el("dt", {}, name), el("dd", {}, written(value)));
}

function models({ info }) {
  if (!info) return null;
  return el("p", { class: "small models" },
    el("b", {}, info.model_set), ` on ${info.machine}, affectd ${info.version}, ${info.runtime}`,
    info.models.map((model) => el("code", { title: `sha256 ${model.sha256}` }, `${model.id} · ${model.sha256.slice(0, 8)}`)),
  );
}

function age(ts) {
  return ts ? el("time", { datetime: ts }) : null;
}

function tellAges() {
  for (const time of document.querySelectorAll("#nodes time")) {
    time.textContent = ago((Date.now() + ahead_ms - Date.parse(time.dateTime)) / 1000);
  }
}

