/** One call, from its first ring to its last report: what happens in it is drawn by lot, and all of it is checked. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Call, LocalWavix } from '../../simulator';
import {
  checkEcho,
  checkHearing,
  checkReports,
  checkStream,
  checkStreamed,
  checkTold,
  checkWords,
  type Fate,
  type Said,
} from './check';
import type { Drops } from './drops';
import type { LineName } from './flow';
import type { Entry, Ledger } from './ledger';
import type { Random } from './random';
import { utterance } from './sound';
import type { Totals } from './totals';

type SimStream = Call['streams'][number];

/** What a call needs of the world around it. */
export interface World {
  wavix: LocalWavix;
  ledger: Ledger;
  drops: Drops;
  totals: Totals;
  /** Calls placed by the flow, by the number called. */
  placed: Map<string, Call[]>;
  /** When all that the flow has heard has been handed on. */
  synced: () => Promise<void>;
}

/** Numbers of ours, one for each line. */
export const OURS: Readonly<Record<LineName, string>> = { a: '+15550000100', b: '+15550000200' };

/** The longest that a command may take: its tries, the wait for an answer, a busy machine. ms */
const OUTCOME_MS = 90_000;

/** After the call's end, for what is still on its way. ms */
const SETTLE_MS = 20_000;

/** Utterances of one call have numbers from here on, by the call's own. */
const UTTERANCES = 500;

/** Audio on its way to the phone, beyond which nothing is added. ms */
const MOST_AHEAD_MS = 6_000;

const BYTES_PER_MS = 48;

export class Caller {
  private readonly entries: Entry[] = [];
  private readonly fates = new Map<string, Fate>();
  private readonly flowSaid: Said[] = [];
  private readonly phoneSaid: Said[] = [];
  private spokenUntil = 0;
  private lastMark = 0;
  private ended = false;

  /**
   * @param serial of this call; no other has it
   * @param lifeMs how long to talk
   */
  constructor(
    private readonly world: World,
    private readonly line: LineName,
    private readonly random: Random,
    private readonly serial: number,
    private readonly lifeMs: number,
    private readonly stop: AbortSignal,
  ) {}

  /** Settles when the call is over and all of it is checked. */
  async run(): Promise<void> {
    const { totals } = this.world;
    totals.calls++;
    const call = this.random.chance(0.3) ? await this.beCalled() : await this.place();
    if (call) {
      void call.done.then(() => (this.ended = true));
      if (call.state === 'answered') {
        totals.answered++;
        await this.talk(call);
      }
      await this.finish(call);
    }
    checkTold(this.entries, this.world.ledger, totals);
    if (call) this.check(call);
    for (const stream of call?.streams ?? []) this.world.ledger.forget(stream.stream_id);
  }

  /** The flow calls a phone. @returns the call, if there was one */
  private async place(): Promise<Call | undefined> {
    const { placed, totals } = this.world;
    const digits = this.random.pick({ '00': 90, '01': 3, '02': 3, '05': 3, '03': 1 });
    const to = `+1555${String(this.serial).padStart(6, '0')}${digits}`;
    const entry = this.give('call', { from: OURS[this.line], to });
    await this.outcome(entry);
    const calls = placed.get(to) ?? [];
    placed.delete(to);
    totals.fault('wrongCalls', calls.length - 1, `${to} was called ${calls.length} times`);
    const [call] = calls;
    if (entry.outcome === 'answered') {
      if (call?.call_id !== entry.msg.call_id)
        totals.fault('wrongCalls', 1, `the call to ${to} has another call_id`);
    } else if (entry.outcome === 'not answered') {
      if (digits === '00')
        totals.fault('wrongCalls', 1, `${to} answers, and was told as ${String(entry.msg.topic)}`);
    } else {
      // The flow does not know of it, if there is one: the answer to its request was lost.
      call?.phone.hangUp();
    }
    return call;
  }

  /** A phone calls the flow. */
  private async beCalled(): Promise<Call | undefined> {
    const { wavix, ledger, totals } = this.world;
    const from = `+1666${String(this.serial).padStart(6, '0')}00`;
    const call = await wavix.call({ from, to: OURS[this.line], ringMs: 20 });
    const { told } = ledger.incomingCall(call.call_id);
    await Promise.race([told, sleep(SETTLE_MS, undefined, { ref: false })]);
    const entry = this.give('answer', { call_id: call.call_id });
    await this.outcome(entry);
    const times = ledger.timesIncoming(call.call_id);
    if (times !== 1) totals.fault('wrongCalls', 1, `an inbound call was told ${times} times`);
    if (entry.outcome !== 'answer sent') call.phone.hangUp();
    return call;
  }

