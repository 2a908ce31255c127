import assert from 'node:assert/strict';
import { silence, tone } from '../../lib/audio';
import { Bench, type FlowNode } from './harness';
import { takeTime } from './hurry';
import { postJson } from './fake-wavix';
import { fieldFor, provide, TYPES } from './typed';
import { heardOnce } from './samples';

function startNode(more: Record<string, unknown> = {}): FlowNode {
  return { id: 'start', type: 'wavix-stream-start', config: 'config', wires: [['started']], ...more };
}

const ANSWER: FlowNode = { id: 'answer', type: 'wavix-answer', config: 'config' };
const LISTEN: FlowNode = {
  id: 'in',
  type: 'wavix-stream-in',
  config: 'config',
  wires: [['audio'], [], ['events']],
};
const SPEAK: FlowNode = {
  id: 'out',
  type: 'wavix-stream-out',
  config: 'config',
  wires: [['played'], ['interrupted']],
};
const STOP: FlowNode = { id: 'stop', type: 'wavix-stream-stop', config: 'config' };

describe('wavix-stream-start', () => {
  let bench: Bench;
  afterEach(() => bench.stop());

  const start = async (...nodes: FlowNode[]) => {
    bench = await Bench.start();
    await bench.load([bench.config(), ANSWER, ...nodes]);
  };

  /** The same, against a scripted Wavix. */
  const startFake = async (...nodes: FlowNode[]) => {
    bench = await Bench.start();
    const fake = await bench.fake();
    await bench.load([bench.config({ apiUrl: fake.url }), ...nodes]);
    return fake;
  };

  it('starts a stream and passes on the message it got, with call_id and stream_id', async () => {
    await start(startNode(), LISTEN);
    const call = await bench.answered();
    bench.send('start', { call_id: call.call_id, payload: 'mine', customer: 17, _msgid: 'same' });
    const message = await bench.seen('started').next();
    const stream = await call.waitForStream();
    assert.deepEqual(message, {
      call_id: call.call_id,
      stream_id: stream.stream_id,
      payload: 'mine',
      customer: 17,
      _msgid: 'same',
    });
    const begun = await bench.seen('events').next(({ event }) => event === 'start');
    assert.equal(begun.stream_id, stream.stream_id);
    assert.deepEqual([stream.stream_type, stream.channel], ['twoway', 'inbound']);
  });

  it('asks for a two-way stream of the inbound channel to this server if nothing else is set', async () => {
    const fake = await startFake(startNode());
    bench.send('start', { call_id: 'call-1' });
    const { method, path, body } = await fake.requests.next();
    const { stream_url, ...rest } = body;
    assert.deepEqual([method, path], ['POST', '/v1/call/call-1/streams']);
    assert.deepEqual(rest, { stream_type: 'twoway', stream_channel: 'inbound' });
    assert.match(String(stream_url), /^ws:\/\/127\.0\.0\.1:\d+\/wavix\/streams\/[\w.-]{60,}$/);
    assert.equal((await bench.seen('started').next()).stream_id, 'stream-1');
  });

  it('gives each stream an address of its own', async () => {
    const fake = await startFake(startNode({ streamType: 'oneway' }));
    bench.send('start', { call_id: 'call-1' });
    bench.send('start', { call_id: 'call-1' });
    const urls = (await fake.requests.atLeast(2)).map(({ body }) => body.stream_url);
    assert.notEqual(urls[0], urls[1]);
  });

  for (const type of TYPES) {
    it(`takes the call from its field of the type ${type}, before the message`, async () => {
      const fake = await startFake(startNode({ callId: fieldFor(type, 'the-call'), callIdType: type }));
      bench.send('start', { call_id: 'another', ...provide(bench, 'start', type, 'the-call') });
      assert.equal((await fake.requests.next()).path, '/v1/call/the-call/streams');
      assert.equal((await bench.seen('started').next()).call_id, 'the-call');
    });
  }

  for (const streamChannel of ['inbound', 'outbound', 'both']) {
    it(`streams one-way what is said on ${streamChannel}`, async () => {
      await start(startNode({ streamType: 'oneway', streamChannel }), LISTEN);
      const call = await bench.answered();
      await bench.done('start', { call_id: call.call_id });
      const tracks = streamChannel === 'both' ? ['inbound', 'outbound'] : [streamChannel];
      const { payload } = await bench.seen('events').next(({ event }) => event === 'start');
      const { stream_type, channel } = payload as Record<string, unknown>;
      assert.deepEqual([stream_type, channel], ['oneway', streamChannel]);
      await bench.seen('audio').atLeast(6);
      assert.deepEqual(new Set(bench.seen('audio').all.map(({ track }) => track)), new Set(tracks));
    });

    it(`asks for the inbound channel of a two-way stream, though ${streamChannel} is chosen`, async () => {
      const fake = await startFake(startNode({ streamChannel }));
      bench.send('start', { call_id: 'call-1' });
      assert.equal((await fake.requests.next()).body.stream_channel, 'inbound');
    });
  }

  it('gives Wavix its own streamUrl as it stands', async () => {
    const streamUrl = 'wss://recorder.example.com/in?room=7';
    const fake = await startFake(startNode({ streamUrl, streamType: 'oneway', streamChannel: 'both' }));
    bench.send('start', { call_id: 'call-1' });
    assert.deepEqual((await fake.requests.next()).body, {
      stream_url: streamUrl,
      stream_type: 'oneway',
      stream_channel: 'both',
    });
  });

  describe('what is sent right behind it', () => {
    it('waits for the stream: the caller hears all of it, once', async () => {
      await start(startNode({ wires: [['out']] }), SPEAK);
      const call = await bench.answered();
      const speech = tone(440, 160);
      bench.send('start', { call_id: call.call_id, payload: speech });
      assert.equal((await bench.seen('played').next()).played_ms, 160);
      call.phone.hangUp();
      await call.done;
      heardOnce(call.heard(), speech);
    });

    it('waits for the very stream that was asked for, by its id, its call, or as the only one', async () => {
      const fake = await startFake(startNode(), { ...SPEAK, wires: [] });
      bench.send('start', { call_id: 'call-1' });
      const { stream_id } = await bench.seen('started').next();
      bench.send('out', { stream_id, payload: tone(440, 20) });
      bench.send('out', { call_id: 'call-1', payload: tone(550, 20) });
      bench.send('out', { payload: tone(660, 20) });
      const stream = (await fake.dial()).begin('call-1', String(stream_id));
      const sent = await stream.received.atLeast(3);
      assert.deepEqual(
        sent.map(({ media }) => (media as { payload: string }).payload),
        [440, 550, 660].map((hz) => tone(hz, 20).toString('base64')),
      );
    });

    it('does not go to another call whose stream starts first', async () => {
      const fake = await startFake(startNode(), { ...SPEAK, wires: [] });
      bench.send('start', { call_id: 'call-1' });
      const one = await fake.requests.next();
      bench.send('start', { call_id: 'call-2' });
      const two = await fake.requests.next();
      await bench.seen('started').atLeast(2);
      bench.send('out', { call_id: 'call-1', payload: tone(440, 20) });
      const second = (await fake.connect(String(two.body.stream_url))).begin('call-2', 'stream-2');
      bench.send('out', { call_id: 'call-2', payload: tone(880, 20) });
      const heard = await second.received.next();
      assert.equal((heard.media as { payload: string }).payload, tone(880, 20).toString('base64'));
      const first = (await fake.connect(String(one.body.stream_url))).begin('call-1', 'stream-1');
      const late = await first.received.next();
      assert.equal((late.media as { payload: string }).payload, tone(440, 20).toString('base64'));
      assert.equal(second.received.all.length, 1);
    });

    it('works too where start comes before the HTTP answer', async () => {
      bench = await Bench.start({ answerAfterStart: true });
      await bench.load([bench.config(), ANSWER, startNode({ wires: [['out']] }), SPEAK]);
      const call = await bench.answered();
      bench.send('start', { call_id: call.call_id, payload: tone(440, 60) });
      assert.equal((await bench.seen('played').next()).played_ms, 60);
    });

    it('fails with WAVIX_NO_STREAM when Wavix has not connected for 10 s', async () => {
      await startFake(startNode(), SPEAK);
      const skip = takeTime(bench);
      bench.send('start', { call_id: 'call-1' });
      await bench.seen('started').next();
      const failing = bench.failure('out', { call_id: 'call-1', payload: silence(20) });
      skip(9_900);
      await new Promise(setImmediate);
      assert.equal(bench.completions.all.length, 1, 'it waits');
      skip(200);
      const { code, message } = await failing;
      assert.equal(code, 'WAVIX_NO_STREAM');
      assert.match(message, /has no live two-way stream/);
    });

    it('fails with WAVIX_NO_STREAM as soon as the call is over', async () => {
      const fake = await startFake(startNode(), SPEAK);
      bench.send('start', { call_id: 'call-1' });
      await fake.requests.next();
      await bench.seen('started').next();
      const failing = bench.failure('out', { call_id: 'call-1', payload: silence(20) });
      assert.equal(await postJson(bench.eventsUrl(), { uuid: 'call-1', event_type: 'completed' }), 200);
      assert.equal((await failing).code, 'WAVIX_NO_STREAM');
    });
  });

  describe('fails', () => {
    it('with WAVIX_LIMIT for a second two-way stream of a call, before Wavix is asked', async () => {
      const fake = await startFake(startNode());
      bench.send('start', { call_id: 'call-1' });
      await bench.seen('started').next();
      const { code, message } = await bench.failure('start', { call_id: 'call-1' });
      assert.equal(code, 'WAVIX_LIMIT');
      assert.match(message, /has a two-way stream already, and Wavix allows one/);
      assert.equal(fake.requests.all.length, 1);
      const { error } = await bench.done('start', { call_id: 'call-2' });
      assert.equal(error, undefined, 'another call has its own');
    });

    it('with WAVIX_LIMIT for a sixth one-way stream of a call; a two-way one goes beside five', async () => {
      await start(startNode({ streamType: 'oneway' }), startNode({ id: 'twoway', wires: [] }), LISTEN);
      const call = await bench.answered();
      for (let n = 0; n < 5; n++) {
        assert.equal((await bench.done('start', { call_id: call.call_id })).error, undefined);
      }
      const { code, message } = await bench.failure('start', { call_id: call.call_id });
      assert.equal(code, 'WAVIX_LIMIT');
      assert.match(message, /has five one-way streams already/);
      assert.equal((await bench.done('twoway', { call_id: call.call_id })).error, undefined);
      assert.equal(call.streams.length, 6);
    });

    it('no more with WAVIX_LIMIT once the stream was stopped', async () => {
      await start(startNode(), STOP, LISTEN);
      const call = await bench.answered();
      await bench.done('start', { call_id: call.call_id });
      await bench.seen('events').next(({ event }) => event === 'start');
      const first = await call.waitForStream();
      assert.equal((await bench.failure('start', { call_id: call.call_id })).code, 'WAVIX_LIMIT');
      await bench.done('stop', { call_id: call.call_id, stream_id: first.stream_id });
      await bench.seen('events').next(({ event }) => event === 'stop');
      assert.equal((await bench.done('start', { call_id: call.call_id })).error, undefined);
      assert.notEqual((await call.waitForStream(1)).stream_id, first.stream_id);
    });

    it('no more with WAVIX_LIMIT when Wavix refused the first one', async () => {
      const fake = await startFake(startNode());
      fake.script = () => ({ status: 500, body: { success: false } });
      assert.equal((await bench.failure('start', { call_id: 'call-1' })).code, 'WAVIX_API');
      fake.script = undefined;
      assert.equal((await bench.done('start', { call_id: 'call-1' })).error, undefined);
    });

    it('with WAVIX_API as Wavix says it for a stream that goes elsewhere', async () => {
      await start(startNode(), startNode({ id: 'elsewhere', streamUrl: 'ws://127.0.0.1:9/in' }));
      const call = await bench.answered();
      await bench.done('start', { call_id: call.call_id });
      await call.waitForStream();
      const { code, status, body } = await bench.failure('elsewhere', { call_id: call.call_id });
      assert.deepEqual([code, status], ['WAVIX_API', 409]);
      assert.match(String((body as Record<string, unknown>).message), /twoway/);
    });

    it('with WAVIX_API when the call is not answered yet', async () => {
      await start(startNode());
      const call = await bench.ring();
      const { code, status } = await bench.failure('start', { call_id: call.call_id });
      assert.deepEqual([code, status], ['WAVIX_API', 409]);
    });

    it('with WAVIX_API when the answer names no stream', async () => {
      const fake = await startFake(startNode());
      fake.script = () => ({ body: { success: true } });
      const { code, status, message } = await bench.failure('start', { call_id: 'call-1' });
      assert.deepEqual([code, status], ['WAVIX_API', 200]);
      assert.match(message, /names no stream/);
      assert.equal(bench.seen('started').all.length, 0);
    });

    it('with WAVIX_API and a hint at the account level on a 403', async () => {
      const fake = await startFake(startNode());
      fake.script = () => ({ status: 403, body: { success: false, message: 'Forbidden' } });
      const { code, status, message } = await bench.failure('start', { call_id: 'call-1' });
      assert.deepEqual([code, status], ['WAVIX_API', 403]);
      assert.match(message, /Flex Pro/);
    });

    it('with WAVIX_INPUT when no call is named', async () => {
      await start(startNode());
      assert.equal((await bench.failure('start', { payload: 1 })).code, 'WAVIX_INPUT');
    });

    for (const [field, value] of [
      ['streamType', 'threeway'],
      ['streamChannel', 'sideways'],
    ] as const) {
      it(`with WAVIX_CONFIG when ${field} is ${value}`, async () => {
        const fake = await startFake(startNode({ [field]: value }));
        const { code, message } = await bench.failure('start', { call_id: 'call-1' });
        assert.equal(code, 'WAVIX_CONFIG');
        assert.match(message, new RegExp(`${field} must be one of`));
        assert.equal(fake.requests.all.length, 0);
      });
    }
  });
});
