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
