// What the server says of itself: its emotions with their coordinates, and its rules of fusion.

import { ask } from "./api.js";

/** The classes, in the order of every list on the page. */
export const EMOTIONS = [];

/** (valence, arousal) of each. */
export const COORDINATES = {};

/** The rules of fusion, by the names that requests use. */
export const RULES = [];

/** What is taken where a request names nothing: the rule of fusion. */
export const DEFAULTS = {};

let asked = null;

/** Asks once, and again after a failure; then a `server` event is dispatched. Throws a `Problem`. */
export function knowServer() {
  asked ??= ask("v1/server").then(keep).catch((problem) => {
    asked = null;
    throw problem;
  });
  return asked;
}

function keep({ emotions, fusion, fusions }) {
  for (const { name, valence, arousal } of emotions) {
    EMOTIONS.push(name);
    COORDINATES[name] = [valence, arousal];
  }
  DEFAULTS.fusion = fusion;
  RULES.push(...fusions);
  dispatchEvent(new Event("server"));
}
