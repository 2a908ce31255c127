/** The REST client: every operation the nodes need, in both API styles (wavix-api.md, "Two API styles"). */
import { firstIn, isObject } from '../calls/fields';
import { systemClock, type Clock } from '../clock';
import { WavixError } from '../errors';
import { redact } from '../redact';
import { abortError, onAbort } from './abort';
import { incomplete, noAnswer, readAnswer, type Asked } from './answer';
import { Exchanger, type Exchange } from './exchange';
import * as check from './input';
import type { AnswerBody, StreamParams } from './input';
import {
  buildRequest,
  jsonOf,
  OPERATIONS,
  pathsOf,
  STYLES,
  type ApiRequest,
  type Ids,
  type OperationName,
} from './operations';
import { MOST_TRIES, retry, retryAfterMs, type Try } from './retry';
import { checkSettings, type ApiSettings, type CheckedSettings } from './settings';

export type { AnswerBody, StreamParams } from './input';
export type { ApiSettings, ApiStyle } from './settings';

/** What Wavix answered, secrets taken out. */
export type ApiAnswer = Record<string, unknown>;

/** An answer that says it worked. */
interface Answered {
  status: number;
  json: unknown;
}

/** Failures to connect that may pass. */
const MAY_PASS = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
]);

/**
 * Talks to Wavix. All methods reject with a WavixError: `WAVIX_INPUT` before anything is sent; `WAVIX_API` with `status`
 * and `body` when Wavix says no, or something else than Wavix answers; `WAVIX_NETWORK` and `WAVIX_TIMEOUT` when there is no
 * answer. Given up over `signal`, or closed, they reject with an AbortError.
 *
 * What Wavix certainly did not do is tried again by itself, three tries and 30 s at most: 429 and 503 as Retry-After says,
 * and connections that did not come about. What it may have done is not, except for GET and DELETE, once: a call is never
 * placed twice.
 */
export class WavixApi {
  readonly #settings: CheckedSettings;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #exchanger: Exchanger;
  /** One for each operation under way. */
  readonly #underWay = new Set<AbortController>();
  #closed = false;

  /** @throws WavixError `WAVIX_CONFIG` */
  constructor(settings: ApiSettings, deps: { clock?: Clock; random?: () => number } = {}) {
    this.#settings = checkSettings(settings);
    this.#clock = deps.clock ?? systemClock;
    this.#random = deps.random ?? Math.random;
    this.#exchanger = new Exchanger(this.#clock, this.#settings.timeoutMs);
  }

