/**
 * What one caller is going to hear: a queue of audio and marks, leaving in whole 20 ms frames at absolute deadlines,
 * at most `leadMs` ahead of the caller's ear. What waits here can be taken back at once by a clear; what has left is
 * in Wavix's buffer until its clear empties that too.
 *
 * The ear is followed by computation: `earEnd` is when the last sent byte will have been heard. It grows by each
 * frame's own length, so a late timer is caught up and nothing drifts; it starts again from now only when the caller
 * has heard everything. Marks, which Wavix sends back when they are heard, tell for certain.
 */
import { FRAME_BYTES, FRAME_MS, WIRE_BYTES_PER_MS } from './wire';
import type { Again, FrameClock, Ticking } from './frame-clock';
import type { PcmSource } from './pcm-source';

/** How long a piece shorter than a frame waits for more, in ms: longer than the usual pause between two pieces. */
export const TAIL_PAUSE_MS = 60;

/**
 * How many frames leave at most at one time. The rest of the lead follows as soon as all other calls have had their turn:
 * a call alone fills it at once, but where 200 began to play together a whole lead each held the event loop for 200 ms
 * (bench/).
 */
const BURST = 5;

/** Above this many bytes unsent in the socket nothing more is written: it waits here, where a clear can reach it. */
export const MAX_SOCKET_BACKLOG = 256 * 1024;

/** Marks of our own, told apart from a flow's by their name, never reach a flow. */
const OWN_MARK = 'wavix-flows:';

/** How the playout speaks to Wavix. */
export interface PlayoutWire {
  media(frame: Buffer): void;
  mark(name: string): void;
  clear(): void;
  /** Several of these may follow: they should leave together at the `release`. */
  hold(): void;
  release(): void;
  /** What has not left yet leaves now. */
  flush(): void;
  /** bytes written but not yet taken by the network */
  readonly backlog: number;
}

/** What became of one piece of audio, told exactly once. */
export interface PlayedReport {
  /** false: it was cleared, or the stream ended first */
  played: boolean;
  /** how much of it was heard, in ms */
  playedMs: number;
}

export interface Utterance {
  source: PcmSource;
  /** Nothing belongs behind it: its last, shorter piece goes without waiting for more. */
  complete?: boolean | undefined;
  /** A mark of the flow's own to follow it. */
  mark?: string | undefined;
  /** Asks for a report; called exactly once. */
  report?: ((report: PlayedReport) => void) | undefined;
  /** How far ahead of the caller's ear it may be sent, in ms. */
  leadMs: number;
  /** It can begin at the clock's next tick, where many that begin together hold nothing up. */
  canWait?: boolean | undefined;
}

/** An utterance on its way. */
class Entry {
  readonly source: PcmSource;
  readonly mark: string | undefined;
  readonly leadMs: number;
  complete: boolean;
  report: Utterance['report'];
  /** Position of its first and past its last byte in all that was sent so far; the first is -1 until some of it left. */
  from = -1;
  to = 0;

  constructor({ source, mark, leadMs, complete, report }: Utterance) {
    this.source = source;
    this.mark = mark;
    this.leadMs = leadMs;
    this.complete = complete ?? false;
    this.report = report;
  }
}

interface SentMark {
  name: string;
  cleared: boolean;
  /** Audio that has been heard when it comes back, and is to be told. */
  entries: Entry[];
}

/** What an acknowledged mark means to a flow. */
export interface MarkHeard {
  /** It came back because of a clear. */
  cleared: boolean;
  /** It was set by this package for its own use, not by a flow. */
  own: boolean;
}

const noAudio: PcmSource = { bytesLeft: 0, pull: () => Buffer.alloc(0) };

export class Playout implements Ticking {
  /** Waiting here, first to play first. */
  private queue: Entry[] = [];
  private queuedBytes = 0;
  /** Sent, in order, and not yet sent back by Wavix. Clearing keeps them here: their acknowledgements still come. */
  private sentMarks: SentMark[] = [];
  private sentBytes = 0;
  private sentFrames = 0;
  private earEnd = 0;
  private lastArrival = 0;
  private ownMarks = 0;
  private ended = false;

  constructor(
    private readonly wire: PlayoutWire,
    private readonly clock: FrameClock,
  ) {}

  /** ms of audio waiting here, not yet sent. */
  get queuedMs(): number {
    return this.queuedBytes / WIRE_BYTES_PER_MS;
  }

  /** ms of audio the caller has yet to hear, sent or not. */
  get remainingMs(): number {
    return this.queuedMs + Math.max(0, this.earEnd - this.clock.now());
  }

