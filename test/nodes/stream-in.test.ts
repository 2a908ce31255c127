import assert from 'node:assert/strict';
import { alaw, mulaw } from 'alawmulaw';
import { tone } from '../../lib/audio';
import { FRAME_BYTES } from '../../lib/streams/wire';
import type { LocalWavixOptions } from '../../simulator';
import type { FakeWavix, ScriptedStream } from './fake-wavix';
import { bare, Bench, type FlowNode, type Message } from './harness';
import { fromFloat32, fromPcm, heardOnce, isTone, sameBytes } from './samples';

function inNode(more: Record<string, unknown> = {}): FlowNode {
  return {
    id: 'in',
    type: 'wavix-stream-in',
    config: 'config',
    wires: [
      ['audio', 'all'],
      ['marks', 'all'],
      ['events', 'all'],
    ],
    ...more,
  };
}

const START: FlowNode = {
  id: 'start',
  type: 'wavix-stream-start',
  config: 'config',
  streamType: 'oneway',
  streamChannel: 'both',
};
const TWOWAY: FlowNode = { id: 'start', type: 'wavix-stream-start', config: 'config' };
const ANSWER: FlowNode = { id: 'answer', type: 'wavix-answer', config: 'config', stream: true };
const SPEAK: FlowNode = { id: 'out', type: 'wavix-stream-out', config: 'config' };

const HEAD = { call_id: 'call-1', stream_id: 'stream-1' };