  /**
   * Places a call.
   *
   * @param params.from caller ID
   * @param params.to number in E.164 form, + optional; spaces, dashes and brackets are taken out
   * @param params.callbackUrl where Wavix posts the call's events
   * @param params.options further body fields; they can't replace `from`, `to` and the callback address
   */
  async placeCall(
    params: {
      from: string;
      to: string;
      callbackUrl: string;
      options?: Record<string, unknown> | undefined;
    },
    signal?: AbortSignal,
  ): Promise<{ callId: string; answer: ApiAnswer }> {
    const body = {
      from: check.checkFrom(params.from),
      to: check.checkTo(params.to),
      [STYLES[this.#settings.style].callbackField]: check.checkCallbackUrl(params.callbackUrl),
      ...check.checkOptions(params.options),
    };
    const answered = await this.#ask('placeCall', {}, body, signal);
    const callId = idIn(answered.json, ['data', 'call'], ['uuid', 'call_id', 'id']);
    if (callId === undefined) throw incomplete('answer.noCall', answered, this.#asked('placeCall'));
    return { callId, answer: this.#shown(answered) };
  }

  /** Answers an inbound call; with the three `stream_…` fields its audio is streamed from then on. */
  async answerCall(callId: string, body?: AnswerBody, signal?: AbortSignal): Promise<ApiAnswer> {
    const ids = { call_id: check.checkId('call_id', callId) };
    const fields = check.checkAnswerBody(body);
    const given = Object.keys(fields).length > 0 ? fields : undefined;
    return this.#shown(await this.#ask('answerCall', ids, given, signal));
  }

  async hangUp(callId: string, signal?: AbortSignal): Promise<ApiAnswer> {
    const ids = { call_id: check.checkId('call_id', callId) };
    return this.#shown(await this.#ask('hangUp', ids, undefined, signal));
  }

  /** Starts a stream of an answered call; all three parameters are mandatory. */
  async startStream(
    callId: string,
    stream: StreamParams,
    signal?: AbortSignal,
  ): Promise<{ streamId: string; answer: ApiAnswer }> {
    const ids = { call_id: check.checkId('call_id', callId) };
    const answered = await this.#ask('startStream', ids, check.checkStream(stream), signal);
    const streamId = idIn(answered.json, ['data', 'stream'], ['stream_id']);
    if (streamId === undefined) throw incomplete('answer.noStream', answered, this.#asked('startStream'));
    return { streamId, answer: this.#shown(answered) };
  }

  async stopStream(callId: string, streamId: string, signal?: AbortSignal): Promise<ApiAnswer> {
    const ids = {
      call_id: check.checkId('call_id', callId),
      stream_id: check.checkId('stream_id', streamId),
    };
    return this.#shown(await this.#ask('stopStream', ids, undefined, signal));
  }

  async getCall(callId: string, signal?: AbortSignal): Promise<ApiAnswer> {
    const ids = { call_id: check.checkId('call_id', callId) };
    return this.#shown(await this.#ask('getCall', ids, undefined, signal));
  }

  /** Resolves when Wavix accepts the key; changes nothing there. Rejects as every other method does. */
  async checkKey(signal?: AbortSignal): Promise<void> {
    await this.#ask('listCalls', {}, undefined, signal);
  }

  /** Gives up what is under way and closes all connections; nothing is left open. */
  close(): void {
    this.#closed = true;
    for (const stop of this.#underWay) stop.abort();
    this.#exchanger.close();
  }

  /** Asks along the operation's paths, until one is not answered with 404. */
  async #ask(name: OperationName, ids: Ids, body?: object, signal?: AbortSignal): Promise<Answered> {
    if (this.#closed || signal?.aborted) throw abortError();
    const text = body && jsonOf(body);
    const stop = new AbortController();
    this.#underWay.add(stop);
    const leave = onAbort(signal, () => stop.abort());
    const state = { mayBeDone: false };
    try {
      let notFound: unknown;
      for (const path of pathsOf(name, this.#settings.style)) {
        try {
          const request = buildRequest(this.#settings, name, path, ids, text);
          return await this.#send(name, request, state, stop.signal);
        } catch (error) {
          if (!(error instanceof WavixError && error.status === 404)) throw error;
          notFound = error;
        }
      }
      // Gone now, after a try whose answer was lost: that try did it.
      if (OPERATIONS[name].method === 'DELETE' && state.mayBeDone) {
        return { status: 200, json: { success: true } };
      }
      throw notFound;
    } finally {
      leave();
      this.#underWay.delete(stop);
    }
  }

  async #send(
    name: OperationName,
    request: ApiRequest,
    state: { mayBeDone: boolean },
    signal: AbortSignal,
  ): Promise<Answered> {
    const attempt = async (): Promise<Try<Answered>> => {
      const result = await this.#exchanger.exchange(request, signal);
      if (result.kind === 'lost' || result.kind === 'timeout') state.mayBeDone = true;
      return this.#judge(name, request.method, result);
    };
    return retry(attempt, { clock: this.#clock, random: this.#random, signal });
  }

  /** Whether a try worked, and if not, whether it may be made again. */
  #judge(name: OperationName, method: ApiRequest['method'], result: Exchange): Try<Answered> {
    const asked = this.#asked(name);
    // GET and DELETE may be sent twice and do no more than once (RFC 9110, 9.2.2).
    const idempotent = method !== 'POST';
    if (result.kind !== 'answer') {
      const error = noAnswer(result, asked);
      switch (result.kind) {
        case 'unreachable':
          return { error, tries: MAY_PASS.has(result.code) ? MOST_TRIES : 1 };
        case 'lost':
        case 'timeout':
          return { error, tries: idempotent ? 2 : 1 };
        case 'too-large':
          return { error, tries: 1 };
      }
    }
    try {
      return { value: { status: result.status, json: readAnswer(result, asked) } };
    } catch (error) {
      if (!(error instanceof WavixError)) throw error;
      const afterMs = retryAfterMs(result.retryAfter, this.#clock.wallTime());
      return { error, tries: mayAskAgain(result.status, afterMs, idempotent) ? MOST_TRIES : 1, afterMs };
    }
  }

  #asked(name: OperationName): Asked {
    const { host, timeoutMs, apiKey } = this.#settings;
    return { name, host, timeoutMs, secrets: [apiKey] };
  }

  #shown({ json }: Answered): ApiAnswer {
    const clean = redact(json, [this.#settings.apiKey]);
    return isObject(clean) ? clean : { data: clean };
  }
}

/**
 * Gateways answer 503 also when a server went away with a request already in its hands, so that a bare one does not say
 * that nothing was done; one with Retry-After, or a 429, does.
 */
function mayAskAgain(status: number, afterMs: number | undefined, idempotent: boolean): boolean {
  return status === 429 || (status === 503 && (idempotent || afterMs !== undefined));
}

/** The first id there is, at the top or in one of the objects named. */
function idIn(json: unknown, inside: readonly string[], names: readonly string[]): string | undefined {
  if (!isObject(json)) return undefined;
  const id = firstIn([json, ...inside.map((field) => json[field])], names);
  return typeof id === 'number' ? String(id) : typeof id === 'string' && id !== '' ? id : undefined;
}
