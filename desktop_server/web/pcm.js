// On the audio thread: the microphone's samples as 16-bit integers, a tenth of a second at a time.

class Pcm extends AudioWorkletProcessor {
  #block = new Int16Array(Math.round(sampleRate / 10));
  #filled = 0;

  process([[samples]]) {
    for (const sample of samples ?? []) {
      this.#block[this.#filled] = Math.round(Math.min(Math.max(sample, -1), 1) * 32767);
      this.#filled += 1;
      if (this.#filled === this.#block.length) this.#hand();
    }
    return true;
  }

  #hand() {
    this.port.postMessage(this.#block.buffer.slice(0));
    this.#filled = 0;
  }
}

registerProcessor("pcm", Pcm);
