/**
 * Owns every live stream of one line (one `wavix-config`). Streams are its own, not a node's: nodes come and go with
 * each deploy, listen here and speak through here, and the streams go on.
 */
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Clock } from '../clock';
import { WavixError } from '../errors';
import type { TextKey, Texts } from '../texts';
import { ExpectedStreams, type Expected } from './expected';
import { FrameClock } from './frame-clock';
import { awaitStart, CLOSE_GOING_AWAY } from './handshake';
import { Inlet } from './inlet';
import type { MarkHeard } from './playout';
import { MediaStream, type StreamEnd, type StreamGap, type StreamOwner, type StreamProblem } from './stream';
import { formatKey, type AudioPiece, type ListenFormat } from './tap';
import type { ConnectedMessage, MarkMessage, StartMessage, StreamType } from './wire';

/** How long a stream has just ended, in ms. */
const JUST_ENDED_MS = 1_000;

/** How often live sockets are looked after, in ms. */
const WATCH_MS = 2_500;

/** How many streams of a type a call may have (the guide, "Start call media streaming"). */
const MOST_STREAMS: Record<StreamType, number> = { twoway: 1, oneway: 5 };

/** One who hears all streams of a line. None of these may throw; what they throw is logged and goes no further. */
export interface StreamListener {
  audio?(piece: AudioPiece, stream: MediaStream): void;
  mark?(message: MarkMessage, heard: MarkHeard): void;
  /** `connected` comes before the stream has an id: only its call is known. */
  event?(message: (ConnectedMessage & { call_id: string }) | StartMessage | StreamGap | StreamEnd): void;
}

/** Those who want the audio in the same form. */
export interface Audience {
  readonly format: ListenFormat;
  listeners: readonly StreamListener[];
}

/** Which stream is meant: by its id, else the two-way stream of a call, else the only two-way stream there is. */
export interface StreamTarget {
  streamId?: string | undefined;
  callId?: string | undefined;
}

/** What a socket's address allows. */
export interface Admission {
  /** The call it was signed for. */
  callId: string;
  /** The one stream that may come back with it; undefined if none has used it yet. */
  streamId?: string | undefined;
  /** The stream was lost, not stopped: it may come back. */
  lost?: (streamId: string) => void;
}

interface LiveEntry {
  stream: MediaStream;
  admission: Admission;
  /** Wavix has been asked to stop it, and has said yes: its `stop` is on the way. */
  isStopping: boolean;
}

interface Waiter {
  target: StreamTarget;
  use: (stream: MediaStream) => void;
  fail: (error: WavixError) => void;
}

export interface HubDeps {
  clock: Clock;
  /** Problems that concern nobody's message; the text holds no secret. */
  log: (texts: Texts) => void;
}

export class StreamHub implements StreamOwner {
  /** One for each form that the audio is wanted in; another array whenever there are others. */
  audiences: readonly Audience[] = [];

  private readonly frameClock: FrameClock;
  private readonly streams = new Map<string, LiveEntry>();
  private readonly listeners = new Set<StreamListener>();
  private readonly starting = new Set<(code: number) => void>();
  /** Streams that ended a moment ago, and when. */
  private readonly endedAt = new Map<string, number>();
  private readonly expected: ExpectedStreams;
  private waiters: Waiter[] = [];
  private cancelWatch: (() => void) | undefined;

  constructor(private readonly deps: HubDeps) {
    this.frameClock = new FrameClock(deps.clock);
    this.expected = new ExpectedStreams(deps.clock, () => this.settleWaiters());
  }

  /** Streams that have started and not ended. */
  get live(): MediaStream[] {
    return Array.from(this.streams.values(), ({ stream }) => stream);
  }

  get liveCount(): number {
    return this.streams.size;
  }

  /**
   * Tells `listener` of every stream from now on, its audio in the given form.
   *
   * @returns ends it
   */
  listen(listener: StreamListener, format?: ListenFormat): () => void {
    this.listeners.add(listener);
    const audience = format && this.audienceOf(format);
    if (audience) audience.listeners = [...audience.listeners, listener];
    return () => {
      this.listeners.delete(listener);
      if (!audience) return;
      audience.listeners = audience.listeners.filter((one) => one !== listener);
      if (audience.listeners.length > 0) return;
      this.audiences = this.audiences.filter((one) => one !== audience);
    };
  }

