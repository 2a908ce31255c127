/**
 * Reads what Wavix answered, and says in words what went wrong and what to do. Every text and body that leaves has gone
 * through `redact`: Wavix, or what stands in its place, may send back what it was sent.
 */
import { isObject } from '../calls/fields';
import { WavixError } from '../errors';
import { redact } from '../redact';
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
    throw useless(
      asked,
      status,
      bodyOf(undefined, answer.text, asked),
      `what ${asked.host} answered is not JSON, so it does not seem to be the Wavix API. Check apiUrl`,
    );
  }
  if (isObject(json) && json.success === false) throw refusal(answer, json, asked);
  return json ?? {};
}

/** Wavix answered that it worked, but left out what the answer is needed for. */
export function incomplete(
  what: string,
  answer: { status: number; json: unknown },
  asked: Asked,
): WavixError {
  const body = bodyOf(answer.json, '', asked);
  return useless(asked, answer.status, body, `the answer names no ${what}. Check apiUrl and the API style`);
}

/** There was no whole answer. */
export function noAnswer(failure: NoAnswer, asked: Asked): WavixError {
  const { host } = asked;
  const could = `Could not ${operation(asked.name).does}`;
  switch (failure.kind) {
    case 'too-large':
      return new WavixError(
        'WAVIX_API',
        sentences(
          `${could}: the answer of ${host} is too large to be one of the Wavix API`,
          'Check apiUrl',
          operation(asked.name).doubt,
        ),
      );
    case 'timeout': {
      const seconds = asked.timeoutMs / 1000;
      return failure.sent
        ? new WavixError(
            'WAVIX_TIMEOUT',
            sentences(`${could}: ${host} did not answer within ${seconds} s`, operation(asked.name).doubt),
          )
        : new WavixError(
            'WAVIX_TIMEOUT',
            sentences(
              `${could}: no connection to ${host} within ${seconds} s`,
              'Check apiUrl, the network and a firewall in between',
            ),
          );
    }
    case 'unreachable':
      return new WavixError(
        'WAVIX_NETWORK',
        sentences(`${could}: ${reasonOf(failure.code, host)}`, hintForCode(failure.code)),
      );
    case 'lost':
      return new WavixError(
        'WAVIX_NETWORK',
        failure.code.startsWith('HPE_')
          ? sentences(
              `${could}: what ${host} answered is not HTTP (${failure.code})`,
              'Check apiUrl',
              operation(asked.name).doubt,
            )
          : sentences(
              `${could}: the connection to ${host} was cut before the answer was here (${failure.code})`,
              operation(asked.name).doubt,
            ),
      );
  }
}

function refusal(answer: Answer, json: unknown, asked: Asked): WavixError {
  const { status, retryAfter } = answer;
  const { does, doubt } = operation(asked.name);
  const said = wordsOf(redact(json, asked.secrets));
  const hint = hintForStatus(status, asked.name);
  const foreign = json === undefined && status < 500 && hint?.includes('apiUrl') !== true;
  const busy = status === 429 || status === 503;
  // A gateway's 5xx does not say how far the request got; see also client.ts on a bare 503.
  const doubtful = status >= 500 && status !== 501 && !(status === 503 && retryAfter !== undefined);
  return new WavixError(
    'WAVIX_API',
    sentences(
      `Wavix would not ${does} (HTTP ${status})${said === '' ? '' : `: ${said}`}`,
      busy && retryAfter !== undefined
        ? `It asks to wait (Retry-After: ${cut(oneLine(redact(retryAfter, asked.secrets)), 40)})`
        : undefined,
      hint,
      foreign ? 'The answer is not JSON: check apiUrl too' : undefined,
      doubtful ? doubt : undefined,
    ),
    { status, body: bodyOf(json, answer.text, asked) },
  );
}

function useless(asked: Asked, status: number, body: unknown, problem: string): WavixError {
  return new WavixError(
    'WAVIX_API',
    sentences(`Could not ${operation(asked.name).does}: ${problem}`, operation(asked.name).doubt),
    { status, body },
  );
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

function hintForStatus(status: number, name: OperationName): string | undefined {
  const { path } = operation(name);
  if (status === 401) return 'Check the API key and the API style in the configuration';
  if (status === 402) return 'Check the balance of the Wavix account';
  if (status === 403) {
    return path.includes('/streams') || name === 'answerCall'
      ? 'Streaming needs the Flex Pro account level; ask Wavix what the account may do'
      : 'Ask Wavix what the account, and its caller ID, may do';
  }
  if (status === 404) {
    if (path.includes('{stream_id}')) return 'The call or the stream has ended, or an id is wrong';
    if (path.includes('{call_id}')) return 'The call has ended, or call_id is wrong';
    return 'Check apiUrl (it ends before /v1) and the API style';
  }
  if (status === 405) return 'Check apiUrl and the API style';
  if (status === 429) return 'Too many requests: send fewer, or later';
  if (status === 503) return 'Wavix is overloaded or being worked on: try again later';
  if (status >= 500) return 'This is a fault at Wavix, or at a proxy in between: try again later';
  if (status >= 300 && status < 400) return 'It sends to another address: check apiUrl (https?)';
  return undefined;
}

function reasonOf(code: string, host: string): string {
  switch (code) {
    case 'ECONNREFUSED':
      return `${host} refuses connections (${code})`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `the address of ${host} can't be found (${code})`;
    default:
      return `no connection to ${host} (${code})`;
  }
}

function hintForCode(code: string): string {
  if (isUntrusted(code)) {
    return 'Its certificate is not trusted here: check apiUrl, the clock, and a proxy in between';
  }
  if (/EPROTO|SSL/.test(code))
    return 'It does not speak TLS as it should: check whether apiUrl is https or http';
  return 'Check apiUrl, the network and a proxy in between';
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

function sentences(...parts: (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined).join('. ') + '.';
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
