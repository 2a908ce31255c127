/** The local Wavix as one object: its HTTP server, the calls behind it, and what it tells of its work. */

import { EventEmitter } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock, type Clock } from '../lib/clock';
import { EVENT_TYPES, type CallEvent, type EventType } from './call-event';
import type { Call } from './calls';
import { answerControl, CONTROL_BASE } from './control';
import { Exchange, type CallFilter, type InboundCall } from './exchange';
import { HttpError, isLoopback, send, type Answer } from './http';
import type { LocalWavixEvent, Told } from './log';
import { normalizeNumber, readPlan, type NumberPlan } from './numbers';
import { answerRest, type RestOptions } from './rest';
import { Poster } from './webhooks';

export const DEFAULT_API_KEY = 'local-key';

export interface LocalWavixOptions {
  /** 0, which is the default: any that is free */
  port?: number;
  /** 127.0.0.1 if left out. On another than a loopback address the control endpoints need the API key. */
  host?: string;
  /** the key that requests must have; `local-key` if left out */
  apiKey?: string;
  /** what single numbers do, by number in E.164 */
  numbers?: Readonly<Record<string, NumberPlan>>;
  /** what all numbers do that have nothing of their own; the last digits still choose the behaviour */
  defaults?: NumberPlan;
  /** where the events of inbound calls are posted, by called number; `*` for any other */
  webhooks?: Readonly<Record<string, string>>;
  /**
   * where the events of inbound calls to a number are posted that has no webhook of its own: all of these. Asked for each
   * event.
   */
  findWebhooks?: (number: string) => readonly string[];
  /** folder into which the recordings of each call are written as WAV files; made if it is not there */
  recordings?: string;
  /** how much audio of each kind is kept of a call, in ms: the last of it. 10 minutes if left out. */
  maxRecordingMs?: number;
  /** how many ended calls are kept in `calls`; 100 if left out */
  keepCalls?: number;
  /** audio that a stream may buffer, in ms; more ends it with close code 1008. 10 minutes if left out. */
  maxBufferedMs?: number;
  /** how long a webhook's answer may take, in ms; 5 s if left out */
  webhookTimeoutMs?: number;
  /** posts every event twice, as happens when an answer is lost */
  repeatEvents?: boolean;
  /** the answer to a place-call request goes out only after this event was posted, or the call is over */
  answerAfterEvent?: EventType;
  /** the answer to a request that starts a stream goes out only after the stream's `start`, or its failure */
  answerAfterStart?: boolean;
  /** false: the stop path as the guide has it is a 404, so that only `/v1/call/{call_id}/streams/{stream_id}` works */
  guideStopPath?: boolean;
  /** `sequence_number`, `timestamp` and `chunk` go out as strings; both forms are met */
  numbersAsStrings?: boolean;
  /** told of each step; the same as the event `event` */
  log?: (event: LocalWavixEvent) => void;
  /** time; for tests */
  clock?: Clock;
}

export interface LocalWavixEvents {
  /** a step of its work; holds no key or token */
  event: [LocalWavixEvent];
  /** a call, before its first event is posted */
  call: [Call];
  /** an event of a call, as it happens: its post may still be under way */
  callEvent: [CallEvent, Call];
}

/**
 * A stand-in for Wavix on this machine: REST in both styles, webhooks, media streams, and a phone at the far end.
 *
 * ```ts
 * const wavix = new LocalWavix({ apiKey: 'test-key' });
 * await wavix.start();
 * // point the application at wavix.url, let it place a call
 * const call = await wavix.waitForCall({ to: '+15550001200' });
 * await call.phone.say('hello.wav');
 * await call.phone.quiet(500);
 * call.phone.hangUp();
 * await call.done;
 * await wavix.stop();
 * ```
 */
export class LocalWavix extends EventEmitter<LocalWavixEvents> {
  readonly #options: LocalWavixOptions;
  readonly #clock: Clock;
  readonly #rest: RestOptions;
  readonly #poster: Poster;
  readonly #exchange: Exchange;
  #server: http.Server | undefined;
  #used = false;

