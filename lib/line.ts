/**
 * All that belongs to one `wavix-config` and outlives its node: the REST client, the calls, the live streams, and the
 * two addresses Wavix reaches us at. It knows which server serves them, not what a flow does with them.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { WavixApi, type ApiStyle } from './api/client';
import { audioReady } from './audio';
import { CallBook } from './calls/book';
import { isFinal, readCallEvent } from './calls/events';
import type { Clock } from './clock';
import { WavixError } from './errors';
import { asWebSocket, checkPublicUrl, isOnThisMachine, joinPath } from './server/addresses';
import { answer, refuseUpgrade, type Gate, type Route } from './server/gate';
import type { OwnPorts } from './server/own-port';
import { probeRoutes, type Reached } from './server/reachable';
import { receiveWebhook } from './server/webhook';
import { StreamHub, type Admission } from './streams/hub';
import {
  isEventsToken,
  readStreamToken,
  secretFromApiKey,
  signEventsToken,
  signStreamToken,
  STREAM_TOKEN_LIFE_MS,
  type StreamClaim,
} from './streams/tokens';
import type { Texts } from './texts';

/** The largest message of a stream, in bytes; the guide's have less than 2 KB. */
const MAX_MESSAGE_BYTES = 64 * 1024;

/** How long a stream that was lost may come back with the same address, in ms. */
const RETURN_MS = 30_000;

export interface LineSettings {
  apiUrl: string;
  apiStyle: ApiStyle;
  apiKey: string;
  /** Signs our addresses; empty: derived from the API key. */
  secret: string;
  /** Under which Wavix reaches this server's root; empty: only the local Wavix can. */
  publicUrl: string;
  path: string;
  /** A port of its own; undefined: the host's server. */
  port: number | undefined;
}

/** The server that is there anyway: Node-RED's. */
export interface HostServer {
  gate: Gate;
  /** Path below which it serves flows, such as `httpNodeRoot`. */
  root: string;
  /** How it is reached from this machine, e.g. `http://127.0.0.1:1880`; undefined while it does not listen. */
  localUrl(): string | undefined;
}

export interface LineDeps {
  host: HostServer;
  ownPorts: OwnPorts;
  clock: Clock;
  /** Problems that concern nobody's message; the text holds no secret. */
  log: (texts: Texts) => void;
}

interface UsedToken {
  /** wall-clock ms after which it is refused by its expiry alone */
  until: number;
  /** The stream that was lost and may come back with it … */
  streamId?: string;
  /** … up to this monotonic ms: a clock that is set must not move it. */
  returnUntil?: number;
}

interface OpenRoutes {
  path: string;
  port: number | undefined;
  close: () => void;
}

export class Line implements Route {
  readonly calls: CallBook;
  readonly streams: StreamHub;

