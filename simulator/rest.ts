/**
 * Wavix's REST API in both its styles (wavix-api, "Two API styles"): one table of routes; what differs between the
 * styles is in `STYLES`.
 */

import type { IncomingMessage } from 'node:http';
import axios from 'axios';
import { audioReady, decodeWav } from '../lib/audio';
import type { StreamChannel, StreamType } from '../lib/streams/wire';
import type { EventType } from './call-event';
import { NotNow, type Call } from './calls';
import { isHttpUrl, type Exchange } from './exchange';
import { HttpError, matchPath, readJson, type Answer } from './http';
import type { StreamSetup } from './media-stream';
import { normalizeNumber } from './numbers';

export interface RestOptions {
  apiKey: string;
  /** the stop path as the guide has it, `/v1/call/answer/{call_id}/streams/{stream_id}`, works; otherwise it is a 404 */
  guideStopPath: boolean;
  /** the answer to a place-call request goes out only after this event was posted, or the call is over */
  answerAfterEvent: EventType | undefined;
  /** the answer to a request that starts a stream goes out only after the stream's `start`, or its failure */
  answerAfterStart: boolean;
}

interface Style {
  base: string;
  /** the key of a request, if it has one */
  keyOf: (request: IncomingMessage, url: URL) => string | undefined;
  howToSendKey: string;
  callbackField: string;
  /** fields of a place-call request that are true or false */
  switches: readonly string[];
  /** name of the ring time, in seconds */
  ringTimeField?: string;
}

const STYLES: Readonly<Record<'appid' | 'bearer', Style>> = {
  appid: {
    base: '/v1/call',
    keyOf: (_request, url) => url.searchParams.get('appid') ?? undefined,
    howToSendKey: 'as the query parameter appid',
    callbackField: 'status_callback',
    switches: ['call_recording', 'machine_detection'],
  },
  bearer: {
    base: '/v1/calls',
    keyOf: ({ headers }) => /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1],
    howToSendKey: 'as the header Authorization: Bearer',
    callbackField: 'callback_url',
    switches: ['recording', 'voicemail_detection'],
    ringTimeField: 'timeout',
  },
};

interface Context {
  exchange: Exchange;
  options: RestOptions;
  style: Style;
  params: Record<string, string>;
  body: Record<string, unknown>;
}

interface Route {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** after the style's base */
  path: string;
  /** the style it is in; left out: in both */
  style?: Style;
  /** it is there only if this says so */
  when?: (options: RestOptions) => boolean;
  handle: (context: Context) => Answer | Promise<Answer>;
}

const SUCCESS: Answer = { body: { success: true } };

const ROUTES: readonly Route[] = [
  { method: 'POST', path: '', handle: placeCall },
  { method: 'GET', path: '', handle: listCalls },
  {
    method: 'GET',
    path: '/:call_id',
    handle: (context) => ({ body: { success: true, call: findCall(context).view() } }),
  },
  { method: 'PATCH', path: '/:call_id', style: STYLES.bearer, handle: setTag },
  { method: 'DELETE', path: '/:call_id', handle: hangUp },
  { method: 'POST', path: '/:call_id/answer', handle: answerCall },
  { method: 'POST', path: '/:call_id/streams', handle: startStream },
  { method: 'DELETE', path: '/:call_id/streams/:stream_id', handle: stopStream },
  {
    method: 'DELETE',
    path: '/answer/:call_id/streams/:stream_id',
    style: STYLES.appid,
    when: ({ guideStopPath }) => guideStopPath,
    handle: stopStream,
  },
  { method: 'POST', path: '/:call_id/play', handle: play },
  { method: 'DELETE', path: '/:call_id/audio', handle: stopPlaying },
  { method: 'POST', path: '/:call_id/tts', style: STYLES.bearer, handle: notHere('text to speech') },
  { method: 'POST', path: '/:call_id/collect', handle: notHere('collecting digits') },
  { method: 'POST', path: '/:call_id/transfer', style: STYLES.bearer, handle: notHere('transfer') },
];

