/** A server on loopback that says exactly what a test tells it, byte by byte; and what every failure must keep to itself. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { WavixApi, type ApiSettings } from '../../../lib/api/client';
import { WavixError, type WavixErrorCode } from '../../../lib/errors';
import { FakeClock } from '../fake-clock';

/** With characters that look otherwise in a URL. */
export const KEY = "K3y+/=&%#'s3cret";
export const KEY_IN_URL = 'K3y%2B%2F%3D%26%25%23%27s3cret';

/** A request as it came in. */
export interface Received {
  /** Request line, without the line's end. */
  line: string;
  /** Names in lower case; a name that came twice has both values, with a line's end between. */
  headers: Record<string, string>;
  body: string;
}

export type Reply = (socket: net.Socket, request: Received) => void;

export class Server {
  readonly requests: Received[] = [];
  /** Connections there have been. */
  connections = 0;
  readonly #open = new Set<net.Socket>();
  readonly #server: net.Server;

  /** @param replies to the requests in their order; the last one to all that follow */
  constructor(private readonly replies: Reply[]) {
    this.#server = net.createServer((socket) => this.#connected(socket));
  }

  async listen(port = 0): Promise<this> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get host(): string {
    return `127.0.0.1:${this.port}`;
  }

  get open(): number {
    return this.#open.size;
  }

  /** Says something on every connection, asked or not. */
  say(words: string): void {
    for (const socket of this.#open) socket.write(words);
  }

  /** Resolves when a connection is open. */
  async connected(): Promise<void> {
    while (this.#open.size === 0) await once(this.#server, 'connection');
  }

  /** Resolves when so many requests are here. */
  async received(count: number): Promise<void> {
    while (this.requests.length < count) await once(this.#server, 'request-read');
  }

  /** Resolves when no connection is open. */
  async idle(): Promise<void> {
    while (this.#open.size > 0) await once(this.#server, 'connection-closed');
  }

  async close(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }

  #connected(socket: net.Socket): void {
    this.connections++;
    this.#open.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#open.delete(socket);
      this.#server.emit('connection-closed');
    });
    let buffered = '';
    socket.setEncoding('latin1').on('data', (text: string) => {
      buffered += text;
      for (let read = readRequest(buffered); read; read = readRequest(buffered)) {
        buffered = buffered.slice(read.length);
        this.requests.push(read.request);
        this.#server.emit('request-read');
        const reply = this.replies[Math.min(this.requests.length, this.replies.length) - 1];
        reply?.(socket, read.request);
      }
    });
  }
}

function readRequest(text: string): { request: Received; length: number } | undefined {
  const head = text.indexOf('\r\n\r\n');
  if (head < 0) return undefined;
  const [line = '', ...fields] = text.slice(0, head).split('\r\n');
  const headers: Record<string, string> = {};
  for (const field of fields) {
    const name = field.slice(0, field.indexOf(':')).toLowerCase();
    const value = field.slice(field.indexOf(':') + 1).trim();
    headers[name] = name in headers ? `${headers[name]}\r\n${value}` : value;
  }
  const length = head + 4 + Number(headers['content-length'] ?? 0);
  if (text.length < length) return undefined;
  const body = Buffer.from(text.slice(head + 4, length), 'latin1').toString();
  return { request: { line, headers, body }, length };
}

/** Answers with so much text. */
export function text(status: number, body: string | Buffer, headers: Record<string, string> = {}): Reply {
  return (socket) => {
    const bytes = Buffer.from(body);
    const fields = { 'Content-Type': 'text/html', 'Content-Length': String(bytes.length), ...headers };
    const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
    const head = `HTTP/1.1 ${status} Whatever\r\n${lines.join('')}\r\n`;
    socket.write(Buffer.concat([Buffer.from(head), bytes]));
  };
}

export function json(status: number, body: unknown, headers: Record<string, string> = {}): Reply {
  return text(status, JSON.stringify(body), { 'Content-Type': 'application/json', ...headers });
}

export const SUCCESS = json(200, { success: true });

/** Ends the connection in the ways that connections end. */
export const silent: Reply = () => undefined;
export const closed: Reply = (socket) => socket.destroy();
export const reset: Reply = (socket) => socket.resetAndDestroy();
export const halfHead: Reply = (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Le');
export const halfBody: Reply = (socket) =>
  socket.end('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"uuid":"c1",');

/** A clock of which it is known what was asked for; the time limit of a try is told from the other waits by its length. */
export class AskedClock extends FakeClock {
  static readonly TRY_MS = 9_999;
  /** The waits between tries, ms. */
  readonly waits: number[] = [];
  #told: (() => void)[] = [];

  override after(ms: number, callback: () => void): () => void {
    if (ms !== AskedClock.TRY_MS) {
      this.waits.push(ms);
      for (const tell of this.#told.splice(0)) tell();
    }
    return super.after(ms, callback);
  }

  /** Resolves when so many waits were asked for. */
  async asked(count: number): Promise<void> {
    while (this.waits.length < count) await new Promise<void>((resolve) => this.#told.push(resolve));
  }
}

/** What a test opened, to be closed after it. */
export class Room {
  readonly #doors: (() => void | Promise<void>)[] = [];

  async server(...replies: Reply[]): Promise<Server> {
    const server = await new Server(replies).listen();
    this.#doors.push(() => server.close());
    return server;
  }

  api(
    server: { host: string },
    more: Partial<ApiSettings> & { clock?: FakeClock; random?: () => number } = {},
  ): WavixApi {
    const { clock = new AskedClock(), random = () => 1, ...settings } = more;
    const api = new WavixApi(
      {
        apiUrl: `http://${server.host}`,
        apiStyle: 'appid',
        apiKey: KEY,
        timeoutMs: AskedClock.TRY_MS,
        ...settings,
      },
      { clock, random },
    );
    this.#doors.push(() => api.close());
    return api;
  }

  async leave(): Promise<void> {
    for (const door of this.#doors.splice(0).reverse()) await door();
  }
}

/** The WavixError a promise rejects with, after a look at whether the key is anywhere in it. */
export async function failure(promise: Promise<unknown>, code: WavixErrorCode): Promise<WavixError> {
  const error: unknown = await promise.then(
    (value) => assert.fail(`worked, with ${inspect(value)}`),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof WavixError, inspect(error));
  assert.equal(error.code, code, error.message);
  const { status, body } = error;
  assert.deepEqual(error.cause, status === undefined ? undefined : { status, body });
  assertNoSecret(error);
  return error;
}

export function assertNoSecret(value: unknown): void {
  const shown = [
    inspect(value, { depth: Infinity, showHidden: true, maxStringLength: null }),
    JSON.stringify(value),
    ...(value instanceof Error ? [value.message, value.stack ?? '', String(value)] : []),
  ].join('\n');
  // Any longer piece of it is too much; the first comes in every form.
  for (const piece of [KEY, KEY_IN_URL, 's3cret', 'K3y']) {
    assert.ok(!shown.includes(piece), `the key is in ${shown}`);
  }
}

export const A_CALL = {
  from: '+15550001111',
  to: '+15550002222',
  callbackUrl: 'https://me.example/wavix/events/t0k',
};
export const A_STREAM = {
  stream_channel: 'inbound',
  stream_type: 'twoway',
  stream_url: 'wss://me.example/wavix/streams/t0k',
} as const;
