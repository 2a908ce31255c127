/**
 * Reads what Wavix answered, and says what went wrong and what to do. Every text and body that leaves has gone
 * through `redact`: Wavix, or what stands in its place, may send back what it was sent.
 */
import { isObject } from '../calls/fields';
import { WavixError, type WavixErrorCode } from '../errors';
import { redact } from '../redact';
import type { KeyIn, Text, TextKey } from '../texts';
import { isUntrusted, type Exchange } from './exchange';
import { operation, type OperationName } from './operations';

type Answer = Extract<Exchange, { kind: 'answer' }>;
type NoAnswer = Exclude<Exchange, Answer>;

/** What is needed to tell of a failure. */
export interface Asked {
  name: OperationName;
  /** Host and port of `apiUrl`. */
  host: string;
  timeoutMs: number;
  secrets: readonly string[];
}

/** What an error carries of a body, at most. */
const LARGEST_BODY = 4096; // characters
/** What an error's text repeats of it, at most. */
const LARGEST_TEXT = 300; // characters

/**
 * The JSON of an answer that says it worked; `{}` for an empty one.
 *
 * @throws WavixError `WAVIX_API` for a status other than 2xx, for `success: false`, and for anything but JSON
 */
export function readAnswer(answer: Answer, asked: Asked): unknown {
  const { status } = answer;
  const json = parse(answer.text);
  if (status < 200 || status > 299) throw refusal(answer, json, asked);
  if (json === undefined && answer.text.trim() !== '') {
    const problem: Text = { key: 'answer.notJson', values: { host: asked.host } };
    throw useless(asked, status, bodyOf(undefined, answer.text, asked), problem);
  }
  if (isObject(json) && json.success === false) throw refusal(answer, json, asked);
  return json ?? {};
}

/** Wavix answered that it worked, but left out what the answer is needed for. */
export function incomplete(
  key: TextKey,
  answer: { status: number; json: unknown },
  asked: Asked,
): WavixError {
  const body = bodyOf(answer.json, '', asked);
  return useless(asked, answer.status, body, { key });
}

/** There was no whole answer. */
export function noAnswer(failure: NoAnswer, asked: Asked): WavixError {
  const { host, name } = asked;
  const { doubt } = operation(name);
  const fail = (code: WavixErrorCode, ...why: (Text | undefined)[]) =>
    new WavixError(code, together({ key: `failed.${name}` }, ...why));
  switch (failure.kind) {
    case 'too-large':
      return fail('WAVIX_API', { key: 'answer.tooLarge', values: { host } }, plain(doubt));
    case 'timeout': {
      const values = { host, seconds: asked.timeoutMs / 1000 };
      return failure.sent
        ? fail('WAVIX_TIMEOUT', { key: 'network.silent', values }, plain(doubt))
        : fail('WAVIX_TIMEOUT', { key: 'network.late', values }, { key: 'hint.network' });
    }
    case 'unreachable':
      return fail('WAVIX_NETWORK', ...unreachable(failure.code, host));
    case 'lost': {
      const { code } = failure;
      const key = code.startsWith('HPE_') ? 'answer.notHttp' : 'network.cut';
      return fail('WAVIX_NETWORK', { key, values: { host, code } }, plain(doubt));
    }
  }
}

function refusal(answer: Answer, json: unknown, asked: Asked): WavixError {
  const { status, retryAfter } = answer;
  const { secrets, name } = asked;
  const words = wordsOf(redact(json, secrets));
  const hint = hintForStatus(status, name);
  const foreign = json === undefined && status < 500 && !(hint && NAMES_API_URL.has(hint));
  const busy = status === 429 || status === 503;
  // A gateway's 5xx does not say how far the request got; see also client.ts on a bare 503.
  const doubtful = status >= 500 && status !== 501 && !(status === 503 && retryAfter !== undefined);
  const texts = together(
    { key: `refused.${name}`, values: { status } },
    words === '' ? undefined : { key: 'answer.says', values: { words } },
    busy && retryAfter !== undefined
      ? { key: 'answer.retryAfter', values: { time: cut(oneLine(redact(retryAfter, secrets)), 40) } }
      : undefined,
    plain(hint),
    foreign ? { key: 'answer.notJsonEither' } : undefined,
    doubtful ? plain(operation(name).doubt) : undefined,
  );
  return new WavixError('WAVIX_API', texts, { status, body: bodyOf(json, answer.text, asked) });
}

