/**
 * The phone at the far end of a call: it speaks, listens and hangs up, by plan or as a test tells it to. On an outbound
 * call it is the called person's, on an inbound one the caller's.
 */

import { EventEmitter } from 'node:events';
import { FRAME_BYTES } from '../lib/streams/wire';
import { deferred } from './deferred';
import type { Ear } from './ear';
import type { Tell } from './log';
import { isSound } from './loudness';
import type { LoadedPlan } from './numbers';
import { Playout } from './playout';
import { pace, SAMPLES_PER_MS, type SampleClock } from './sample-clock';
import { loadSpeech, type Sound, type Speech } from './sound';
import { SILENT_FRAME, type Timeline } from './timeline';

export interface PhoneEvents {
  /** the call is answered: both sides can be heard from now on */
  answered: [];
  /** sound after silence, heard from the application */
  'heard-audio': [];
  /** the application has spoken, and has then been silent for the plan's `silenceMs` */
  silence: [];
  /** the call is over */
  ended: [];
}

interface QuietWaiter {
  samples: number;
  resolve: (quiet: boolean) => void;
}

/** The line of an answered call, as the phone sees it. */
interface Line {
  time: SampleClock;
  ear: Ear;
  mouth: Playout;
}

export interface PhoneParts {
  plan: LoadedPlan;
  tell: Tell;
  heard: () => Buffer;
  hangUp: () => void;
}

export class Phone extends EventEmitter<PhoneEvents> {
  readonly #parts: PhoneParts;
  #line: Line | undefined;
  #ended = false;
  #stopListening: (() => void) | undefined;
  readonly #answered = deferred<Line | undefined>();
  /** sample at which the last sound ended; undefined: none yet */
  #lastSound: number | undefined;
  #hearing = false;
  #quietWaiters = new Set<QuietWaiter>();
  #cancelTimers: (() => void)[] = [];
  /** settles when what was told last has been begun */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(parts: PhoneParts) {
    super();
    this.#parts = parts;
    // Listening takes time on each frame, so it is done only where somebody wants to know.
    (this as unknown as EventEmitter).on('newListener', (event) => {
      if (event === 'heard-audio' || event === 'silence') this.#listen();
    });
  }

  /**
   * Says something, after what it is saying already. Before the answer it waits for it.
   *
   * @returns true once it has been said to its end; false if it was cut off (`hush`, the end of the call). What is
   *   endless is never said to its end.
   */
  say(speech: Speech): Promise<boolean> {
    return this.sayLoaded(loadSpeech(speech));
  }

  /** @internal the same, of what is being loaded or is loaded already */
  async sayLoaded(loading: Promise<readonly Sound[]> | readonly Sound[]): Promise<boolean> {
    // A file may take longer to load than what is told after it: each waits for the one before.
    const begun = Promise.all([loading, this.#answered.promise, this.#turn]).then(([sounds, line]) =>
      line && !this.#ended ? { said: this.#say(line, sounds) } : undefined,
    );
    this.#turn = begun.catch(() => undefined);
    return (await begun)?.said ?? false;
  }

  /** Stops speaking at once. */
  hush(): void {
    this.#line?.mouth.clear();
  }

  /** Hangs up; an inbound call that was not answered is given up. */
  hangUp(): void {
    if (!this.#ended) this.#parts.hangUp();
  }

  /** Whether it was told what to say after the answer, be it nothing. */
  get hasSpeech(): boolean {
    return this.#parts.plan.speech !== undefined;
  }

  /** True while it has something to say. */
  get speaking(): boolean {
    return (this.#line?.mouth.bufferedMs ?? 0) > 0;
  }

  /** All it has heard so far, with the silences, from the answer on: PCM s16le, mono, 24 kHz. */
  get heard(): Buffer {
    return this.#parts.heard();
  }

  /**
   * Waits until the application has been heard and has then been silent for `ms`.
   *
   * @returns false if the call ended first
   */
  quiet(ms: number): Promise<boolean> {
    if (this.#ended) return Promise.resolve(false);
    this.#listen();
    return new Promise((resolve) => this.#quietWaiters.add({ samples: ms * SAMPLES_PER_MS, resolve }));
  }

  /** @internal the call was answered */
  pickUp(time: SampleClock, ear: Ear, mouth: Timeline): void {
    const line = { time, ear, mouth: new Playout(time, mouth) };
    this.#line = line;
    this.#parts.tell({ type: 'phone', what: 'answered' });
    this.#answered.resolve(line);
    const { plan } = this.#parts;
    const { speech = [] } = plan;
    if (speech.length > 0) {
      this.#cancelTimers.push(
        time.when(plan.speechAfterMs * SAMPLES_PER_MS, () => void this.#say(line, speech)),
      );
    }
    if (plan.replies.length > 0) {
      const replies = [...plan.replies];
      this.on('silence', () => {
        const reply = replies.shift();
        if (reply) void this.#say(line, reply);
      });
    }
    if (this.listenerCount('heard-audio') + this.listenerCount('silence') + this.#quietWaiters.size > 0) {
      this.#listen();
    }
    this.emit('answered');
  }

  /** @internal the call is over */
  putDown(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#stopListening?.();
    for (const cancel of this.#cancelTimers) cancel();
    this.#line?.mouth.clear();
    this.#answered.resolve(undefined);
    for (const { resolve } of this.#quietWaiters) resolve(false);
    this.#quietWaiters.clear();
    this.emit('ended');
  }

  #say({ mouth }: Line, sounds: readonly Sound[]): Promise<boolean> {
    this.#parts.tell({ type: 'phone', what: 'says' });
    for (const { pcm, endless } of sounds) mouth.push(pcm, endless);
    return new Promise((resolve) => mouth.mark((cutOff) => resolve(!cutOff)));
  }

  #listen(): void {
    if (!this.#line || this.#stopListening || this.#ended) return;
    const { time, ear } = this.#line;
    const start = time.position();
    this.#stopListening = pace(time, start, FRAME_BYTES / 2, (from, to) =>
      this.#hear(ear.read(from, to), to),
    );
  }

  #hear(frame: Buffer, to: number): void {
    if (frame !== SILENT_FRAME && isSound(frame)) {
      this.#lastSound = to;
      if (!this.#hearing) {
        this.#hearing = true;
        this.#parts.tell({ type: 'phone', what: 'heard-audio' });
        this.emit('heard-audio');
      }
      return;
    }
    if (this.#lastSound === undefined) return;
    const quiet = to - this.#lastSound;
    if (this.#hearing && quiet >= this.#parts.plan.silenceMs * SAMPLES_PER_MS) {
      this.#hearing = false;
      this.#parts.tell({ type: 'phone', what: 'silence' });
      this.emit('silence');
    }
    for (const waiter of this.#quietWaiters) {
      if (quiet < waiter.samples) continue;
      this.#quietWaiters.delete(waiter);
      waiter.resolve(true);
    }
  }
}
