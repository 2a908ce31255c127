/**
 * One media stream, as Wavix runs it: dials `stream_url`, sends the call's audio in frames at real time, plays what a
 * two-way stream is sent (call-streaming-guide, "Call media streaming events").
 */

import { randomUUID } from 'node:crypto';
import { WebSocket, type RawData } from 'ws';
import {
  FRAME_BYTES,
  readToWavix,
  type FromWavix,
  type StreamChannel,
  type StreamType,
  type Track,
} from '../lib/streams/wire';
import { deferred } from './deferred';
import type { Tell } from './log';
import { maskUrl } from './mask';
import { Playout, type PlayoutFacts } from './playout';
import { pace, SAMPLES_PER_MS, type SampleClock } from './sample-clock';
import { SILENT_FRAME, Timeline } from './timeline';

const FRAME_SAMPLES = FRAME_BYTES / 2;
/** How long the other side may take to take the connection. */
const DIAL_TIMEOUT_MS = 5_000;
/** How long it may take to answer the close. */
const CLOSE_TIMEOUT_MS = 1_000;
/** Largest message taken: about four minutes of audio in one piece. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
/** Bytes that may wait for an application that does not read. */
const MAX_UNSENT_BYTES = 8 * 1024 * 1024;
/** The list of marks ends here; the counts go on. */
const MAX_MARKS = 10_000;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** Why a stream ended. */
export type StreamEnd =
  | 'stopped'
  | 'call ended'
  | 'closed by the application'
  | 'not connected'
  | 'too much audio buffered'
  | 'the application does not read'
  | 'shut down';

/** A mark that the application sent. Times are monotonic, in ms. */
export interface MarkFact {
  name: string;
  receivedAt: number;
  /** when it was sent back; undefined: it was not, or not yet */
  answeredAt: number | undefined;
  /** it was sent back because of a `clear` */
  cleared: boolean;
}

/** What happened on a stream, for tests to look at. Times are monotonic, in ms (`performance.now()`). */
export interface StreamFacts {
  dialledAt: number | undefined;
  /** when `start` was sent */
  startedAt: number | undefined;
  endedAt: number | undefined;
  end: StreamEnd | undefined;
  /** what went wrong, if something did: why it could not connect, the first message that could not be used */
  problem: string | undefined;
  /** the WebSocket's close code as it came from the application */
  closeCode: number | undefined;
  framesSent: { inbound: number; outbound: number };
  marksSent: number;
  /** messages of the application, by kind */
  mediaReceived: number;
  marksReceived: number;
  clearsReceived: number;
  /** messages that are not the guide's, or do not belong on this stream; they have no other effect */
  unusable: number;
  /** audio received */
  bytesReceived: number;
  firstMediaAt: number | undefined;
  lastMediaAt: number | undefined;
  /** the first ten thousand marks, in order of arrival */
  marks: MarkFact[];
  /** when each `clear` came, and how much audio it dropped */
  clears: { at: number; droppedMs: number }[];
  /** the playout; stays empty on a one-way stream */
  playout: PlayoutFacts;
}

export interface StreamSetup {
  call_id: string;
  stream_type: StreamType;
  /** as asked for; a two-way stream streams the inbound channel whatever it says */
  channel: StreamChannel;
  url: string;
}

export interface StreamParts {
  time: SampleClock;
  /** the call's audio, by track */
  read: Record<Track, (from: number, to: number) => Buffer>;
  /** where the audio of a two-way stream is laid out to be heard */
  playout: Timeline;
  tell: Tell;
  /** `sequence_number`, `timestamp` and `chunk` go out as strings */
  numbersAsStrings: boolean;
  /** audio that may be buffered; more ends the stream with close code 1008 */
  maxBufferedMs: number;
  /** how much of what was streamed is kept for `streamed()` */
  keepMs: number;
}

export class MediaStream {
  readonly #started = deferred<boolean>();
  readonly #closed = deferred<undefined>();

  readonly stream_id = randomUUID();
  readonly stream_type: StreamType;
  readonly channel: StreamChannel;
  /** the stream's URL, fit to be shown */
  readonly maskedUrl: string;
  readonly facts: StreamFacts;
  /** true once `start` was sent, false if that never came to be */
  readonly started = this.#started.promise;
  /** when the socket is gone */
  readonly closed: Promise<void> = this.#closed.promise;

  #setup: StreamSetup;
  #parts: StreamParts;
  #playout: Playout;
  #socket: WebSocket | undefined;
  #sequence = 0;
  #chunks: Record<Track, number> = { inbound: 0, outbound: 0 };
  #kept: Record<Track, Timeline> = { inbound: new Timeline(), outbound: new Timeline() };
  #keptFrom = 0;
  /** samples streamed so far */
  #length = 0;
  #stopPacing: (() => void) | undefined;

