import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { alaw, mulaw } from 'alawmulaw';
import { silence, tone, writeWav } from '../../lib/audio';
import type { LocalWavixOptions } from '../../simulator';
import type { FakeWavix, ScriptedStream } from './fake-wavix';
import { Bench, type FlowNode } from './harness';
import { fromPcm, heardOnce, isTone, sameBytes, sounds, speech, trimmed } from './samples';
import { fieldFor, provide, TYPES } from './typed';

/** With reports; `{ wires: [] }` is without. */
function outNode(more: Record<string, unknown> = {}): FlowNode {
  return {
    id: 'out',
    type: 'wavix-stream-out',
    config: 'config',
    wires: [['played'], ['interrupted']],
    ...more,
  };
}

const ANSWER: FlowNode = { id: 'answer', type: 'wavix-answer', config: 'config', stream: true };
const WATCH: FlowNode = {
  id: 'watch',
  type: 'wavix-stream-in',
  config: 'config',
  wires: [[], [], ['watched']],
};
const START: FlowNode = { id: 'start', type: 'wavix-stream-start', config: 'config' };

function inNode(more: Record<string, unknown> = {}): FlowNode {
  return { id: 'in', type: 'wavix-stream-in', config: 'config', wires: [[], ['marks'], ['events']], ...more };
}

function float32(pcm: Buffer): Buffer {
  const samples = fromPcm(pcm);
  const bytes = Buffer.alloc(samples.length * 4);
  samples.forEach((value, n) => bytes.writeFloatLE(value, n * 4));
  return bytes;
}

function samplesOf(pcm: Buffer): Int16Array {
  return Int16Array.from({ length: pcm.length / 2 }, (_, n) => pcm.readInt16LE(n * 2));
}