/** Answers a request of the API. Fails with `HttpError`. */
export async function answerRest(
  exchange: Exchange,
  options: RestOptions,
  request: IncomingMessage,
  url: URL,
): Promise<Answer> {
  const style = Object.values(STYLES).find(
    ({ base }) => url.pathname === base || url.pathname.startsWith(`${base}/`),
  );
  if (!style) throw new HttpError(404, 'There is nothing at this path.');
  if (style.keyOf(request, url) !== options.apiKey)
    throw new HttpError(401, `The API key is missing or wrong; send it ${style.howToSendKey}.`);
  const path = url.pathname.slice(style.base.length);
  const found = ROUTES.flatMap((route) => {
    const there = (route.style ?? style) === style && (route.when?.(options) ?? true);
    const params = there ? matchPath(route.path, path) : undefined;
    return params ? [{ route, params }] : [];
  });
  const match = found.find(({ route }) => route.method === request.method);
  if (!match) {
    throw found.length > 0
      ? new HttpError(405, `This path takes ${found.map(({ route }) => route.method).join(', ')}.`)
      : new HttpError(404, 'There is nothing at this path.');
  }
  const body = await readJson(request);
  try {
    return await match.route.handle({ exchange, options, style, params: match.params, body });
  } catch (error) {
    throw error instanceof NotNow ? new HttpError(409, error.message) : error;
  }
}

async function placeCall({ exchange, options, style, body }: Context): Promise<Answer> {
  const fields = new Fields(body);
  const from = fields.number('from');
  const to = fields.number('to');
  const callbackUrl = fields.httpUrl(style.callbackField);
  const tag = fields.text('tag');
  const maxDuration = fields.seconds('max_duration');
  const ringTime = style.ringTimeField === undefined ? undefined : fields.seconds(style.ringTimeField);
  for (const name of style.switches) fields.flag(name);
  fields.check();
  const call = exchange.place({
    ...{ from, to, callbackUrl, tag: tag ?? '' },
    maxDurationMs: maxDuration === undefined ? undefined : maxDuration * 1000,
    ringTimeoutMs: ringTime === undefined ? undefined : ringTime * 1000,
  });
  const answer = { body: call.view() };
  if (options.answerAfterEvent !== undefined) {
    // A call that ends without that event has nothing more to wait for.
    await call.waitFor(options.answerAfterEvent, 86_400_000).catch(() => undefined);
    await call.eventsPosted;
  }
  return answer;
}

function listCalls({ exchange }: Context): Answer {
  const live = [...exchange.calls.values()].filter(({ state }) => state !== 'ended');
  return { body: { success: true, calls: live.map((call) => call.view()) } };
}

function setTag(context: Context): Answer {
  const call = findCall(context);
  const fields = new Fields(context.body);
  const tag = fields.text('tag');
  if (tag === undefined) fields.refuse('tag', 'is missing');
  fields.check();
  call.tag = tag ?? '';
  return SUCCESS;
}

function hangUp(context: Context): Answer {
  findCall(context).hangUp();
  return SUCCESS;
}

const STREAM_FIELDS = ['stream_channel', 'stream_type', 'stream_url'];

async function answerCall(context: Context): Promise<Answer> {
  const call = findCall(context);
  const fields = new Fields(context.body);
  const stream = STREAM_FIELDS.some((name) => name in context.body) ? readStream(fields) : undefined;
  fields.flag('call_recording');
  fields.flag('call_transcription');
  fields.check();
  call.answer();
  if (stream) await begin(context, call, stream);
  return SUCCESS;
}

async function startStream(context: Context): Promise<Answer> {
  const call = findCall(context);
  const fields = new Fields(context.body);
  const setup = readStream(fields);
  fields.check();
  return { body: { success: true, stream_id: await begin(context, call, setup) } };
}

type StreamRequest = Omit<StreamSetup, 'call_id'>;

function readStream(fields: Fields): StreamRequest {
  return {
    channel: fields.oneOf<StreamChannel>('stream_channel', ['inbound', 'outbound', 'both']),
    stream_type: fields.oneOf<StreamType>('stream_type', ['oneway', 'twoway']),
    url: fields.webSocketUrl('stream_url'),
  };
}

async function begin({ options }: Context, call: Call, setup: StreamRequest): Promise<string> {
  const stream = call.startStream(setup);
  if (options.answerAfterStart) await stream.started;
  return stream.stream_id;
}

