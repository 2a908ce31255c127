/** What the API's and the control endpoints' HTTP have in common: matching routes, reading bodies, answering. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import getRawBody from 'raw-body';

const MAX_BODY_BYTES = 100_000;

/** The body of a failure (wavix-api, "Answers"). */
export interface Failure {
  success: false;
  message: string;
  error?: Record<string, string>;
}

/** A failure to be answered with. */
export class HttpError extends Error {
  override readonly name = 'HttpError';

  /** @param error what is wrong with which field */
  constructor(
    readonly status: number,
    message: string,
    readonly error?: Record<string, string>,
  ) {
    super(message);
  }

  get body(): Failure {
    return { success: false, message: this.message, ...(this.error && { error: this.error }) };
  }
}

/** An answer: JSON, or a WAV file's bytes. */
export interface Answer {
  status?: number;
  body: object | Buffer;
}

/**
 * The values of a pattern's `:names` in a path, or undefined if it does not match.
 *
 * @param pattern such as `/:call_id/streams`; `` for the base itself
 */
export function matchPath(pattern: string, path: string): Record<string, string> | undefined {
  const wanted = pattern.split('/');
  const given = path.split('/');
  if (wanted.length !== given.length) return undefined;
  const values: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const value = given[index] ?? '';
    if (part.startsWith(':')) {
      const decoded = decode(value);
      if (decoded === undefined) return undefined;
      values[part.slice(1)] = decoded;
    } else if (part !== value) return undefined;
  }
  return values;
}

/** Undefined if there is nothing, or nothing that can be decoded. */
function decode(part: string): string | undefined {
  try {
    return part === '' ? undefined : decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

/** The body as a JSON object; an empty body is an empty object. */
export async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text: string;
  try {
    text = await getRawBody(request, { limit: MAX_BODY_BYTES, encoding: 'utf8' });
  } catch (error) {
    const { status } = error as getRawBody.RawBodyError;
    throw status === 413
      ? new HttpError(413, `The body is longer than ${MAX_BODY_BYTES} bytes.`)
      : new HttpError(400, 'The body could not be read.');
  }
  if (text.trim() === '') return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new HttpError(400, 'The body is not JSON.');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new HttpError(400, 'The body is not a JSON object.');
  return value as Record<string, unknown>;
}

/** Whether a host's name or address is this machine's own, which nobody else reaches. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || /^\[?::1\]?$/.test(host) || /^127(\.\d+){3}$/.test(host);
}

/** @param range of bytes, as the request has it */
export function send(response: ServerResponse, { status = 200, body }: Answer, range?: string): void {
  if (Buffer.isBuffer(body)) {
    sendWav(response, body, range);
    return;
  }
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': bytes.length,
    // A body that was not read to its end leaves nothing that could be read after it.
    ...(status === 413 && { connection: 'close' }),
  });
  response.end(bytes);
}

/** A player asks for a part where a person jumps to it. */
function sendWav(response: ServerResponse, wav: Buffer, range: string | undefined): void {
  const [from, end] = partOf(range, wav.length) ?? [0, wav.length];
  const isPart = end - from < wav.length;
  response.writeHead(isPart ? 206 : 200, {
    'content-type': 'audio/wav',
    'content-length': end - from,
    'accept-ranges': 'bytes',
    ...(isPart && { 'content-range': `bytes ${from}-${end - 1}/${wav.length}` }),
  });
  response.end(wav.subarray(from, end));
}

/** The first byte of a range and the one after its last; undefined for what is none, or not within `length`. */
function partOf(range: string | undefined, length: number): [from: number, end: number] | undefined {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(range ?? '') ?? [];
  if (first === '' && last === '') return undefined;
  const from = first === '' ? Math.max(0, length - Number(last)) : Number(first);
  const end = first === '' || last === '' ? length : Math.min(length, Number(last) + 1);
  return from < end ? [from, end] : undefined;
}
