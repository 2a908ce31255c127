/** Time, passed in so that a test can hold it. */

export interface Clock {
  /** Monotonic time in ms, with fractions. Never set back; only differences mean anything. */
  now(): number;
  /** Wall-clock time in ms since 1970, for expiries that other servers check. */
  wallTime(): number;
  /** Calls `callback` once after `ms`; the answer cancels it. The timer does not keep the process alive. */
  after(ms: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
