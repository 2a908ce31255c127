/** What the flow was told to do, what it said of it, and what it heard: the books that calls are checked against. */
import type { Commands } from './commands';
import type { LineName, Step } from './flow';
import type { Command, Told } from './link';
import type { Totals } from './totals';

/** A message given to a node. */
export interface Entry {
  cmd: number;
  step: Step;
  /** what the flow told of it: `answered`, `played`, `error`, …; undefined: nothing yet */
  outcome: string | undefined;
  /** the message that told it */
  msg: Record<string, unknown>;
  /** settles when it is told */
  told: Promise<void>;
}

interface OpenEntry extends Entry {
  settle: () => void;
  /** told by the Complete node: that is the outcome of a mark and a clear */
  ends: 'taken' | 'reported';
}

/** What the flow heard of one stream. */
export class StreamBook {
  /** chunk number and digest of each frame, in turns */
  frames: number[] = [];
  events: { event: string; payload: Record<string, unknown> }[] = [];
  marks: { name: string; cleared: boolean }[] = [];
  onEnd: () => void = () => undefined;

  get ended(): boolean {
    return this.events.some(({ event }) => event === 'stop' || event === 'lost');
  }
}

export class Ledger {
  private readonly open = new Map<number, OpenEntry>();
  private readonly streams = new Map<string, StreamBook>();
  /** calls that the flow was told of, by id; and who waits for that */
  private readonly incoming = new Map<string, { count: number; onTold: () => void }>();
  commands: Commands | undefined;

  constructor(private readonly totals: Totals) {}

  /** Gives a message to a node. */
  give(line: LineName, step: Step, msg: Record<string, unknown>, audio?: Command['audio']): Entry {
    const { commands } = this;
    if (!commands) throw new Error('There is no Node-RED.');
    let settle: () => void = () => undefined;
    const told = new Promise<void>((resolve) => (settle = resolve));
    const ends = msg.event === 'mark' || msg.event === 'clear' ? 'taken' : 'reported';
    const entry: OpenEntry = {
      cmd: commands.number(),
      step,
      outcome: undefined,
      msg: {},
      told,
      settle,
      ends,
    };
    this.open.set(entry.cmd, entry);
    this.totals.messages++;
    commands.give({ cmd: entry.cmd, to: `${step} ${line}`, msg, audio });
    return entry;
  }

  /** Nothing more is waited for of it. */
  close(entry: Entry): void {
    this.open.delete(entry.cmd);
  }

  stream(streamId: string): StreamBook {
    let book = this.streams.get(streamId);
    if (!book) this.streams.set(streamId, (book = new StreamBook()));
    return book;
  }

  forget(streamId: string): void {
    this.streams.delete(streamId);
  }

  /** When the flow is told of an inbound call; may be before anybody asks. */
  incomingCall(callId: string): { count: number; told: Promise<void> } {
    const known = this.incoming.get(callId);
    if (known) return { count: known.count, told: Promise.resolve() };
    const told = new Promise<void>((resolve) => this.incoming.set(callId, { count: 0, onTold: resolve }));
    return { count: 0, told };
  }

  timesIncoming(callId: string): number {
    const count = this.incoming.get(callId)?.count ?? 0;
    this.incoming.delete(callId);
    return count;
  }

  heard(streamId: string, frames: number[]): void {
    this.stream(streamId).frames.push(...frames);
    this.totals.framesHeard += frames.length / 2;
  }

  told({ name, msg }: Told): void {
    const what = name.slice(0, -2); // without the line
    if (what === 'incoming') this.tellIncoming(msg.call_id as string);
    else if (what === 'stream') this.tellStream(msg);
    else if (what === 'mark') {
      this.stream(msg.stream_id as string).marks.push({
        name: msg.payload as string,
        cleared: msg.cleared === true,
      });
    } else this.settle(what, msg);
  }

  private settle(what: string, msg: Record<string, unknown>): void {
    const cmd = msg.cmd as number | undefined;
    if (what === 'error') this.totals.error((msg.error as { code: string }).code);
    if (cmd === undefined) {
      const { code, message } = (msg.error ?? {}) as { code?: string; message?: string };
      // The last frames of a stream reach the echo when it is gone; nothing else goes wrong by itself.
      if (what === 'error' && code === 'WAVIX_NO_STREAM' && msg.event === 'media') return;
      this.totals.fault('unasked', 1, `${what}: ${message ?? ''}`);
      return;
    }
    const entry = this.open.get(cmd);
    // The Complete node also speaks of audio, whose report comes later, or came before.
    if (what === 'taken' && entry?.ends !== 'taken') return;
    if (!entry) {
      this.totals.fault('reportedTwice', 1, `${what} of command ${cmd}, which was told before or given up`);
      return;
    }
    this.open.delete(cmd);
    entry.outcome = what;
    entry.msg = msg;
    entry.settle();
  }

  private tellIncoming(callId: string): void {
    const known = this.incoming.get(callId);
    if (!known) this.incoming.set(callId, { count: 1, onTold: () => undefined });
    else if (++known.count === 1) known.onTold();
  }

  private tellStream({ event, stream_id, payload }: Record<string, unknown>): void {
    if (typeof stream_id !== 'string') return; // `connected`
    const book = this.stream(stream_id);
    book.events.push({ event: event as string, payload: payload as Record<string, unknown> });
    if (event === 'gap') this.totals.gaps++;
    if (book.ended) book.onEnd();
  }
}
