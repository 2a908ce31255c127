/**
 * The one owner of what is known of a line's calls: takes their events once each, tells those who listen, and knows how
 * each call went, also when the events came before anybody asked.
 */
import { systemClock, type Clock } from '../clock';
import { isFinal, type CallEvent, type FinalEvent } from './events';
import { identityOf } from './identity';
import { Recent } from './recent';

/** Why a call was not answered. */
export type NotAnswered = FinalEvent | 'timeout';

/** How a call went. `completed` may have been answered too, but it is over. */
export type Outcome =
  { answered: true; event: CallEvent } | { answered: false; why: NotAnswered; event?: CallEvent };

export interface CallBookDeps {
  clock?: Clock;
  /** How long the same event counts as a repeat, ms; five minutes if left out. */
  repeatMs?: number;
  /** How long it is known how a call went, ms; five minutes if left out. */
  keepMs?: number;
  /** Of how many calls at most; 5000 if left out. Ten times as many events are known as repeats. */
  maxCalls?: number;
  /** What a listener threw. */
  onListenerError?: (error: unknown) => void;
}

const FIVE_MINUTES = 300_000; // ms
/** Of events kept, written as JSON: anybody with the events URL could post big ones for calls that never were. */
const MOST_KEPT = 1_500_000; // characters; as objects they can take twenty times as many bytes
/** Timers take no more. */
const LONGEST_WAIT = 2 ** 31 - 1; // ms

export class CallBook {
  readonly #clock: Clock;
  readonly #onListenerError: (error: unknown) => void;
  readonly #seen: Recent<true>;
  /** How each call went: the first event that says so counts, whatever comes later. */
  readonly #outcomes: Recent<Outcome>;
  readonly #listeners = new Set<{ tell: (event: CallEvent) => void }>();
  /** Those who wait for a call's outcome, and how to end their wait. */
  readonly #waiting = new Map<string, Set<Waiter>>();
  #closed = false;

  constructor(deps: CallBookDeps = {}) {
    const { clock = systemClock, repeatMs = FIVE_MINUTES, keepMs = FIVE_MINUTES, maxCalls = 5000 } = deps;
    this.#clock = clock;
    this.#onListenerError = deps.onListenerError ?? (() => undefined);
    this.#seen = new Recent(clock, { forMs: repeatMs, most: maxCalls * 10 });
    this.#outcomes = new Recent(clock, { forMs: keepMs, most: maxCalls, heaviest: MOST_KEPT });
  }

  /** How many calls' outcomes are known. */
  get size(): number {
    return this.#outcomes.size;
  }

  /** Takes an event. A `repeat` changes nothing, and nobody is told of it. */
  accept(event: CallEvent): 'new' | 'repeat' {
    if (!this.#seen.add(identityOf(event), true)) return 'repeat';
    const outcome = outcomeOf(event);
    // Kept before anybody is told: who is told may ask for it.
    if (outcome && this.#outcomes.add(event.callId, outcome, JSON.stringify(event.payload).length)) {
      for (const waiter of this.#waiting.get(event.callId) ?? []) waiter.end(outcome);
    }
    for (const entry of [...this.#listeners]) {
      // One that left while the others were told is told no more.
      if (!this.#listeners.has(entry)) continue;
      try {
        entry.tell(event);
      } catch (error) {
        this.#onListenerError(error);
      }
    }
    return 'new';
  }

  /** Hears every new event from now on, until the answer is called. A listener that throws stops no other. */
  subscribe(listener: (event: CallEvent) => void): () => void {
    const entry = { tell: listener };
    this.#listeners.add(entry);
    return () => this.#listeners.delete(entry);
  }

  /**
   * How a call went, as soon as that is known: answered, over, or neither of them in time.
   *
   * @param opts.timeoutMs how long to wait from now, ms
   * @throws an AbortError when `opts.signal` is aborted or the book is closed
   */
  outcome(callId: string, opts: { timeoutMs: number; signal?: AbortSignal | undefined }): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      if (this.#closed || opts.signal?.aborted) {
        reject(givenUp());
        return;
      }
      const known = this.#outcomes.get(callId);
      if (known) {
        resolve(known);
        return;
      }
      const settle = (finish: () => void): void => {
        cancel();
        opts.signal?.removeEventListener('abort', giveUp);
        this.#leave(callId, waiter);
        finish();
      };
      const giveUp = (): void => settle(() => reject(givenUp()));
      const waiter: Waiter = { end: (outcome) => settle(() => resolve(outcome)), giveUp };
      const cancel = this.#clock.after(Math.min(opts.timeoutMs, LONGEST_WAIT), () =>
        waiter.end({ answered: false, why: 'timeout' }),
      );
      opts.signal?.addEventListener('abort', giveUp, { once: true });
      const others = this.#waiting.get(callId);
      if (others) others.add(waiter);
      else this.#waiting.set(callId, new Set([waiter]));
    });
  }

  /** Gives up all waits, and forgets everything. */
  close(): void {
    this.#closed = true;
    for (const waiters of [...this.#waiting.values()]) for (const waiter of [...waiters]) waiter.giveUp();
    this.#listeners.clear();
    this.#seen.clear();
    this.#outcomes.clear();
  }

  #leave(callId: string, waiter: Waiter): void {
    const waiters = this.#waiting.get(callId);
    waiters?.delete(waiter);
    if (waiters?.size === 0) this.#waiting.delete(callId);
  }
}

interface Waiter {
  end(outcome: Outcome): void;
  giveUp(): void;
}

/** What the event says of how the call went, if it does. */
function outcomeOf(event: CallEvent): Outcome | undefined {
  if (event.type === 'answered') return { answered: true, event };
  return isFinal(event) ? { answered: false, why: event.type, event } : undefined;
}

function givenUp(): Error {
  return new DOMException('The wait for the call was given up.', 'AbortError');
}
