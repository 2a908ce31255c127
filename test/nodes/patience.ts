/** How long a test waits: by the time in which it ran, as a machine that stands still delivers nothing either. */
const TICK_MS = 25;
/** A gap between two ticks counts no more than this: what came meanwhile has its turn before the wait is over. */
const LONGEST_TICK_MS = 100;

export class Patience {
  private readonly controller = new AbortController();
  private readonly ticks: NodeJS.Timeout;
  private last = performance.now();
  private waitedMs = 0;
  private longestGapMs = 0;

  constructor(ms: number) {
    this.ticks = setInterval(() => {
      const now = performance.now();
      const gap = now - this.last;
      this.last = now;
      this.longestGapMs = Math.max(this.longestGapMs, gap);
      this.waitedMs += Math.min(gap, LONGEST_TICK_MS);
      if (this.waitedMs >= ms) this.controller.abort();
    }, TICK_MS);
  }

  /** Aborted when it is at its end. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  toString(): string {
    return `the process stood still for up to ${Math.round(this.longestGapMs)} ms meanwhile`;
  }

  [Symbol.dispose](): void {
    clearInterval(this.ticks);
  }
}