  constructor(setup: StreamSetup, parts: StreamParts) {
    this.#setup = setup;
    this.#parts = parts;
    this.stream_type = setup.stream_type;
    this.channel = setup.stream_type === 'twoway' ? 'inbound' : setup.channel;
    this.maskedUrl = maskUrl(setup.url);
    this.#playout = new Playout(parts.time, parts.playout);
    this.facts = {
      dialledAt: undefined,
      startedAt: undefined,
      endedAt: undefined,
      end: undefined,
      problem: undefined,
      closeCode: undefined,
      framesSent: this.#chunks,
      marksSent: 0,
      mediaReceived: 0,
      marksReceived: 0,
      clearsReceived: 0,
      unusable: 0,
      bytesReceived: 0,
      firstMediaAt: undefined,
      lastMediaAt: undefined,
      marks: [],
      clears: [],
      playout: this.#playout.facts,
    };
  }

  get live(): boolean {
    return this.facts.endedAt === undefined;
  }

  /** The tracks that are streamed. */
  get tracks(): readonly Track[] {
    return this.channel === 'both' ? ['inbound', 'outbound'] : [this.channel];
  }

  /** Audio that was received and has not been heard yet. */
  get bufferedMs(): number {
    return this.#playout.bufferedMs;
  }

  /**
   * What the application has been sent on a track: PCM s16le, mono, 24 kHz, from the stream's start (or the last
   * `maxRecordingMs` of it).
   */
  streamed(track: Track = this.tracks[0] ?? 'inbound'): Buffer {
    return this.#kept[track].read(this.#keptFrom, Math.max(this.#keptFrom, this.#length));
  }

  /** Dials. Goes on by itself from here. */
  dial(): void {
    const { url } = this.#setup;
    this.facts.dialledAt = this.#now();
    this.#tell('dialled');
    const socket = new WebSocket(url, {
      perMessageDeflate: false,
      handshakeTimeout: DIAL_TIMEOUT_MS,
      maxPayload: MAX_MESSAGE_BYTES,
    });
    this.#socket = socket;
    socket.on('unexpected-response', (request, response) => {
      this.facts.problem ??= `the answer was HTTP ${response.statusCode ?? 0}`;
      request.destroy();
      this.#over('not connected');
      this.#closed.resolve(undefined);
    });
    socket.on('error', (error: Error & { code?: string }) => {
      // The text of an error may hold the URL; its code does not.
      this.facts.problem ??= error.code ?? 'the WebSocket failed';
    });
    socket.on('open', () => this.#begin());
    socket.on('message', (data, isBinary) => this.#receive(data, isBinary));
    socket.on('close', (code) => {
      if (this.facts.startedAt !== undefined) this.facts.closeCode = code;
      this.#over(this.facts.startedAt === undefined ? 'not connected' : 'closed by the application');
      this.#closed.resolve(undefined);
    });
  }

  /** Sends `stop` and closes. Has no effect when it is over already. */
  stop(end: StreamEnd, closeCode = 1000, reason = ''): void {
    if (!this.live) return;
    if (this.facts.startedAt !== undefined) this.#send({ event: 'stop', ...this.#head() });
    this.#over(end);
    const socket = this.#socket;
    if (!socket) {
      this.#closed.resolve(undefined);
    } else if (socket.readyState === WebSocket.CONNECTING) {
      socket.terminate();
    } else {
      socket.close(closeCode, reason);
      const cancel = this.#parts.time.clock.after(CLOSE_TIMEOUT_MS, () => socket.terminate());
      socket.once('close', cancel);
    }
  }

  /** Gives back the memory of all but the last `keepMs`. */
  forget(): void {
    const before = this.#length - this.#parts.keepMs * SAMPLES_PER_MS;
    if (before <= this.#keptFrom) return;
    this.#keptFrom = before;
    for (const track of this.tracks) this.#kept[track].forget(before);
  }

  #begin(): void {
    if (!this.live) return;
    const { time } = this.#parts;
    const { stream_type, channel } = this;
    this.#send({ event: 'connected', event_time: this.#eventTime() });
    const { sequence_number, ...ids } = this.#head();
    this.#send({ event: 'start', ...ids, stream_type, channel, sequence_number });
    this.facts.startedAt = this.#now();
    this.#tell('connected');
    this.#started.resolve(true);
    const start = time.position();
    this.#stopPacing = pace(time, start, FRAME_SAMPLES, (from, to) => this.#frame(from, to, from - start));
  }

  #frame(from: number, to: number, sinceStart: number): void {
    for (const track of this.tracks) {
      const pcm = this.#parts.read[track](from, to);
      if (pcm !== SILENT_FRAME) this.#kept[track].add(sinceStart, pcm);
      this.#chunks[track] += 1;
      this.#send({
        event: 'media',
        ...this.#head(),
        media: {
          payload: pcm === SILENT_FRAME ? SILENT_PAYLOAD : pcm.toString('base64'),
          track,
          timestamp: Math.round(sinceStart / SAMPLES_PER_MS),
          chunk: this.#chunks[track],
        },
      });
    }
    this.#length = sinceStart + FRAME_SAMPLES;
    if ((this.#socket?.bufferedAmount ?? 0) > MAX_UNSENT_BYTES) {
      this.#socket?.terminate();
      this.#over('the application does not read');
    }
  }

