/** What came out of a wire, a socket or a hook: everything in order, and a way to wait for what comes next. */
import { EventEmitter, once } from 'node:events';
import { Patience } from './patience';

export class Recorder<T> {
  readonly all: T[] = [];
  /** Monotonic time in ms at which each of `all` came. */
  readonly times: number[] = [];
  private taken = 0;
  private readonly arrivals = new EventEmitter();

  add(item: T): void {
    this.all.push(item);
    this.times.push(performance.now());
    this.arrivals.emit('item');
  }

  /** The next one not taken yet that fits; those before it are passed over. Fails after `ms`. */
  async next(fits: (item: T) => boolean = () => true, ms = 5_000): Promise<T> {
    using patience = new Patience(ms);
    for (;;) {
      while (this.taken < this.all.length) {
        const item = this.all[this.taken++] as T;
        if (fits(item)) return item;
      }
      await this.arrival(patience, `No such one came in ${ms} ms`);
    }
  }

  /** The first of all that fits, taken or not, now or when it comes. Fails after `ms`. */
  async first(fits: (item: T) => boolean, ms = 5_000): Promise<T> {
    using patience = new Patience(ms);
    for (let at = 0; ; at++) {
      while (at >= this.all.length) await this.arrival(patience, `No such one came in ${ms} ms`);
      const item = this.all[at] as T;
      if (fits(item)) return item;
    }
  }

  /** All of them, once there are at least `count`. Fails after `ms`. */
  async atLeast(count: number, ms = 5_000): Promise<T[]> {
    using patience = new Patience(ms);
    while (this.all.length < count) {
      await this.arrival(patience, `Only ${this.all.length} of ${count} came in ${ms} ms`);
    }
    return this.all;
  }

  private async arrival(patience: Patience, problem: string): Promise<void> {
    try {
      await once(this.arrivals, 'item', { signal: patience.signal });
    } catch {
      throw new Error(`${problem} (${patience.toString()}); there were: ${shown(this.all)}`);
    }
  }
}

function shown(items: unknown[]): string {
  const text = JSON.stringify(items.slice(-50), (_key, value: unknown) =>
    typeof value === 'string' && value.length > 500 ? `${value.length} characters` : value,
  );
  return text.length > 3_000 ? `…${text.slice(-3_000)}` : text;
}
