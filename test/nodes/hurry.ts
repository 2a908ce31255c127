/** Makes long waits short, for those that no test can sit out. */
import type { Bench } from './harness';

/** Until the bench stops, every timer of exactly `ms` fires after `shortMs` instead. */
export function hurry(bench: Bench, ms: number, shortMs = 30): void {
  const real = globalThis.setTimeout;
  const quick = (callback: (...args: unknown[]) => void, delay?: number, ...args: unknown[]) =>
    real(callback, delay === ms ? shortMs : delay, ...args);
  globalThis.setTimeout = Object.assign(quick, real) as typeof setTimeout;
  bench.onStop(() => (globalThis.setTimeout = real));
}

/** Timers that are shorter than this are not worth skipping, in ms. */
const LONG_MS = 5_000;

/**
 * Takes hold of time until the bench stops: the answer moves all clocks on, and lets the long timers fire that are due
 * by then. Not for the local Wavix, whose streams would have to catch up.
 */
export function takeTime(bench: Bench): (ms: number) => void {
  const real = { setTimeout: globalThis.setTimeout, now: performance.now.bind(performance), date: Date.now };
  let skipped = 0;
  const long = new Set<{ due: number; timer: NodeJS.Timeout; fire: () => void }>();
  performance.now = () => real.now() + skipped;
  Date.now = () => real.date() + skipped;
  const watched = (callback: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) => {
    if (ms < LONG_MS) return real.setTimeout(callback, ms, ...args);
    const entry = {
      due: performance.now() + ms,
      timer: real.setTimeout(() => entry.fire(), ms),
      fire: (): void => undefined,
    };
    entry.fire = () => {
      long.delete(entry);
      callback(...args);
    };
    long.add(entry);
    return entry.timer;
  };
  globalThis.setTimeout = Object.assign(watched, real.setTimeout) as typeof setTimeout;
  bench.onStop(() => {
    globalThis.setTimeout = real.setTimeout;
    performance.now = real.now;
    Date.now = real.date;
  });
  return (ms) => {
    skipped += ms;
    const now = performance.now();
    for (const entry of [...long]) {
      // One that was cleared meanwhile is not to fire.
      const isCleared = (entry.timer as unknown as { _destroyed: boolean })._destroyed;
      if (isCleared) long.delete(entry);
      else if (entry.due <= now) {
        clearTimeout(entry.timer);
        entry.fire();
      }
    }
  };
}
