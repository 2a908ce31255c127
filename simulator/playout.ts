/**
 * A playout buffer: audio and marks, first in, first out, heard at the speed of real time. Audio that comes to an empty
 * buffer is heard from that moment; when the buffer runs dry there is silence until more comes. There is no tick in it:
 * each piece gets its place in time when it arrives, so its timing is exact whatever the event loop does.
 */

import { SAMPLES_PER_MS, type SampleClock } from './sample-clock';
import type { Timeline } from './timeline';

/** Silence up to this long between two pieces is counted as an underrun; a longer one as a pause between utterances. */
export const UNDERRUN_MAX_MS = 250;

/** A list of gaps ends here; the counts go on. */
const MAX_GAPS = 1_000;

/** Silence between the end of what was buffered and the next audio. */
export interface Gap {
  /** monotonic time in ms at which it began */
  at: number;
  ms: number;
  /** the buffer was emptied by a `clear`, it did not run dry */
  cleared: boolean;
}

/** What happened in a playout buffer. Times are monotonic, in ms (`clock.now()`, which is `performance.now()`). */
export interface PlayoutFacts {
  /** when the first audio was heard */
  firstAudioAt: number | undefined;
  /** up to when audio has been, or is going to be, heard */
  audioEndsAt: number | undefined;
  /** the most that was ever buffered */
  maxBufferedMs: number;
  /** how often it ran dry for at most `UNDERRUN_MAX_MS` between two pieces of audio */
  underruns: number;
  /** all silences between audio, the first thousand of them */
  gaps: Gap[];
}

interface Mark {
  at: number;
  reached: (cleared: boolean) => void;
}

export class Playout {
  readonly facts: PlayoutFacts = {
    firstAudioAt: undefined,
    audioEndsAt: undefined,
    maxBufferedMs: 0,
    underruns: 0,
    gaps: [],
  };

  /** the sample at which what is buffered ends */
  #end = 0;
  #cleared = false;
  #marks: Mark[] = [];
  #cancel: (() => void) | undefined;

  constructor(
    readonly time: SampleClock,
    readonly timeline: Timeline,
  ) {}

  /** How much has not been heard yet. */
  get bufferedMs(): number {
    return Math.max(0, this.#end - this.time.position()) / SAMPLES_PER_MS;
  }

  /**
   * @param pcm s16le, whole samples
   * @param endless is heard over and over until a `clear`
   */
  push(pcm: Buffer, endless = false): void {
    if (pcm.length === 0) return;
    const now = this.time.position();
    if (now >= this.#end) this.#startAt(now);
    this.timeline.add(this.#end, pcm, endless);
    this.#end = endless ? Infinity : this.#end + pcm.length / 2;
    this.#cleared = false;
    this.facts.audioEndsAt = this.time.timeOf(this.#end);
    this.facts.maxBufferedMs = Math.max(this.facts.maxBufferedMs, (this.#end - now) / SAMPLES_PER_MS);
  }

  /** Calls back when all that was pushed before has been heard: at once (before it returns) if nothing is buffered. */
  mark(reached: (cleared: boolean) => void): void {
    if (this.#end > this.time.position()) {
      this.#marks.push({ at: this.#end, reached });
      this.#arm();
    } else {
      this.#answerDue(); // one that is due, but whose timer is late, keeps its place before this one
      reached(false);
    }
  }

  /** Drops what has not been heard, and answers every mark that is queued, in order. @returns ms dropped */
  clear(): number {
    this.#answerDue();
    const dropped = this.#drop();
    const marks = this.#marks.splice(0);
    for (const { reached } of marks) reached(true);
    return dropped;
  }

  /** Drops what has not been heard, and the marks unanswered: the end of it. */
  close(): void {
    this.#drop();
    this.#marks = [];
  }

  #startAt(now: number): void {
    const { facts } = this;
    if (facts.firstAudioAt === undefined) {
      facts.firstAudioAt = this.time.timeOf(now);
    } else if (now > this.#end) {
      const ms = (now - this.#end) / SAMPLES_PER_MS;
      if (!this.#cleared && ms <= UNDERRUN_MAX_MS) facts.underruns += 1;
      if (facts.gaps.length < MAX_GAPS) {
        facts.gaps.push({ at: this.time.timeOf(this.#end), ms, cleared: this.#cleared });
      }
    }
    this.#end = now;
  }

  #drop(): number {
    this.#cancel?.();
    this.#cancel = undefined;
    const now = this.time.position();
    const dropped = Math.max(0, this.#end - now);
    this.#cleared = true;
    if (dropped > 0) {
      this.timeline.cut(now);
      this.#end = now;
      this.facts.audioEndsAt = this.time.timeOf(now);
    }
    return dropped / SAMPLES_PER_MS;
  }

  #arm(): void {
    const next = this.#marks[0];
    if (!next || this.#cancel || next.at === Infinity) return;
    this.#cancel = this.time.when(next.at, () => {
      this.#cancel = undefined;
      this.#answerDue();
      this.#arm();
    });
  }

  #answerDue(): void {
    const now = this.time.position();
    for (let next = this.#marks[0]; next && next.at <= now; next = this.#marks[0]) {
      this.#marks.shift();
      next.reached(false);
    }
  }
}