  #receive(data: RawData, isBinary: boolean): void {
    if (!this.live) return;
    const message = isBinary
      ? { problem: 'a binary message' }
      : readToWavix((data as Buffer).toString('utf8'));
    if ('problem' in message) this.#unusable(message.problem);
    else if (message.stream_id !== this.stream_id) this.#unusable("the stream_id is not this stream's");
    else if (this.stream_type === 'oneway') this.#unusable(`${message.event} on a one-way stream`);
    else if (message.event === 'media') this.#play(message.media.payload);
    else if (message.event === 'mark') this.#mark(message.mark.name);
    else this.#clear();
  }

  #play(payload: string): void {
    if (!BASE64.test(payload)) {
      this.#unusable('a payload that is not base64');
      return;
    }
    const { facts } = this;
    const bytes = Buffer.from(payload, 'base64');
    if (bytes.length % 2 === 1) this.#unusable('a payload with half a sample; the odd byte is dropped');
    const pcm = bytes.subarray(0, bytes.length - (bytes.length % 2));
    facts.mediaReceived += 1;
    facts.bytesReceived += bytes.length;
    facts.lastMediaAt = this.#now();
    if (facts.firstMediaAt === undefined) {
      facts.firstMediaAt = facts.lastMediaAt;
      this.#tell('first-audio');
    }
    const { maxBufferedMs } = this.#parts;
    if (this.#playout.bufferedMs + pcm.length / 2 / SAMPLES_PER_MS > maxBufferedMs) {
      this.stop('too much audio buffered', 1008, `more than ${maxBufferedMs} ms of audio buffered`);
    } else {
      this.#playout.push(pcm);
    }
  }

  #mark(name: string): void {
    const { facts } = this;
    facts.marksReceived += 1;
    const fact: MarkFact = { name, receivedAt: this.#now(), answeredAt: undefined, cleared: false };
    if (facts.marks.length < MAX_MARKS) facts.marks.push(fact);
    this.#tellMark('received', name);
    this.#playout.mark((cleared) => {
      fact.answeredAt = this.#now();
      fact.cleared = cleared;
      facts.marksSent += 1;
      this.#send({ event: 'mark', ...this.#head(), mark: { name } });
      this.#tellMark(cleared ? 'cleared' : 'played', name);
    });
  }

  #clear(): void {
    const { facts } = this;
    facts.clearsReceived += 1;
    const at = this.#now();
    const droppedMs = this.#playout.clear();
    if (facts.clears.length < MAX_MARKS) facts.clears.push({ at, droppedMs });
    const { stream_id } = this;
    this.#parts.tell({ type: 'clear', call_id: this.#setup.call_id, stream_id, droppedMs });
  }

  #unusable(problem: string): void {
    this.facts.unusable += 1;
    this.facts.problem ??= `unusable message: ${problem}`;
    if (this.facts.unusable === 1) this.#tell('problem', problem);
  }

  /** What is not heard by now never will be; marks that wait are not answered, as the stream they'd go to is over. */
  #over(end: StreamEnd): void {
    if (!this.live) return;
    this.#stopPacing?.();
    this.#playout.close();
    this.facts.endedAt = this.#now();
    this.facts.end = end;
    this.#started.resolve(false);
    const { problem } = this.facts;
    this.#tell('ended', end === 'not connected' && problem !== undefined ? `${end} (${problem})` : end);
  }

  #head() {
    this.#sequence += 1;
    const { stream_id } = this;
    const { call_id } = this.#setup;
    return { event_time: this.#eventTime(), call_id, stream_id, sequence_number: this.#sequence };
  }

  #send(message: FromWavix): void {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    this.#socket.send(JSON.stringify(message, this.#parts.numbersAsStrings ? numberAsString : undefined));
  }

  #eventTime(): string {
    return new Date(this.#parts.time.clock.wallTime()).toISOString();
  }

  #now(): number {
    return this.#parts.time.clock.now();
  }

  #tell(what: 'dialled' | 'connected' | 'first-audio' | 'ended' | 'problem', reason?: string): void {
    const { stream_id, maskedUrl: url } = this;
    const { call_id } = this.#setup;
    const more = reason === undefined ? {} : { reason };
    this.#parts.tell({ type: 'stream', call_id, what, stream_id, url, ...more });
  }

  #tellMark(what: 'received' | 'played' | 'cleared', name: string): void {
    const { stream_id } = this;
    this.#parts.tell({ type: 'mark', call_id: this.#setup.call_id, what, stream_id, name });
  }
}

const SILENT_PAYLOAD = SILENT_FRAME.toString('base64');

function numberAsString(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? String(value) : value;
}