  private audienceOf(format: ListenFormat): Audience {
    const key = formatKey(format);
    let audience = this.audiences.find((one) => formatKey(one.format) === key);
    if (!audience) {
      audience = { format, listeners: [] };
      this.audiences = [...this.audiences, audience];
    }
    return audience;
  }

  /** Takes a socket of Wavix, and the connection below it. */
  accept(socket: WebSocket, connection: Duplex, admission: Admission): void {
    const { callId } = admission;
    const inlet = Inlet.of(socket, connection);
    const close = awaitStart(socket, this.deps.clock, {
      connected: (message) => this.tell((listener) => listener.event?.({ ...message, call_id: callId })),
      refuse: ({ call_id, stream_id }) => {
        if (call_id !== callId) return { key: 'start.otherCall' };
        if (admission.streamId !== undefined && stream_id !== admission.streamId) {
          return { key: 'start.otherStream' };
        }
        return this.streams.has(stream_id) ? { key: 'start.isLive' } : undefined;
      },
      started: (message, malformed) => {
        this.starting.delete(close);
        this.start(
          new MediaStream({ socket, connection, inlet }, message, this, this.frameClock, malformed),
          message,
          admission,
        );
      },
      failed: (problem) => {
        this.starting.delete(close);
        this.deps.log([{ key: 'start.failed', values: { call: callId } }, problem]);
      },
    });
    this.starting.add(close);
  }

  /**
   * Whether one more stream of a call may be asked for (the guide: a single two-way and up to five one-way).
   *
   * @throws WavixError `WAVIX_LIMIT`
   */
  checkLimit(callId: string, type: StreamType): void {
    const live = this.staying.filter((one) => one.callId === callId && one.type === type);
    const count = live.length + this.expected.count(callId, type);
    if (count < MOST_STREAMS[type]) return;
    throw new WavixError('WAVIX_LIMIT', { key: `stream.${type}Limit` });
  }

  /** Wavix has agreed to stop that stream: another may take its place before its `stop` has come. */
  stopping(streamId: string): void {
    const entry = this.streams.get(streamId);
    if (entry) entry.isStopping = true;
  }

  /** A stream of that call has been asked for: who wants to speak to it before it starts waits for it. */
  expect(callId: string, type: StreamType): Expected {
    return this.expected.add(callId, type);
  }

  /** That call is over: no stream of it is to be expected. */
  callOver(callId: string): void {
    this.expected.callOver(callId);
  }

  /**
   * Calls `use` with the two-way stream that is meant: now, or once it starts if it has been asked for. Else `fail`
   * with `WAVIX_NO_STREAM`. Calls come in the order in which they were asked for.
   */
  reach(target: StreamTarget, use: Waiter['use'], fail: Waiter['fail']): void {
    const found = this.find(target);
    if (found instanceof MediaStream) use(found);
    else if (this.isExpected(target)) this.waiters.push({ target, use, fail });
    else fail(found);
  }

  /** The live two-way stream that is meant, or why there is none. */
  find({ streamId, callId }: StreamTarget): MediaStream | WavixError {
    if (streamId !== undefined) {
      const stream = this.streams.get(streamId)?.stream;
      if (!stream) return noStream('stream.gone');
      if (stream.type === 'twoway') return stream;
      return noStream('stream.oneway');
    }
    const twoway = this.staying.filter((stream) => stream.type === 'twoway');
    const [first, second] = callId === undefined ? twoway : twoway.filter((one) => one.callId === callId);
    if (first && (!second || callId !== undefined)) return first;
    if (callId !== undefined) return noStream('stream.noneOfCall');
    return noStream(first ? 'stream.several' : 'stream.none');
  }

  /** Whether that stream ended a moment ago: what was on its way to it then is no mistake of the flow. */
  hasJustEnded(streamId: string): boolean {
    return (this.endedAt.get(streamId) ?? -Infinity) >= this.deps.clock.now() - JUST_ENDED_MS;
  }