  /** Frames and ms sent so far. */
  get sent(): { frames: number; ms: number } {
    return { frames: this.sentFrames, ms: this.sentBytes / WIRE_BYTES_PER_MS };
  }

  /** Queues audio behind all that is queued. What the caller hears next goes out before this returns,
   * unless it can wait. */
  play(utterance: Utterance): void {
    if (this.ended) {
      utterance.report?.({ played: false, playedMs: 0 });
      return;
    }
    const now = (this.lastArrival = this.clock.now());
    if (this.isFrameDue(utterance, now)) {
      this.sendPcm(utterance.source.pull(FRAME_BYTES), now);
      this.sentBytes += FRAME_BYTES;
      return;
    }
    if (utterance.source.bytesLeft === 0 && !wantsMark(utterance)) {
      if (utterance.complete) this.flush();
      return;
    }
    this.queue.push(new Entry(utterance));
    this.queuedBytes += utterance.source.bytesLeft;
    if (utterance.canWait) this.clock.add(this);
    else this.pump();
  }

  /** Queues a mark: Wavix sends it back when all audio before it has been heard. */
  mark(name: string): void {
    this.play({ source: noAudio, mark: name, leadMs: 0 });
  }

  /** Calls back once the caller has heard all that is queued now, or it was cleared, or the stream ended. */
  whenHeard(callback: () => void): void {
    if (this.sentBytes === 0 && this.queue.length === 0) callback();
    else this.play({ source: noAudio, complete: true, report: callback, leadMs: 0 });
  }

  /** The last, shorter piece need not wait for more. */
  flush(): void {
    const last = this.queue.at(-1);
    if (last) last.complete = true;
    this.pump();
  }

  /**
   * Stops talking: drops what waits here, tells Wavix to drop the rest. The flow's marks among it are sent before the
   * clear, so that each comes back from Wavix as the guide has it: "any queued mark".
   */
  clear(): void {
    if (this.ended) return;
    const heard = this.heardBytes();
    const dropped = this.dropQueue();
    const unheard = this.sentEntries();
    for (const { mark } of dropped) {
      if (mark === undefined) continue;
      this.wire.mark(mark);
      this.sentMarks.push({ name: mark, cleared: true, entries: [] });
    }
    for (const sent of this.sentMarks) sent.cleared = true;
    this.wire.clear();
    this.earEnd = this.clock.now();
    for (const entry of [...unheard, ...dropped]) settle(entry, false, heard);
  }

  /** Wavix sent back the mark of that name. The first one sent comes back first. */
  markHeard(name: string): MarkHeard {
    const own = name.startsWith(OWN_MARK);
    const at = this.sentMarks.findIndex((sent) => sent.name === name);
    if (at < 0) return { cleared: false, own };
    const [sent] = this.sentMarks.splice(at, 1) as [SentMark];
    if (!sent.cleared) for (const entry of sent.entries) settle(entry, true, this.sentBytes);
    return { cleared: sent.cleared, own };
  }

  /** The stream is over: nothing more leaves, and all that was not heard is told. */
  end(): void {
    if (this.ended) return;
    const heard = this.heardBytes();
    this.ended = true;
    this.clock.remove(this);
    const unheard = this.sentEntries();
    this.sentMarks = [];
    for (const entry of [...unheard, ...this.dropQueue()]) settle(entry, false, heard);
  }

  tick(now: number): Again {
    const isBehind = this.sendDue(now);
    // Not in a later turn, where the time that it takes would be nobody's.
    this.wire.flush();
    return this.queue.length === 0 ? 'never' : isBehind ? 'soon' : 'later';
  }

  private pump(): void {
    const isBehind = this.sendDue(this.clock.now());
    if (this.queue.length > 0) this.clock.add(this, isBehind ? 'soon' : 'later');
    else this.clock.remove(this);
  }

  /**
   * Sends the frames and marks that are due at `now`, a burst of them at most.
   *
   * @returns whether more of them are due
   */
  private sendDue(now: number): boolean {
    this.wire.hold();
    const isBehind = this.sendBurst(now);
    this.wire.release();
    return isBehind;
  }

  private sendBurst(now: number): boolean {
    let left = BURST;
    for (let head = this.queue[0]; head && this.wire.backlog < MAX_SOCKET_BACKLOG; head = this.queue[0]) {
      const bytes = this.nextFrameBytes(now);
      if (bytes === undefined) return false;
      if (bytes > 0) {
        if (!this.isWithin(head.leadMs, bytes, now)) return false;
        if (left-- === 0) return true;
        this.sendFrame(bytes, now);
      }
      this.sendMarks();
    }
    return false;
  }