  private async talk(call: Call): Promise<void> {
    const until = performance.now() + this.lifeMs;
    while (!this.ended && call.state === 'answered' && performance.now() < until && !this.stop.aborted) {
      const stream = await this.liveStream(call);
      if (!stream) break;
      await this.act(call, stream);
      await this.pause(this.random.between(50, 700));
    }
    await this.hangUp(call);
  }

  /** The call's two-way stream; started if there is none. */
  private async liveStream(call: Call): Promise<SimStream | undefined> {
    for (let tries = 0; tries < 5 && call.state === 'answered'; tries++) {
      const known = call.streams.find((stream) => stream.live);
      if (known) {
        await known.started;
        if (known.live) {
          if (!this.fates.has(known.stream_id)) {
            this.fates.set(known.stream_id, { dropped: false, clears: 0 });
            this.world.totals.streams++;
          }
          // Not before the flow knows it.
          await this.world.synced();
          return known;
        }
      }
      const entry = this.give('start', { call_id: call.call_id });
      await this.outcome(entry);
      if (entry.outcome !== 'started') await this.pause(300);
    }
    return call.streams.find((stream) => stream.live);
  }

  private async act(call: Call, stream: SimStream): Promise<void> {
    const { random, line } = this;
    const { totals } = this.world;
    const talks = line === 'a';
    const what = random.pick({
      phone: 30,
      flow: talks ? 30 : 0,
      mark: 6,
      clear: 6,
      clears: 1,
      hush: 3,
      drop: 3,
      restart: 3,
    });
    const ids = { call_id: call.call_id, stream_id: stream.stream_id };
    const fate = this.fates.get(stream.stream_id);
    switch (what) {
      case 'phone':
        this.phoneSays(call);
        break;
      case 'flow':
        await this.flowSays(ids, stream);
        break;
      case 'mark':
        this.give('say', { ...ids, event: 'mark', mark: this.markName() });
        break;
      case 'clear':
      case 'clears':
        for (let count = what === 'clear' ? 1 : 20; count > 0; count--) {
          this.give('say', { ...ids, event: 'clear' });
          totals.clears++;
          if (fate) fate.clears++;
        }
        this.spokenUntil = 0;
        break;
      case 'hush':
        call.phone.hush();
        break;
      case 'drop':
        this.drop(stream, fate);
        await stream.closed;
        await this.streamTold(stream);
        break;
      case 'restart': {
        const entry = this.give('stop', ids);
        await this.outcome(entry);
        if (entry.outcome === 'stopped') await this.streamTold(stream);
        break;
      }
    }
  }

  private phoneSays(call: Call): void {
    const said = { number: this.utteranceNumber(this.phoneSaid, 0), bytes: this.someBytes(), pieces: [] };
    this.phoneSaid.push(said);
    void call.phone.say(utterance(said.number, said.bytes));
  }

  /** As one message, raw or as a file, or as a machine that speaks in pieces of any size. */
  private async flowSays(ids: { call_id: string; stream_id: string }, stream: SimStream): Promise<void> {
    const { random } = this;
    const now = performance.now();
    if (this.spokenUntil - now > MOST_AHEAD_MS) return;
    const number = this.utteranceNumber(this.flowSaid, UTTERANCES / 2);
    const bytes = this.someBytes();
    this.spokenUntil = Math.max(now, this.spokenUntil) + bytes / BYTES_PER_MS;
    const said: Said = { number, bytes, pieces: [] };
    this.flowSaid.push(said);
    const how = random.pick({ raw: 3, wav: 2, pieces: 2 });
    // By its stream, or by its call, of which it is the only one.
    const target = random.chance(0.5) ? ids : { call_id: ids.call_id };
    for (let from = 0; from < bytes;) {
      const size = how === 'pieces' ? random.whole(1, 40_000) : bytes;
      const pauses = random.chance(0.3);
      const cut = Math.min(bytes, from + size);
      // Half a sample that waits for long may be given up for its other half.
      const to = pauses ? cut + (cut % 2) : cut;
      const msg = {
        ...target,
        ...(to === bytes && random.chance(0.5) && { complete: true }),
        ...(to === bytes && random.chance(0.2) && { mark: this.markName() }),
      };
      const entry = this.give('say', msg, { number, bytes, from, to, wav: how === 'wav' });
      said.pieces.push({ entry, from, to });
      from = to;
      if (from < bytes && pauses) await this.pause(random.between(1, 60));
      if (!stream.live || this.ended) {
        said.bytes = from; // the rest would belong to nothing
        return;
      }
    }
  }

