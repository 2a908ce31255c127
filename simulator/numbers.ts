/** What happens when a number is called: by its last two digits, or as told for that very number. */

import { loadSpeech, problemWithSpeech, type Sound, type Speech } from './sound';

/**
 * - `answer`: `call_setup`, `ringing`, `answered`
 * - `machine`: the same, with `machine_detected` true
 * - `busy`: `call_setup`, `busy`
 * - `fail`: `call_setup`, `failed`
 * - `reject`: `call_setup`, `ringing`, `rejected`
 * - `no-answer`: `call_setup`, `ringing`, and `cancelled` when the ring time is over or the call is hung up
 */
export const BEHAVIOURS = ['answer', 'machine', 'busy', 'fail', 'reject', 'no-answer'] as const;

export type Behaviour = (typeof BEHAVIOURS)[number];

/** What the phone at the far end does. All times in ms; what is left out comes from the last digits or the defaults. */
export interface NumberPlan {
  behaviour?: Behaviour;
  /** from `call_setup` to `ringing`, `busy` or `failed` */
  ringMs?: number;
  /** from `ringing` to `answered` or `rejected`; outbound calls only, an inbound one is answered by the application */
  answerAfterMs?: number;
  /** how long it rings at most; then `cancelled` */
  ringTimeoutMs?: number;
  /** from the answer to the phone's hanging up; left out: it stays on the line */
  hangUpAfterMs?: number;
  /** said after the answer */
  speech?: Speech;
  /** from the answer to `speech` */
  speechAfterMs?: number;
  /** said one by one, each after the application has spoken and then been silent for `silenceMs` */
  replies?: readonly Speech[];
  /** silence after which the other side is taken to have finished */
  silenceMs?: number;
}

/** A plan with nothing left open, its speech ready to be said. */
export interface LoadedPlan {
  behaviour: Behaviour;
  ringMs: number;
  answerAfterMs: number;
  ringTimeoutMs: number;
  hangUpAfterMs: number | undefined;
  /** undefined: nothing is said of it */
  speech: Sound[] | undefined;
  speechAfterMs: number;
  replies: Sound[][];
  silenceMs: number;
}

/** What a phone does where nothing else is said. */
export const DEFAULT_PLAN: Readonly<NumberPlan> = {
  behaviour: 'answer',
  ringMs: 100,
  answerAfterMs: 1_000,
  ringTimeoutMs: 60_000,
  speechAfterMs: 200,
  silenceMs: 700,
};

/** By the last two digits of the called number; any other number answers. */
export const LAST_DIGITS: Readonly<Record<string, Readonly<NumberPlan>>> = {
  '00': { behaviour: 'answer' },
  '01': { behaviour: 'busy' },
  '02': { behaviour: 'reject' },
  '03': { behaviour: 'no-answer' },
  '04': { behaviour: 'machine' },
  '05': { behaviour: 'fail' },
  '06': { behaviour: 'answer', hangUpAfterMs: 3_000 },
};

const E164 = /^\+?[1-9]\d{6,14}$/;

/** Brings a number into one form, E.164 with `+`; undefined if it is none. The `+` may be missing. */
export function normalizeNumber(number: unknown): string | undefined {
  if (typeof number !== 'string' || !E164.test(number)) return undefined;
  return number.startsWith('+') ? number : `+${number}`;
}

/** Checks a plan that came from outside. @returns the plan, or what is wrong with which field */
export function readPlan(value: unknown): NumberPlan | { field: string; problem: string } {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { field: 'body', problem: 'must be an object' };
  for (const [field, content] of Object.entries(value)) {
    const problem = problemWith(field, content);
    if (problem) return { field, problem };
  }
  const given = Object.entries(value).filter(([, content]) => content !== undefined);
  return Object.fromEntries(given);
}