  /** Fails with a TypeError that says which option is wrong. */
  constructor(options: LocalWavixOptions = {}) {
    super();
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    checkOptions(options);
    this.#rest = {
      apiKey: options.apiKey ?? DEFAULT_API_KEY,
      guideStopPath: options.guideStopPath ?? true,
      answerAfterEvent: options.answerAfterEvent,
      answerAfterStart: options.answerAfterStart ?? false,
    };
    this.#poster = new Poster({
      clock: this.#clock,
      timeoutMs: options.webhookTimeoutMs ?? 5_000,
      repeat: options.repeatEvents ?? false,
    });
    this.#exchange = new Exchange(
      {
        clock: this.#clock,
        poster: this.#poster,
        tell: (told) => this.#tell(told),
        onEvent: (event, call) => this.emit('callEvent', event, call),
        numbersAsStrings: options.numbersAsStrings ?? false,
        maxBufferedMs: options.maxBufferedMs ?? 600_000,
        maxRecordingMs: options.maxRecordingMs ?? 600_000,
        recordings: options.recordings,
      },
      options.keepCalls ?? 100,
      (call) => this.emit('call', call),
      options.findWebhooks,
    );
    for (const [number, url] of Object.entries(options.webhooks ?? {}))
      this.#exchange.assignWebhook(number, url);
  }

  /** Address of the API, such as `http://127.0.0.1:8787`. Only while it runs. */
  get url(): string {
    const { host = '127.0.0.1' } = this.#options;
    const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
    return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${this.port}`;
  }

  get port(): number {
    if (!this.#server?.listening) throw new Error('The local Wavix is not running: call start() first.');
    return (this.#server.address() as AddressInfo).port;
  }

  /** Live calls and the last ended ones, by call_id, in order of their beginning. */
  get calls(): ReadonlyMap<string, Call> {
    return this.#exchange.calls;
  }

  /** Reads the speech of the numbers, and listens. Fails if a file can't be read or the port is taken. */
  async start(): Promise<void> {
    if (this.#used) throw new Error('A LocalWavix can be started once only: make a new one.');
    this.#used = true;
    const { defaults, numbers = {}, port = 0, host = '127.0.0.1' } = this.#options;
    if (defaults) await this.#exchange.numbers.setDefaults(checkedPlan(defaults, 'defaults'));
    for (const [number, plan] of Object.entries(numbers)) await this.setNumber(number, plan);
    const server = http.createServer((request, response) => void this.#answer(request, response));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, resolve);
    });
    this.#server = server;
  }

  /** Ends all calls, posts, sockets and timers; nothing is left open. No events are posted for what it ends. */
  async stop(): Promise<void> {
    this.#poster.stop();
    await this.#exchange.stop();
    const server = this.#server;
    if (!server?.listening) return;
    await new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  }

  /** Says what a number does from now on. Fails if the plan is wrong, or its speech can't be read. */
  async setNumber(number: string, plan: NumberPlan): Promise<void> {
    const key = normalizeNumber(number);
    if (key === undefined) throw new TypeError(`"${number}" is not a phone number in E.164 form.`);
    await this.#exchange.numbers.set(key, checkedPlan(plan, `numbers["${number}"]`));
  }

  /** Says where the events of inbound calls to a number are posted; `*`: for every number that has none of its own. */
  assignWebhook(number: string, url: string): void {
    this.#exchange.assignWebhook(number, url);
  }

  /**
   * Places an inbound call: a phone calls a number of the application's, whose webhook hears of it.
   *
   * @param onCall told of it before its first event
   */
  async call(request: InboundCall, onCall?: (call: Call) => void): Promise<Call> {
    const { from, to, ...plan } = request;
    return this.#exchange.placeInbound({ from, to, ...checkedPlan(plan, 'call') }, onCall);
  }

  /**
   * The first call that fits, of those it has not answered with before; waits for one if there is none. Fails after
   * `timeoutMs`.
   */
  waitForCall(filter: CallFilter = {}, timeoutMs = 10_000): Promise<Call> {
    return this.#exchange.waitForCall(filter, timeoutMs);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let path = '';
    let answer: Answer;
    let message: string | undefined;
    try {
      const url = parseTarget(request.url);
      path = url.pathname.slice(0, 200);
      answer = await this.#route(request, url);
    } catch (error) {
      const failure = error instanceof HttpError ? error : new HttpError(500, 'The local Wavix failed.');
      if (failure !== error)
        this.#tell({ type: 'problem', message: `failed on a request: ${String(error)}` });
      answer = { status: failure.status, body: failure.body };
      message = failure.message;
    }
    const { method = '' } = request;
    this.#tell({ type: 'request', method, path, status: answer.status ?? 200, ...(message && { message }) });
    send(response, answer, request.headers.range);
  }

  #route(request: IncomingMessage, url: URL): Promise<Answer> {
    const { pathname } = url;
    if (pathname === CONTROL_BASE || pathname.startsWith(`${CONTROL_BASE}/`)) {
      const key = isLoopback(this.#options.host ?? '127.0.0.1') ? undefined : this.#rest.apiKey;
      return answerControl(this.#exchange, key, request, url);
    }
    return answerRest(this.#exchange, this.#rest, request, url);
  }

  #tell(told: Told): void {
    const event: LocalWavixEvent = { ...told, at: this.#clock.now() };
    this.#options.log?.(event);
    this.emit('event', event);
  }
}

function parseTarget(target = '/'): URL {
  try {
    return new URL(target, 'http://local');
  } catch {
    throw new HttpError(400, 'The request has no path that could be read.');
  }
}

function checkedPlan(value: unknown, where: string): NumberPlan {
  const plan = readPlan(value);
  if ('problem' in plan) throw new TypeError(`${where}: ${plan.field} ${plan.problem}.`);
  return plan;
}

function checkOptions(options: LocalWavixOptions): void {
  const { apiKey, answerAfterEvent, defaults, numbers = {} } = options;
  if (apiKey === '') throw new TypeError('apiKey must not be empty.');
  if (answerAfterEvent !== undefined && !EVENT_TYPES.includes(answerAfterEvent))
    throw new TypeError(`answerAfterEvent must be one of ${EVENT_TYPES.join(', ')}.`);
  for (const name of ['maxRecordingMs', 'keepCalls', 'maxBufferedMs', 'webhookTimeoutMs'] as const) {
    const value = options[name];
    if (value !== undefined && !(value >= 0)) throw new TypeError(`${name} must be a number, not below 0.`);
  }
  if (defaults) checkedPlan(defaults, 'defaults');
  for (const [number, plan] of Object.entries(numbers)) checkedPlan(plan, `numbers["${number}"]`);
}
