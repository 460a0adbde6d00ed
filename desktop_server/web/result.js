// An answer, or a live estimate, as the whole of the result's section.

import { drawBars } from "./bars.js";
import { drawComparison } from "./comparison.js";
import { byId, el, fill } from "./dom.js";
import { drawExplanation } from "./explanation.js";
import { drawHeadline } from "./headline.js";
import { drawModalities } from "./modalities.js";
import { drawFaces } from "./picture.js";
import { drawPlane } from "./plane.js";
import { drawRules } from "./rules.js";
import { drawTimeline, momentAt, pointAt } from "./timeline.js";
import { sentence, word } from "./words.js";

const LIVE_S = 60; // of the timeline
const TRAIL = 40; // estimates behind the dot
const SPOKEN_EVERY_MS = 3000;

/** The section without an answer: what was read of something else must not stand beside what is given now. */
export function clearResult() {
  byId("result").hidden = false;
  for (const id of ["headline", "bars", "plane", "modalities", "timeline", "rules", "comparison", "explanation", "downloads", "provenance"]) fill(byId(id));
  for (const id of ["timeline", "rules", "comparison", "explanation", "downloads"]) byId(id).hidden = true;
}

/** Shows one answer. `player` plays the recording it is about, if there is one. */
export async function showAnswer(answer, player) {
  const { timeline } = answer;
  const pick = (at_s) => {
    showMoment(answer, at_s, player);
    if (player && at_s !== null && Math.abs(player.currentTime - at_s) > 0.3) player.currentTime = at_s;
  };
  byId("result").hidden = false;
  drawFaces(byId("media"), answer.faces, answer.picture);
  drawTimeline(byId("timeline"), timeline, { smooth_s: answer.smooth_s, onPick: pick });
  showMoment(answer, null, player);
  drawRules(byId("rules"), answer);
  drawProvenance(answer, player);
  if (player) player.ontimeupdate = () => player.paused || showMoment(answer, player.currentTime, player);
  speak(sentence(answer.estimate));
  await drawExplanation(byId("explanation"), answer.explanation, answer.estimate.label);
}

/** The whole, or what was said at one moment of it. */
function showMoment(answer, at_s, player) {
  const { estimate, timeline, int8, mode, models, uncertain_below, hold_s } = answer;
  const whole = at_s === null || timeline.length === 0;
  const now = whole ? estimate : momentAt(timeline, at_s);
  const small = int8 && { ...int8, estimate: whole ? int8.estimate : momentAt(int8.timeline, at_s) };
  const trail = whole ? [] : timeline.filter((moment) => moment.at_s < at_s).slice(-TRAIL);
  const smooth_s = whole ? 0 : answer.smooth_s; // the whole is no moment among others
  drawEstimate(now, { uncertain_below, smooth_s, hold_s }, { mode, trail, other: small?.estimate ?? null, at_s: whole ? null : at_s, whole: player ? "On the whole" : "In this picture" });
  drawComparison(byId("comparison"), now, models, small, smooth_s);
  pointAt(byId("timeline"), timeline, whole ? null : at_s);
}

function drawEstimate(estimate, chosen, { mode, trail, other, ...when }) {
  drawHeadline(byId("headline"), estimate, chosen, when);
  drawBars(byId("bars"), estimate, chosen);
  drawPlane(byId("plane"), estimate, { trail, other, smooth_s: chosen.smooth_s });
  drawModalities(byId("modalities"), estimate, mode);
}

/** What is shown while live: each estimate as it comes, and the last minute. */
export class LiveView {
  #moments = [];
  #ended = false;
  #newest = null;
  #drawn = null;
  #spoken = { label: null, at_ms: 0 };

  /** One message of the stream. What comes faster than the screen is drawn is only kept for the timeline. */
  show(message, session) {
    const { estimate } = message;
    this.#moments = [...this.#moments, estimate].filter((moment) => moment.at_s > estimate.at_s - LIVE_S);
    if (!this.#newest) requestAnimationFrame(() => this.#draw());
    this.#newest = [message, session];
    this.#say(estimate);
  }

  /** The last estimate stays, as one of the past; the section goes where there was none. */
  end() {
    this.#ended = true;
    this.#drawn ??= this.#newest;
    byId("result").hidden = !this.#drawn;
    if (this.#drawn) this.#drawEstimate(...this.#drawn, { past: "When it ended" });
  }

  #draw() {
    if (this.#ended) return;
    const [{ estimate, face, picture }] = this.#newest;
    this.#drawn = this.#newest;
    this.#newest = null;
    byId("result").hidden = false;
    this.#drawEstimate(...this.#drawn, { live: true });
    const seen = face && estimate.modalities.face.present;
    drawFaces(byId("media"), seen ? [{ box: face, is_used: true, label: estimate.modalities.face.label ?? "face" }] : [], picture);
  }

  #drawEstimate({ estimate, int8 }, { mode, models, int8_models, ...chosen }, when) {
    const { at_s } = estimate;
    const { smooth_s } = chosen;
    drawEstimate(estimate, chosen, { mode, trail: this.#moments.slice(-TRAIL, -1), other: int8, ...when });
    drawComparison(byId("comparison"), estimate, models, int8 && { estimate: int8, models: int8_models }, smooth_s);
    drawTimeline(byId("timeline"), this.#moments, { smooth_s, from_s: Math.max(0, at_s - LIVE_S), to_s: at_s });
  }

  #say(estimate) {
    const now_ms = performance.now();
    if (estimate.label === this.#spoken.label || now_ms - this.#spoken.at_ms < SPOKEN_EVERY_MS) return;
    this.#spoken = { label: estimate.label, at_ms: now_ms };
    speak(sentence(estimate));
  }
}

function drawProvenance({ models, fusion, timings_ms, modalities_used }, player) {
  const files = [models.face, models.speech].filter(Boolean);
  const stages = Object.entries(timings_ms).filter(([name, value]) => name !== "total" && value);
  fill(byId("provenance"),
    player && el("p", { class: "small" }, "On the whole: what the face said is averaged over all its readings, and so is what the voice said; the rule is applied once to the averages, and nothing is smoothed."),
    el("p", { class: "small" },
      `${modalities_used.length ? `Read from ${modalities_used.map(word).join(" and ")}` : "Nothing was there to read"}; rule “${fusion}”; ${models.precision} in ${models.runtime}; ${timings_ms.total.toFixed(1)}\u202fms on the server`,
      ` (${stages.map(([name, value]) => `${name.replace("_", " ")} ${value.toFixed(1)}`).join(", ")}). `,
      files.map((model) => el("code", { title: `sha256 ${model.sha256}` }, `${model.id} · ${model.sha256.slice(0, 8)}`)),
    ),
  );
}

function speak(text) {
  byId("spoken").textContent = text;
}
