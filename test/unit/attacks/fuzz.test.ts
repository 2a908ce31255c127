/**
 * Fuzz of the stream's wire. 100 000 messages a run; WAVIX_FUZZ=5000000 makes it five million (about a minute for each
 * million), WAVIX_FUZZ_SEED=… repeats one.
 */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import fc from 'fast-check';
import { PassThrough } from 'node:stream';
import type { WebSocket } from 'ws';
import { audioReady } from '../../../lib/audio';
import { StreamHub } from '../../../lib/streams/hub';
import type { StreamStats } from '../../../lib/streams/stream';
import type { AudioPiece, ListenFormat } from '../../../lib/streams/tap';
import { readFromWavix, readToWavix } from '../../../lib/streams/wire';
import { english, say } from '../../../lib/texts';
import { FakeClock } from '../fake-clock';
import { CALL_ID, Judge } from './guide';
import { script, START, step, stop, type Step } from './hostile';
import { bytesHeld } from './memory';

const MESSAGES = Number(process.env.WAVIX_FUZZ ?? 100_000);
const SEED = Number(process.env.WAVIX_FUZZ_SEED ?? Date.now() % 2 ** 31);
const MOST_GROWTH = 8_000_000; // bytes: what the engine itself keeps of code and feedback

/** What a stream needs of a socket; a throw of its listeners comes back to the test. */
class Socket extends EventEmitter {
  readonly OPEN = 1;
  readonly bufferedAmount = 0;
  readyState = 1;
  closedWith: number | undefined;

  close(code: number): void {
    this.readyState = 3;
    this.closedWith = code;
  }

  send(): void {
    // Nobody reads it.
  }
}

/** One live stream of a hub of its own, and all it tells. */
class Rig {
  readonly clock = new FakeClock();
  readonly logged: string[] = [];
  readonly socket = new Socket();
  readonly hub = new StreamHub({
    clock: this.clock,
    log: (texts) => void this.logged.push(say(texts, english)),
  });
  readonly events: { event: string; stats?: StreamStats }[] = [];
  readonly marks: string[] = [];
  readonly heard: AudioPiece[][] = [];

  constructor(formats: readonly ListenFormat[]) {
    this.hub.listen({
      event: (message) => this.events.push(message),
      mark: ({ mark }) => this.marks.push(mark.name),
    });
    for (const format of formats) {
      const pieces: AudioPiece[] = [];
      this.heard.push(pieces);
      this.hub.listen({ audio: (piece) => pieces.push(piece) }, format);
    }
    this.hub.accept(this.socket as unknown as WebSocket, new PassThrough(), { callId: CALL_ID });
    this.take(START);
  }

  take(data: string | Buffer): void {
    this.socket.emit('message', Buffer.from(data as string), typeof data !== 'string');
  }

  bytes(at: number): Buffer {
    return Buffer.concat((this.heard[at] ?? []).map(({ payload }) => Buffer.from(payload as Buffer)));
  }
}

const raw = (pieceMs: number): ListenFormat => ({
  track: 'any',
  encoding: 'pcm',
  sampleRate: 24_000,
  pieceMs,
});
const FORMATS: ListenFormat[] = [
  raw(20),
  { track: 'any', encoding: 'base64' },
  raw(50),
  { track: 'any', encoding: 'mulaw', sampleRate: 8_000, pieceMs: 20 },
  { track: 'outbound', encoding: 'float32', sampleRate: 16_000, pieceMs: 100 },
];