  private readonly sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE_BYTES,
  });
  /** Tokens that were used, by their nonce, as long as they could be used again. */
  private readonly usedTokens = new Map<string, UsedToken>();
  private routes: OpenRoutes | undefined;
  private client: WavixApi | undefined;

  constructor(
    private settings: LineSettings,
    private readonly deps: LineDeps,
  ) {
    this.calls = new CallBook({
      clock: deps.clock,
      onListenerError: (error) => deps.log({ key: 'fault', values: { what: String(error) } }),
    });
    this.streams = new StreamHub({ clock: deps.clock, log: deps.log });
    this.calls.subscribe((event) => {
      if (isFinal(event)) this.streams.callOver(event.callId);
    });
  }

  /** Takes new settings after a deploy. Live streams go on; open routes move if their place changed. */
  async configure(settings: LineSettings): Promise<void> {
    const { apiUrl, apiStyle, apiKey } = this.settings;
    this.settings = settings;
    if (apiUrl !== settings.apiUrl || apiStyle !== settings.apiStyle || apiKey !== settings.apiKey) {
      // The former one is not closed: what it has under way may be a hang-up.
      this.client = undefined;
    }
    if (this.routes && (this.routes.path !== this.servedPath || this.routes.port !== settings.port)) {
      this.shut();
      await this.open();
    }
  }

  get apiUrl(): string {
    return this.settings.apiUrl;
  }

  /** The REST client. @throws WavixError `WAVIX_CONFIG` if the settings can't be used */
  get api(): WavixApi {
    const { apiUrl, apiStyle, apiKey } = this.settings;
    return (this.client ??= new WavixApi({ apiUrl, apiStyle, apiKey }, { clock: this.deps.clock }));
  }

  /**
   * Serves the two addresses. Doing it again changes nothing.
   *
   * @throws WavixError `WAVIX_CONFIG`: the port can't be listened on, or another line has the path
   */
  async open(): Promise<void> {
    if (this.routes) return;
    const { settings, servedPath: path } = this;
    const { port } = settings;
    const own = port === undefined ? undefined : this.deps.ownPorts.open(port);
    const remove = (own?.gate ?? this.deps.host.gate).add(path, this);
    const close = () => {
      remove();
      if (port !== undefined) this.deps.ownPorts.release(port);
    };
    this.routes = { path, port, close };
    try {
      await Promise.all([own?.listening, audioReady()]);
    } catch (error) {
      this.shut();
      throw error;
    }
  }

  /** Serves them no more. Streams that live go on. */
  shut(): void {
    this.routes?.close();
    this.routes = undefined;
  }

  /** Ends everything: streams are closed with 1001. */
  close(): void {
    this.shut();
    this.streams.close();
    this.calls.close();
    this.client?.close();
  }

  /**
   * The address for Wavix's webhooks. It holds a token: show it to nobody but the person who sets Wavix up.
   *
   * @throws WavixError `WAVIX_CONFIG`
   */
  get eventsUrl(): string {
    return `${this.baseUrl()}/events/${signEventsToken(this.neededSecret(), this.servedPath)}`;
  }

  /**
   * A new address for one stream of that call, good for one connection within 120 s.
   *
   * @throws WavixError `WAVIX_CONFIG`
   */
  streamUrl(callId: string): string {
    const token = signStreamToken(
      this.neededSecret(),
      callId,
      this.deps.clock.wallTime() + STREAM_TOKEN_LIFE_MS,
    );
    return `${asWebSocket(this.baseUrl())}/streams/${token}`;
  }

  /**
   * Asks itself for the two addresses as Wavix would. They need not be open: a port of its own is listened on for as long.
   *
   * @returns `address`: where it asked, without a path; `port`: the one of this machine that has to be reached in the end
   * @throws WavixError `WAVIX_CONFIG`: there is no address, or the port can't be listened on
   */
  async reach(timeoutMs?: number): Promise<Reached & { address: string; port: number | undefined }> {
    const { port } = this.settings;
    const own = port === undefined ? undefined : this.deps.ownPorts.open(port);
    try {
      await own?.listening;
      const baseUrl = this.baseUrl();
      const gate = own?.gate ?? this.deps.host.gate;
      const { clock } = this.deps;
      const reached = await probeRoutes(
        { gate, path: this.servedPath, baseUrl },
        { clock, ...(timeoutMs !== undefined && { timeoutMs }) },
      );
      const local = this.localUrl();
      return {
        ...reached,
        address: new URL(baseUrl).origin,
        port: local === undefined ? undefined : Number(new URL(local).port),
      };
    } finally {
      if (port !== undefined) this.deps.ownPorts.release(port);
    }
  }

  // Route: what arrives at the two addresses

  event(token: string, request: IncomingMessage, response: ServerResponse): void {
    const { secret } = this;
    if (secret === undefined || !isEventsToken(secret, this.servedPath, token)) {
      answer(response, 401, { Connection: 'close' });
      return;
    }
    receiveWebhook(request, response, (body) => this.calls.accept(readCallEvent(body)));
  }

  stream(token: string, request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { secret } = this;
    const claim = secret === undefined ? undefined : readStreamToken(secret, token);
    if (!claim) {
      refuseUpgrade(socket, 401);
      return;
    }
    const admission = this.admit(claim);
    if (!admission) {
      refuseUpgrade(socket, 403);
      return;
    }
    this.sockets.handleUpgrade(request, socket, head, (ws) => this.streams.accept(ws, socket, admission));
  }

  /** What a token allows now: one connection while it lives, and its stream's return if that was lost. */
  private admit({ callId, nonce, expiresAt }: StreamClaim): Admission | undefined {
    const { clock } = this.deps;
    const now = clock.wallTime();
    const mayReturn = (token: UsedToken | undefined) => (token?.returnUntil ?? -Infinity) >= clock.now();
    for (const [known, token] of this.usedTokens) {
      if (token.until < now && !mayReturn(token)) this.usedTokens.delete(known);
    }
    const used = this.usedTokens.get(nonce);
    if (!(used ? mayReturn(used) : expiresAt >= now)) return undefined;
    this.usedTokens.set(nonce, { until: Math.max(expiresAt, now) });
    const lost = (streamId: string) => {
      this.usedTokens.set(nonce, {
        until: Math.max(expiresAt, clock.wallTime()),
        streamId,
        returnUntil: clock.now() + RETURN_MS,
      });
    };
    return { callId, streamId: used?.streamId, lost };
  }

  private get servedPath(): string {
    const { path, port } = this.settings;
    return port === undefined ? joinPath(this.deps.host.root, path) : joinPath(path);
  }

  /** What signs our addresses; none without a key: then nobody gets in. */
  private get secret(): string | undefined {
    const { secret, apiKey } = this.settings;
    return secret || (apiKey ? secretFromApiKey(apiKey) : undefined);
  }

  private neededSecret(): string {
    const { secret } = this;
    if (secret !== undefined) return secret;
    throw new WavixError('WAVIX_CONFIG', { key: 'config.noApiKey' });
  }

  /** Address of the served path, as Wavix reaches it. */
  private baseUrl(): string {
    const { publicUrl, apiUrl } = this.settings;
    if (publicUrl) return checkPublicUrl(publicUrl) + this.servedPath;
    if (!isOnThisMachine(apiUrl)) throw new WavixError('WAVIX_CONFIG', { key: 'config.noPublicUrl' });
    const local = this.localUrl();
    if (local === undefined) throw new WavixError('WAVIX_CONFIG', { key: 'config.notListening' });
    return local + this.servedPath;
  }

  private localUrl(): string | undefined {
    const { port } = this.settings;
    return port === undefined
      ? this.deps.host.localUrl()
      : `http://127.0.0.1:${this.deps.ownPorts.portOf(port)}`;
  }
}
