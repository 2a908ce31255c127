// What the demo shows: one line for each thing that happens, and below it one live line for the audio both ways.
// On a terminal the live line is rewritten in place; anywhere else it is printed once a second.
import { clearInterval, setInterval } from 'node:timers';
import { performance } from 'node:perf_hooks';

const BARS = ' ▁▂▃▄▅▆▇█';
const BARS_SHOWN = 14;
const BAR_BYTES = 4800; // 100 ms
const TERMINAL_MS = 100;
const PLAIN_MS = 1000;

/** One way of the audio: how much was said so far, and how loud the last second and a half was. */
export class Meter {
  #ms = 0;
  #bars = '';
  #rest = Buffer.alloc(0);

  /** @param pcm s16le, mono, 24 kHz */
  add(pcm) {
    let at = 0;
    this.#rest = Buffer.concat([this.#rest, pcm]);
    for (; at + BAR_BYTES <= this.#rest.length; at += BAR_BYTES)
      this.#addBar(this.#rest.subarray(at, at + BAR_BYTES));
    this.#rest = this.#rest.subarray(at);
  }

  /** Seconds that were not silent. */
  get seconds() {
    return `${(this.#ms / 1000).toFixed(1)} s`;
  }

  toString() {
    return `${this.#bars.padStart(BARS_SHOWN)} ${this.seconds.padStart(6)}`;
  }

  #addBar(pcm) {
    const level = bar(pcm);
    if (level > 0) this.#ms += 100;
    this.#bars = (this.#bars + BARS[level]).slice(-BARS_SHOWN);
  }
}

/** Loudness as the height of a bar: nothing below −54 dB, full above −12 dB. */
function bar(pcm) {
  const samples = pcm.length / 2;
  let sum = 0;
  for (let i = 0; i < samples; i++) sum += pcm.readInt16LE(2 * i) ** 2;
  const db = 10 * Math.log10(Math.max(1, sum / samples) / 32768 ** 2);
  return Math.max(0, Math.min(BARS.length - 1, Math.ceil((db + 54) / 6)));
}

export class Screen {
  #out = process.stdout;
  #start = performance.now();
  #live = '';
  #timer;

  /** From now on times count from here. */
  start() {
    this.#start = performance.now();
  }

  get seconds() {
    return (performance.now() - this.#start) / 1000;
  }

  /** A line of its own. */
  print(text = '') {
    this.#wipe();
    this.#out.write(`${text}\n`);
    this.#draw();
  }

  /** What happened just now, and on whose side. */
  step(who, what) {
    this.print(`${this.seconds.toFixed(2).padStart(6)} s  ${who.padEnd(7)} ${what}`);
  }

  /** Shows `line()` over and over until `endLive`. */
  live(line) {
    const terminal = Boolean(this.#out.isTTY);
    this.#timer = setInterval(
      () => {
        if (!terminal) {
          this.#out.write(`${line()}\n`);
          return;
        }
        this.#wipe();
        this.#live = line().slice(0, (this.#out.columns ?? 80) - 1);
        this.#draw();
      },
      terminal ? TERMINAL_MS : PLAIN_MS,
    );
  }

  endLive() {
    clearInterval(this.#timer);
    this.#wipe();
    this.#live = '';
  }

  #wipe() {
    if (this.#live) this.#out.write('\r\x1b[K');
  }

  #draw() {
    if (this.#live) this.#out.write(this.#live);
  }
}
