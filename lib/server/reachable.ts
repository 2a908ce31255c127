/**
 * Whether this server can be reached under its public address, as far as it can tell by asking itself. A probe goes out to
 * both kinds of routes as Wavix would: an event is posted, a WebSocket is opened. Its token is made for it alone, so that
 * the gate answers it before any line sees it: no flow, no call and no statistics know of it. What comes back must be a
 * secret that was not sent: so the answer is this process's, and no other server's.
 */
import { randomBytes } from 'node:crypto';
import { WebSocket, WebSocketServer } from 'ws';
import { Exchanger, isUntrusted, type Exchange, type ExchangeRequest } from '../api/exchange';
import type { Clock } from '../clock';
import { asWebSocket } from './addresses';
import type { Gate, Route } from './gate';

/** What can stand in the way. The words for it are the reader's. */
export const PROBLEMS = [
  /** The name has no address. */
  'notFound',
  /** Nothing listens there. */
  'refused',
  /** There is no way there, for another reason: `code`. */
  'unreachable',
  /** No answer in time: `seconds`. */
  'timeout',
  /** The certificate is not trusted here: `code`. */
  'certificate',
  /** What answers speaks no TLS, or no HTTP: `code`. */
  'notTls',
  /** The connection broke before the answer was here: `code`. */
  'cut',
  /** It is sent on to another server: `status`, `location`. */
  'redirect',
  /** A login stands in front: `status`. */
  'login',
  /** What answers does not know the path: 404. */
  'notHere',
  /** A proxy answers, and does not reach this server: `status`. */
  'gateway',
  /** Somebody else answers: `status`. */
  'stranger',
  /** Requests come through, the upgrade to a WebSocket does not: `status`. */
  'noUpgrade',
  /** The WebSocket opens, and nothing comes through it. */
  'silent',
] as const;

export type Problem = (typeof PROBLEMS)[number];

/** How a probe fared; without a problem it came back. Nothing in it is secret. */
export interface Finding {
  problem?: Problem;
  /** of the system, such as `ECONNREFUSED` */
  code?: string;
  /** of HTTP */
  status?: number;
  /** origin that it is sent on to */
  location?: string;
  /** how long was waited */
  seconds?: number;
}

export interface Reached {
  events: Finding;
  streams: Finding;
}

export interface ProbeDeps {
  clock: Clock;
  /** How long a probe may take, in ms; 8 000 if left out. */
  timeoutMs?: number;
}

const TIMEOUT_MS = 8_000;
const SECRET_BYTES = 24;
const LARGEST_MESSAGE = 1_024; // bytes

/** Something that nobody else knows, fit for a URL. */
export function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url');
}

/**
 * Asks for both kinds of routes below `path` of a gate's server, whether a line serves that path now or not.
 *
 * @param baseUrl the address of `path`, as Wavix would use it
 */
export async function probeRoutes(
  { gate, path, baseUrl }: { gate: Gate; path: string; baseUrl: string },
  deps: ProbeDeps,
): Promise<Reached> {
  const [token, proof] = [`probe.${newSecret()}`, newSecret()];
  const route = new ProbeRoute(proof);
  const end = gate.expect(path, token, route);
  try {
    const headers = { 'Content-Type': 'application/json' };
    const [events, streams] = await Promise.all([
      probeHttp({ method: 'POST', url: `${baseUrl}/events/${token}`, headers, body: '{}' }, proof, deps),
      probeSocket(`${asWebSocket(baseUrl)}/streams/${token}`, proof, deps),
    ]);
    return { events, streams: events.problem === undefined ? ofUpgrade(streams) : streams };
  } finally {
    end();
    route.close();
  }
}

/** What answers the probe here. */
class ProbeRoute implements Route {
  private readonly sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: LARGEST_MESSAGE,
  });

  constructor(private readonly proof: string) {}

  event: Route['event'] = (_token, request, response) => {
    request.resume();
    response.writeHead(200, { 'Content-Type': 'text/plain', 'Cache-Control': 'no-store' }).end(this.proof);
  };

  stream: Route['stream'] = (_token, request, socket, head) => {
    this.sockets.handleUpgrade(request, socket, head, (ws) => {
      ws.on('error', () => undefined);
      ws.send(this.proof);
      ws.close(1000);
    });
  };

  close(): void {
    for (const ws of this.sockets.clients) ws.terminate();
    this.sockets.close();
  }
}