  private drop(stream: SimStream, fate: Fate | undefined): void {
    if (!this.world.drops.drop(stream.stream_id, this.random.chance(0.5))) return;
    this.world.totals.drops++;
    if (fate) fate.dropped = true;
  }

  private async hangUp(call: Call): Promise<void> {
    const { call_id } = call;
    const how = this.random.pick({ phone: 4, flow: 3, 'flow, played': 3, drop: 1 });
    if (how === 'drop') {
      for (const stream of call.streams) if (stream.live) this.drop(stream, this.fates.get(stream.stream_id));
    } else if (how !== 'phone' && call.state === 'answered') {
      await this.outcome(this.give(how === 'flow' ? 'hangup' : 'hangup played', { call_id }));
    }
    // Also where the flow's own request failed.
    call.phone.hangUp();
  }

  /** Everything that is on its way arrives. */
  private async finish(call: Call): Promise<void> {
    call.phone.hangUp();
    await call.done;
    await this.within(Promise.all(call.streams.map((stream) => this.streamTold(stream))));
    await this.within(Promise.all(this.entries.map(({ told }) => told)));
    await this.world.synced();
  }

  private check(call: Call): void {
    const { totals, ledger } = this.world;
    const where = `call ${this.serial} (${this.line}, ${call.direction})`;
    const said = call.said();
    const started = call.streams.filter(({ facts }) => facts.startedAt !== undefined);
    for (const stream of started) {
      const book = ledger.stream(stream.stream_id);
      const fate = this.fates.get(stream.stream_id) ?? { dropped: false, clears: 0 };
      totals.framesSpoken += stream.facts.mediaReceived;
      checkHearing(stream, book, fate, totals);
      checkStreamed(stream, said, totals);
      checkStream(stream, book, fate, totals);
    }
    checkWords(said, this.phoneSaid, `${where}: the line to the phone`, totals);
    if (this.line === 'a') {
      checkReports(this.flowSaid, checkWords(call.heard(), this.flowSaid, where, totals), totals);
    } else {
      const streams = started.map((stream) => ({
        streamed: stream.streamed('inbound'),
        clears: this.fates.get(stream.stream_id)?.clears ?? 0,
      }));
      checkEcho(call.heard(), streams, where, totals);
    }
  }

  private give(...[step, msg, audio]: GiveRest): Entry {
    const entry = this.world.ledger.give(this.line, step, msg, audio);
    this.entries.push(entry);
    return entry;
  }

  private async outcome(entry: Entry): Promise<void> {
    await this.within(entry.told, OUTCOME_MS);
  }

  /** When the flow has been told of the stream's end, if it ever started. */
  private async streamTold(stream: SimStream): Promise<void> {
    if (stream.facts.startedAt === undefined) return;
    const book = this.world.ledger.stream(stream.stream_id);
    if (book.ended) return;
    await this.within(new Promise<void>((resolve) => (book.onEnd = resolve)));
  }

  private async within(what: Promise<unknown>, ms = SETTLE_MS): Promise<void> {
    const done = new AbortController();
    await Promise.race([what, sleep(ms, undefined, { signal: done.signal }).catch(() => undefined)]);
    done.abort();
  }

  private async pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.stop }).catch(() => undefined);
  }

  private utteranceNumber(said: readonly Said[], base: number): number {
    return this.serial * UTTERANCES + base + (said.length % (UTTERANCES / 2));
  }

  private markName(): string {
    return `m${this.serial}-${++this.lastMark}`;
  }

  /** Of 100 ms to 2.5 s, whole frames or not. */
  private someBytes(): number {
    return this.random.whole(100 * 24, 2_500 * 24) * 2;
  }
}

type GiveRest = Parameters<Ledger['give']> extends [LineName, ...infer Rest] ? Rest : never;
