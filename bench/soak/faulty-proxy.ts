/**
 * Stands before the local Wavix's API and fails as the real one may: 429 and 503 with Retry-After, connections refused,
 * answers lost after the request went through.
 */
import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Random } from './random';

export interface ProxyFacts {
  requests: number;
  answered429: number;
  answered503: number;
  answersLost: number;
  timesRefusing: number;
}

/** How long it refuses connections at a time, in ms; the API's client tries for longer. */
const REFUSE_MS = 600;

export class FaultyProxy {
  readonly facts: ProxyFacts = {
    requests: 0,
    answered429: 0,
    answered503: 0,
    answersLost: 0,
    timesRefusing: 0,
  };
  /** false: everything goes through */
  faulty = true;

  private server: http.Server | undefined;
  private port = 0;
  private stopped = false;

  constructor(
    private readonly target: string,
    private readonly random: Random,
  ) {}

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const server = http.createServer((request, response) => this.serve(request, response));
    this.server = server;
    server.listen(this.port, '127.0.0.1');
    await once(server, 'listening');
    this.port = (server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.shut();
  }

  /** Connections are refused for a moment. */
  async refuse(): Promise<void> {
    if (!this.server) return;
    this.facts.timesRefusing++;
    await this.shut();
    await new Promise((resolve) => setTimeout(resolve, REFUSE_MS));
    if (!this.stopped) await this.start();
  }

  /** Ends without breaking off what is under way: that would be another fault. */
  private async shut(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    if (!server?.listening) return;
    const closed = once(server, 'close');
    server.close();
    server.closeIdleConnections();
    await closed;
  }

  private serve(request: IncomingMessage, response: ServerResponse): void {
    const { facts } = this;
    facts.requests++;
    const fault = this.faulty
      ? this.random.pick({ none: 90, 'too many': 4, unavailable: 4, lost: 2 })
      : 'none';
    if (!this.server) response.setHeader('Connection', 'close');
    if (fault === 'too many' || fault === 'unavailable') {
      if (fault === 'too many') facts.answered429++;
      else facts.answered503++;
      request.resume();
      response.writeHead(fault === 'too many' ? 429 : 503, {
        'Content-Type': 'application/json',
        'Retry-After': String(this.random.whole(0, 1)),
      });
      response.end(JSON.stringify({ success: false, message: 'The soak said no.' }));
      return;
    }
    const { method, url, headers } = request;
    const onward = http.request(this.target + (url ?? ''), { method, headers }, (answer) => {
      if (fault === 'lost') {
        facts.answersLost++;
        answer.resume();
        answer.once('end', () => request.socket.destroy());
        return;
      }
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => request.socket.destroy());
    request.pipe(onward);
  }
}
