/** A line on an HTTP server of the test's own, as on Node-RED's, and the raw ways in that no library would take. */
import { EventEmitter, once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { systemClock, type Clock } from '../../../lib/clock';
import { Line, type LineSettings } from '../../../lib/line';
import { Gate } from '../../../lib/server/gate';
import { OwnPorts } from '../../../lib/server/own-port';
import type { StreamStats } from '../../../lib/streams/stream';
import { english, say, type Texts } from '../../../lib/texts';

export const SETTINGS: LineSettings = {
  apiUrl: 'http://127.0.0.1:1',
  apiStyle: 'appid',
  apiKey: 'the-api-key',
  secret: '',
  publicUrl: '',
  path: '/wavix',
  port: undefined,
};

export const EVENT = JSON.stringify({ uuid: 'c', event_type: 'ringing', event_time: 't' });

export interface Told {
  event: string;
  call_id: string;
  code?: number;
  stats?: StreamStats;
}

export class Rig {
  readonly logged: string[] = [];
  readonly told: Told[] = [];
  /** emits `event` names as they are told */
  readonly arrivals = new EventEmitter();
  readonly line: Line;
  readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private readonly served = new Set<Socket>();

  private constructor(more: Partial<LineSettings>, clock: Clock) {
    this.server = createServer((request, response) => {
      if (!gate.request(request.url ?? '', request, response)) response.writeHead(418).end();
    });
    const gate = new Gate(this.server, false);
    this.server.on('connection', (socket: Socket) => {
      this.served.add(socket);
      socket.once('close', () => this.served.delete(socket));
    });
    const host = { gate, root: '', localUrl: () => `http://127.0.0.1:${portOf(this.server)}` };
    const log = (texts: Texts) => void this.logged.push(say(texts, english));
    this.line = new Line({ ...SETTINGS, ...more }, { host, ownPorts: new OwnPorts(), clock, log });
    this.line.streams.listen({
      event: (message) => {
        this.told.push(message);
        this.arrivals.emit(message.event, message);
      },
    });
  }

  /** @param more settings; with `port: 0`, the line has a port of its own */
  static async start(more: Partial<LineSettings> = {}, clock: Clock = systemClock): Promise<Rig> {
    const rig = new Rig(more, clock);
    rig.server.listen(0, '127.0.0.1');
    await once(rig.server, 'listening');
    await rig.line.open();
    return rig;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.line.close();
    for (const socket of this.served) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** A new token's path. */
  streamPath(callId = 'c'): string {
    return new URL(this.line.streamUrl(callId)).pathname;
  }

  get eventsPath(): string {
    return new URL(this.line.eventsUrl).pathname;
  }

  /** A TCP connection to where the line is served. */
  async connect(): Promise<Raw> {
    const socket = connect(Number(new URL(this.line.eventsUrl).port), '127.0.0.1');
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
    const raw = new Raw(socket);
    await once(socket, 'connect');
    return raw;
  }

  /** A socket of a call's stream, upgraded. */
  async upgraded(headers = ''): Promise<Raw> {
    const raw = await this.connect();
    raw.socket.write(upgrade(this.streamPath(), headers));
    await raw.until(/\r\n\r\n/);
    return raw;
  }
}

/** A TCP connection, and all that came on it, as latin1. */
export class Raw {
  received = '';
  readonly closed: Promise<unknown>;

  constructor(readonly socket: Socket) {
    socket.setEncoding('latin1').on('data', (text: string) => (this.received += text));
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => socket.once('close', resolve));
  }

  /** Waits for what matches, or the end. */
  async until(pattern: RegExp, ms = 5_000): Promise<string> {
    const signal = AbortSignal.timeout(ms);
    while (!pattern.test(this.received) && !this.socket.closed) {
      const more = new AbortController();
      const any = AbortSignal.any([signal, more.signal]);
      await Promise.race([
        once(this.socket, 'data', { signal: any }),
        once(this.socket, 'close', { signal: any }),
      ])
        .catch((error: unknown) => {
          throw new Error(
            `nothing like ${String(pattern)} came in ${ms} ms, but ${JSON.stringify(this.received)}`,
            {
              cause: error,
            },
          );
        })
        .finally(() => more.abort());
    }
    return this.received;
  }

  /** The status of the answer; 0 if the connection ended without one. */
  async status(): Promise<number> {
    await this.until(/^HTTP\/1\.1 (\d{3})[^]*?\r\n\r\n/);
    return Number(/^HTTP\/1\.1 (\d{3})/.exec(this.received)?.[1] ?? 0);
  }
}

export function upgrade(path: string, headers = ''): string {
  return (
    `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
    `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${headers}\r\n`
  );
}

export function post(path: string, body = EVENT, headers = ''): string {
  const length = Buffer.byteLength(body);
  return (
    `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n` +
    `Content-Length: ${length}\r\n${headers}\r\n${body}`
  );
}

export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
