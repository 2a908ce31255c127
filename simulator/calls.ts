/** One call: its states, from `call_setup` to its end, and all that hangs on it: events, phone, streams, recordings. */

import { randomUUID } from 'node:crypto';
import type { Clock } from '../lib/clock';
import { FRAME_MS, type StreamType } from '../lib/streams/wire';
import type { CallEvent, Direction, EventType, FinalEvent, OnCallPayload } from './call-event';
import { summarize, type CallSummary } from './call-summary';
import { deferred } from './deferred';
import { Ear } from './ear';
import type { Tell, Told } from './log';
import { MediaStream, type StreamEnd, type StreamSetup } from './media-stream';
import type { LoadedPlan } from './numbers';
import { Phone } from './phone';
import { Playout } from './playout';
import { writeRecordings } from './recordings';
import { SampleClock, SAMPLES_PER_MS } from './sample-clock';
import { Timeline } from './timeline';
import { Waiters } from './waiters';
import { EventQueue, type PostedEvent, type Poster } from './webhooks';

/** How many live streams of a type a call can have (call-streaming-guide, "3. Start call media streaming"). */
export const STREAM_LIMITS: Readonly<Record<StreamType, number>> = { twoway: 1, oneway: 5 };

/** How often audio that is not to be kept is given back. */
const FORGET_EVERY_MS = 10_000;

export type CallState = 'setup' | 'ringing' | 'answered' | 'ended';

/** Something asked of a call that it can't do as it stands now. */
export class NotNow extends Error {
  override readonly name = 'NotNow';
}

/** What a call is placed with. */
export interface CallSetup {
  direction: Direction;
  /** E.164 with `+` */
  from: string;
  /** E.164 with `+` */
  to: string;
  /** where its events are posted: asked for each of them */
  callbackUrls: () => readonly string[];
  tag: string;
  /** ms from the answer; then it is hung up */
  maxDurationMs: number | undefined;
  plan: LoadedPlan;
}

/** What all calls share. */
export interface CallParts {
  clock: Clock;
  poster: Poster;
  tell: Tell;
  /** told of each event of a call */
  onEvent: (event: CallEvent, call: Call) => void;
  numbersAsStrings: boolean;
  maxBufferedMs: number;
  /** how much audio of each kind is kept, in ms: the last of it */
  maxRecordingMs: number;
  /** folder for WAV files; undefined: none are written */
  recordings: string | undefined;
}

export class Call {
  readonly #done = deferred<undefined>();

  readonly call_id = randomUUID();
  readonly direction: Direction;
  readonly from: string;
  readonly to: string;
  /** The phone at the far end: the called person's, or the caller's on an inbound call. */
  readonly phone: Phone;
  /** All streams there have been, in order of their start. */
  readonly streams: MediaStream[] = [];
  /** Settles when the call is over, its events are posted, its streams closed and its recordings written. */
  readonly done: Promise<void> = this.#done.promise;
  tag: string;

  readonly #setup: CallSetup;
  readonly #parts: CallParts;
  readonly #queue: EventQueue;
  readonly #ear = new Ear();
  readonly #mouth = new Timeline();
  readonly #started: string;
  #state: CallState = 'setup';
  #answered: string | null = null;
  #completed: string | null = null;
  #machine = false;
  #time: SampleClock | undefined;
  /** length of the answered part in samples, once it is over */
  #length: number | undefined;
  #keptFrom = 0;
  #recordings: string[] = [];
  #timers = new Set<() => void>();
  readonly #eventWaiters: Waiters<CallEvent>;
  readonly #streamWaiters: Waiters<MediaStream>;
  #player: { playout: Playout; playing: Set<string> } | undefined;