describe('wavix-stream-out', () => {
  let bench: Bench;
  afterEach(() => bench.stop());

  /** An answered call, of whose stream the flow has heard. */
  const answered = async () => {
    const call = await bench.answered();
    const live = await call.waitForStream();
    await bench.seen('watched').next(({ event }) => event === 'start');
    return { call, live, call_id: call.call_id };
  };

  /** A flow on an answered call of the local Wavix, its two-way stream live. */
  const talk = async (nodes: FlowNode[] = [outNode()], options: LocalWavixOptions = {}) => {
    bench = await Bench.start(options);
    await bench.load([bench.config(), ANSWER, WATCH, ...nodes]);
    const { call, live, call_id } = await answered();
    /** Hangs up. @returns what the caller has heard, from the first sound to the last */
    const heard = async () => {
      call.phone.hangUp();
      await call.done;
      return trimmed(call.heard());
    };
    return { call, live, call_id, heard };
  };

  /** A flow whose stream the test itself is the other side of. */
  const scripted = async (...nodes: FlowNode[]) => {
    bench = await Bench.start();
    const fake: FakeWavix = await bench.fake();
    await bench.load([bench.config({ apiUrl: fake.url }), START, ...nodes]);
    await bench.done('start', { call_id: 'call-1' });
    const stream = (await fake.dial()).begin('call-1', 'stream-1');
    return { fake, stream };
  };

  const say = (message: object, id = 'out') => bench.done(id, message);
  const mediaOf = (stream: ScriptedStream) =>
    stream.received.all
      .filter(({ event }) => event === 'media')
      .map(({ media }) => Buffer.from((media as { payload: string }).payload, 'base64'));
  const nameOf = (message: Record<string, unknown>) => (message.mark as { name: string }).name;
  const nextMark = async (stream: ScriptedStream) =>
    nameOf(await stream.received.next(({ event }) => event === 'mark'));

  describe('on the wire', () => {
    it('audio is the guide’s media message, 20 ms of PCM each, the last, shorter piece as it is', async () => {
      const { stream } = await scripted(outNode({ wires: [] }));
      const pcm = speech(50);
      bench.send('out', { payload: pcm, complete: true });
      const sent = await stream.received.atLeast(3);
      assert.deepEqual(
        sent,
        [pcm.subarray(0, 960), pcm.subarray(960, 1_920), pcm.subarray(1_920)].map((piece) => ({
          event: 'media',
          stream_id: 'stream-1',
          media: { payload: piece.toString('base64') },
        })),
      );
    });

    it('a mark is the guide’s mark message, right behind its audio', async () => {
      const { stream } = await scripted(outNode({ wires: [] }));
      bench.send('out', { payload: speech(30), mark: 'here' });
      bench.send('out', { payload: speech(20) });
      const sent = await stream.received.atLeast(4);
      assert.deepEqual(
        sent.map(({ event }) => event),
        ['media', 'media', 'mark', 'media'],
      );
      assert.deepEqual(sent[2], { event: 'mark', stream_id: 'stream-1', mark: { name: 'here' } });
    });

    for (const [what, message] of [
      ['msg.mark', { event: 'mark', mark: 'here', payload: 'not this' }],
      ['msg.payload', { event: 'mark', payload: 'here' }],
    ] as const) {
      it(`event mark sends a mark named by ${what}`, async () => {
        const { stream } = await scripted(outNode());
        bench.send('out', message);
        assert.deepEqual(await stream.received.next(), {
          event: 'mark',
          stream_id: 'stream-1',
          mark: { name: 'here' },
        });
      });
    }

    it('event clear is the guide’s clear message, at once, before all that waits', async () => {
      const { stream } = await scripted(outNode({ wires: [] }));
      bench.send('out', { payload: speech(5_000) });
      await stream.received.atLeast(10);
      bench.send('out', { event: 'clear' });
      const clear = await stream.received.next(({ event }) => event === 'clear');
      assert.deepEqual(clear, { event: 'clear', stream_id: 'stream-1' });
      bench.send('out', { event: 'mark', mark: 'after' });
      await stream.received.next(({ event }) => event === 'mark');
      assert.deepEqual(
        stream.received.all.slice(-2).map(({ event }) => event),
        ['clear', 'mark'],
        'nothing of the dropped audio comes behind the clear',
      );
    });
  });

  describe('audio', () => {
    it('as a Buffer of PCM at 24 kHz is heard byte by byte, if nothing else is set', async () => {
      const { heard } = await talk([outNode()]);
      const pcm = speech(240);
      await say({ payload: pcm });
      await bench.seen('played').next();
      sameBytes(await heard(), pcm);
    });

    it('as a string is base64', async () => {
      const { heard } = await talk([outNode()]);
      const pcm = speech(120);
      await say({ payload: pcm.toString('base64') });
      await bench.seen('played').next();
      sameBytes(await heard(), pcm);
    });

    for (const [what, payload] of [
      ['a Buffer', (wav: Buffer) => wav],
      ['base64', (wav: Buffer) => wav.toString('base64')],
    ] as const) {
      it(`as a WAV file in ${what} is known by its header, whatever the node or the message says`, async () => {
        const { heard } = await talk([outNode({ encoding: 'mulaw', sampleRate: 8_000 })]);
        const pcm = speech(100);
        await say({ payload: payload(writeWav(pcm, 24_000)), encoding: 'alaw', sample_rate: 16_000 });
        assert.equal((await bench.seen('played').next()).played_ms, 100);
        sameBytes(await heard(), pcm);
      });
    }

    it('as a WAV file of another rate and two channels keeps its pitch and length', async () => {
      const { heard } = await talk([outNode()]);
      const mono = tone(1_000, 300, { sampleRate: 44_100 });
      const stereo = Buffer.concat(
        Array.from({ length: mono.length / 2 }, (_, n) => {
          const sample = mono.subarray(n * 2, n * 2 + 2);
          return Buffer.concat([sample, sample]);
        }),
      );
      await say({ payload: writeWav(stereo, 44_100, 2) });
      assert.equal((await bench.seen('played').next()).played_ms, 300);
      const all = await heard();
      assert.ok(Math.abs(all.length / 48 - 300) < 2, `${all.length / 48} ms were heard`);
      isTone(fromPcm(all), 1_000, 24_000, -60);
    });

    it('as an MP3 file is decoded, and what comes behind it waits', async () => {
      const { heard } = await talk([outNode()]);
      const payload = await readFile(join(__dirname, '../unit/audio/fixtures/tone-8000-mono.mp3'));
      const behind = speech(40);
      bench.send('out', { payload, n: 1 });
      bench.send('out', { payload: behind, n: 2 });
      const played = await bench.seen('played').atLeast(2);
      assert.deepEqual(
        played.map(({ n }) => n),
        [1, 2],
      );
      const all = await heard();
      sameBytes(all.subarray(all.length - behind.length), behind);
    });

    for (const sampleRate of [8_000, 16_000, 48_000]) {
      it(`as PCM at ${sampleRate} Hz, by msg.sample_rate or the node’s own, keeps its pitch and length`, async () => {
        const { heard } = await talk([outNode(), outNode({ id: 'own', sampleRate: String(sampleRate) })]);
        const pcm = tone(1_000, 200, { sampleRate });
        await say({ payload: pcm, sample_rate: sampleRate, complete: true });
        await bench.seen('played').next();
        await say({ payload: pcm, complete: true }, 'own');
        const { played_ms } = await bench.seen('played').next();
        assert.equal(played_ms, 200);
        const all = await heard();
        isTone(fromPcm(all.subarray(0, 190 * 48)), 1_000, 24_000, -55);
        isTone(fromPcm(all.subarray(all.length - 190 * 48)), 1_000, 24_000, -55);
      });
    }

    for (const [encoding, codec] of [
      ['mulaw', mulaw],
      ['alaw', alaw],
    ] as const) {
      it(`as ${encoding} at 8 kHz, by msg.encoding or the node’s own`, async () => {
        const { heard } = await talk([outNode(), outNode({ id: 'own', encoding, sampleRate: 8_000 })]);
        const payload = Buffer.from(codec.encode(samplesOf(tone(1_000, 200, { sampleRate: 8_000 }))));
        await say({ payload, encoding, sample_rate: 8_000, complete: true });
        assert.equal((await bench.seen('played').next()).played_ms, 200);
        await say({ payload, complete: true }, 'own');
        assert.equal((await bench.seen('played').next()).played_ms, 200);
        const all = await heard();
        isTone(fromPcm(all.subarray(0, 190 * 48)), 1_000, 24_000, -30);
        isTone(fromPcm(all.subarray(all.length - 190 * 48)), 1_000, 24_000, -30);
      });
    }

    it('as float32 at 24 kHz is heard sample by sample', async () => {
      const { heard } = await talk([outNode()]);
      const pcm = speech(60);
      await say({ payload: float32(pcm), encoding: 'float32' });
      await bench.seen('played').next();
      sameBytes(await heard(), pcm);
    });

    for (const wires of [[], [['played'], ['interrupted']]]) {
      const reports = wires.length > 0 ? 'each reported' : 'none reported';
      it(`in pieces of any size, odd bytes carried over, is one sound (${reports})`, async () => {
        const { heard } = await talk([outNode({ wires }), inNode()]);
        const pcm = speech(120);
        const sizes = [1, 1, 1, 333, 2, 959, 961, 7, 1_001];
        let pieces = 0;
        for (let at = 0, n = 0; at < pcm.length; n++, pieces++) {
          const size = sizes[n % sizes.length]!;
          bench.send('out', { payload: pcm.subarray(at, at + size), n });
          at += size;
        }
        bench.send('out', { event: 'mark', mark: 'end' });
        await bench.seen('marks').next();
        if (wires.length > 0) {
          const played = await bench.seen('played').atLeast(pieces);
          assert.deepEqual(
            played.map(({ n }) => n),
            played.map((_, n) => n),
          );
        }
        sameBytes(await heard(), pcm);
      });
    }

    it('of two nodes is never joined within a sample', async () => {
      const { heard } = await talk([outNode(), outNode({ id: 'other' })]);
      const [a, b] = [speech(20), speech(20, 1)];
      bench.send('out', { payload: a.subarray(0, 961) });
      bench.send('other', { payload: b });
      await bench.seen('played').atLeast(2);
      sameBytes(await heard(), Buffer.concat([a.subarray(0, 960), b]));
    });

    it('has no padding where one piece follows another: whole frames, the last one shorter', async () => {
      const { stream } = await scripted(outNode({ wires: [] }));
      const pieces = [speech(30), speech(30, 1), speech(7, 2), speech(26, 3)];
      for (const payload of pieces) bench.send('out', { payload });
      bench.send('out', { event: 'mark', mark: 'end' });
      await nextMark(stream);
      const sent = mediaOf(stream);
      assert.deepEqual(
        sent.map(({ length }) => length),
        [960, 960, 960, 960, 13 * 48],
      );
      sameBytes(Buffer.concat(sent), Buffer.concat(pieces));
    });

    it('whose last piece is shorter goes out by itself after a short pause', async () => {
      const { stream } = await scripted(outNode({ wires: [] }));
      bench.send('out', { payload: speech(25) });
      const sent = await stream.received.atLeast(2);
      assert.equal(sent.length, 2);
      sameBytes(Buffer.concat(mediaOf(stream)), speech(25));
      const pause = stream.received.times[1]! - stream.received.times[0]!;
      assert.ok(pause > 20 && pause < 250, `after ${pause} ms`);
    });

    it('without a sound in it is reported as played', async () => {
      await talk();
      await say({ payload: Buffer.alloc(0), customer: 17 });
      const { played_ms, customer } = await bench.seen('played').next();
      assert.deepEqual([played_ms, customer], [0, 17]);
    });
  });

  describe('an echo', () => {
    for (const [encoding, sampleRate, frame] of [
      ['pcm', 24_000, 20],
      ['pcm', 24_000, 60],
      ['base64', 24_000, 20],
      ['float32', 24_000, 20],
    ] as const) {
      it(`is wavix-stream-in’s audio (${encoding}, ${frame} ms) wired straight into it, byte by byte`, async () => {
        const { call, heard } = await talk([
          outNode({ wires: [] }),
          inNode({ encoding, sampleRate, frame, wires: [['out'], [], []] }),
        ]);
        const said = speech(240);
        await call.phone.say([{ silence: 30 }, said, { silence: 120 }]);
        sameBytes(sounds(await heard()), said);
      });
    }

    it('of two calls at once goes to each its own', async () => {
      const first = await talk([outNode({ wires: [] }), inNode({ wires: [['out'], [], []] })]);
      const second = await answered();
      const [one, two] = [speech(200, 1), speech(200, 2)];
      await Promise.all([
        first.call.phone.say([one, { silence: 120 }]),
        second.call.phone.say([two, { silence: 120 }]),
      ]);
      sameBytes(sounds(await first.heard()), one);
      second.call.phone.hangUp();
      await second.call.done;
      sameBytes(sounds(second.call.heard()), two);
    });

    for (const [encoding, sampleRate, limit] of [
      ['pcm', 8_000, -40],
      ['pcm', 16_000, -40],
      ['float32', 8_000, -40],
      ['mulaw', 8_000, -25],
      ['alaw', 8_000, -25],
    ] as const) {
      it(`in ${encoding} at ${sampleRate} Hz keeps the tone, without a break`, async () => {
        const { stream } = await scripted(
          outNode({ wires: [] }),
          inNode({ encoding, sampleRate, wires: [['out'], [], []] }),
        );
        const said = tone(1_000, 300);
        for (let at = 0; at < said.length; at += 960) stream.media(said.subarray(at, at + 960));
        const received = () => Buffer.concat(mediaOf(stream));
        // The last few ms stay in the resamplers as long as more may come.
        while (received().length < 260 * 48) await stream.received.next();
        isTone(fromPcm(received()), 1_000, 24_000, limit);
      });
    }
  });

  describe('reports', () => {
    it('audio at output 1 when the caller has heard it, once, with played_ms added to the very message', async () => {
      const { live } = await talk();
      const payload = speech(250);
      bench.send('out', { payload, customer: { id: 17 }, topic: 'mine', _msgid: 'same' });
      const message = await bench.seen('played').next();
      assert.deepEqual(
        { ...message, payload: undefined },
        { payload: undefined, customer: { id: 17 }, topic: 'mine', _msgid: 'same', played_ms: 250 },
      );
      sameBytes(message.payload as Buffer, payload);
      const { firstAudioAt } = live.facts.playout;
      const late = bench.seen('played').times[0]! - firstAudioAt! - 250;
      assert.ok(late > -5 && late < 100, `reported ${late} ms after its end`);
      assert.equal(bench.seen('interrupted').all.length, 0);
    });

    it('done is called as soon as the audio is taken, long before it was heard', async () => {
      await talk();
      const { error } = await say({ payload: speech(3_000) });
      assert.equal(error, undefined);
      assert.equal(bench.seen('played').all.length, 0);
    });

    it('each of many messages once, in the order in which they came', async () => {
      await talk();
      const lengths = [20, 60, 13, 47, 100, 1, 40];
      lengths.forEach((ms, n) => bench.send('out', { payload: speech(ms), n, ms }));
      const played = await bench.seen('played').atLeast(lengths.length);
      assert.deepEqual(
        played.map(({ n, played_ms }) => [n, played_ms]),
        lengths.map((ms, n) => [n, ms]),
      );
      assert.equal(bench.seen('interrupted').all.length, 0);
    });

    it('at output 2 what is cleared, once, with how much of it was heard', async () => {
      const { call, live, heard, call_id } = await talk();
      const [first, second] = [speech(200), speech(3_000)];
      bench.send('out', { payload: first, n: 1 });
      bench.send('out', { payload: second, n: 2 });
      bench.send('out', { payload: first, n: 3 });
      await bench.seen('played').next();
      // 300 ms into the second one
      while (performance.now() < live.facts.playout.firstAudioAt! + 500) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      await say({ event: 'clear', call_id });
      const interrupted = await bench.seen('interrupted').atLeast(2);
      assert.deepEqual(
        interrupted.map(({ n }) => n),
        [2, 3],
      );
      const all = await heard();
      const reallyHeard = all.length / 48 - 200;
      const told = Number(interrupted[0]?.played_ms);
      assert.ok(Math.abs(told - reallyHeard) < 60, `${told} ms told, ${reallyHeard} ms heard`);
      assert.ok(Math.abs(told - 300) < 120, `${told} ms told of about 300`);
      assert.equal(interrupted[1]?.played_ms, 0);
      assert.equal(bench.seen('played').all.length, 1);
      assert.equal(call.state, 'ended');
    });

    for (const [what, end] of [
      ['Wavix stops it', (stream: ScriptedStream) => stream.stop()],
      ['its socket is cut', (stream: ScriptedStream) => stream.drop()],
    ] as const) {
      it(`at output 2 what the stream’s end cuts off, when ${what}`, async () => {
        const { stream } = await scripted(outNode({ lead: 100 }));
        bench.send('out', { payload: speech(40), n: 1 });
        bench.send('out', { payload: speech(1_000), n: 2 });
        bench.send('out', { payload: speech(20), n: 3 });
        stream.mark(await nextMark(stream));
        assert.equal((await bench.seen('played').next()).n, 1);
        end(stream);
        const interrupted = await bench.seen('interrupted').atLeast(2);
        assert.deepEqual(
          interrupted.map(({ n }) => n),
          [2, 3],
        );
        const told = Number(interrupted[0]?.played_ms);
        assert.ok(told < 500, `${told} ms`);
        assert.equal(interrupted[1]?.played_ms, 0);
        assert.equal(bench.seen('played').all.length, 1);
      });
    }

    it('at output 2 what the end of the call cuts off', async () => {
      const { call } = await talk();
      await say({ payload: speech(2_000) });
      call.phone.hangUp();
      const { played_ms } = await bench.seen('interrupted').next();
      assert.ok(Number(played_ms) < 1_000, `${String(played_ms)} ms`);
      await call.done;
      assert.equal(bench.seen('played').all.length + bench.seen('interrupted').all.length, 1);
    });

    it('go by what Wavix says, not by time', async () => {
      const { stream } = await scripted(outNode());
      bench.send('out', { payload: speech(20), n: 1 });
      bench.send('out', { payload: speech(20), n: 2 });
      const marks = [await nextMark(stream), await nextMark(stream)];
      await new Promise((resolve) => setTimeout(resolve, 150));
      assert.equal(bench.seen('played').all.length, 0);
      stream.mark(marks[0]!);
      assert.equal((await bench.seen('played').next()).n, 1);
      stream.mark(marks[1]!);
      assert.equal((await bench.seen('played').next()).n, 2);
    });

    it('count an acknowledgement once, and one of nothing not at all', async () => {
      const { stream } = await scripted(outNode(), inNode());
      bench.send('out', { payload: speech(20), n: 1 });
      const first = await nextMark(stream);
      bench.send('out', { payload: speech(20), n: 2 });
      const second = await nextMark(stream);
      stream.mark('of nobody');
      stream.mark(first);
      stream.mark(first);
      stream.mark('last');
      await bench.seen('marks').next(({ payload }) => payload === 'last');
      assert.deepEqual(
        bench.seen('played').all.map(({ n }) => n),
        [1],
      );
      stream.mark(second);
      assert.equal((await bench.seen('played').next(({ n }) => n === 2)).n, 2);
    });

    for (const mark of [undefined, 'same name']) {
      it(`never count an acknowledgement of something cleared for something later (${mark ?? 'no mark'})`, async () => {
        const { stream } = await scripted(outNode(), inNode());
        bench.send('out', { payload: speech(200), n: 1, ...(mark && { mark }) });
        const cleared = await nextMark(stream);
        bench.send('out', { event: 'clear' });
        assert.equal((await bench.seen('interrupted').next()).n, 1);
        bench.send('out', { payload: speech(200), n: 2, ...(mark && { mark }) });
        const later = await nextMark(stream);
        // Wavix answers the clear only now, and then the second one's mark.
        stream.mark(cleared);
        stream.mark('in between');
        await bench.seen('marks').next(({ payload }) => payload === 'in between');
        assert.equal(bench.seen('played').all.length, 0, 'the old acknowledgement is not the new one’s');
        stream.mark(later);
        assert.equal((await bench.seen('played').next()).n, 2);
        stream.mark('last');
        await bench.seen('marks').next(({ payload }) => payload === 'last');
        assert.deepEqual(
          bench
            .seen('marks')
            .all.filter(({ payload }) => payload === mark)
            .map((message) => message.cleared),
          mark === undefined ? [] : [true, false],
        );
        assert.equal(bench.seen('interrupted').all.length, 1);
      });
    }

    it('exactly once each, whatever is cleared in between', async () => {
      const { call_id } = await talk([outNode({ lead: 60 })]);
      const total = 60;
      for (let n = 0; n < total; n++) {
        bench.send('out', {
          payload: speech(((n * 37) % 90) + 1),
          n,
          call_id,
          ...(n % 3 === 0 && { mark: `m${n % 5}` }),
        });
        if (n % 7 === 6) {
          await new Promise((resolve) => setTimeout(resolve, (n * 13) % 70));
          bench.send('out', { event: 'clear', call_id });
        }
      }
      const reports = () => [...bench.seen('played').all, ...bench.seen('interrupted').all];
      while (reports().length < total) {
        await Promise.race([
          bench.seen('played').atLeast(bench.seen('played').all.length + 1),
          bench.seen('interrupted').atLeast(bench.seen('interrupted').all.length + 1),
        ]);
      }
      await say({ event: 'clear', call_id });
      await say({ payload: speech(20), n: total });
      await bench.seen('played').next(({ n }) => n === total);
      const numbers = reports().map(({ n }) => Number(n));
      assert.deepEqual(
        numbers.sort((a, b) => a - b),
        Array.from({ length: total + 1 }, (_, n) => n),
      );
      const wrong = reports().filter(
        ({ played_ms, payload }) =>
          !(Number(played_ms) >= 0 && Number(played_ms) <= (payload as Buffer).length / 48),
      );
      assert.deepEqual(wrong, []);
    });

    it('none where no output is wired and no mark is set: no mark of ours goes out', async () => {
      const { stream } = await scripted(outNode({ wires: [] }));
      bench.send('out', { payload: speech(40) });
      bench.send('out', { payload: speech(40), mark: 'flow' });
      assert.equal(await nextMark(stream), 'flow');
      assert.equal(stream.received.all.filter(({ event }) => event === 'mark').length, 1);
    });

    it('also where only output 2 is wired', async () => {
      const { call_id } = await talk([outNode({ wires: [[], ['interrupted']] })]);
      await say({ payload: speech(1_000), call_id });
      await say({ event: 'clear', call_id });
      await bench.seen('interrupted').next();
    });

    it('no mark or clear message', async () => {
      const { call_id } = await talk([outNode(), inNode()]);
      await say({ event: 'mark', mark: 'a', call_id });
      await bench.seen('marks').next();
      await say({ event: 'clear', call_id });
      await say({ event: 'mark', mark: 'b', call_id });
      await bench.seen('marks').next();
      assert.deepEqual([bench.seen('played').all.length, bench.seen('interrupted').all.length], [0, 0]);
    });
  });

  describe('a clear', () => {
    it('stops the caller’s hearing at once, and what comes behind it is heard at once', async () => {
      const { live, heard } = await talk([outNode()]);
      bench.send('out', { payload: tone(440, 3_000) });
      while (!(performance.now() > (live.facts.playout.firstAudioAt ?? Infinity) + 200)) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      const cleared = performance.now();
      bench.send('out', { event: 'clear' });
      const answer = speech(100);
      bench.send('out', { payload: answer });
      await bench.seen('played').next();
      const all = await heard();
      const at = heardOnce(all, answer);
      const until = cleared - live.facts.playout.firstAudioAt!;
      assert.ok(at > until - 60 && at < until + 120, `heard from ${at} ms on, cleared at ${until} ms`);
    });

    it('a thousand times in a row hurts nobody', async () => {
      const { call_id, heard, live } = await talk([outNode()]);
      for (let n = 0; n < 1_000; n++) bench.send('out', { event: 'clear', call_id });
      const pcm = speech(60);
      bench.send('out', { payload: pcm, call_id });
      await bench.seen('played').next();
      assert.equal(live.facts.clearsReceived, 1_000);
      sameBytes(await heard(), pcm);
    });
  });

  describe('the stream', () => {
    /** Two calls with a two-way stream each. */
    const two = async (...nodes: FlowNode[]) => {
      const first = await talk(nodes);
      return [first, await answered()] as const;
    };

    it('is the one of msg.stream_id', async () => {
      const [a, b] = await two(outNode());
      await say({ payload: speech(20), stream_id: b.live.stream_id, call_id: a.call_id });
      await bench.seen('played').next();
      assert.deepEqual([a.live.facts.mediaReceived, b.live.facts.mediaReceived], [0, 1]);
    });

    it('is else the two-way one of msg.call_id', async () => {
      const oneway = { ...START, streamType: 'oneway' };
      const [a, b] = await two(outNode(), oneway);
      await bench.done('start', { call_id: b.call_id });
      await b.call.waitForStream(1);
      await say({ payload: speech(20), call_id: b.call_id });
      await bench.seen('played').next();
      assert.deepEqual([a.live.facts.mediaReceived, b.live.facts.mediaReceived], [0, 1]);
    });

    it('is else the only live two-way one', async () => {
      const oneway = { ...START, streamType: 'oneway' };
      const { live, call_id, call } = await talk([outNode(), oneway]);
      await bench.done('start', { call_id });
      await call.waitForStream(1);
      await say({ payload: speech(20) });
      await bench.seen('played').next();
      assert.equal(live.facts.mediaReceived, 1);
    });

    for (const type of TYPES) {
      it(`is before all the one of its field of the type ${type}`, async () => {
        const [a, b] = await two(outNode());
        await bench.deploy([
          bench.config(),
          ANSWER,
          WATCH,
          outNode({ streamId: fieldFor(type, b.live.stream_id), streamIdType: type }),
        ]);
        const given = provide(bench, 'out', type, b.live.stream_id);
        await say({ payload: speech(20), stream_id: a.live.stream_id, call_id: a.call_id, ...given });
        await bench.seen('played').next();
        assert.deepEqual([a.live.facts.mediaReceived, b.live.facts.mediaReceived], [0, 1]);
      });
    }

    for (const event of ['media', 'mark', 'clear']) {
      const message = { event, payload: event === 'media' ? silence(20) : 'x' };

      it(`that is named but not live is WAVIX_NO_STREAM (${event})`, async () => {
        await talk([outNode()]);
        const { code, message: text } = await bench.failure('out', {
          ...message,
          stream_id: 'no-such-stream',
        });
        assert.equal(code, 'WAVIX_NO_STREAM');
        assert.match(text, /no such live stream/i);
      });

      it(`that is one-way is WAVIX_NO_STREAM (${event})`, async () => {
        bench = await Bench.start();
        await bench.load([bench.config(), { ...ANSWER, streamType: 'oneway' }, outNode(), inNode()]);
        const call = await bench.answered();
        const { stream_id } = await bench.seen('events').next((one) => one.event === 'start');
        const byId = await bench.failure('out', { ...message, stream_id });
        assert.equal(byId.code, 'WAVIX_NO_STREAM');
        assert.match(byId.message, /one-way: only a two-way stream can play/);
        const byCall = await bench.failure('out', { ...message, call_id: call.call_id });
        assert.equal(byCall.code, 'WAVIX_NO_STREAM');
        assert.match(byCall.message, /The call .*has no live two-way stream/);
        const byNothing = await bench.failure('out', message);
        assert.match(byNothing.message, /There is no live two-way stream/);
      });
    }

    it('that could be any of two is WAVIX_NO_STREAM', async () => {
      await two(outNode());
      const { code, message } = await bench.failure('out', { payload: silence(20) });
      assert.equal(code, 'WAVIX_NO_STREAM');
      assert.match(message, /More than one two-way stream is live/);
      assert.match(message, /msg\.stream_id or msg\.call_id/);
    });

    it('that has ended is WAVIX_NO_STREAM, and the message is not reported', async () => {
      const { call, call_id, live } = await talk([outNode(), inNode()]);
      call.phone.hangUp();
      await call.done;
      await bench.seen('events').next(({ event }) => event === 'stop');
      for (const target of [{ call_id }, { stream_id: live.stream_id }, {}]) {
        const { code } = await bench.failure('out', { payload: silence(20), ...target });
        assert.equal(code, 'WAVIX_NO_STREAM');
      }
      const caught = await bench.errors.next();
      assert.equal((caught.error as { code: string }).code, 'WAVIX_NO_STREAM');
      assert.deepEqual([bench.seen('played').all.length, bench.seen('interrupted').all.length], [0, 0]);
    });

    it('of another config is none', async () => {
      bench = await Bench.start();
      const other = bench.config({ id: 'other-config', path: '/other' });
      await bench.load([bench.config(), other, ANSWER, outNode({ config: 'other-config' })], {
        config: { apiKey: 'a-key-that-must-never-be-seen' },
        'other-config': { apiKey: 'a-key-that-must-never-be-seen' },
      });
      const call = await bench.answered();
      await call.waitForStream();
      assert.equal((await bench.failure('out', { payload: silence(20) })).code, 'WAVIX_NO_STREAM');
    });
  });

  describe('the playout', () => {
    for (const [lead, bound] of [
      [undefined, 1_000],
      [300, 300],
      ['120', 120],
      [0, 20],
    ] as const) {
      it(`sends at most ${bound} ms ahead of the caller’s ear (lead ${lead ?? 'left out'}), and without a break`, async () => {
        const { live, heard } = await talk([outNode(lead === undefined ? {} : { lead })]);
        const pcm = speech(bound + 250);
        const sent = performance.now();
        bench.send('out', { payload: pcm });
        await bench.seen('played').next();
        const took = bench.seen('played').times[0]! - sent;
        const { maxBufferedMs, underruns, gaps } = live.facts.playout;
        assert.ok(maxBufferedMs <= bound + 40, `${maxBufferedMs} ms were buffered at Wavix`);
        assert.ok(maxBufferedMs > bound - 60, `only ${maxBufferedMs} ms were buffered at Wavix`);
        // With a short lead, whatever makes a frame late makes the whole longer.
        const most = bound + (bound >= 100 ? 500 : 2_000);
        assert.ok(took > bound + 230 && took < most, `it took ${took} ms`);
        if (bound >= 100) assert.deepEqual([underruns, gaps], [0, []]);
        const all = await heard();
        if (bound >= 100) sameBytes(all, pcm);
      });
    }

    it('has no drift and no gap over many messages, each sent when it is due', async () => {
      const { live, heard } = await talk([outNode({ lead: 200 })]);
      const pieces = Array.from({ length: 20 }, (_, n) => speech(50, n));
      const started = performance.now();
      for (const [n, payload] of pieces.entries()) {
        // a source at the speed of speech, 100 ms ahead
        const wait = started + n * 50 - 100 - performance.now();
        if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
        bench.send('out', { payload, n });
      }
      await bench.seen('played').atLeast(20);
      const { firstAudioAt, audioEndsAt, underruns } = live.facts.playout;
      assert.equal(underruns, 0);
      assert.ok(Math.abs(audioEndsAt! - firstAudioAt! - 1_000) < 1, `${audioEndsAt! - firstAudioAt!} ms`);
      sameBytes(await heard(), Buffer.concat(pieces));
    });

    it('catches up after the event loop was held for 300 ms, without a gap for the caller', async () => {
      const { live, heard } = await talk([outNode({ lead: 500 })]);
      const pcm = speech(900);
      bench.send('out', { payload: pcm });
      await new Promise((resolve) => setTimeout(resolve, 60));
      const until = performance.now() + 300;
      while (performance.now() < until);
      await bench.seen('played').next();
      const { firstAudioAt, audioEndsAt, underruns } = live.facts.playout;
      assert.equal(underruns, 0);
      assert.ok(Math.abs(audioEndsAt! - firstAudioAt! - 900) < 1, `${audioEndsAt! - firstAudioAt!} ms`);
      sameBytes(await heard(), pcm);
    });
  });

  describe('the queue', () => {
    it('refuses with WAVIX_QUEUE_FULL what does not fit: nothing is lost, nothing is partly queued', async () => {
      const { heard } = await talk([outNode({ queue: 1, lead: 200 })]);
      const [first, tooLong, fits] = [speech(900), speech(400, 1), speech(60, 2)];
      bench.send('out', { payload: first, n: 1 });
      const { code, message } = await bench.failure('out', { payload: tooLong, n: 2, mark: 'refused' });
      assert.equal(code, 'WAVIX_QUEUE_FULL');
      assert.match(message, /0\.4 s of audio does not fit: 0\.7 s of 1\.0 s is waiting/);
      assert.match(message, /raise the queue/);
      bench.send('out', { payload: fits, n: 3 });
      const played = await bench.seen('played').atLeast(2);
      assert.deepEqual(
        played.map(({ n, played_ms }) => [n, played_ms]),
        [
          [1, 900],
          [3, 60],
        ],
      );
      const caught = await bench.errors.next();
      assert.deepEqual([caught.n, (caught.error as { code: string }).code], [2, 'WAVIX_QUEUE_FULL']);
      sameBytes(await heard(), Buffer.concat([first, fits]));
      assert.equal(bench.seen('interrupted').all.length, 0);
    });

    it('counts what waits here only: what Wavix has already takes no room', async () => {
      await talk([outNode({ queue: '1', lead: 1_000 })]);
      assert.equal((await say({ payload: speech(1_000) })).error, undefined);
      assert.equal((await say({ payload: speech(900) })).error, undefined);
      assert.equal((await bench.failure('out', { payload: speech(300) })).code, 'WAVIX_QUEUE_FULL');
      await say({ event: 'clear' });
      assert.equal((await say({ payload: speech(1_000) })).error, undefined);
    });

    it('takes 300 s if it is left out, and no more', async () => {
      await talk([outNode()]);
      const minute = silence(60_000);
      for (let n = 0; n < 5; n++) assert.equal((await say({ payload: minute })).error, undefined);
      assert.equal((await bench.failure('out', { payload: minute })).code, 'WAVIX_QUEUE_FULL');
      await say({ event: 'clear' });
      assert.equal((await bench.seen('interrupted').atLeast(5)).length, 5);
    });

    it('refuses a WAV file that is too long as a whole', async () => {
      await talk([outNode({ queue: 1 })]);
      const { code } = await bench.failure('out', { payload: writeWav(speech(1_100), 24_000) });
      assert.equal(code, 'WAVIX_QUEUE_FULL');
      assert.equal((await say({ payload: writeWav(speech(900), 24_000) })).error, undefined);
    });
  });

  describe('fails', () => {
    for (const [what, message, code, text] of [
      ['an object as audio', { payload: { not: 'audio' } }, 'WAVIX_INPUT', /holds no audio/],
      ['no payload', {}, 'WAVIX_INPUT', /holds no audio/],
      ['a number', { payload: 17 }, 'WAVIX_INPUT', /holds no audio/],
      ['a text that is no base64', { payload: 'Hello, caller!' }, 'WAVIX_AUDIO', /no base64/],
      ['an unknown event', { event: 'stop', payload: '' }, 'WAVIX_INPUT', /must be media, mark or clear/],
      ['a mark without a name', { event: 'mark' }, 'WAVIX_INPUT', /The mark has no name/],
      ['an unknown encoding', { payload: silence(20), encoding: 'opus' }, 'WAVIX_INPUT', /encoding/],
      ['a rate out of range', { payload: silence(20), sample_rate: 1_000 }, 'WAVIX_INPUT', /sample rate/],
      ['a rate that is none', { payload: silence(20), sample_rate: 'fast' }, 'WAVIX_INPUT', /sample rate/],
      [
        'an Ogg file',
        { payload: Buffer.concat([Buffer.from('OggS\0\x02', 'latin1'), Buffer.alloc(100)]) },
        'WAVIX_AUDIO',
        /is Ogg .*ask its source for WAV/,
      ],
      [
        'a WAV file with no audio format',
        { payload: Buffer.concat([Buffer.from('RIFF\x24\0\0\0WAVEdata\0\0\0\0', 'latin1')]) },
        'WAVIX_AUDIO',
        /WAV/,
      ],
    ] as const) {
      it(`with ${code} on ${what}; nothing is sent, and the next message is heard`, async () => {
        const { stream } = await scripted(outNode());
        const error = await bench.failure('out', message);
        assert.equal(error.code, code);
        assert.match(error.message, text);
        bench.send('out', { payload: speech(20) });
        await nextMark(stream);
        assert.deepEqual(
          stream.received.all.map(({ event }) => event),
          ['media', 'mark'],
        );
        assert.deepEqual([bench.seen('played').all.length, bench.seen('interrupted').all.length], [0, 0]);
      });
    }

    for (const [field, value] of [
      ['lead', 'soon'],
      ['lead', -1],
      ['queue', 0],
      ['queue', 'long'],
      ['sampleRate', 'fast'],
      ['encoding', 'opus'],
    ] as const) {
      it(`with WAVIX_CONFIG when ${field} is ${value}`, async () => {
        await talk([outNode({ [field]: value })]);
        const { code, message } = await bench.failure('out', { payload: silence(20) });
        assert.equal(code, 'WAVIX_CONFIG');
        assert.match(message, new RegExp(field));
      });
    }
  });
});
