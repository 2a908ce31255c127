/** What a peer that has a good token may do to the WebSocket itself. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import type { AudioPiece } from '../../../lib/streams/tap';
import { FakeClock } from '../fake-clock';
import { BINARY, CLOSE, closeCode, CONTINUATION, fragmented, frame, PING, PONG } from './frames';
import { Judge } from './guide';
import { script, START, stop } from './hostile';
import { bytesHeld } from './memory';
import { Rig, type Raw, type Told } from './rig';

const SCRIPTS = Math.ceil(Number(process.env.WAVIX_FUZZ ?? 100_000) / 2_500);

describe('Attacks on a socket', function () {
  this.timeout(20_000);
  let rig: Rig;

  beforeEach(async () => {
    rig = await Rig.start();
  });

  afterEach(() => rig.stop());

  /** An upgraded socket whose stream has started. */
  async function live(): Promise<Raw> {
    const raw = await rig.upgraded();
    const started = once(rig.arrivals, 'start');
    raw.socket.write(frame(START));
    await started;
    return raw;
  }

  /** Sends what ends a stream, and tells the code that the peer was sent. */
  async function lostBy(raw: Raw, bytes: Buffer): Promise<number | undefined> {
    const lost = once(rig.arrivals, 'lost');
    raw.socket.write(bytes);
    await Promise.all([lost, raw.closed]);
    assert.equal(rig.line.streams.live.length, 0);
    return closeCode(raw.received);
  }

  it('hears every byte of the good between the hostile, however frames are split and merged', async function () {
    this.timeout(20_000 + SCRIPTS * 500);
    const heard: AudioPiece[] = [];
    const format = { track: 'any', encoding: 'pcm', sampleRate: 24_000, pieceMs: 20 } as const;
    rig.line.streams.listen({ audio: (piece) => heard.push(piece) }, format);
    const cuts = fc.array(fc.nat(70_000), { maxLength: 3 });
    const parts = fc.array(fc.oneof(fc.nat(20), fc.nat(30_000)), { minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(
        script(100),
        fc.array(cuts, { minLength: 1, maxLength: 9 }),
        parts,
        async (steps, cut, sizes) => {
          heard.length = rig.told.length = rig.logged.length = 0;
          const judge = new Judge();
          const frames = steps.map((make, at) => {
            const data = make(judge.sequence + 1);
            judge.take(data);
            return fragmented(data, cut[at % cut.length] ?? [], at % 4 === 0);
          });
          const bytes = Buffer.concat([...frames, frame(stop(judge.sequence + 1))]);
          const raw = await live();
          const ended = Promise.race([once(rig.arrivals, 'stop'), once(rig.arrivals, 'lost')]);
          for (let at = 0, turn = 0; at < bytes.length; turn++) {
            // Byte by byte takes long: so only at first.
            const size = (sizes[turn % sizes.length] ?? 0) + (turn < 300 ? 1 : 5_000);
            raw.socket.write(bytes.subarray(at, at + size));
            at += size;
            // A piece of its own in the network, every now and then.
            if (turn % 16 === 0) await new Promise((resolve) => setImmediate(resolve));
          }
          const [{ event, stats }] = (await ended) as [Told];
          raw.socket.destroy();
          assert.equal(event, 'stop');
          const { audio, frames_in, malformed, missing } = judge.verdict;
          assert.deepEqual(
            [stats?.frames_in, stats?.malformed, stats?.missing],
            [frames_in, malformed, missing],
          );
          const sent = Buffer.concat(audio);
          const got = Buffer.concat(heard.map(({ payload }) => payload as Buffer));
          assert.ok(got.equals(sent.subarray(0, sent.length & ~1)), 'every byte in order');
        },
      ),
      { numRuns: SCRIPTS },
    );
  });

  const violations: Record<string, [Buffer, number]> = {
    'an unmasked frame': [frame('{}', { masked: false }), 1002],
    'a compressed frame': [frame('{}', { rsv: 4 }), 1002],
    'a reserved bit': [frame('{}', { rsv: 1 }), 1002],
    'an opcode that does not exist': [frame('{}', { opcode: 5 }), 1002],
    'a continuation of nothing': [frame('{}', { opcode: CONTINUATION }), 1002],
    'a message within another': [
      Buffer.concat([frame('{', { fin: false }), frame('{}', { opcode: BINARY })]),
      1002,
    ],
    'a ping in pieces': [frame('x', { opcode: PING, fin: false }), 1002],
    'a ping of more than 125 bytes': [frame('x'.repeat(126), { opcode: PING }), 1002],
    'a close of one byte': [frame('x', { opcode: CLOSE }), 1002],
    'a close with a code that does not exist': [frame(Buffer.from([0x03, 0xed]), { opcode: CLOSE }), 1002],
    'text that is no UTF-8': [frame(Buffer.from([0x7b, 0xff, 0x7d]), { opcode: 1 }), 1007],
    'a frame that says it has 2^53 bytes': [
      Buffer.from([0x81, 0xff, 0x00, 0x20, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]),
      1009,
    ],
    'a frame that says it has 65 537 bytes, before they come': [
      Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0, 1, 0, 1, 1, 2, 3, 4]),
      1009,
    ],
    'more than 64 KiB in fragments': [
      Buffer.concat(
        Array.from({ length: 65 }, (_, at) =>
          frame('x'.repeat(1_024), { opcode: at === 0 ? 1 : CONTINUATION, fin: false }),
        ),
      ),
      1009,
    ],
    'a flood of fragments of no bytes': [
      Buffer.concat(
        Array.from({ length: 20_000 }, (_, at) =>
          frame('', { opcode: at === 0 ? 1 : CONTINUATION, fin: false }),
        ),
      ),
      1008,
    ],
  };
  for (const [what, [bytes, expected]] of Object.entries(violations)) {
    it(`closes with ${expected} after ${what}, and loses that stream only`, async () => {
      const raw = await live();
      assert.equal(await lostBy(raw, bytes), expected);
      const again = await live();
      again.socket.destroy();
    });
  }

  it('agrees to no compression, though it is asked for', async () => {
    const raw = await rig.upgraded(
      'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n',
    );
    assert.match(raw.received, /^HTTP\/1\.1 101 /);
    assert.doesNotMatch(raw.received, /extensions/i);
  });

  it('gives up a peer that floods it with pings and does not read, before that takes memory', async () => {
    const raw = await live();
    raw.socket.pause();
    const pings = Buffer.concat(
      Array.from({ length: 1_000 }, () => frame('x'.repeat(125), { opcode: PING })),
    );
    const lost = once(rig.arrivals, 'lost');
    const before = await bytesHeld();
    for (let count = 0; count < 300 && !raw.socket.destroyed; count++) {
      if (raw.socket.write(pings)) continue;
      await Promise.race([new Promise((resolve) => raw.socket.once('drain', resolve)), raw.closed]);
    }
    await lost;
    raw.socket.destroy();
    const growth = (await bytesHeld()) - before;
    assert.ok(growth < 4_000_000, `300 000 pings hold ${growth} bytes`);
  });

  it('passes over pongs nobody asked for', async () => {
    const raw = await live();
    for (let count = 0; count < 100; count++) raw.socket.write(frame('?', { opcode: PONG }));
    const stopped = once(rig.arrivals, 'stop');
    raw.socket.write(frame(stop(2)));
    const [{ stats }] = (await stopped) as [Told];
    assert.equal(stats?.malformed, 0);
  });

  it('tells a loss once when the peer resets, closes without a close frame, or writes on after its close', async () => {
    for (const end of [
      (raw: Raw) => raw.socket.resetAndDestroy(),
      (raw: Raw) => raw.socket.end(),
      (raw: Raw) => raw.socket.end(Buffer.concat([frame('', { opcode: CLOSE }), frame(START), frame('x')])),
      (raw: Raw) => raw.socket.end(Buffer.from([0x81])),
    ]) {
      rig.told.length = 0;
      const raw = await live();
      const lost = once(rig.arrivals, 'lost');
      end(raw);
      await lost;
      await raw.closed;
      await sleep(10);
      assert.deepEqual(
        rig.told.map(({ event }) => event),
        ['start', 'lost'],
      );
    }
  });

  it('tells `connected` once, and closes with 1008 after 10 s of anything but a start', async () => {
    await rig.stop();
    const clock = new FakeClock();
    rig = await Rig.start({}, clock);
    const raw = await rig.upgraded();
    const connected = frame('{"event":"connected"}');
    for (let count = 0; count < 1_000; count++) raw.socket.write(count % 2 ? connected : frame('[]'));
    raw.socket.write(frame('the last', { opcode: PING }));
    await raw.until(/the last/);
    assert.deepEqual(
      rig.told.map(({ event }) => event),
      ['connected'],
    );
    clock.pass(10_000);
    raw.socket.end();
    await raw.closed;
    assert.equal(closeCode(raw.received), 1008);
    assert.equal(clock.pending, 0);
    assert.match(rig.logged.join(), /No start came in 10 s/);
  });

  it('does not let the id of a stream forge a line of the log', async () => {
    const bad = ['s\n[error] forged', 's\u001b[31m', 's\u2028', 'x'.repeat(300), 's\u0085'];
    const raw = await rig.upgraded();
    for (const stream_id of bad) {
      raw.socket.write(frame(JSON.stringify({ ...(JSON.parse(START) as object), stream_id })));
    }
    const started = once(rig.arrivals, 'start');
    raw.socket.write(frame(START));
    await started;
    assert.deepEqual(
      rig.line.streams.live.map(({ streamId, stats }) => [streamId, stats.malformed]),
      [['s', bad.length]],
    );
  });
});
