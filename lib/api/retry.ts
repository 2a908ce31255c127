/**
 * When a request is made again, and how long to wait before. What may be made again is the caller's to say: it knows
 * whether Wavix can have carried it out already.
 */
import type { Clock } from '../clock';
import type { WavixError } from '../errors';
import { sleep } from './abort';

/** Tries in all, of what Wavix certainly did not do. */
export const MOST_TRIES = 3;
/** No try begins later than this after the first, ms. */
export const MOST_TIME_MS = 30_000;

const FIRST_BACKOFF_MS = 500;

/** How one try went: done, or failed in a way that allows so many tries in all, the next after a time. */
export type Try<T> =
  | { value: T }
  | {
      error: WavixError;
      /** 1: no other try. */
      tries: number;
      /** As Wavix asks for, ms; a short back-off if left out. */
      afterMs?: number | undefined;
    };

/**
 * Makes tries until one is done, or no further one is allowed.
 *
 * @param attempt makes one try; anything it throws ends it all
 * @throws the last try's error; an AbortError when `signal` is aborted in a wait
 */
export async function retry<T>(
  attempt: () => Promise<Try<T>>,
  deps: { clock: Clock; random: () => number; signal: AbortSignal },
): Promise<T> {
  const { clock, random, signal } = deps;
  const start = clock.now();
  for (let made = 1; ; made++) {
    const result = await attempt();
    if ('value' in result) return result.value;
    // Doubled each time; the jitter keeps many callers from coming back in step.
    const wait = result.afterMs ?? FIRST_BACKOFF_MS * 2 ** (made - 1) * (0.5 + random() / 2);
    if (made >= result.tries || clock.now() - start + wait > MOST_TIME_MS) throw result.error;
    await sleep(clock, wait, signal);
  }
}

/**
 * What a Retry-After header asks for (RFC 9110, 10.2.3: seconds or an HTTP date), ms from now.
 *
 * @param wallTime ms since 1970
 * @returns undefined when there is none, or none that can be read
 */
export function retryAfterMs(header: string | undefined, wallTime: number): number | undefined {
  const text = header?.trim() ?? '';
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  // Date.parse alone takes much for a date that is none, such as "1.5".
  if (!/^[A-Za-z]{3,9},? .*\d{2}:\d{2}:\d{2}/.test(text)) return undefined;
  const date = Date.parse(/GMT$/i.test(text) ? text : `${text} GMT`);
  return Number.isNaN(date) ? undefined : Math.max(0, date - wallTime);
}
