/**
 * The door of one HTTP server: which addresses below which path belong to which line. One upgrade listener serves all
 * of them; it leaves alone what is not ours, so that others can have WebSockets on the same server.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { WavixError } from '../errors';

/** What a line does with what arrives at its two addresses. */
export interface Route {
  /** `POST {path}/events/{token}` */
  event(token: string, request: IncomingMessage, response: ServerResponse): void;
  /** WebSocket `{path}/streams/{token}`; answers at once, by upgrading or by `refuseUpgrade`. */
  stream(token: string, request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

export class Gate {
  private readonly routes = new Map<string, Route>();
  /** Single addresses that are answered before any line sees them, by `path/token`. */
  private readonly expected = new Map<string, Route>();
  /** bytes written to a socket before its upgrade arrived */
  private readonly written = new WeakMap<Duplex, number>();

  /**
   * @param alone whether nobody else serves this server: then what is not ours is refused instead of left alone
   */
  constructor(
    private readonly server: Server,
    private readonly alone: boolean,
  ) {}

  get isEmpty(): boolean {
    return this.routes.size === 0 && this.expected.size === 0;
  }

  /**
   * Serves `{path}/events/…` and `{path}/streams/…`.
   *
   * @returns ends it
   * @throws WavixError `WAVIX_CONFIG` if another line has that path
   */
  add(path: string, route: Route): () => void {
    if (this.routes.has(path)) {
      throw new WavixError('WAVIX_CONFIG', { key: 'config.pathTaken', values: { path } });
    }
    return this.serve(this.routes, path, route);
  }

  /**
   * Serves one token of `{path}/events/…` and `{path}/streams/…`, whoever has the path.
   *
   * @param token one that nobody can guess
   * @returns ends it
   */
  expect(path: string, token: string, route: Route): () => void {
    return this.serve(this.expected, `${path}/${token}`, route);
  }

  private serve(routes: Map<string, Route>, key: string, route: Route): () => void {
    if (this.isEmpty) this.server.prependListener('upgrade', this.onArrival).on('upgrade', this.onUpgrade);
    routes.set(key, route);
    return () => {
      if (routes.get(key) !== route) return;
      routes.delete(key);
      if (this.isEmpty) this.server.off('upgrade', this.onArrival).off('upgrade', this.onUpgrade);
    };
  }

  /**
   * Serves a request if it is for one of our addresses.
   *
   * @param url path as the server got it, not as seen below some mount point
   * @returns whether it was
   */
  request(url: string, request: IncomingMessage, response: ServerResponse): boolean {
    const found = this.find(url);
    if (!found) return false;
    if (found.kind === 'streams') {
      answer(response, 426, { Upgrade: 'websocket' });
    } else if (request.method !== 'POST') {
      answer(response, 405, { Allow: 'POST' });
    } else {
      found.route.event(found.token, request, response);
    }
    return true;
  }

  /** A kept connection, as proxies have them, may have carried answers before: only what comes from now on counts. */
  private readonly onArrival = (_request: IncomingMessage, socket: Duplex): void => {
    this.written.set(socket, bytesWritten(socket));
  };

  private readonly onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    // Somebody else on this server has answered already.
    if (socket.destroyed || socket.writableEnded || bytesWritten(socket) !== this.written.get(socket)) return;
    const found = this.find(request.url ?? '');
    if (found?.kind === 'streams') {
      found.route.stream(found.token, request, socket, head);
    } else if (found || this.alone) {
      refuseUpgrade(socket, 404);
    }
  };

  private find(url: string): { kind: 'events' | 'streams'; token: string; route: Route } | undefined {
    const match = /^(.*)\/(events|streams)(?:\/([^/?#]*))?(?:\?.*)?$/.exec(url);
    if (!match) return undefined;
    const [, path = '', kind, token = ''] = match;
    const route = this.expected.get(`${path}/${token}`) ?? this.routes.get(path);
    return route && { kind: kind as 'events' | 'streams', token, route };
  }
}

function bytesWritten(socket: Duplex): number {
  return 'bytesWritten' in socket ? Number(socket.bytesWritten) : 0;
}

/** Refuses a WebSocket before the upgrade, and lets its socket go. */
export function refuseUpgrade(socket: Duplex, status: number): void {
  socket.on('error', () => undefined);
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
    () => socket.destroy(),
  );
}

/** Answers with no body. */
export function answer(response: ServerResponse, status: number, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'Content-Length': '0', ...headers }).end();
}
