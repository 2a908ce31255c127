/**
 * A scripted Wavix for what the local one never does: odd answers, lost messages, dropped sockets, streams that never come.
 * It does nothing by itself: a test says what is answered, posts events, and dials the addresses it was given.
 */
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket } from 'ws';
import { FRAME_BYTES } from '../../lib/streams/wire';
import { Recorder } from './recorder';

export interface ApiRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: http.IncomingHttpHeaders;
  body: Record<string, unknown>;
}

export interface ApiAnswer {
  status?: number;
  headers?: Record<string, string>;
  /** JSON, or a text as it is */
  body?: unknown;
  /** break the connection instead */
  cut?: boolean;
  /** answer nothing at all */
  silent?: boolean;
}

/** Answers every operation as Wavix does, with ids that count up: call-1, stream-1, … */
export class FakeWavix {
  readonly requests = new Recorder<ApiRequest>();
  /** What is answered; undefined: what Wavix would. */
  script: ((request: ApiRequest) => ApiAnswer | Promise<ApiAnswer> | undefined) | undefined;

  private calls = 0;
  private streams = 0;
  private readonly sockets = new Set<ScriptedStream>();
  private readonly server = http.createServer((request, response) => void this.answer(request, response));

  async start(): Promise<this> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Posts a call event to the callback address of a place-call request. */
  async post(request: ApiRequest, event: Record<string, unknown>): Promise<number> {
    return postJson(String(request.body.status_callback ?? request.body.callback_url), event);
  }

  /** Waits for the next request that has a `stream_url`, and dials it. */
  async dial(): Promise<ScriptedStream> {
    const { body } = await this.requests.next((request) => 'stream_url' in request.body);
    return this.connect(String(body.stream_url));
  }

  /** Dials a stream's address. Fails with the HTTP status if it is refused. */
  async connect(url: string): Promise<ScriptedStream> {
    const stream = await ScriptedStream.connect(url);
    this.sockets.add(stream);
    return stream;
  }

  async stop(): Promise<void> {
    for (const stream of this.sockets) stream.drop();
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, 'close');
  }

  private async answer(incoming: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of incoming.setEncoding('utf8')) text += chunk as string;
    const { pathname, searchParams } = new URL(incoming.url ?? '/', 'http://fake');
    const request: ApiRequest = {
      method: incoming.method ?? '',
      path: pathname,
      query: searchParams,
      headers: incoming.headers,
      body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
    };
    const scripted = this.script?.(request);
    this.requests.add(request);
    const { status = 200, headers = {}, body, cut, silent } = (await scripted) ?? this.usual(request);
    if (silent) return;
    if (cut) {
      response.destroy();
      return;
    }
    const written = typeof body === 'string' ? body : JSON.stringify(body);
    response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(written);
  }

  private usual({ method, path }: ApiRequest): ApiAnswer {
    if (method === 'POST' && /^\/v1\/calls?$/.test(path)) return { body: { uuid: `call-${++this.calls}` } };
    if (method === 'POST' && path.endsWith('/streams'))
      return { body: { success: true, stream_id: `stream-${++this.streams}` } };
    return { body: { success: true } };
  }
}

/** Posts JSON, or a text as it is. @returns the HTTP status */
export async function postJson(
  url: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<number> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  await response.arrayBuffer();
  return response.status;
}

/** The socket of a media stream, each message of which a test sends by hand. */
export class ScriptedStream {
  /** What the application sent. */
  readonly received = new Recorder<Record<string, unknown>>();
  /** The close code, once the socket is gone. */
  readonly closed: Promise<number>;

  callId = '';
  streamId = '';
  sequence = 0;
  chunk = 0;

  private constructor(private readonly socket: WebSocket) {
    socket.on('message', (data: Buffer) => {
      this.received.add(JSON.parse(data.toString()) as Record<string, unknown>);
    });
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => socket.once('close', resolve));
  }

  /** Fails with an error whose `status` is the HTTP status, if the upgrade is refused. */
  static async connect(url: string): Promise<ScriptedStream> {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    const stream = new ScriptedStream(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('unexpected-response', (request, response) => {
        request.destroy();
        reject(Object.assign(new Error('refused'), { status: response.statusCode }));
      });
      socket.once('error', reject);
    });
    return stream;
  }

  /** Sends a text as it is, or JSON. */
  raw(message: unknown): void {
    this.socket.send(
      typeof message === 'string' || Buffer.isBuffer(message) ? message : JSON.stringify(message),
    );
  }

  /** `connected` and `start`, as the guide has them. */
  begin(callId: string, streamId: string, more: Record<string, unknown> = {}): this {
    this.callId = callId;
    this.streamId = streamId;
    this.raw({ event: 'connected', event_time: new Date().toISOString() });
    this.raw({ event: 'start', ...this.head(), stream_type: 'twoway', channel: 'inbound', ...more });
    return this;
  }

  /** One `media` message; its numbers go on from the last one's unless they are given. */
  media(payload: Buffer | string = Buffer.alloc(FRAME_BYTES), more: Record<string, unknown> = {}): void {
    this.chunk++;
    this.raw({
      event: 'media',
      ...this.head(),
      media: {
        payload: typeof payload === 'string' ? payload : payload.toString('base64'),
        track: 'inbound',
        timestamp: (this.chunk - 1) * 20,
        chunk: this.chunk,
        ...more,
      },
    });
  }

  mark(name: string): void {
    this.raw({ event: 'mark', ...this.head(), mark: { name } });
  }

  stop(): void {
    this.raw({ event: 'stop', ...this.head() });
  }

  /** Messages that never arrive. */
  lose(count: number): void {
    this.sequence += count;
  }

  close(code = 1000): void {
    this.socket.close(code);
  }

  /** Cuts the connection without a word. */
  drop(): void {
    this.socket.terminate();
  }

  private head() {
    return {
      event_time: new Date().toISOString(),
      call_id: this.callId,
      stream_id: this.streamId,
      sequence_number: ++this.sequence,
    };
  }
}