describe('wavix-stream-in', () => {
  let bench: Bench;
  let fake: FakeWavix;
  let stream: ScriptedStream;
  afterEach(() => bench.stop());

  const startLocal = async (options: LocalWavixOptions, ...nodes: FlowNode[]) => {
    bench = await Bench.start(options);
    await bench.load([bench.config(), ...nodes]);
  };

  /** A flow with a live stream that the test itself speaks on. */
  const scripted = async (...nodes: FlowNode[]) => {
    bench = await Bench.start();
    fake = await bench.fake();
    await bench.load([bench.config({ apiUrl: fake.url }), TWOWAY, ...nodes]);
    bench.send('start', { call_id: 'call-1' });
    stream = (await fake.dial()).begin('call-1', 'stream-1');
    await bench.seen('events').next(({ event }) => event === 'start');
  };

  /** Sends audio in messages of `frameMs`, and ends the stream. */
  const sendAll = async (pcm: Buffer, frameMs = 20) => {
    for (let at = 0; at < pcm.length; at += frameMs * 48) {
      stream.media(pcm.subarray(at, at + frameMs * 48), { timestamp: at / 48 });
    }
    stream.stop();
    await ended();
  };

  /** The last message of each node of the flow is there. */
  const ended = (event = 'stop') =>
    Promise.all(
      ['events', 'all', 'same-events', 'other-events']
        .filter((id) => (bench.node(id) as object | null) !== null)
        .map((id) => bench.seen(id).next((message) => message.event === event)),
    );

  const payloads = (id = 'audio') => bench.seen(id).all.map(({ payload }) => payload as Buffer);

  describe('audio', () => {
    it('comes as PCM at 24 kHz in pieces of 20 ms of every track, with its numbers, if nothing else is set', async () => {
      await scripted(inNode());
      const pcm = tone(440, 60);
      await sendAll(pcm);
      const heard = bench.seen('audio').all;
      assert.deepEqual(
        heard.map(bare),
        [0, 1, 2].map((n) => ({
          topic: 'media',
          event: 'media',
          payload: pcm.subarray(n * FRAME_BYTES, (n + 1) * FRAME_BYTES),
          ...HEAD,
          track: 'inbound',
          timestamp: n * 20,
          chunk: n + 1,
          sequence_number: n + 2,
          encoding: 'pcm',
          sample_rate: 24_000,
        })),
      );
      assert.deepEqual(new Set(heard.map(({ payload }) => Buffer.isBuffer(payload))), new Set([true]));
    });

    it('is every byte that the caller says, in order, from the stream’s first frame on', async () => {
      const speech = tone(440, 200);
      await startLocal({}, ANSWER, inNode());
      const call = await bench.answered();
      const live = await call.waitForStream();
      await call.phone.say([{ silence: 30 }, speech, { silence: 40 }]);
      call.phone.hangUp();
      await call.done;
      await bench.seen('events').next(({ event }) => event === 'stop');
      const heard = Buffer.concat(payloads());
      sameBytes(heard, live.streamed());
      heardOnce(heard, speech);
      assert.deepEqual(
        bench.seen('audio').all.map(({ chunk, timestamp }) => [chunk, timestamp]),
        bench.seen('audio').all.map((_, n) => [n + 1, n * 20]),
      );
    });

    for (const numbersAsStrings of [true, false]) {
      it(`has numbers that are numbers where Wavix sends ${numbersAsStrings ? 'strings' : 'numbers'}`, async () => {
        await startLocal({ numbersAsStrings }, ANSWER, inNode(), SPEAK);
        const call = await bench.answered();
        bench.send('out', { payload: tone(440, 20), mark: 'one' });
        const mark = await bench.seen('marks').next();
        assert.equal(typeof mark.sequence_number, 'number');
        const [first, second] = await bench.seen('audio').atLeast(2);
        assert.deepEqual([first!.timestamp, first!.chunk, first!.sequence_number], [0, 1, 2]);
        assert.deepEqual([second!.timestamp, second!.chunk], [20, 2]);
        call.phone.hangUp();
        const stop = await bench.seen('events').next(({ event }) => event === 'stop');
        assert.equal(typeof (stop.payload as Record<string, unknown>).sequence_number, 'number');
      });
    }

    it('as base64 is the wire’s own string, message by message, whatever rate and frame are set', async () => {
      await scripted(inNode({ encoding: 'base64', sampleRate: 8_000, frame: 100 }));
      const sent = [tone(440, 20), tone(880, 7), tone(440, 60)].map((pcm) => pcm.toString('base64'));
      for (const payload of sent) stream.media(payload);
      const heard = await bench.seen('audio').atLeast(3);
      assert.deepEqual(
        heard.map(({ payload, encoding, sample_rate }) => [payload, encoding, sample_rate]),
        sent.map((payload) => [payload, 'base64', 24_000]),
      );
    });

    for (const [rate, bytes] of [
      [24_000, 960],
      [16_000, 640],
      [8_000, 320],
    ] as const) {
      it(`as PCM at ${rate} Hz keeps its pitch and length`, async () => {
        await scripted(inNode({ encoding: 'pcm', sampleRate: rate }));
        await sendAll(tone(1_000, 500));
        const heard = payloads();
        assert.deepEqual(new Set(heard.slice(0, -1).map(({ length }) => length)), new Set([bytes]));
        const all = Buffer.concat(heard);
        assert.equal(all.length, (bytes / 20) * 500);
        isTone(fromPcm(all), 1_000, rate, -60);
        assert.deepEqual(
          new Set(bench.seen('audio').all.map(({ sample_rate }) => sample_rate)),
          new Set([rate]),
        );
        assert.deepEqual(
          bench.seen('audio').all.map(({ timestamp }) => timestamp),
          heard.map((_, n) => n * 20),
        );
      });

      it(`as float32 at ${rate} Hz lies within ±1 and keeps its pitch`, async () => {
        await scripted(inNode({ encoding: 'float32', sampleRate: rate }));
        await sendAll(tone(1_000, 500));
        const [first] = payloads();
        assert.equal(first?.length, bytes * 2);
        const samples = fromFloat32(Buffer.concat(payloads()));
        assert.equal(samples.length, rate / 2);
        isTone(samples, 1_000, rate, -60);
        const peak = Math.max(...samples.map(Math.abs));
        assert.ok(peak > 0.49 && peak < 0.53, `its peak is ${peak}`);
        assert.equal(bench.seen('audio').all[0]?.encoding, 'float32');
      });
    }

    it('as float32 at 24 kHz has each sample’s very value', async () => {
      await scripted(inNode({ encoding: 'float32' }));
      const pcm = Buffer.alloc(FRAME_BYTES);
      [0, 1, -1, 16_384, -16_384, 32_767, -32_768].forEach((value, n) => pcm.writeInt16LE(value, n * 2));
      stream.media(pcm);
      const { payload } = await bench.seen('audio').next();
      assert.deepEqual(fromFloat32(payload as Buffer), fromPcm(pcm));
    });

    for (const [encoding, codec] of [
      ['mulaw', mulaw],
      ['alaw', alaw],
    ] as const) {
      it(`as ${encoding} comes at 8 kHz, one byte a sample, also where the rate is the node’s default`, async () => {
        const sampleRate = { mulaw: undefined, alaw: 24_000 }[encoding];
        const set = { id: 'same', sampleRate: '8000', wires: [['same-audio'], [], []] };
        await scripted(inNode({ encoding, sampleRate }), inNode({ encoding, ...set }));
        await sendAll(tone(1_000, 500));
        assert.equal(payloads()[0]?.length, 160);
        const decoded = Array.from(codec.decode(Buffer.concat(payloads())), (value) => value / 32_768);
        assert.equal(decoded.length, 4_000);
        isTone(decoded, 1_000, 8_000, -30);
        sameBytes(Buffer.concat(payloads('same-audio')), Buffer.concat(payloads()));
        const [first] = bench.seen('audio').all;
        assert.deepEqual([first?.encoding, first?.sample_rate], [encoding, 8_000]);
      });
    }

    for (const frame of [20, 30, 60, 100, 1_000]) {
      it(`comes in pieces of ${frame} ms, the last, shorter one before stop`, async () => {
        await scripted(inNode({ frame }));
        const pcm = tone(440, 1_130);
        await sendAll(pcm);
        const heard = bench.seen('audio').all;
        const whole = Math.floor(1_130 / frame);
        assert.deepEqual(
          payloads().map(({ length }) => length / 48),
          [...Array<number>(whole).fill(frame), 1_130 - whole * frame].filter(Boolean),
        );
        sameBytes(Buffer.concat(payloads()), pcm);
        assert.deepEqual(
          heard.map(({ timestamp }) => timestamp),
          heard.map((_, n) => n * frame),
        );
        // The message in which its first sample came: 20 ms each, the first of them with sequence number 2.
        assert.deepEqual(
          heard.map(({ chunk, sequence_number }) => [chunk, sequence_number]),
          heard.map((_, n) => [Math.floor((n * frame) / 20) + 1, Math.floor((n * frame) / 20) + 2]),
        );
        const ending = bench.seen('all').all.slice(-2);
        assert.deepEqual(
          ending.map(({ event }) => event),
          ['media', 'stop'],
        );
      });
    }

    it('takes rate and frame from the environment too, as strings', async () => {
      await scripted(inNode({ sampleRate: '16000', frame: '40' }));
      await sendAll(tone(440, 80));
      assert.deepEqual(
        payloads().map(({ length }) => length),
        [1_280, 1_280],
      );
    });

    it('comes as it is sent, message by message of any length', async () => {
      await scripted(inNode({ frame: 20 }));
      const pcm = tone(440, 100);
      await sendAll(pcm, 7);
      assert.deepEqual(
        payloads().map(({ length }) => length),
        Array(5).fill(FRAME_BYTES),
      );
      sameBytes(Buffer.concat(payloads()), pcm);
    });

    it('the last, shorter piece comes before lost too', async () => {
      await scripted(inNode({ frame: 100 }));
      stream.media(tone(440, 20));
      stream.media(tone(440, 20));
      stream.close(1000);
      await ended('lost');
      assert.deepEqual(
        bench
          .seen('all')
          .all.slice(-2)
          .map(({ event }) => event),
        ['media', 'lost'],
      );
      assert.equal(payloads()[0]?.length, 2 * FRAME_BYTES);
    });
  });

  describe('track', () => {
    for (const [track, tracks] of [
      ['any', ['inbound', 'outbound']],
      [undefined, ['inbound', 'outbound']],
      ['inbound', ['inbound']],
      ['outbound', ['outbound']],
    ] as const) {
      it(`${track ?? 'left out'} gives ${tracks.join(' and ')} of a stream of both`, async () => {
        await startLocal(
          {},
          { ...ANSWER, stream: false },
          START,
          inNode({ frame: 40, ...(track && { track }) }),
          inNode({ id: 'raw', encoding: 'base64', ...(track && { track }), wires: [['raw-audio'], [], []] }),
        );
        const call = await bench.answered({ speech: { tone: 440 }, speechAfterMs: 0 });
        await bench.done('start', { call_id: call.call_id });
        const live = await call.waitForStream();
        await bench.seen('audio').atLeast(8);
        call.phone.hangUp();
        await call.done;
        await bench.seen('events').next(({ event }) => event === 'stop');
        for (const id of ['audio', 'raw-audio']) {
          assert.deepEqual(new Set(bench.seen(id).all.map((message) => message.track)), new Set(tracks));
        }
        for (const one of tracks) {
          const heard = bench.seen('audio').all.filter((message) => message.track === one);
          sameBytes(Buffer.concat(heard.map(({ payload }) => payload as Buffer)), live.streamed(one), one);
          assert.deepEqual(
            heard.map(({ chunk }) => chunk),
            heard.map((_, n) => n * 2 + 1),
          );
        }
      });
    }
  });

  describe('several nodes', () => {
    it('with the same form all hear everything, with others each its own', async () => {
      await scripted(
        inNode(),
        inNode({ id: 'same', wires: [['same-audio'], ['same-marks'], ['same-events']] }),
        inNode({ id: 'other', sampleRate: 8_000, frame: 40, wires: [['other-audio'], [], []] }),
        inNode({ id: 'raw', encoding: 'base64', wires: [['raw-audio'], [], []] }),
      );
      const pcm = tone(440, 80);
      await sendAll(pcm);
      sameBytes(Buffer.concat(payloads()), pcm);
      sameBytes(Buffer.concat(payloads('same-audio')), pcm);
      assert.deepEqual(
        payloads('other-audio').map(({ length }) => length),
        [640, 640],
      );
      assert.deepEqual(
        bench.seen('raw-audio').all.map(({ payload }) => payload),
        [0, 1, 2, 3].map((n) => pcm.subarray(n * FRAME_BYTES, (n + 1) * FRAME_BYTES).toString('base64')),
      );
      assert.deepEqual(
        bench.seen('same-events').all.map(({ event }) => event),
        ['connected', 'start', 'stop'],
      );
    });

    it('have Buffers of their own: what a flow does to one changes no other, earlier or later', async () => {
      await scripted(
        inNode({ wires: [['audio'], [], ['events']] }),
        inNode({ id: 'same', wires: [['same-audio'], [], []] }),
      );
      const pcm = tone(440, 60);
      stream.media(pcm.subarray(0, FRAME_BYTES));
      const first = await bench.seen('audio').next();
      (first.payload as Buffer).fill(0x55);
      stream.media(pcm.subarray(FRAME_BYTES, 2 * FRAME_BYTES));
      const second = await bench.seen('audio').next();
      (second.payload as Buffer).fill(0x55);
      stream.media(pcm.subarray(2 * FRAME_BYTES));
      stream.stop();
      await bench.seen('events').next(({ event }) => event === 'stop');
      sameBytes(Buffer.concat(payloads('same-audio')), pcm);
      sameBytes(payloads()[2], pcm.subarray(2 * FRAME_BYTES));
      sameBytes(payloads()[0], Buffer.alloc(FRAME_BYTES, 0x55));
    });

    it('have events of their own: what a flow does to one changes no other', async () => {
      await scripted(
        inNode({ wires: [[], [], ['events']] }),
        inNode({ id: 'same', wires: [[], [], ['same-events']] }),
      );
      const [mine] = bench.seen('events').all.slice(-1);
      const theirs = await bench.seen('same-events').next(({ event }) => event === 'start');
      (mine?.payload as Record<string, unknown>).stream_type = 'changed';
      assert.equal((theirs.payload as Record<string, unknown>).stream_type, 'twoway');
    });

    it('hear the streams of their own config only, and all of those', async () => {
      bench = await Bench.start();
      fake = await bench.fake();
      await bench.load(
        [
          bench.config({ apiUrl: fake.url }),
          bench.config({ id: 'other-config', apiUrl: fake.url, path: '/other' }),
          TWOWAY,
          { ...TWOWAY, id: 'other-start', config: 'other-config' },
          inNode(),
          inNode({ id: 'other', config: 'other-config', wires: [['other-audio'], [], ['other-events']] }),
        ],
        { config: { apiKey: 'key-of-the-first' }, 'other-config': { apiKey: 'key-of-the-second' } },
      );
      const begin = async (node: string, call: string) => {
        await bench.done(node, { call_id: call });
        return (await fake.dial()).begin(call, `stream-of-${call}`);
      };
      const streams = [await begin('start', 'a'), await begin('other-start', 'b'), await begin('start', 'c')];
      for (const one of streams) one.media();
      for (const one of streams) one.stop();
      await bench.seen('other-events').next(({ event }) => event === 'stop');
      await bench.seen('audio').atLeast(2);
      const calls = (id: string) => bench.seen(id).all.map(({ call_id }) => call_id);
      assert.deepEqual(calls('audio').sort(), ['a', 'c']);
      assert.deepEqual(calls('other-audio'), ['b']);
      assert.deepEqual(new Set(calls('events')), new Set(['a', 'c']));
      assert.deepEqual(new Set(calls('other-events')), new Set(['b']));
    });
  });

  describe('marks', () => {
    it('come as messages when they have been heard, in order, with cleared false', async () => {
      await startLocal({}, ANSWER, inNode(), SPEAK);
      const call = await bench.answered();
      bench.send('out', { call_id: call.call_id, payload: tone(440, 100), mark: 'first' });
      bench.send('out', { call_id: call.call_id, event: 'mark', mark: 'second' });
      const marks = await bench.seen('marks').atLeast(2);
      const { stream_id } = await call.waitForStream();
      assert.deepEqual(
        marks.map((mark) => ({ ...bare(mark), sequence_number: typeof mark.sequence_number })),
        ['first', 'second'].map((payload) => ({
          topic: 'mark',
          event: 'mark',
          payload,
          call_id: call.call_id,
          stream_id,
          sequence_number: 'number',
          cleared: false,
        })),
      );
    });

    it('have cleared true where they come back because of a clear, sent already or still waiting here', async () => {
      await startLocal({}, ANSWER, inNode(), { ...SPEAK, lead: 100 });
      const call = await bench.answered();
      const { call_id } = call;
      bench.send('out', { call_id, payload: tone(440, 60), mark: 'heard' });
      assert.equal((await bench.seen('marks').next()).cleared, false);
      bench.send('out', { call_id, payload: tone(440, 60), mark: 'sent' });
      bench.send('out', { call_id, payload: tone(440, 2_000), mark: 'waiting' });
      bench.send('out', { call_id, event: 'clear' });
      bench.send('out', { call_id, payload: tone(880, 40), mark: 'after' });
      const marks = await bench.seen('marks').atLeast(4);
      assert.deepEqual(
        marks.map(({ payload, cleared }) => [payload, cleared]),
        [
          ['heard', false],
          ['sent', true],
          ['waiting', true],
          ['after', false],
        ],
      );
    });

    it('of the package’s own never come', async () => {
      await startLocal({}, ANSWER, inNode(), { ...SPEAK, wires: [['played'], []] });
      const call = await bench.answered();
      bench.send('out', { call_id: call.call_id, payload: tone(440, 40) });
      await bench.seen('played').next();
      bench.send('out', { call_id: call.call_id, event: 'mark', payload: 'mine' });
      assert.equal((await bench.seen('marks').next()).payload, 'mine');
      assert.equal(bench.seen('marks').all.length, 1);
    });

    it('are passed on too where nobody here has set them', async () => {
      await scripted(inNode());
      stream.mark('set by somebody else');
      const mark = await bench.seen('marks').next();
      assert.deepEqual([mark.payload, mark.cleared], ['set by somebody else', false]);
    });
  });

  describe('events', () => {
    const wire = (message: Message | undefined) => message?.payload as Record<string, unknown>;

    it('connected and start hold the wire’s messages, and name call and stream', async () => {
      await startLocal({}, ANSWER, inNode());
      const call = await bench.answered();
      const live = await call.waitForStream();
      const [connected, start] = await bench.seen('events').atLeast(2);
      assert.deepEqual([connected?.topic, connected?.event], ['connected', 'connected']);
      assert.equal(connected?.call_id, call.call_id);
      assert.equal(wire(connected).event, 'connected');
      assert.match(String(wire(connected).event_time), /^\d{4}-\d\d-\d\dT/);
      assert.deepEqual([start?.topic, start?.event], ['start', 'start']);
      assert.deepEqual([start?.call_id, start?.stream_id], [call.call_id, live.stream_id]);
      const { event_time, ...rest } = wire(start);
      assert.match(String(event_time), /^\d{4}-\d\d-\d\dT/);
      assert.deepEqual(rest, {
        event: 'start',
        call_id: call.call_id,
        stream_id: live.stream_id,
        stream_type: 'twoway',
        channel: 'inbound',
        sequence_number: 1,
      });
    });

    it('stop holds the wire’s message and the stream’s stats, and comes once', async () => {
      await scripted(inNode(), SPEAK);
      bench.send('out', { payload: tone(440, 50), mark: 'end' });
      await stream.received.next(({ event }) => event === 'mark');
      for (let n = 0; n < 3; n++) stream.media();
      stream.media(tone(440, 10));
      stream.lose(2);
      stream.mark('end');
      stream.stop();
      assert.equal(await stream.closed, 1000);
      const stop = await bench.seen('events').next(({ event }) => event === 'stop');
      assert.deepEqual([stop.topic, stop.call_id, stop.stream_id], ['stop', 'call-1', 'stream-1']);
      const { stats, event_time, ...rest } = wire(stop);
      assert.match(String(event_time), /^\d{4}-\d\d-\d\dT/);
      assert.deepEqual(rest, { event: 'stop', ...HEAD, sequence_number: 9 });
      const { duration_ms, ...counts } = stats as Record<string, number>;
      const expected = { frames_in: 4, ms_in: 70, frames_out: 3, ms_out: 50, missing: 2 };
      assert.deepEqual({ ...counts, ...expected }, counts);
      assert.ok(duration_ms! >= 0 && duration_ms! < 2_000, `${duration_ms} ms`);
      assert.deepEqual(
        bench.seen('events').all.map(({ event }) => event),
        ['connected', 'start', 'gap', 'stop'],
      );
    });

    it('stop tells how long the stream lived', async () => {
      await startLocal({}, ANSWER, inNode());
      const call = await bench.answered();
      const live = await call.waitForStream();
      await bench.seen('audio').atLeast(10);
      call.phone.hangUp();
      await call.done;
      const stop = await bench.seen('events').next(({ event }) => event === 'stop');
      const { duration_ms, frames_in, ms_in } = wire(stop).stats as Record<string, number>;
      const lived = live.facts.endedAt! - live.facts.startedAt!;
      assert.ok(Math.abs(duration_ms! - lived) < 60, `${duration_ms} ms of ${lived} ms`);
      assert.deepEqual(
        [frames_in, ms_in],
        [live.facts.framesSent.inbound, live.facts.framesSent.inbound * 20],
      );
    });

    for (const [what, end, code] of [
      ['its socket is cut', () => stream.drop(), 1006],
      ['its socket is closed without stop', () => stream.close(1000), 1000],
    ] as const) {
      it(`lost comes once, with the stats, when ${what}`, async () => {
        await scripted(inNode());
        stream.media();
        await bench.seen('audio').next();
        end();
        const lost = await bench.seen('events').next(({ event }) => event === 'lost');
        assert.deepEqual([lost.topic, lost.call_id, lost.stream_id], ['lost', 'call-1', 'stream-1']);
        const { stats, ...rest } = wire(lost);
        assert.deepEqual(rest, { event: 'lost', ...HEAD, code });
        const { frames_in, ms_in, frames_out, ms_out, missing } = stats as Record<string, number>;
        assert.deepEqual([frames_in, ms_in, frames_out, ms_out, missing], [1, 20, 0, 0, 0]);
        assert.deepEqual(
          bench.seen('events').all.map(({ event }) => event),
          ['connected', 'start', 'lost'],
        );
      });
    }

    it('gap tells of missing sequence numbers before the audio behind it, and they are counted', async () => {
      await scripted(inNode({ wires: [['audio', 'all'], ['all'], ['events', 'all']] }));
      stream.media();
      stream.lose(3);
      stream.chunk += 3;
      stream.media(tone(440, 20));
      stream.lose(1);
      stream.mark('late');
      stream.stop();
      await ended();
      assert.deepEqual(
        bench.seen('all').all.map(({ event }) => event),
        ['connected', 'start', 'media', 'gap', 'media', 'gap', 'mark', 'stop'],
      );
      const [first, second] = bench.seen('events').all.filter(({ event }) => event === 'gap');
      assert.deepEqual([first?.topic, first?.call_id, first?.stream_id], ['gap', 'call-1', 'stream-1']);
      assert.deepEqual(wire(first), { event: 'gap', ...HEAD, expected: 3, sequence_number: 6, missing: 3 });
      assert.deepEqual(wire(second), { event: 'gap', ...HEAD, expected: 7, sequence_number: 8, missing: 1 });
      assert.equal((wire(bench.seen('events').all.at(-1)).stats as Record<string, number>).missing, 4);
      const [, behind] = bench.seen('audio').all;
      assert.deepEqual([behind?.timestamp, behind?.chunk, behind?.sequence_number], [80, 5, 6]);
    });

    it('no gap is told where numbers come twice or out of order', async () => {
      await scripted(inNode());
      stream.media();
      stream.sequence -= 1;
      stream.media();
      stream.media();
      stream.stop();
      await bench.seen('events').next(({ event }) => event === 'stop');
      assert.deepEqual(
        bench.seen('events').all.map(({ event }) => event),
        ['connected', 'start', 'stop'],
      );
      assert.equal(bench.seen('audio').all.length, 3);
    });

    it('a stream that Wavix stops is over for the flow although its socket stays open', async () => {
      await scripted(inNode(), SPEAK);
      stream.stop();
      await bench.seen('events').next(({ event }) => event === 'stop');
      const { code } = await bench.failure('out', { stream_id: 'stream-1', payload: tone(440, 20) });
      assert.equal(code, 'WAVIX_NO_STREAM');
    });
  });

  for (const [field, value, problem] of [
    ['encoding', 'opus', /encoding must be one of/],
    ['sampleRate', 11_025, /sample rate of 11025/],
    ['sampleRate', 'fast', /sampleRate must be a number/],
    ['frame', 10, /frame must be a number from 20 to 1000/],
    ['frame', 1_001, /frame must be a number from 20 to 1000/],
    ['frame', 20.5, /20\.5 ms/],
    ['track', 'left', /track must be one of/],
  ] as const) {
    it(`says under itself, and in the log, that it can't be used with ${field} ${value}`, async () => {
      bench = await Bench.start();
      await bench.load([bench.config(), inNode({ [field]: value })]);
      bench.logged(problem);
      assert.deepEqual(bench.statusesOf('in'), [{ fill: 'red', shape: 'ring', text: 'WAVIX_CONFIG' }]);
    });
  }

  for (const encoding of ['mulaw', 'alaw']) {
    it(`says that ${encoding} can't be had at 16 kHz`, async () => {
      bench = await Bench.start();
      await bench.load([bench.config(), inNode({ encoding, sampleRate: 16_000 })]);
      bench.logged(new RegExp(`${encoding} can't be given at a sample rate`));
      assert.equal(bench.statusesOf('in').at(-1)?.text, 'WAVIX_CONFIG');
    });
  }
});