  constructor(setup: CallSetup, parts: CallParts) {
    this.#setup = setup;
    this.#parts = parts;
    this.direction = setup.direction;
    this.from = setup.from;
    this.to = setup.to;
    this.tag = setup.tag;
    this.#started = this.#isoNow();
    this.#eventWaiters = new Waiters(parts.clock);
    this.#streamWaiters = new Waiters(parts.clock);
    this.#queue = new EventQueue(parts.poster, setup.callbackUrls, parts.tell);
    this.phone = new Phone({
      plan: setup.plan,
      tell: (told) => this.#tell(told),
      heard: () => this.heard(),
      hangUp: () => {
        this.#tell({ type: 'phone', what: 'hangs-up' });
        this.#end(this.#state === 'answered' ? 'completed' : this.#unanswered(), 'the phone');
      },
    });
  }

  get state(): CallState {
    return this.#state;
  }

  /** All events so far, in order, with what became of their posts. */
  get events(): readonly PostedEvent[] {
    return this.#queue.events;
  }

  /** When all events so far have been posted or given up. */
  get eventsPosted(): Promise<void> {
    return this.#queue.idle;
  }

  /** Files of the recording, once they are written (see `done`). */
  get recordings(): readonly string[] {
    return this.#recordings;
  }

  /** ms from the answer to now, or to the end. */
  get answeredMs(): number {
    return this.#position() / SAMPLES_PER_MS;
  }

  /**
   * What the phone heard, with its silences, from the answer on (or the last `maxRecordingMs` of it): PCM s16le, mono,
   * 24 kHz.
   */
  heard(): Buffer {
    return this.#ear.read(this.#keptFrom, Math.max(this.#keptFrom, this.#position()));
  }

  /** What the phone said, likewise. */
  said(): Buffer {
    return this.#mouth.read(this.#keptFrom, Math.max(this.#keptFrom, this.#position()));
  }

