/** What happened lately, bounded in time, number and weight, without a timer: the oldest goes when something new comes. */
import type { Clock } from '../clock';

export interface Bounds {
  /** How long an entry counts after it was added, ms. */
  forMs: number;
  /** Entries. */
  most: number;
  /** Sum of the entries' weights. */
  heaviest?: number;
}

interface Entry<T> {
  value: T;
  at: number;
  weight: number;
}

export class Recent<T> {
  readonly #clock: Clock;
  readonly #bounds: Required<Bounds>;
  /** In the order of `at`: an entry is never replaced. */
  readonly #entries = new Map<string, Entry<T>>();
  #weight = 0;

  constructor(clock: Clock, bounds: Bounds) {
    this.#clock = clock;
    this.#bounds = { heaviest: Infinity, ...bounds };
  }

  get size(): number {
    this.#forget();
    return this.#entries.size;
  }

  get(key: string): T | undefined {
    this.#forget();
    return this.#entries.get(key)?.value;
  }

  /** Adds an entry; false, and nothing changes, when there is one of that key. */
  add(key: string, value: T, weight = 0): boolean {
    this.#forget();
    if (this.#entries.has(key)) return false;
    this.#entries.set(key, { value, at: this.#clock.now(), weight });
    this.#weight += weight;
    this.#forget();
    return true;
  }

  clear(): void {
    this.#entries.clear();
    this.#weight = 0;
  }

  #forget(): void {
    const { forMs, most, heaviest } = this.#bounds;
    const now = this.#clock.now();
    for (const [key, { at, weight }] of this.#entries) {
      if (now - at < forMs && this.#entries.size <= most && this.#weight <= heaviest) return;
      this.#entries.delete(key);
      this.#weight -= weight;
    }
  }
}