function useless({ name }: Asked, status: number, body: unknown, problem: Text): WavixError {
  const texts = together({ key: `failed.${name}` }, problem, plain(operation(name).doubt));
  return new WavixError('WAVIX_API', texts, { status, body });
}

/**
 * What the answer says itself, in its `message` and `error` fields (wavix-api.md, "Answers").
 *
 * @param json as `redact` left it: without secrets, and not too deep for recursion
 */
function wordsOf(json: unknown): string {
  if (!isObject(json)) return '';
  const words = [...leaves(json.message), ...leaves(json.error), ...leaves(json.errors)];
  const all = [...new Set(words)].join('; ');
  return cut(oneLine(all), LARGEST_TEXT).replace(/\.$/, '');
}

/** `{to: 'is invalid'}` → `to: is invalid`; texts as they are. */
function leaves(value: unknown): string[] {
  if (typeof value === 'string') return value.trim() === '' ? [] : [value];
  if (Array.isArray(value)) return value.filter((item) => typeof item === 'string');
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([field, problem]) =>
    leaves(problem).map((text) => `${field}: ${text}`),
  );
}

/** Hints that name apiUrl already. */
const NAMES_API_URL = new Set<KeyIn<'hint'>>(['hint.apiUrl', 'hint.apiStyle', 'hint.redirect']);

function hintForStatus(status: number, name: OperationName): KeyIn<'hint'> | undefined {
  const { path } = operation(name);
  if (status === 401) return 'hint.key';
  if (status === 402) return 'hint.balance';
  if (status === 403) {
    return path.includes('/streams') || name === 'answerCall' ? 'hint.streaming' : 'hint.account';
  }
  if (status === 404) {
    if (path.includes('{stream_id}')) return 'hint.streamGone';
    return path.includes('{call_id}') ? 'hint.callGone' : 'hint.apiUrl';
  }
  if (status === 405) return 'hint.apiStyle';
  if (status === 429) return 'hint.tooMany';
  if (status === 503) return 'hint.overloaded';
  if (status >= 500) return 'hint.serverFault';
  if (status >= 300 && status < 400) return 'hint.redirect';
  return undefined;
}

function unreachable(code: string, host: string): Text[] {
  const values = { host, code };
  const hint: Text = { key: hintForCode(code) };
  switch (code) {
    case 'ECONNREFUSED':
      return [{ key: 'network.refused', values }, hint];
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return [{ key: 'network.unknown', values }, hint];
    default:
      return [{ key: 'network.none', values }, hint];
  }
}

function hintForCode(code: string): KeyIn<'hint'> {
  if (isUntrusted(code)) return 'hint.certificate';
  return /EPROTO|SSL/.test(code) ? 'hint.tls' : 'hint.network';
}

/** A body fit to be carried by an error: JSON when it is small enough, otherwise the beginning of its text. */
function bodyOf(json: unknown, text: string, { secrets }: Asked): unknown {
  // Cut only after the secrets are out: half a secret would not be found.
  if (json === undefined) return cut(redact(text, secrets), LARGEST_BODY);
  const clean = redact(json, secrets);
  const written = JSON.stringify(clean);
  return written.length <= LARGEST_BODY ? clean : cut(written, LARGEST_BODY);
}

function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();
}

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most)}…`;
}

function together(...texts: (Text | undefined)[]): Text[] {
  return texts.filter((text) => text !== undefined);
}

function plain(key: TextKey | undefined): Text | undefined {
  return key && { key };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
