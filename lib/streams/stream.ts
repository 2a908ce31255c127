/**
 * One live media stream: reads what Wavix sends on its socket, hands the caller's audio to the taps that want it, and
 * on a two-way stream owns the playout. It lives from `start` to `stop`, or until its socket is lost.
 */
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { Slab } from '../audio/slab';
import { decodeBase64Into } from './base64';
import type { FrameClock } from './frame-clock';
import { CLOSE_NORMAL } from './handshake';
import type { Audience } from './hub';
import type { Inlet } from './inlet';
import { MediaReader, type MediaFrame } from './media-reader';
import { Outlet } from './outlet';
import { MAX_SOCKET_BACKLOG, Playout, type MarkHeard } from './playout';
import { Speech } from './speech';
import { Tap, type AudioPiece } from './tap';
import {
  readFromWavix,
  WIRE_BYTES_PER_MS,
  type FromWavix,
  type Malformed,
  type MarkMessage,
  type MediaMessage,
  type StartMessage,
  type StopMessage,
  type StreamType,
  type WireProblem,
} from './wire';

/** A socket that says nothing for this long is given up, in ms; half of it, and it is pinged. */
const SILENT_MS = 25_000;

/** So is one that takes nothing of what is sent for this long, in ms. */
const STUCK_MS = 10_000;

/** What a stream did in its life; part of the contract with flows. */
export interface StreamStats {
  frames_in: number;
  frames_out: number;
  ms_in: number;
  ms_out: number;
  /** messages of Wavix that never came, by their sequence numbers */
  missing: number;
  /** messages that were not the guide's, and were passed over */
  malformed: number;
  duration_ms: number;
}

/** How a stream ended: Wavix's own `stop`, or the loss of its socket. */
export type StreamEnd =
  | (StopMessage & { stats: StreamStats })
  | { event: 'lost'; call_id: string; stream_id: string; code: number; stats: StreamStats };

/** Messages of Wavix that never came: `missing` of them before `sequence_number`. */
export interface StreamGap {
  event: 'gap';
  call_id: string;
  stream_id: string;
  expected: number;
  sequence_number: number;
  missing: number;
}

/** What may be wrong with a message on a stream; texts for people are in the catalogue, under these words. */
export type StreamProblem =
  | WireProblem
  | 'a binary message'
  | 'a message before start'
  | 'a second connected'
  | 'a second start'
  | 'a message of another stream'
  | 'media that is no audio';

/** Whom a stream tells. */
export interface StreamOwner {
  /** One for each form that the audio is wanted in just now; another array whenever there are others. */
  readonly audiences: readonly Audience[];
  audio(stream: MediaStream, audience: Audience, piece: AudioPiece): void;
  mark(stream: MediaStream, message: MarkMessage, heard: MarkHeard): void;
  gap(stream: MediaStream, gap: StreamGap): void;
  /** Called once, for the first message that is not the guide's; `problem` holds nothing of it. */
  malformed(stream: MediaStream, problem: StreamProblem): void;
  /** Something here went wrong that should not be able to. */
  failed(stream: MediaStream, error: unknown): void;
  /** Called once; nothing follows. */
  ended(stream: MediaStream, end: StreamEnd): void;
}

/** What a stream comes through. */
export interface StreamSocket {
  socket: WebSocket;
  /** What the socket speaks through. */
  connection: Duplex;
  /** Reads the connection before `ws` does, if that is possible. */
  inlet: Inlet | undefined;
}

export class MediaStream {
  readonly callId: string;
  readonly streamId: string;
  readonly type: StreamType;
  /** What the caller is going to hear; none on a one-way stream. */
  readonly playout: Playout | undefined;
  /** The way into the playout for audio of any form; none on a one-way stream. */
  readonly speech: Speech | undefined;

  private readonly socket: WebSocket;
  private readonly slab = new Slab();
  private readonly reader: MediaReader;
  private readonly outlet: Outlet | undefined;
  /** Whom the taps are for. */
  private audiences: readonly Audience[] = [];
  private taps: readonly Tap[] = [];
  private readonly startedAt: number;
  private sequence: number;
  private framesIn = 0;
  private bytesIn = 0;
  private missing = 0;
  private live = true;
  private heardAt: number;
  /** Since when the socket takes no more, if it does not. */
  private stuckSince: number | undefined;

  constructor(
    { socket, connection, inlet }: StreamSocket,
    start: StartMessage,
    private readonly owner: StreamOwner,
    private readonly clock: FrameClock,
    private malformedCount: number,
  ) {
    this.socket = socket;
    this.callId = start.call_id;
    this.streamId = start.stream_id;
    this.type = start.stream_type;
    this.sequence = start.sequence_number;
    this.startedAt = this.heardAt = clock.now();
    if (malformedCount > 0) owner.malformed(this, 'a message before start');
    if (this.type === 'twoway') {
      this.outlet = new Outlet(socket, connection, start.stream_id);
      this.playout = new Playout(this.outlet, clock);
      this.speech = new Speech(this.playout, clock);
    }
    this.reader = new MediaReader(start.call_id, start.stream_id, this.slab);
    if (inlet) inlet.take = (bytes, length) => this.take(bytes, length);
    socket.on('message', (data: Buffer, isBinary) => this.receive(data, isBinary));
    socket.on('pong', () => (this.heardAt = clock.now()));
    socket.on('close', (code) => this.guard(() => this.lose(code)));
    socket.on('error', () => undefined); // 'close' follows
  }