/** Makes one request and looks for `proof` in its answer. */
export async function probeHttp(
  request: ExchangeRequest,
  proof: string,
  { clock, timeoutMs = TIMEOUT_MS }: ProbeDeps,
): Promise<Finding> {
  const exchanger = new Exchanger(clock, timeoutMs);
  try {
    const exchange = await exchanger.exchange(request, new AbortController().signal);
    return judge(exchange, request.url, proof, timeoutMs);
  } finally {
    exchanger.close();
  }
}

function judge(exchange: Exchange, url: string, proof: string, timeoutMs: number): Finding {
  switch (exchange.kind) {
    case 'answer':
      return exchange.status === 200 && exchange.text === proof
        ? {}
        : ofStatus(exchange.status, exchange.location, url);
    case 'too-large':
      return { problem: 'stranger', status: 200 };
    case 'timeout':
      return { problem: 'timeout', seconds: timeoutMs / 1_000 };
    case 'unreachable':
      return ofCode(exchange.code);
    case 'lost':
      return exchange.code.startsWith('HPE_')
        ? { problem: 'notTls', code: exchange.code }
        : { problem: 'cut', code: exchange.code };
  }
}

function ofStatus(status: number, location: string | undefined, url: string): Finding {
  if (status >= 300 && status < 400) {
    const target = location === undefined ? undefined : originOf(location, url);
    // To another page of the same server: that is how logins do it.
    return target === undefined || target === new URL(url).origin.replace(/^ws/, 'http')
      ? { problem: 'login', status }
      : { problem: 'redirect', status, location: target };
  }
  if (status === 401 || status === 403 || status === 407) return { problem: 'login', status };
  if (status === 404) return { problem: 'notHere', status };
  if (status >= 500) return { problem: 'gateway', status };
  return { problem: 'stranger', status };
}

/** Only the origin: the rest may repeat the token. */
function originOf(location: string, base: string): string | undefined {
  try {
    return new URL(location, base.replace(/^ws/, 'http')).origin;
  } catch {
    return undefined;
  }
}

function ofCode(code: string): Finding {
  if (isUntrusted(code)) return { problem: 'certificate', code };
  if (/EPROTO|SSL/.test(code)) return { problem: 'notTls', code };
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN' || code === 'ENODATA')
    return { problem: 'notFound', code };
  if (code === 'ECONNREFUSED') return { problem: 'refused', code };
  return { problem: 'unreachable', code };
}

/** Where requests come through and the upgrade does not, it is the upgrade that somebody does not know. */
function ofUpgrade(finding: Finding): Finding {
  const { problem, status } = finding;
  const isOther = problem === 'stranger' || problem === 'gateway' || problem === 'cut';
  return isOther ? { problem: 'noUpgrade', ...(status !== undefined && { status }) } : finding;
}

function probeSocket(url: string, proof: string, deps: ProbeDeps): Promise<Finding> {
  const { clock, timeoutMs = TIMEOUT_MS } = deps;
  return new Promise((resolve) => {
    const socket = new WebSocket(url, { maxPayload: LARGEST_MESSAGE, perMessageDeflate: false });
    let isOpen = false;
    const cancel = clock.after(timeoutMs, () =>
      end(isOpen ? { problem: 'silent' } : { problem: 'timeout', seconds: timeoutMs / 1_000 }),
    );
    const end = (finding: Finding) => {
      cancel();
      socket.terminate();
      resolve(finding);
    };
    socket
      .on('open', () => (isOpen = true))
      .on('message', (data: Buffer) => {
        end(data.toString() === proof ? {} : { problem: 'stranger', status: 101 });
      })
      .on('close', () => end({ problem: 'silent' }))
      .on('unexpected-response', (_request, response) => {
        response.resume();
        end(ofStatus(response.statusCode ?? 0, response.headers.location, url));
      })
      .on('error', ({ code }: NodeJS.ErrnoException) => {
        const harmless = code !== undefined && /^[A-Z][A-Z0-9_]{2,50}$/.test(code) ? code : 'unknown';
        end(isOpen || harmless === 'ECONNRESET' ? { problem: 'cut', code: harmless } : ofCode(harmless));
      });
  });
}