/** Plays one script into a stream, and compares what it told with what the judge says. */
function play(steps: readonly Step[]): number {
  const rig = new Rig(FORMATS);
  const judge = new Judge();
  for (const make of steps) {
    const message = make(judge.sequence + 1);
    rig.take(message);
    judge.take(message);
  }
  rig.take(stop(judge.sequence + 1));

  const { audio, bytes_in, gaps, marks, ...counts } = judge.verdict;
  const last = rig.events.at(-1);
  assert.equal(last?.event, 'stop', 'survived to its stop');
  assert.equal(rig.socket.closedWith, 1000);
  assert.deepEqual(
    { ...last.stats },
    { ...counts, ms_in: Math.round(bytes_in / 48), frames_out: 0, ms_out: 0, duration_ms: 0 },
  );
  assert.equal(rig.events.filter(({ event }) => event === 'gap').length, gaps);
  assert.deepEqual(
    rig.marks,
    marks.filter((name) => !name.startsWith('wavix-flows:')),
  );
  assert.deepEqual(
    rig.heard[1]?.map(({ payload }) => Buffer.from(payload as string, 'base64')),
    audio,
    'every good payload, in order, and no other',
  );
  const sent = Buffer.concat(audio);
  for (const at of [0, 2])
    assert.ok(rig.bytes(at).equals(sent.subarray(0, sent.length & ~1)), 'every byte in order');
  for (const { timestamp, chunk, sequence_number, track } of rig.heard.flat()) {
    assert.ok(timestamp >= 0 && Number.isFinite(timestamp) && Number.isInteger(chunk));
    assert.ok(Number.isInteger(sequence_number) && ['inbound', 'outbound'].includes(track));
  }
  assert.equal(rig.logged.length, counts.malformed > 0 ? 1 : 0, 'told once');
  assert.equal(rig.clock.pending, 0, 'no timer left');
  assert.equal(rig.hub.live.length, 0);
  rig.socket.removeAllListeners();
  return steps.length;
}

describe('Fuzz of the wire', function () {
  this.timeout(Math.max(60_000, MESSAGES / 5));

  before(async () => {
    await audioReady();
  });

  it(`survives ${MESSAGES} messages, counts them right, and loses no byte of the good ones`, async () => {
    let messages = 0;
    const run = (most: number, seed: number) => {
      const end = messages + most;
      while (messages < end) {
        fc.assert(
          fc.property(script(500), (steps) => void (messages += play(steps))),
          { seed: seed + messages, numRuns: 20 },
        );
      }
    };
    run(MESSAGES / 5, SEED);
    const before = await bytesHeld();
    run((MESSAGES / 5) * 4, SEED);
    const growth = (await bytesHeld()) - before;
    assert.ok(messages >= MESSAGES);
    assert.ok(growth < MOST_GROWTH, `grew by ${growth} bytes over ${messages} messages`);
    assert.equal(({} as { polluted?: unknown }).polluted, undefined);
  });

  it('grows by nothing over one long stream', async () => {
    const rig = new Rig([]);
    const formats = FORMATS.map((format) => rig.hub.listen({ audio: () => undefined }, format));
    const steps = fc.sample(step, { numRuns: 2_000, seed: SEED });
    let sequence = 1;
    const round = () => {
      for (const make of steps) {
        const data = make(sequence + 1);
        sequence += 1;
        rig.take(data);
      }
      rig.events.length = rig.marks.length = rig.logged.length = 0;
    };
    for (let count = 0; count < 3; count++) round();
    const before = await bytesHeld();
    for (let count = 0; count < MESSAGES / 10_000; count++) round();
    const growth = (await bytesHeld()) - before;
    assert.ok(growth < MOST_GROWTH / 4, `grew by ${growth} bytes`);
    for (const end of formats) end();
    rig.take(stop(sequence + 1));
    assert.equal(rig.hub.live.length, 0);
  });

  it('reads whatever comes without a throw, both ways, and gives nothing but the guide’s properties', () => {
    const known = new Set([
      'event',
      'event_time',
      'call_id',
      'stream_id',
      'sequence_number',
      'stream_type',
      'channel',
      'media',
      'mark',
    ]);
    fc.assert(
      fc.property(step, fc.nat(2 ** 32), (make, sequence) => {
        const data = make(sequence).toString();
        readToWavix(data);
        const read = readFromWavix(data);
        if ('problem' in read) {
          assert.match(read.problem, /^[a-z_A-Z ]{5,50}$/, 'says nothing of what came');
          return;
        }
        assert.equal(Object.getPrototypeOf(read), Object.prototype);
        assert.deepEqual(
          Object.keys(read).filter((key) => !known.has(key)),
          [],
        );
        if ('sequence_number' in read)
          assert.ok(Number.isSafeInteger(read.sequence_number) && read.sequence_number >= 0);
      }),
      { numRuns: MESSAGES / 4, seed: SEED },
    );
  });
});
