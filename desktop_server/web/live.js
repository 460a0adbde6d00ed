// Camera and microphone of this device, sent to the server as they come; estimates come back.

import { Problem, ask, token } from "./api.js";
import { el } from "./dom.js";

const PROTOCOL = "affectd.stream.1";
const TOKEN_PROTOCOL = "affectd.token."; // a browser cannot set headers on a WebSocket
const PICTURE = "P".charCodeAt(0);
const SOUND = "S".charCodeAt(0);
const HEAD_BYTES = 9; // kind, and microseconds since the start
const RATE_HZ = 10;
const WIDTH_PX = 640;
const MOST_WAITING_BYTES = 200_000; // in the socket: a slow line misses pictures, and never sees old ones

/** One session: from `start` until `stop`, or until something fails. */
export class Live {
  #media = null;
  #socket = null;
  #sound = null;
  #video = null;
  #encoder = null;
  #started_ms = 0;
  #last_ms = 0;
  #doubt = null;
  #hear;

  /**
   * `hear` has `ready`, `estimate`, `lacking` (a sensor that is not there), `doubtful` (why its pictures are not
   * believed, or null once they are) and `ended` (with a `Problem` or null).
   */
  constructor(hear) {
    this.#hear = hear;
  }

  /** Opens the sensors and the stream; gives the picture of the camera, or null. Throws a `Problem`. */
  async start(options) {
    this.#media = await sensors(options.mode, this.#hear.lacking);
    const [camera] = this.#media.getVideoTracks();
    const [microphone] = this.#media.getAudioTracks();
    this.#sound = microphone ? new AudioContext() : null;
    this.#started_ms = performance.now();
    this.#connect(options);
    for (const track of this.#media.getTracks()) track.addEventListener("ended", () => this.#fail({ title: `The ${track.kind === "video" ? "camera" : "microphone"} went away`, detail: "Plug it in again and go live once more." }));
    if (microphone) await this.#listen();
    if (camera) await this.#look();
    return this.#video;
  }

  /** Goes on with other options, and the sensors as they are. */
  change(options) {
    this.#connect(options);
  }

  /** Closes sensors and stream. */
  stop(problem = null) {
    if (!this.#media) return;
    for (const track of this.#media.getTracks()) track.stop();
    this.#media = null;
    this.#sound?.close();
    this.#encoder?.terminate();
    const socket = this.#socket;
    this.#socket = null; // its end is no news
    socket?.close(1000);
    this.#hear.ended(problem);
  }

  #connect({ mode, fusion, compare }) {
    this.#socket?.close(1000);
    const address = new URL("v1/stream", document.baseURI);
    address.protocol = address.protocol.replace("http", "ws");
    const socket = new WebSocket(address, token() ? [PROTOCOL, TOKEN_PROTOCOL + token()] : [PROTOCOL]);
    const rate_hz = this.#sound?.sampleRate;
    socket.addEventListener("open", () => socket.send(JSON.stringify({ mode, fusion, compare, rate_hz })));
    socket.addEventListener("message", ({ data }) => socket === this.#socket && this.#heard(JSON.parse(data)));
    socket.addEventListener("close", () => socket === this.#socket && this.#lost());
    this.#socket = socket;
  }

  #heard(message) {
    if (message.problem !== undefined && message.problem !== this.#doubt) {
      this.#doubt = message.problem;
      this.#hear.doubtful(this.#doubt);
    }
    if (message.type in this.#hear) this.#hear[message.type](message);
    else this.#fail(message); // a problem document: its type is an address
  }

  /** The browser does not tell why a socket was refused; an ordinary request to the same address is told. */
  async #lost() {
    const told = await ask("v1/stream").catch((problem) => problem);
    this.#fail(told.status === 426 ? { title: "The live connection ended", detail: "Is the server still running? Go live once more" } : told);
  }

  #fail(problem) {
    this.stop(problem instanceof Problem ? problem : new Problem(problem));
  }

  async #listen() {
    await this.#sound.audioWorklet.addModule("pcm.js");
    const pcm = new AudioWorkletNode(this.#sound, "pcm", { numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit" });
    let samples = 0;
    let first_s = null;
    pcm.port.onmessage = ({ data }) => {
      first_s ??= this.#now_s() - data.byteLength / 2 / this.#sound.sampleRate;
      this.#send(SOUND, first_s + samples / this.#sound.sampleRate, data);
      samples += data.byteLength / 2;
    };
    this.#sound.createMediaStreamSource(new MediaStream(this.#media.getAudioTracks())).connect(pcm);
    await this.#sound.resume();
  }

  async #look() {
    this.#video = el("video", { muted: true, autoplay: true, playsinline: true, "aria-label": "What the camera sees" });
    this.#video.muted = true;
    this.#video.srcObject = this.#media;
    await this.#video.play();
    this.#encoder = new Worker("jpeg.js");
    const next = () => this.#video.requestVideoFrameCallback(async (now_ms) => {
      if (!this.#media) return;
      if (now_ms - this.#last_ms >= 900 / RATE_HZ) await this.#picture(now_ms); // one at a time: none gets old
      next();
    });
    next();
  }

  async #picture(now_ms) {
    this.#last_ms = now_ms;
    const at_s = this.#now_s();
    const done = new Promise((resolve) => { this.#encoder.onmessage = ({ data }) => resolve(data); });
    const picture = await createImageBitmap(this.#video, { resizeWidth: Math.min(WIDTH_PX, this.#video.videoWidth) });
    this.#encoder.postMessage(picture, [picture]);
    this.#send(PICTURE, at_s, await done);
  }

  #now_s() {
    return (performance.now() - this.#started_ms) / 1000;
  }

  #send(kind, at_s, payload) {
    const socket = this.#socket;
    if (socket?.readyState !== WebSocket.OPEN || (kind === PICTURE && socket.bufferedAmount > MOST_WAITING_BYTES)) return;
    const message = new Uint8Array(HEAD_BYTES + payload.byteLength);
    const head = new DataView(message.buffer);
    head.setUint8(0, kind);
    head.setBigUint64(1, BigInt(Math.round(Math.max(at_s, 0) * 1e6)));
    message.set(new Uint8Array(payload), HEAD_BYTES);
    socket.send(message);
  }
}

/** What of camera and microphone is there and allowed; a second sensor that is missing is only told of. */
async function sensors(mode, lacking) {
  if (!navigator.mediaDevices) {
    throw new Problem({ title: "This browser keeps camera and microphone closed", detail: "It opens them for pages that come by HTTPS or from this machine. Give the server a certificate (server.cert_file)." });
  }
  const wanted = { video: mode !== "speech" && VIDEO, audio: mode !== "face" && AUDIO };
  try {
    return await navigator.mediaDevices.getUserMedia(wanted);
  } catch (error) {
    const one = error.name === "NotFoundError" && mode === "both" ? await eitherSensor(lacking) : null;
    if (one) return one;
    throw new Problem(EXPLAINED[error.name] ?? { title: "Camera and microphone do not open", detail: error.message });
  }
}

async function eitherSensor(lacking) {
  for (const [kind, wanted, other] of [["video", VIDEO, "microphone"], ["audio", AUDIO, "camera"]]) {
    const media = await navigator.mediaDevices.getUserMedia({ [kind]: wanted }).catch(() => null);
    if (media) {
      lacking(other);
      return media;
    }
  }
  return null;
}

const VIDEO = { width: { ideal: WIDTH_PX }, height: { ideal: 480 }, frameRate: { ideal: 30 } };
const AUDIO = { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false }; // the net learned from plain sound
const EXPLAINED = {
  NotAllowedError: { title: "The browser was not allowed to open them", detail: "Allow camera and microphone for this page, by the sign at the address, and go live once more." },
  NotFoundError: { title: "There is no such sensor on this device", detail: "Plug in a camera or a microphone, or choose a file." },
  NotReadableError: { title: "Another program holds the camera or the microphone", detail: "Close it there, and go live once more." },
};
