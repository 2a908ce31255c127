/**
 * Time counted in samples of the call's audio, from a call's answer on: the one scale on which all that is said, heard
 * and streamed in a call is laid out. It follows the monotonic clock, so nothing that is late moves what comes after.
 */

import type { Clock } from '../lib/clock';
import { WIRE_RATE } from '../lib/streams/wire';

export const SAMPLES_PER_MS = WIRE_RATE / 1000;

export class SampleClock {
  /** Monotonic time of sample 0, in ms. */
  readonly origin: number;

  constructor(readonly clock: Clock) {
    this.origin = clock.now();
  }

  /** How many samples have gone by. */
  position(): number {
    // The small part makes up for the rounding of `timeOf`, which may fall a hair short of the sample.
    return Math.floor((this.clock.now() - this.origin) * SAMPLES_PER_MS + 1e-6);
  }

  /** Monotonic time in ms at which a sample is due. */
  timeOf(position: number): number {
    return this.origin + position / SAMPLES_PER_MS;
  }

  /** Calls back once `position` samples have gone by, never before; the answer cancels it. */
  when(position: number, callback: () => void): () => void {
    let cancel: (() => void) | undefined;
    const arm = () => {
      const ms = Math.max(0, Math.ceil(this.timeOf(position) - this.clock.now()));
      cancel = this.clock.after(ms, () => (this.position() < position ? arm() : callback()));
    };
    arm();
    return () => cancel?.();
  }
}

/**
 * Calls `step(from, to)` for each piece of `length` samples, when it has gone by. The deadlines are absolute: after a
 * late timer every piece that is due comes at once, and the next one is in time again.
 *
 * @returns ends it
 */
export function pace(
  time: SampleClock,
  start: number,
  length: number,
  step: (from: number, to: number) => void,
): () => void {
  let from = start;
  let running = true;
  let cancel: (() => void) | undefined;
  const run = () => {
    const now = time.position();
    while (running && from + length <= now) {
      from += length;
      step(from - length, from);
    }
    if (running) cancel = time.when(from + length, run);
  };
  cancel = time.when(from + length, run);
  return () => {
    running = false;
    cancel?.();
  };
}
