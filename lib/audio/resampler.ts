/**
 * Changes the sample rate of one mono stream: Speex's resampler (WASM) without its delay, so that the first sample out
 * stands where the first sample in stood, and as long as what went in.
 */

import type { SpeexModule } from '@echogarden/speex-resampler-wasm/simd';
import { CALL_RATE } from './format';

/** The most samples that go in at once. */
export const BLOCK = 1024;
/** How many come out for one that goes in, at the most: 8 kHz to 24 kHz. */
const MOST_OUT = 3;
/** Room for what comes of a block, which a second step takes in whole. */
const ROOM = BLOCK * (MOST_OUT + 1);
/** Speex's 0 to 10. At 5 what should not be there lies 80 dB and more below what should; the filter of 10 is three times as long. */
const QUALITY = 5;

/**
 * Rates that are taken to the call's by way of another. Speex is fast where the reduced ratio's denominator is at most 16;
 * theirs is 40 to 160 at once, and 5 to 16 in each of two steps, which takes a third of the time. No rate between is lower
 * than either end, so nothing is lost on the way.
 */
const BETWEEN = new Map([
  [22_050, 31_500],
  [44_100, 33_600],
  [88_200, 67_200],
]);

/** The WASM and the memory in it that all resamplers share: each uses it only for the time of one call. */
interface Speex {
  module: SpeexModule;
  input: number;
  output: number;
  counts: number;
}

let speex: Speex | undefined;
let loading: Promise<void> | undefined;

/**
 * Loads the resampler. To be awaited once before audio of another rate is converted; all is synchronous from there on.
 * Later calls cost nothing.
 */
export function audioReady(): Promise<void> {
  loading ??= load().catch((error: unknown) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

async function load(): Promise<void> {
  // An ES module: only import() brings it into CommonJS on every Node from 20.0 on.
  const { default: start } = await import('@echogarden/speex-resampler-wasm/simd');
  const module = await start();
  speex = {
    module,
    input: module._malloc(ROOM * 4),
    output: module._malloc(ROOM * 4),
    counts: module._malloc(8),
  };
}

/** How many of Speex's resamplers hold memory of the WASM now; for tests. */
export function liveResamplers(): number {
  return live;
}

let live = 0;

function destroy(pointer: number): void {
  speex?.module._speex_resampler_destroy(pointer);
  live--;
}

// A net under close(): a resampler that was let go without it gives its memory back when it is collected.
const forgotten = new FinalizationRegistry<number[]>((pointers) => pointers.forEach(destroy));

/**
 * One stream's resampler. Write up to `BLOCK` samples into `input()`, then `run()` them; `end()` gives the last ones
 * and frees its memory. One that is given up before its end must be closed.
 */
export class Resampler {
  private readonly speex: Speex;
  /** Speex's resamplers, one for each step. Empty once closed. */
  private readonly steps: number[] = [];
  private samplesIn = 0;
  private samplesOut = 0;

  /**
   * @param from Hz
   * @param to Hz, at most three times `from`
   */
  constructor(
    private readonly from: number,
    private readonly to: number,
  ) {
    if (!speex) throw new Error('audioReady() must be awaited before audio is resampled');
    this.speex = speex;
    const between = to === CALL_RATE ? BETWEEN.get(from) : undefined;
    if (between === undefined) this.addStep(from, to);
    else {
      this.addStep(from, between);
      this.addStep(between, to);
    }
    forgotten.register(this, this.steps, this);
  }

  /** The memory to write samples into: `BLOCK` of them, until `run()`. */
  input(): Float32Array {
    return this.view(this.speex.input, BLOCK);
  }

  /**
   * @param count how many samples lie in `input()`
   * @returns what comes of them, about `count × to / from` samples; to be read before any other call
   */
  run(count: number): Float32Array {
    this.samplesIn += count;
    const samples = this.process(count);
    this.samplesOut += samples.length;
    return samples;
  }

  /**
   * The last samples, so that `ceil(samples in × to / from)` have come out in all; to be read before any other call.
   * Frees the memory: the resampler can't be used again.
   */
  end(): Float32Array {
    // What is still inside comes out as nothing follows it: half of each filter's length, together less than a block.
    this.input().fill(0);
    const due = Math.ceil((this.samplesIn * this.to) / this.from) - this.samplesOut;
    const last = this.process(BLOCK).subarray(0, due);
    this.close();
    return last;
  }

  /** Frees the memory; harmless when that has been done. */
  close(): void {
    forgotten.unregister(this);
    this.steps.splice(0).forEach(destroy);
  }

  private addStep(from: number, to: number): void {
    const { module, counts } = this.speex;
    const pointer = module._speex_resampler_init(1, from, to, QUALITY, counts);
    if (pointer === 0) throw new Error(`No resampler from ${from} to ${to} Hz: error ${this.count(0)}`);
    live++;
    this.steps.push(pointer);
    module._speex_resampler_skip_zeros(pointer);
  }

  private process(count: number): Float32Array {
    const { module, input, output, counts } = this.speex;
    let samples = this.view(input, count);
    this.steps.forEach((pointer, step) => {
      if (step > 0) this.view(input, ROOM).set(samples);
      module.HEAPU32[counts / 4] = samples.length;
      module.HEAPU32[counts / 4 + 1] = ROOM;
      module._speex_resampler_process_float(pointer, 0, input, counts, output, counts + 4);
      if (this.count(0) !== samples.length) throw new Error('The resampler left samples behind');
      samples = this.view(output, this.count(1));
    });
    return samples;
  }

  private count(index: number): number {
    return this.speex.module.HEAPU32[this.speex.counts / 4 + index] ?? 0;
  }

  private view(pointer: number, length: number): Float32Array {
    return this.speex.module.HEAPF32.subarray(pointer / 4, pointer / 4 + length);
  }
}