  /**
   * How many bytes the next frame has: a whole frame, or what is left before a mark or the end of an utterance. A
   * piece that more may follow waits a short while: undefined.
   */
  private nextFrameBytes(now: number): number | undefined {
    let bytes = 0;
    for (const entry of this.queue) {
      bytes += entry.source.bytesLeft;
      if (bytes >= FRAME_BYTES) return FRAME_BYTES;
      // A flow's mark belongs right behind its last byte; our own may follow the frame that holds it.
      if (entry.mark !== undefined) return bytes;
    }
    const complete = this.queue.at(-1)?.complete;
    return complete || now - this.lastArrival >= TAIL_PAUSE_MS ? bytes : undefined;
  }

  /** Whether it is one frame, no more and no less, that can leave now and about which nothing is to be told: as in an echo. */
  private isFrameDue({ source, mark, report, leadMs, canWait }: Utterance, now: number): boolean {
    return (
      source.bytesLeft === FRAME_BYTES &&
      this.queue.length === 0 &&
      mark === undefined &&
      !report &&
      !canWait &&
      this.isWithin(leadMs, FRAME_BYTES, now) &&
      this.wire.backlog < MAX_SOCKET_BACKLOG
    );
  }

  /** Whether the end of the next so many bytes is not too far ahead of the ear. */
  private isWithin(leadMs: number, bytes: number, now: number): boolean {
    const ahead = Math.max(this.earEnd, now) + bytes / WIRE_BYTES_PER_MS - now;
    // A lead shorter than a frame could never send one.
    return ahead <= Math.max(leadMs, FRAME_MS);
  }

  private sendFrame(bytes: number, now: number): void {
    const head = this.queue[0] as Entry;
    // Nearly always the next entry holds the whole frame.
    this.sendPcm(head.source.bytesLeft >= bytes ? this.pull(head, bytes) : this.gather(bytes), now);
    this.queuedBytes -= bytes;
  }

  private sendPcm(pcm: Buffer, now: number): void {
    this.wire.media(pcm);
    this.sentFrames++;
    this.earEnd = Math.max(this.earEnd, now) + pcm.length / WIRE_BYTES_PER_MS;
  }

  private pull(entry: Entry, bytes: number): Buffer {
    if (entry.from < 0) entry.from = this.sentBytes;
    const piece = entry.source.pull(bytes);
    this.sentBytes += piece.length;
    entry.to = this.sentBytes;
    return piece;
  }

  /** A frame from the pieces of several entries. */
  private gather(bytes: number): Buffer {
    const pieces: Buffer[] = [];
    let missing = bytes;
    for (const entry of this.queue) {
      const piece = this.pull(entry, missing);
      pieces.push(piece);
      missing -= piece.length;
      if (missing === 0) break;
    }
    return Buffer.concat(pieces);
  }

  /** Lets go of every entry at the head that has left whole, and sends the marks that tell when they are heard. */
  private sendMarks(): void {
    let told: Entry[] = [];
    for (let head = this.queue[0]; head?.source.bytesLeft === 0; head = this.queue[0]) {
      this.queue.shift();
      if (head.report) told.push(head);
      if (head.mark === undefined) continue;
      this.sendMark(head.mark, told);
      told = [];
    }
    if (told.length > 0) this.sendMark(`${OWN_MARK}${++this.ownMarks}`, told);
  }

  private sendMark(name: string, entries: Entry[]): void {
    this.wire.mark(name);
    this.sentMarks.push({ name, cleared: false, entries });
  }

  private dropQueue(): Entry[] {
    const dropped = this.queue;
    this.queue = [];
    this.queuedBytes = 0;
    this.clock.remove(this);
    for (const { source } of dropped) source.close?.();
    return dropped;
  }

  /** Audio that has left whole, of which Wavix has not yet said that it was heard. */
  private sentEntries(): Entry[] {
    return this.sentMarks.flatMap(({ entries }) => entries);
  }

  /** How much of all that was sent the caller has heard by now. */
  private heardBytes(): number {
    return this.sentBytes - Math.max(0, this.earEnd - this.clock.now()) * WIRE_BYTES_PER_MS;
  }
}

function wantsMark(entry: Utterance): boolean {
  return entry.mark !== undefined || entry.report !== undefined;
}

/** Tells what became of an entry, once. `heard`: position up to which the caller has heard what was sent. */
function settle(entry: Entry, played: boolean, heard: number): void {
  const { report, from, to } = entry;
  entry.report = undefined;
  const playedBytes = from < 0 ? 0 : Math.min(heard, to) - from;
  report?.({ played, playedMs: Math.max(0, Math.round(playedBytes / WIRE_BYTES_PER_MS)) });
}
