/** A clock that a test holds: time passes only when the test says so. */
import type { Clock } from '../../lib/clock';

interface Timer {
  at: number;
  callback: () => void;
}

export class FakeClock implements Clock {
  private time = 0;
  private timers: Timer[] = [];

  now(): number {
    return this.time;
  }

  wallTime(): number {
    return 1_800_000_000_000 + this.time;
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.time + ms, callback };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }

  /** Lets `ms` pass, calling every timer at its own time. */
  pass(ms: number): void {
    const end = this.time + ms;
    for (let next = this.next(end); next; next = this.next(end)) {
      this.timers = this.timers.filter((other) => other !== next);
      this.time = Math.max(this.time, next.at);
      next.callback();
    }
    this.time = Math.max(this.time, end);
  }

  /** Lets `ms` pass with the event loop held: timers come late, all at the end. */
  hold(ms: number): void {
    this.time += ms;
    this.pass(0);
  }

  /** What runs just now takes `ms`: nothing else can run meanwhile. */
  take(ms: number): void {
    this.time += ms;
  }

  get pending(): number {
    return this.timers.length;
  }

  private next(end: number): Timer | undefined {
    return this.timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
  }
}