  /**
   * The event of that type, as soon as it happens or at once if it has. Fails if the call ends without it, or after
   * `timeoutMs`.
   */
  waitFor(type: EventType, timeoutMs = 10_000): Promise<CallEvent> {
    const past = this.events.find(({ event }) => event.event_type === type);
    if (past) return Promise.resolve(past.event);
    if (this.#state === 'ended') return Promise.reject(new Error(`No ${type}: the call ended.`));
    return this.#eventWaiters.next(type, timeoutMs, ({ event_type }) => event_type === type);
  }

  /** The stream of that number (0 is the first), once its `start` was sent. Fails if the call ends, or after `timeoutMs`. */
  async waitForStream(index = 0, timeoutMs = 10_000): Promise<MediaStream> {
    const what = `stream ${index}`;
    if (!this.streams[index] && this.#state === 'ended') throw new Error(`No ${what}: the call ended.`);
    const stream =
      this.streams[index] ??
      (await this.#streamWaiters.next(what, timeoutMs, (next) => this.streams[index] === next));
    if (!(await stream.started))
      throw new Error(`The stream did not start: ${stream.facts.problem ?? 'it was stopped'}.`);
    return stream;
  }

  /** The call as the API answers with it: the form of its last event. */
  view(): CallEvent {
    const last = this.events.at(-1)?.event;
    const { event_type = 'call_setup', event_payload = null, event_time = this.#started } = last ?? {};
    return this.#event(event_type, event_payload, event_time);
  }

  /** What it came to, as JSON can have it. */
  summary(): CallSummary {
    return summarize(this);
  }

  /** @internal sets the call up; the rest follows by itself */
  begin(): void {
    const { call_id, direction, from, to } = this;
    this.#parts.tell({ type: 'call', call_id, direction, from, to });
    this.#post('call_setup');
    const { plan } = this.#setup;
    this.#after(plan.ringMs, () => {
      if (this.direction === 'outbound') {
        if (plan.behaviour === 'busy') {
          this.#end('busy', 'the phone');
          return;
        }
        if (plan.behaviour === 'fail') {
          this.#end('failed', 'the network');
          return;
        }
      }
      this.#ring(plan);
    });
  }

  /** @internal the application answers an inbound call */
  answer(): void {
    if (this.direction !== 'inbound') throw new NotNow('Only an inbound call can be answered.');
    if (this.#state === 'answered') throw new NotNow('The call is answered already.');
    this.#answer(false);
  }

  /** @internal the application hangs up */
  hangUp(): void {
    this.#end(this.#state === 'answered' ? 'completed' : this.#unansweredByApplication(), 'the application');
  }

  /** @internal fails if no stream of that type can be started now */
  checkStream(type: StreamType): void {
    if (this.#state !== 'answered')
      throw new NotNow('The call is not answered: streams can be started on an answered call only.');
    const live = this.streams.filter((stream) => stream.live && stream.stream_type === type).length;
    if (live >= STREAM_LIMITS[type]) {
      throw new NotNow(
        type === 'twoway'
          ? 'The call has a twoway stream already; it can have one.'
          : `The call has ${STREAM_LIMITS.oneway} oneway streams already; it can have no more.`,
      );
    }
  }

  /** @internal starts a stream */
  startStream(setup: Omit<StreamSetup, 'call_id'>): MediaStream {
    this.checkStream(setup.stream_type);
    const time = this.#line();
    const stream = new MediaStream(
      { ...setup, call_id: this.call_id },
      {
        time,
        read: {
          inbound: (from, to) => this.#mouth.read(from, to),
          outbound: (from, to) => this.#ear.read(from, to),
        },
        playout: setup.stream_type === 'twoway' ? this.#ear.addSource() : new Timeline(),
        tell: this.#parts.tell,
        numbersAsStrings: this.#parts.numbersAsStrings,
        maxBufferedMs: this.#parts.maxBufferedMs,
        keepMs: this.#parts.maxRecordingMs,
      },
    );
    this.streams.push(stream);
    stream.dial();
    this.#streamWaiters.giveAll(stream);
    return stream;
  }

  /** @internal plays audio into the call, with an event at its start and its end. @returns the playback's id */
  play(pcm: Buffer, delayMs: number): string {
    const time = this.#line();
    this.#player ??= { playout: new Playout(time, this.#ear.addSource()), playing: new Set() };
    const { playout, playing } = this.#player;
    const playback_id = randomUUID();
    playing.add(playback_id);
    this.#after(delayMs, () => {
      if (!playing.has(playback_id)) return;
      this.#post('on_call_event', { type: 'audio', payload: { status: 'started', playback_id } });
      playout.push(pcm);
      playout.mark(() => {
        playing.delete(playback_id);
        this.#post('on_call_event', { type: 'audio', payload: { status: 'completed', playback_id } });
      });
    });
    return playback_id;
  }

  /** @internal stops what `play` plays */
  stopPlaying(): void {
    this.#player?.playing.clear();
    this.#player?.playout.clear();
  }

  /** @internal ends everything at once, without an event */
  async abandon(): Promise<void> {
    if (this.#state !== 'ended') this.#finish('shut down');
    await this.done;
  }

  #ring(plan: LoadedPlan): void {
    this.#state = 'ringing';
    this.#post('ringing');
    this.#after(plan.ringTimeoutMs, () => this.#end('cancelled', 'the end of the ring time'));
    if (this.direction === 'inbound' || plan.behaviour === 'no-answer') return;
    this.#after(plan.answerAfterMs, () => {
      if (plan.behaviour === 'reject') this.#end('rejected', 'the phone');
      else this.#answer(plan.behaviour === 'machine');
    });
  }