function stopStream(context: Context): Answer {
  const stream = findCall(context).streams.find(({ stream_id }) => stream_id === context.params.stream_id);
  if (!stream?.live) throw new HttpError(404, 'There is no such live stream on this call.');
  stream.stop('stopped');
  return SUCCESS;
}

const MAX_AUDIO_BYTES = 20_000_000;

async function play(context: Context): Promise<Answer> {
  const call = findCall(context);
  const fields = new Fields(context.body);
  const url = fields.httpUrl('audio_file');
  const delay = fields.seconds('delay_before_playing') ?? 0;
  if (url === undefined) fields.refuse('audio_file', 'is missing');
  fields.check();
  if (call.state !== 'answered') throw new NotNow('The call is not answered.');
  let pcm: Buffer;
  try {
    const { data } = await axios.get<ArrayBuffer>(url ?? '', {
      responseType: 'arraybuffer',
      timeout: 10_000,
      maxContentLength: MAX_AUDIO_BYTES,
      proxy: false,
    });
    await audioReady();
    pcm = decodeWav(Buffer.from(data));
  } catch {
    throw new HttpError(400, 'The audio could not be played.', {
      audio_file: 'could not be fetched, or is not a WAV file (the only kind the local Wavix plays)',
    });
  }
  call.play(pcm, delay * 1000);
  return SUCCESS;
}

function stopPlaying(context: Context): Answer {
  findCall(context).stopPlaying();
  return SUCCESS;
}

function notHere(what: string): Route['handle'] {
  return (context) => {
    findCall(context);
    throw new HttpError(501, `The local Wavix does not do this: ${what}. Wavix itself does.`);
  };
}

/** A call that has ended is not there any more, as far as the API goes. */
function findCall({ exchange, params }: Context): Call {
  const call = exchange.calls.get(params.call_id ?? '');
  if (!call || call.state === 'ended') throw new HttpError(404, 'There is no such live call.');
  return call;
}

/** Reads a body's fields, and gathers all that is wrong with them. */
class Fields {
  readonly #problems: Record<string, string> = {};

  constructor(readonly body: Record<string, unknown>) {}

  /** Fails if a field was refused. */
  check(): void {
    const names = Object.keys(this.#problems);
    if (names.length > 0)
      throw new HttpError(400, `The request can't be done: see ${names.join(', ')}.`, this.#problems);
  }

  refuse(name: string, problem: string): void {
    this.#problems[name] ??= problem;
  }

  /** A phone number, needed; brought to E.164 with `+`. */
  number(name: string): string {
    const number = normalizeNumber(this.body[name]);
    if (number === undefined)
      this.refuse(name, this.body[name] === undefined ? 'is missing' : 'must be in E.164 form');
    return number ?? '';
  }

  httpUrl(name: string): string | undefined {
    const value = this.body[name] ?? undefined;
    if (value !== undefined && !isHttpUrl(value)) this.refuse(name, 'must start with http:// or https://');
    return typeof value === 'string' ? value : undefined;
  }

  webSocketUrl(name: string): string {
    const value = this.body[name];
    const fine =
      typeof value === 'string' && /^wss?:\/\//i.test(value) && URL.canParse(value) && !value.includes('#');
    if (!fine) this.refuse(name, value === undefined ? 'is missing' : 'must start with ws:// or wss://');
    return fine ? value : '';
  }

  oneOf<T extends string>(name: string, values: readonly [T, ...T[]]): T {
    const value = values.find((one) => one === this.body[name]);
    if (value === undefined)
      this.refuse(name, this.body[name] === undefined ? 'is missing' : `must be one of ${values.join(', ')}`);
    return value ?? values[0];
  }

  text(name: string): string | undefined {
    const value = this.body[name] ?? undefined;
    if (value === undefined || typeof value === 'string') return value;
    this.refuse(name, 'must be a text');
    return undefined;
  }

  /** A number of seconds, from 0 to a day. */
  seconds(name: string): number | undefined {
    const value = this.body[name] ?? undefined;
    if (value === undefined) return undefined;
    if (typeof value === 'number' && value >= 0 && value <= 86_400) return value;
    this.refuse(name, 'must be a number of seconds, at most a day');
    return undefined;
  }

  flag(name: string): void {
    const value = this.body[name] ?? undefined;
    if (value !== undefined && typeof value !== 'boolean') this.refuse(name, 'must be true or false');
  }
}
