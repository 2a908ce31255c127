/**
 * One request over HTTP and what became of it. Errors of axios, which carry the URL and headers with the key in them, end
 * here: what leaves is only what is known to be harmless. Knows nothing of Wavix.
 */
import http from 'node:http';
import https from 'node:https';
import axios, { type AxiosInstance } from 'axios';
import type { Clock } from '../clock';
import { abortError, onAbort } from './abort';

/** A request ready to be sent. Its `url` and `headers` may hold secrets: never show them. */
export interface ExchangeRequest {
  method: 'GET' | 'POST' | 'DELETE';
  url: string;
  headers: Record<string, string>;
  body?: string;
}

/** What became of a request. */
export type Exchange =
  | {
      kind: 'answer';
      status: number;
      retryAfter: string | undefined;
      /** Where a redirect leads; it is not followed. It may repeat what is secret in the request. */
      location: string | undefined;
      text: string;
    }
  /** The answer is larger than an answer of Wavix can be. */
  | { kind: 'too-large' }
  /** No connection came about, so that the request never left. `code` is the system's, such as `ECONNREFUSED`. */
  | { kind: 'unreachable'; code: string }
  /** The connection broke before the whole answer was here: the request may have been carried out. */
  | { kind: 'lost'; code: string }
  /** `sent`: the same; otherwise there was no connection yet. */
  | { kind: 'timeout'; sent: boolean };

const LARGEST_ANSWER = 1024 * 1024; // bytes

/**
 * Idle connections are closed after this, ms: before servers usually do it, so that a request seldom goes out on a
 * connection that the other side is just closing.
 */
const IDLE_MS = 4000;

/** Sends requests over connections that are kept for a while, until it is closed. */
export class Exchanger {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #agents = [
    new http.Agent({ keepAlive: true, timeout: IDLE_MS }),
    new https.Agent({ keepAlive: true, timeout: IDLE_MS }),
  ] as const;
  readonly #axios: AxiosInstance;

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#axios = axios.create({
      httpAgent: this.#agents[0],
      httpsAgent: this.#agents[1],
      maxRedirects: 0,
      maxContentLength: LARGEST_ANSWER,
      validateStatus: () => true,
      responseType: 'arraybuffer',
      transformRequest: [],
      transformResponse: [],
    });
  }

  /** @throws an AbortError when `signal` is aborted; anything else that goes wrong is in the answer. */
  async exchange(request: ExchangeRequest, signal: AbortSignal): Promise<Exchange> {
    if (signal.aborted) throw abortError();
    const stop = new AbortController();
    const cancelTimer = this.#clock.after(this.#timeoutMs, () => stop.abort('timeout'));
    const leave = onAbort(signal, () => stop.abort('given up'));
    const watched = watchedTransport();
    try {
      const response = await this.#axios.request<Buffer>({
        method: request.method,
        url: request.url,
        // false keeps axios from naming a type of a body that isn't there.
        headers: { 'Content-Type': false, ...request.headers },
        data: request.body,
        signal: stop.signal,
        transport: watched.transport,
      });
      const header = (name: string) => {
        const value: unknown = response.headers[name];
        return typeof value === 'string' ? value : undefined;
      };
      return {
        kind: 'answer',
        status: response.status,
        retryAfter: header('retry-after'),
        location: header('location'),
        text: new TextDecoder().decode(response.data),
      };
    } catch (error) {
      if (stop.signal.reason === 'given up') throw abortError();
      if (stop.signal.reason === 'timeout') return { kind: 'timeout', sent: watched.connected() };
      return failureOf(error, watched.connected());
    } finally {
      cancelTimer();
      leave();
    }
  }

  /** Closes all connections, used or idle. */
  close(): void {
    for (const agent of this.#agents) agent.destroy();
  }
}

function failureOf(error: unknown, connected: boolean): Exchange {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (typeof message === 'string' && message.startsWith('maxContentLength')) return { kind: 'too-large' };
  const harmless = typeof code === 'string' && /^[A-Z][A-Z0-9_]{2,50}$/.test(code) ? code : 'unknown';
  // Found out in the handshake, before anything is sent; in a proxy's tunnel `connected` can't tell.
  const reached = connected && !isUntrusted(harmless);
  return { kind: reached ? 'lost' : 'unreachable', code: harmless };
}

/** Whether a system's code means that the other side's certificate was refused. */
export function isUntrusted(code: string): boolean {
  return /CERT|SELF_SIGNED|^UNABLE_TO_/.test(code);
}

/**
 * Node's own http and https, with a look at whether there was ever a connection that the request could have gone out on.
 * Over a proxy's tunnel that can't be seen; then the answer is yes, the careful one.
 */
function watchedTransport(): { transport: object; connected: () => boolean } {
  let connected = false;
  const request = (options: https.RequestOptions, onAnswer: (answer: http.IncomingMessage) => void) => {
    const secure = options.protocol === 'https:';
    const sent = (secure ? https : http).request(options, onAnswer);
    sent.once('socket', (socket) => {
      if (!socket.connecting) connected = true;
      else socket.once(secure ? 'secureConnect' : 'connect', () => (connected = true));
    });
    return sent;
  };
  return { transport: { request }, connected: () => connected };
}