  #answer(machine: boolean): void {
    this.#cancelTimers();
    this.#state = 'answered';
    const now = this.#isoNow();
    this.#answered = now;
    this.#machine = machine;
    const time = new SampleClock(this.#parts.clock);
    this.#time = time;
    this.#post('answered', null, now);
    this.phone.pickUp(time, this.#ear, this.#mouth);
    const { plan, maxDurationMs } = this.#setup;
    if (plan.hangUpAfterMs !== undefined) this.#after(plan.hangUpAfterMs, () => this.phone.hangUp());
    if (maxDurationMs !== undefined) this.#after(maxDurationMs, () => this.#end('completed', 'max_duration'));
    this.#forgetLater(time);
  }

  /** Audio that is not to be kept goes, but for the last moment, which a stream may still be about to read. */
  #forgetLater(time: SampleClock): void {
    this.#after(FORGET_EVERY_MS, () => {
      const keep = Math.max(this.#parts.maxRecordingMs, 50 * FRAME_MS) * SAMPLES_PER_MS;
      this.#keptFrom = Math.max(0, time.position() - keep);
      this.#ear.forget(this.#keptFrom);
      this.#mouth.forget(this.#keptFrom);
      for (const stream of this.streams) stream.forget();
      this.#forgetLater(time);
    });
  }

  /** The caller gave up, or the called phone turned the call away. */
  #unanswered(): FinalEvent {
    return this.direction === 'inbound' ? 'cancelled' : 'rejected';
  }

  /** The application gave its own call up, or turned an inbound one away. */
  #unansweredByApplication(): FinalEvent {
    return this.direction === 'inbound' ? 'rejected' : 'cancelled';
  }

  #end(type: FinalEvent, by: string): void {
    if (this.#state === 'ended') return;
    this.#finish('call ended', { type, by });
  }

  #finish(end: StreamEnd, final?: { type: FinalEvent; by: string }): void {
    this.#length = this.#position();
    this.#state = 'ended';
    const now = this.#isoNow();
    this.#completed = now;
    this.#cancelTimers();
    this.#player?.playout.close();
    for (const stream of this.streams) stream.stop(end);
    if (final) {
      this.#tell({ type: 'ended', event_type: final.type, by: final.by });
      this.#post(final.type, null, now);
    }
    this.phone.putDown();
    this.#eventWaiters.end('the call ended');
    this.#streamWaiters.end('the call ended');
    void this.#windUp();
  }

  async #windUp(): Promise<void> {
    const { recordings } = this.#parts;
    if (recordings !== undefined && this.#time) {
      try {
        this.#recordings = await writeRecordings(recordings, this);
        this.#tell({ type: 'recorded', files: this.#recordings });
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        this.#tell({ type: 'problem', message: `The recordings could not be written: ${why}` });
      }
    }
    await Promise.all(this.streams.map((stream) => stream.closed));
    await this.#queue.idle;
    this.#done.resolve(undefined);
  }

  #post(type: EventType, payload: OnCallPayload | null = null, time = this.#isoNow()): void {
    const event = this.#event(type, payload, time);
    void this.#queue.add(event);
    this.#parts.onEvent(event, this);
    this.#eventWaiters.giveAll(event);
  }

  #event(event_type: EventType, event_payload: OnCallPayload | null, event_time: string): CallEvent {
    return {
      uuid: this.call_id,
      direction: this.direction,
      event_type,
      event_time,
      event_payload,
      from: this.from,
      to: this.to.slice(1),
      call_started: this.#started,
      call_answered: this.#answered,
      call_completed: this.#completed,
      machine_detected: this.#machine,
      tag: this.tag,
    };
  }

  #line(): SampleClock {
    if (!this.#time || this.#state !== 'answered') throw new NotNow('The call is not answered.');
    return this.#time;
  }

  #position(): number {
    return this.#length ?? this.#time?.position() ?? 0;
  }

  #isoNow(): string {
    return new Date(this.#parts.clock.wallTime()).toISOString();
  }

  #tell(told: Told): void {
    this.#parts.tell({ ...told, call_id: this.call_id });
  }

  /** One timer of the call, cancelled with it. */
  #after(ms: number, callback: () => void): void {
    const cancel = this.#parts.clock.after(ms, () => {
      this.#timers.delete(cancel);
      callback();
    });
    this.#timers.add(cancel);
  }

  #cancelTimers(): void {
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
  }
}