  get stats(): StreamStats {
    const sent = this.playout?.sent ?? { frames: 0, ms: 0 };
    return {
      frames_in: this.framesIn,
      frames_out: sent.frames,
      ms_in: Math.round(this.bytesIn / WIRE_BYTES_PER_MS),
      ms_out: Math.round(sent.ms),
      missing: this.missing,
      malformed: this.malformedCount,
      duration_ms: Math.round(this.clock.now() - this.startedAt),
    };
  }

  /**
   * Looks after the socket; to be called every few seconds. One that says nothing is pinged and, if it still says
   * nothing, given up; so is one that has taken nothing for too long.
   */
  check(now: number): void {
    const silent = now - this.heardAt;
    if (silent >= SILENT_MS) {
      this.socket.terminate();
      return;
    }
    if (silent >= SILENT_MS / 2) this.socket.ping();
    if ((this.outlet?.backlog ?? 0) < MAX_SOCKET_BACKLOG) this.stuckSince = undefined;
    else if (now - (this.stuckSince ??= now) >= STUCK_MS) this.socket.terminate();
  }

  /** Ends the stream from our side. */
  close(code: number): void {
    if (!this.live) return;
    this.outlet?.flush();
    this.socket.close(code);
    this.lose(code);
  }

  /** The way of every frame, 50 a second: takes a message if it is audio in the usual shape. */
  private take(bytes: Buffer, length: number): boolean {
    if (!this.live) return false;
    try {
      const frame = this.reader.read(bytes, length);
      if (!frame) return false;
      this.noteMessage();
      this.hear(frame);
    } catch (error) {
      this.owner.failed(this, error);
    }
    return true;
  }

  /** All other messages; audio too where there is no inlet. */
  private receive(data: Buffer, isBinary: boolean): void {
    if (!this.live || (!isBinary && this.take(data, data.length))) return;
    this.noteMessage();
    this.guard(() => this.obey(isBinary ? { problem: 'a binary message' } : readFromWavix(data.toString())));
  }

  private noteMessage(): void {
    this.heardAt = this.clock.now();
    this.outlet?.heard();
  }

  /** A mistake of ours on one call must not end all others: what is thrown here would end the process. */
  private guard(what: () => void): void {
    try {
      what();
    } catch (error) {
      this.owner.failed(this, error);
    }
  }

  private obey(message: FromWavix | Malformed<StreamProblem>): void {
    if ('problem' in message) {
      this.passOver(message.problem);
    } else if (message.event === 'connected' || message.event === 'start') {
      this.passOver(`a second ${message.event}`);
    } else if (message.stream_id !== this.streamId || message.call_id !== this.callId) {
      this.passOver('a message of another stream');
    } else if (message.event === 'media') {
      this.hear(frameOf(message, this.slab));
    } else {
      this.follow(message.sequence_number);
      if (message.event === 'mark') this.heard(message);
      else this.stop(message);
    }
  }

  private passOver(problem: StreamProblem): void {
    if (++this.malformedCount === 1) this.owner.malformed(this, problem);
  }

  private follow(sequence: number): void {
    const expected = this.sequence + 1;
    if (sequence > expected) {
      const missing = sequence - expected;
      this.missing += missing;
      this.owner.gap(this, {
        event: 'gap',
        call_id: this.callId,
        stream_id: this.streamId,
        expected,
        sequence_number: sequence,
        missing,
      });
    }
    this.sequence = Math.max(this.sequence, sequence);
  }

  private hear(frame: MediaFrame): void {
    this.follow(frame.sequence_number);
    const { length } = frame.pcm;
    if (length === 0) {
      this.passOver('media that is no audio');
      return;
    }
    this.framesIn++;
    this.bytesIn += length;
    if (this.audiences !== this.owner.audiences) this.followAudiences();
    const { audiences, taps } = this;
    // The last one may keep the frame's bytes; all others have to copy them.
    const last = taps.length - 1;
    for (let at = 0; at <= last; at++) {
      const audience = audiences[at] as Audience;
      for (const piece of (taps[at] as Tap).push(frame, at === last)) this.owner.audio(this, audience, piece);
    }
  }

  /** The audio is wanted in other forms than before. */
  private followAudiences(): void {
    const former = new Map(this.audiences.map((audience, at) => [audience, this.taps[at] as Tap]));
    this.audiences = this.owner.audiences;
    this.taps = this.audiences.map((audience) => former.get(audience) ?? new Tap(audience.format));
    for (const audience of this.audiences) former.delete(audience);
    for (const tap of former.values()) tap.end();
  }

  private heard(message: MarkMessage): void {
    if (this.playout) this.owner.mark(this, message, this.playout.markHeard(message.mark.name));
  }

  private stop(message: StopMessage): void {
    this.finish((stats) => ({ ...message, stats }));
    this.outlet?.flush();
    this.socket.close(CLOSE_NORMAL);
  }

  private lose(code: number): void {
    const { callId: call_id, streamId: stream_id } = this;
    this.finish((stats) => ({ event: 'lost', call_id, stream_id, code, stats }));
  }

  private finish(end: (stats: StreamStats) => StreamEnd): void {
    if (!this.live) return;
    this.live = false;
    this.guard(() => {
      this.taps.forEach((tap, at) => {
        for (const piece of tap.end()) this.owner.audio(this, this.audiences[at] as Audience, piece);
      });
    });
    this.taps = this.audiences = [];
    this.guard(() => this.speech?.end());
    this.owner.ended(this, end(this.stats));
  }
}

const NO_AUDIO = Buffer.alloc(0);

/** For messages that `MediaReader` leaves; one whose payload is no base64 holds no audio. */
function frameOf({ sequence_number, media }: MediaMessage, slab: Slab): MediaFrame {
  return { ...media, sequence_number, pcm: decodeBase64Into(slab, media.payload) ?? NO_AUDIO };
}
