/** Those who wait for something that has not happened yet, each with a time limit. */

import type { Clock } from '../lib/clock';

interface Waiter<T> {
  wanted: (item: T) => boolean;
  /** named in the error, such as `stream 0` */
  what: string;
  resolve: (item: T) => void;
  reject: (error: Error) => void;
}

export class Waiters<T> {
  readonly #waiting = new Set<Waiter<T>>();

  constructor(readonly clock: Clock) {}

  /**
   * Waits for the next item that is wanted. Fails after `timeoutMs`.
   *
   * @param what names it in the error
   */
  next(what: string, timeoutMs: number, wanted: (item: T) => boolean): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = () => {
        cancel();
        this.#waiting.delete(waiter);
      };
      const waiter: Waiter<T> = {
        wanted,
        what,
        resolve: (item) => {
          settle();
          resolve(item);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      };
      const cancel = this.clock.after(timeoutMs, () =>
        waiter.reject(new Error(`No ${what} within ${timeoutMs} ms.`)),
      );
      this.#waiting.add(waiter);
    });
  }

  /** Gives an item to all who want it. */
  giveAll(item: T): void {
    for (const { wanted, resolve } of [...this.#waiting]) if (wanted(item)) resolve(item);
  }

  /** Gives an item to the one who has waited longest of those who want it. @returns whether somebody did */
  giveOne(item: T): boolean {
    const first = [...this.#waiting].find(({ wanted }) => wanted(item));
    first?.resolve(item);
    return first !== undefined;
  }

  /** Ends all waiting. @param why such as `the call ended` */
  end(why: string): void {
    for (const { what, reject } of [...this.#waiting]) reject(new Error(`No ${what}: ${why}.`));
  }
}
