/** The application's side of the tests: receives webhooks and media streams over real sockets, and calls the API. */

import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';
import { readFromWavix, type FromWavix, type Track } from '../../../lib/streams/wire';
import type { CallEvent, EventType } from '../../../simulator';

/** How late anything may be on a busy machine, in ms; that nothing is early is what tests hold exactly. */
export const BUSY_MS = 1_000;

export const KEY = 'test-key';
export const FROM = '+15550009999';

/** A message of a stream, as it came: `at` is monotonic time in ms. */
export interface Arrival {
  at: number;
  text: string;
  message: FromWavix;
}

type OfKind<K extends FromWavix['event']> = Extract<FromWavix, { event: K }>;

/** One media stream that Wavix opened. */
export class Connection {
  readonly arrivals: Arrival[] = [];
  closeCode: number | undefined;
  readonly closed: Promise<number>;
  #changed = new Set<() => void>();

  constructor(
    readonly socket: WebSocket,
    readonly path: string,
  ) {
    socket.on('message', (data) => {
      const text = (data as Buffer).toString();
      const message = readFromWavix(text);
      if ('problem' in message) throw new Error(`${message.problem}: ${text.slice(0, 200)}`);
      this.arrivals.push({ at: performance.now(), text, message });
      for (const changed of [...this.#changed]) changed();
    });
    this.closed = new Promise((resolve) => {
      socket.on('close', (code) => {
        this.closeCode = code;
        resolve(code);
      });
    });
  }

  of<K extends FromWavix['event']>(kind: K): OfKind<K>[] {
    return this.arrivals.flatMap(({ message }) => (message.event === kind ? [message as OfKind<K>] : []));
  }

  /** Monotonic times of the messages of a kind. */
  times(kind: FromWavix['event']): number[] {
    return this.arrivals.filter(({ message }) => message.event === kind).map(({ at }) => at);
  }

  get marks(): string[] {
    return this.of('mark').map(({ mark }) => mark.name);
  }

  pcm(track: Track): Buffer {
    const media = this.of('media').filter((message) => message.media.track === track);
    return Buffer.concat(media.map((message) => Buffer.from(message.media.payload, 'base64')));
  }

  /** Waits until there are so many messages of a kind. */
  async have(kind: FromWavix['event'], count = 1): Promise<void> {
    await until(this.#changed, () => this.of(kind).length >= count);
  }

  get streamId(): string {
    const [start] = this.of('start');
    if (!start) throw new Error('no start yet');
    return start.stream_id;
  }

  sendAudio(pcm: Buffer): void {
    this.#send({ event: 'media', media: { payload: pcm.toString('base64') } });
  }

  sendMark(name: string): void {
    this.#send({ event: 'mark', mark: { name } });
  }

  sendClear(): void {
    this.#send({ event: 'clear' });
  }

  #send(message: object): void {
    this.socket.send(JSON.stringify({ ...message, stream_id: this.streamId }));
  }
}

export interface Posted {
  at: number;
  path: string;
  event: CallEvent;
}

export class Application {
  readonly posts: Posted[] = [];
  readonly connections: Connection[] = [];
  /** what to answer a webhook with; left as it is: 200 at once */
  onPost: (posted: Posted) => number | Promise<number> = () => 200;
  /** HTTP status with which stream connections are refused; 0: they are taken */
  refuseStreams = 0;
  #server = http.createServer();
  #sockets = new WebSocketServer({ noServer: true });
  #changed = new Set<() => void>();

  async start(): Promise<void> {
    this.#server.on('request', (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const event = JSON.parse(Buffer.concat(chunks).toString()) as CallEvent;
        const posted = { at: performance.now(), path: request.url ?? '', event };
        this.posts.push(posted);
        for (const changed of [...this.#changed]) changed();
        void Promise.resolve(this.onPost(posted)).then((status) => response.writeHead(status).end());
      });
    });
    this.#server.on('upgrade', (request, socket, head) => {
      if (this.refuseStreams > 0) {
        socket.end(`HTTP/1.1 ${this.refuseStreams} Refused\r\nConnection: close\r\n\r\n`);
        return;
      }
      this.#sockets.handleUpgrade(request, socket, head, (accepted) => {
        this.connections.push(new Connection(accepted, request.url ?? ''));
        for (const changed of [...this.#changed]) changed();
      });
    });
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  async stop(): Promise<void> {
    for (const { socket } of this.connections) socket.terminate();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get callbackUrl(): string {
    return `http://${this.host}/wavix/events/eventtokeneventtoken`;
  }

  get streamUrl(): string {
    return `ws://${this.host}/wavix/streams/streamtokenstreamtoken`;
  }

  types(call_id?: string): EventType[] {
    return this.posts
      .filter(({ event }) => call_id === undefined || event.uuid === call_id)
      .map(({ event }) => event.event_type);
  }

  /** Waits for an event, of any call. */
  async event(type: EventType): Promise<CallEvent> {
    const find = () => this.posts.find(({ event }) => event.event_type === type)?.event;
    await until(this.#changed, () => find() !== undefined);
    return find()!;
  }

  async havePosts(count: number): Promise<void> {
    await until(this.#changed, () => this.posts.length >= count);
  }

  /** Waits for a media stream, the first if no other is asked for, and for its `start`. */
  async stream(index = 0): Promise<Connection> {
    await until(this.#changed, () => this.connections.length > index);
    const connection = this.connections[index]!;
    await connection.have('start');
    return connection;
  }
}

/** All that an answer's body can have; a test that reads what is not there fails by its comparison. */
export interface ApiBody extends CallEvent {
  success: boolean;
  message: string;
  error: Record<string, string>;
  stream_id: string;
  call_id: string;
  call: CallEvent;
  calls: CallEvent[];
}

export interface ApiAnswer {
  status: number;
  body: ApiBody;
}

/** One style of the API, as a client sees it. */
export interface Client {
  name: 'appid' | 'bearer';
  base: string;
  callbackField: string;
  request(method: string, path: string, body?: unknown, key?: string): Promise<ApiAnswer>;
}

export function clientsOf(url: string): Record<'appid' | 'bearer', Client> {
  return {
    appid: {
      name: 'appid',
      base: '/v1/call',
      callbackField: 'status_callback',
      request: (method, path, body, key = KEY) =>
        fetchJson(`${url}/v1/call${path}?appid=${key}`, method, body, {}),
    },
    bearer: {
      name: 'bearer',
      base: '/v1/calls',
      callbackField: 'callback_url',
      request: (method, path, body, key = KEY) =>
        fetchJson(`${url}/v1/calls${path}`, method, body, { authorization: `Bearer ${key}` }),
    },
  };
}

export async function fetchJson(
  url: string,
  method: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<ApiAnswer> {
  const text = typeof body === 'string' ? body : body === undefined ? undefined : JSON.stringify(body);
  const response = await fetch(url, {
    method,
    headers: { 'content-type': 'application/json', connection: 'close', ...headers },
    ...(text !== undefined && { body: text }),
  });
  return { status: response.status, body: (await response.json()) as ApiBody };
}

async function until(changes: Set<() => void>, condition: () => boolean): Promise<void> {
  if (condition()) return;
  await new Promise<void>((resolve) => {
    const check = () => {
      if (!condition()) return;
      changes.delete(check);
      resolve();
    };
    changes.add(check);
  });
}