  /** Closes every stream, live or starting. */
  close(code = CLOSE_GOING_AWAY): void {
    for (const stream of this.live) stream.close(code);
    for (const close of this.starting) close(code);
    this.expected.clear();
  }

  // What the streams tell

  audio(stream: MediaStream, { listeners }: Audience, piece: AudioPiece): void {
    // One conversion serves all, but a flow may do with its bytes as it likes: all but one get a copy.
    for (let at = listeners.length - 1; at > 0; at--) this.tellAudio(listeners[at], copyOf(piece), stream);
    this.tellAudio(listeners[0], piece, stream);
  }

  mark(_stream: MediaStream, message: MarkMessage, heard: MarkHeard): void {
    if (!heard.own) this.tell((listener) => listener.mark?.(message, heard));
  }

  gap(_stream: MediaStream, gap: StreamGap): void {
    this.tell((listener) => listener.event?.(gap));
  }

  malformed(stream: MediaStream, problem: StreamProblem): void {
    this.deps.log([
      { key: 'wire.malformed', values: { stream: stream.streamId } },
      { key: `malformed.${problem}` },
    ]);
  }

  failed(stream: MediaStream, error: unknown): void {
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.deps.log({ key: 'wire.fault', values: { stream: stream.streamId, what } });
  }

  ended(stream: MediaStream, end: StreamEnd): void {
    const admission = this.streams.get(stream.streamId)?.admission;
    this.streams.delete(stream.streamId);
    if (this.streams.size === 0) this.stopWatch();
    for (const [id, at] of this.endedAt) {
      if (at < this.deps.clock.now() - JUST_ENDED_MS) this.endedAt.delete(id);
    }
    this.endedAt.set(stream.streamId, this.deps.clock.now());
    if (end.event === 'lost' && end.code !== CLOSE_GOING_AWAY) admission?.lost?.(stream.streamId);
    this.tell((listener) => listener.event?.(end));
  }

  private start(stream: MediaStream, message: StartMessage, admission: Admission): void {
    this.streams.set(stream.streamId, { stream, admission, isStopping: false });
    this.cancelWatch ??= this.deps.clock.after(WATCH_MS, this.watch);
    this.expected.started(stream);
    this.tell((listener) => listener.event?.(message));
  }

  private get staying(): MediaStream[] {
    return [...this.streams.values()].flatMap(({ stream, isStopping }) => (isStopping ? [] : [stream]));
  }

  private isExpected(target: StreamTarget): boolean {
    const count = this.expected.countTwoway(target);
    if (target.streamId !== undefined || target.callId !== undefined) return count > 0;
    return count === 1 && !this.staying.some(({ type }) => type === 'twoway');
  }

  /** Serves everybody whose stream is there now, or no longer to be expected. */
  private settleWaiters(): void {
    const waiters = this.waiters;
    this.waiters = [];
    for (const { target, use, fail } of waiters) this.call(() => this.reach(target, use, fail));
  }

  /** Looks after all live sockets as long as there are any. */
  private readonly watch = (): void => {
    const { clock } = this.deps;
    this.cancelWatch = clock.after(WATCH_MS, this.watch);
    for (const stream of this.live) stream.check(clock.now());
  };

  private stopWatch(): void {
    this.cancelWatch?.();
    this.cancelWatch = undefined;
  }

  /** As `call`, without a closure: the way of every frame. */
  private tellAudio(listener: StreamListener | undefined, piece: AudioPiece, stream: MediaStream): void {
    try {
      listener?.audio?.(piece, stream);
    } catch (error) {
      this.deps.log({ key: 'fault', values: { what: String(error) } });
    }
  }

  private tell(what: (listener: StreamListener) => void): void {
    for (const listener of [...this.listeners]) this.call(() => what(listener));
  }

  /** Nobody's mistake may stop a stream, or reach its socket. */
  private call(what: () => void): void {
    try {
      what();
    } catch (error) {
      this.deps.log({ key: 'fault', values: { what: String(error) } });
    }
  }
}

function copyOf(piece: AudioPiece): AudioPiece {
  const { payload } = piece;
  return typeof payload === 'string' ? piece : { ...piece, payload: Buffer.from(payload) };
}

function noStream(key: TextKey): WavixError {
  return new WavixError('WAVIX_NO_STREAM', { key });
}