function problemWith(field: string, content: unknown): string | undefined {
  if (content === undefined) return undefined;
  switch (field) {
    case 'behaviour':
      return BEHAVIOURS.some((behaviour) => behaviour === content)
        ? undefined
        : `must be one of ${BEHAVIOURS.join(', ')}`;
    case 'speech':
      return problemWithSpeech(content);
    case 'replies':
      return Array.isArray(content) ? problemWithSpeech(content) : 'must be a list';
    case 'ringMs':
    case 'answerAfterMs':
    case 'ringTimeoutMs':
    case 'hangUpAfterMs':
    case 'speechAfterMs':
    case 'silenceMs':
      return typeof content === 'number' && content >= 0 && content <= 86_400_000
        ? undefined
        : 'must be a number of ms, at most a day';
    default:
      return 'is not known';
  }
}

/**
 * The plans of all numbers. Later ones of these win: the built-in defaults, the given defaults, the last digits, what is
 * said for that number (which, if it names a behaviour, stands in the place of the last digits).
 */
export class Numbers {
  #own = new Map<string, { plan: NumberPlan; speech: LoadedSpeech }>();
  #defaults: NumberPlan = {};
  #defaultSpeech: LoadedSpeech = {};

  async setDefaults(plan: NumberPlan): Promise<void> {
    this.#defaultSpeech = await loadAll(plan);
    this.#defaults = plan;
  }

  /** @param number E.164 with `+` */
  async set(number: string, plan: NumberPlan): Promise<void> {
    const speech = await loadAll(plan);
    this.#own.set(number, { plan, speech });
  }

  /** What was set for single numbers, but for the speech itself, which may be long. */
  get own(): Record<string, object> {
    return Object.fromEntries(
      [...this.#own].map(([number, { plan }]) => {
        const { speech, replies, ...rest } = plan;
        return [number, { ...rest, speaks: speech !== undefined, replies: replies?.length ?? 0 }];
      }),
    );
  }

  /**
   * @param number the phone's, E.164 with `+`
   * @param direction the last digits count for called numbers only
   */
  planFor(number: string, direction: 'inbound' | 'outbound'): LoadedPlan {
    const plan = this.#plan(number, direction);
    return fill(plan, { ...this.#defaultSpeech, ...this.#own.get(number)?.speech });
  }

  /** The same, with a plan for this one call on top. */
  async planForCall(
    number: string,
    direction: 'inbound' | 'outbound',
    plan: NumberPlan,
  ): Promise<LoadedPlan> {
    const loaded = await loadAll(plan);
    const { speech, replies } = this.planFor(number, direction);
    return fill({ ...this.#plan(number, direction), ...plan }, { speech, replies, ...loaded });
  }

  #plan(number: string, direction: 'inbound' | 'outbound'): NumberPlan {
    const own = this.#own.get(number)?.plan;
    const byDigits =
      direction === 'outbound' && own?.behaviour === undefined ? LAST_DIGITS[number.slice(-2)] : undefined;
    return { ...DEFAULT_PLAN, ...this.#defaults, ...byDigits, ...own };
  }
}

interface LoadedSpeech {
  speech?: Sound[] | undefined;
  replies?: Sound[][];
}

async function loadAll({ speech, replies }: NumberPlan): Promise<LoadedSpeech> {
  return {
    ...(speech !== undefined && { speech: await loadSpeech(speech) }),
    ...(replies !== undefined && { replies: await Promise.all(replies.map(loadSpeech)) }),
  };
}

function fill(plan: NumberPlan, { speech, replies = [] }: LoadedSpeech): LoadedPlan {
  const { behaviour = 'answer', ringMs = 0, answerAfterMs = 0, ringTimeoutMs = 0 } = plan;
  const { hangUpAfterMs, speechAfterMs = 0, silenceMs = 0 } = plan;
  return {
    behaviour,
    ringMs,
    answerAfterMs,
    ringTimeoutMs,
    hangUpAfterMs,
    speech,
    speechAfterMs,
    replies,
    silenceMs,
  };
}
