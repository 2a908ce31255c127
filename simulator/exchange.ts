/** The exchange: all calls there are, how one is placed, and where a number's calls and events go. */

import type { Direction } from './call-event';
import { Call, type CallParts, type CallSetup } from './calls';
import { normalizeNumber, Numbers, type NumberPlan } from './numbers';
import { Waiters } from './waiters';

/** An outbound call, as the API takes it. */
export interface PlaceCall {
  from: string;
  to: string;
  callbackUrl: string | undefined;
  tag: string;
  maxDurationMs: number | undefined;
  ringTimeoutMs: number | undefined;
}

/** An inbound call: the phone of `from` calls the application's number `to`. The plan is the calling phone's. */
export interface InboundCall extends Omit<NumberPlan, 'behaviour' | 'answerAfterMs'> {
  from: string;
  to: string;
}

/** Which call is wanted: by any of these, or by a function. */
export type CallFilter =
  | { call_id?: string; direction?: Direction; from?: string; to?: string; tag?: string }
  | ((call: Call) => boolean);

export class Exchange {
  readonly numbers = new Numbers();
  /** live calls, and the last ended ones, by id, in order of their beginning */
  readonly calls = new Map<string, Call>();
  /** where the events of inbound calls are posted, by called number; `*` for any other */
  readonly #webhooks = new Map<string, string>();
  readonly #handedOut = new WeakSet<Call>();
  readonly #waiters: Waiters<Call>;

  /**
   * @param keepCalls how many ended calls are kept
   * @param onCall told of each call before its first event
   * @param findWebhooks where the events of inbound calls to a number are posted that has no webhook assigned
   */
  constructor(
    readonly parts: CallParts,
    readonly keepCalls: number,
    readonly onCall: (call: Call) => void,
    readonly findWebhooks: (number: string) => readonly string[] = () => [],
  ) {
    this.#waiters = new Waiters(parts.clock);
  }

  get webhooks(): Record<string, string> {
    return Object.fromEntries(this.#webhooks);
  }

  /** @param number E.164, or `*` for every number that has none of its own */
  assignWebhook(number: string, url: string): void {
    const key = number === '*' ? number : normalizeNumber(number);
    if (key === undefined) throw new Error(`"${number}" is not a phone number in E.164 form, nor *.`);
    if (!isHttpUrl(url)) throw new Error(`The webhook of ${number} must start with http:// or https://.`);
    this.#webhooks.set(key, url);
  }

  /** Places an outbound call. The numbers must be checked already. */
  place(request: PlaceCall): Call {
    const { ringTimeoutMs, callbackUrl, ...setup } = request;
    const callbackUrls = callbackUrl === undefined ? [] : [callbackUrl];
    const plan = this.numbers.planFor(request.to, 'outbound');
    return this.#begin({
      ...setup,
      callbackUrls: () => callbackUrls,
      direction: 'outbound',
      plan: ringTimeoutMs === undefined ? plan : { ...plan, ringTimeoutMs },
    });
  }

  /**
   * Places an inbound call. Fails if the called number has no webhook, or the plan's speech can't be read.
   *
   * @param onCall told of it before anybody else, and before its first event
   */
  async placeInbound({ from, to, ...plan }: InboundCall, onCall?: (call: Call) => void): Promise<Call> {
    const caller = normalizeNumber(from);
    const called = normalizeNumber(to);
    if (caller === undefined || called === undefined)
      throw new Error('from and to must be phone numbers in E.164 form, such as +15550001234.');
    const callbackUrls = () => this.#webhooksOf(called);
    if (callbackUrls().length === 0)
      throw new Error(
        `No webhook is assigned to ${called}: nobody would hear of the call. Assign one first.`,
      );
    const loaded = await this.numbers.planForCall(caller, 'inbound', plan);
    return this.#begin(
      {
        ...{ from: caller, to: called, callbackUrls },
        direction: 'inbound',
        tag: '',
        maxDurationMs: undefined,
        plan: loaded,
      },
      onCall,
    );
  }

  /** The first call that fits and was not handed out by this before; waits for one if there is none. */
  waitForCall(filter: CallFilter = {}, timeoutMs = 10_000): Promise<Call> {
    const wanted = typeof filter === 'function' ? filter : byFields(filter);
    for (const call of this.calls.values()) {
      if (this.#handedOut.has(call) || !wanted(call)) continue;
      this.#handedOut.add(call);
      return Promise.resolve(call);
    }
    return this.#waiters.next('such call', timeoutMs, wanted);
  }

  /** Ends all calls without events. */
  async stop(): Promise<void> {
    this.#waiters.end('the local Wavix was stopped');
    await Promise.all([...this.calls.values()].map((call) => call.abandon()));
  }

  /** What is assigned to the number itself comes first, then what can be found for it, then what is for all others. */
  #webhooksOf(called: string): readonly string[] {
    const own = this.#webhooks.get(called);
    if (own !== undefined) return [own];
    const found = this.#find(called);
    const other = this.#webhooks.get('*');
    return found.length > 0 || other === undefined ? found : [other];
  }

  /** The finder is not ours: whatever happens to it, the call goes on. */
  #find(called: string): readonly string[] {
    try {
      return this.findWebhooks(called).filter(isHttpUrl);
    } catch {
      this.parts.tell({ type: 'problem', message: `The webhooks of ${called} could not be found.` });
      return [];
    }
  }

  #begin(setup: CallSetup, onCall?: (call: Call) => void): Call {
    this.#forgetOldest();
    const call = new Call(setup, this.parts);
    this.calls.set(call.call_id, call);
    onCall?.(call);
    this.onCall(call);
    call.begin();
    if (this.#waiters.giveOne(call)) this.#handedOut.add(call);
    return call;
  }

  #forgetOldest(): void {
    const ended = [...this.calls.values()].filter(({ state }) => state === 'ended');
    for (const call of ended.slice(0, Math.max(0, ended.length - this.keepCalls + 1))) {
      this.calls.delete(call.call_id);
    }
  }
}

export function isHttpUrl(url: unknown): url is string {
  return typeof url === 'string' && /^https?:\/\//i.test(url) && URL.canParse(url);
}

function byFields(filter: Exclude<CallFilter, (call: Call) => boolean>): (call: Call) => boolean {
  const { call_id, direction, from, to, tag } = filter;
  return (call) =>
    (call_id === undefined || call.call_id === call_id) &&
    (direction === undefined || call.direction === direction) &&
    (from === undefined || call.from === normalizeNumber(from)) &&
    (to === undefined || call.to === normalizeNumber(to)) &&
    (tag === undefined || call.tag === tag);
}
