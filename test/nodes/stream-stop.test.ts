import assert from 'node:assert/strict';
import type { LocalWavixOptions } from '../../simulator';
import { Bench, type FlowNode } from './harness';
import { fieldFor, provide, TYPES } from './typed';

function stopNode(more: Record<string, unknown> = {}): FlowNode {
  return { id: 'stop', type: 'wavix-stream-stop', config: 'config', wires: [['stopped']], ...more };
}

const ANSWER: FlowNode = { id: 'answer', type: 'wavix-answer', config: 'config', stream: true };
const START: FlowNode = {
  id: 'start',
  type: 'wavix-stream-start',
  config: 'config',
  streamType: 'oneway',
  wires: [['started']],
};
const LISTEN: FlowNode = { id: 'in', type: 'wavix-stream-in', config: 'config', wires: [[], [], ['events']] };

describe('wavix-stream-stop', () => {
  let bench: Bench;
  afterEach(() => bench.stop());

  const start = async (options: LocalWavixOptions, config: object, ...nodes: FlowNode[]) => {
    bench = await Bench.start(options);
    await bench.load([{ ...bench.config(), ...config }, ANSWER, LISTEN, ...nodes]);
  };

  /** An answered call and its stream, of which the flow has heard. */
  const live = async () => {
    const call = await bench.answered();
    const stream = await call.waitForStream();
    await bench.seen('events').next(({ event }) => event === 'start');
    return { call, stream, call_id: call.call_id, stream_id: stream.stream_id };
  };

  const startFake = async (config: object, ...nodes: FlowNode[]) => {
    bench = await Bench.start();
    const fake = await bench.fake();
    await bench.load([{ ...bench.config({ apiUrl: fake.url }), ...config }, ...nodes]);
    return fake;
  };

  for (const [what, options, config] of [
    ['by the path of the guide', {}, {}],
    ['by the other path, where that is a 404', { guideStopPath: false }, {}],
    ['in the API style bearer', {}, { apiStyle: 'bearer' }],
  ] as const) {
    it(`stops the stream ${what}; the call goes on`, async () => {
      await start(options, config, stopNode());
      const { call, stream, call_id, stream_id } = await live();
      bench.send('stop', { call_id, stream_id, payload: 'mine', customer: 17, _msgid: 'same' });
      const message = await bench.seen('stopped').next();
      assert.deepEqual(message, { call_id, stream_id, payload: 'mine', customer: 17, _msgid: 'same' });
      assert.equal(stream.facts.end, 'stopped');
      assert.equal(call.state, 'answered');
      const stop = await bench.seen('events').next(({ event }) => event === 'stop');
      assert.deepEqual([stop.call_id, stop.stream_id], [call_id, stream_id]);
    });
  }

  it('asks at the path of the guide, and at the other one only after a 404', async () => {
    const fake = await startFake({}, stopNode());
    await bench.done('stop', { call_id: 'c', stream_id: 's' });
    fake.script = ({ path }) => (path.includes('/answer/') ? { status: 404, body: {} } : undefined);
    await bench.done('stop', { call_id: 'c', stream_id: 's' });
    fake.script = () => ({ status: 404, body: { success: false } });
    const { code, status, message } = await bench.failure('stop', { call_id: 'c', stream_id: 's' });
    assert.deepEqual([code, status], ['WAVIX_API', 404]);
    assert.match(message, /The call or the stream has ended, or an id is wrong/);
    assert.deepEqual(
      fake.requests.all.map(({ method, path }) => `${method} ${path}`),
      [
        'DELETE /v1/call/answer/c/streams/s',
        'DELETE /v1/call/answer/c/streams/s',
        'DELETE /v1/call/c/streams/s',
        'DELETE /v1/call/answer/c/streams/s',
        'DELETE /v1/call/c/streams/s',
      ],
    );
  });

  for (const type of TYPES) {
    it(`takes the call from its field of the type ${type}, before the message`, async () => {
      const fake = await startFake({}, stopNode({ callId: fieldFor(type, 'the-call'), callIdType: type }));
      const given = { call_id: 'another', stream_id: 's', ...provide(bench, 'stop', type, 'the-call') };
      bench.send('stop', given);
      assert.equal((await fake.requests.next()).path, '/v1/call/answer/the-call/streams/s');
      assert.equal((await bench.seen('stopped').next()).call_id, 'the-call');
    });

    it(`takes the stream from its field of the type ${type}, before the message`, async () => {
      const fake = await startFake(
        {},
        stopNode({ streamId: fieldFor(type, 'the-stream'), streamIdType: type }),
      );
      const given = { call_id: 'c', stream_id: 'another', ...provide(bench, 'stop', type, 'the-stream') };
      bench.send('stop', given);
      assert.equal((await fake.requests.next()).path, '/v1/call/answer/c/streams/the-stream');
      assert.equal((await bench.seen('stopped').next()).stream_id, 'the-stream');
    });
  }

  it('knows the call of a live stream, and the only live stream of a call', async () => {
    await start({}, {}, stopNode());
    const one = await live();
    const two = await live();
    bench.send('stop', { stream_id: one.stream_id });
    assert.equal((await bench.seen('stopped').next()).call_id, one.call_id);
    bench.send('stop', { call_id: two.call_id });
    assert.equal((await bench.seen('stopped').next()).stream_id, two.stream_id);
    assert.deepEqual([one.stream.facts.end, two.stream.facts.end], ['stopped', 'stopped']);
  });

  it('stops one of several streams of a call, and no other', async () => {
    await start({}, {}, START, stopNode());
    const { call, stream, call_id } = await live();
    bench.send('start', { call_id });
    const { stream_id } = await bench.seen('started').next();
    await bench.seen('events').next(({ event }) => event === 'start');
    bench.send('stop', { call_id, stream_id });
    await bench.seen('stopped').next();
    assert.deepEqual([stream.live, call.streams[1]?.facts.end], [true, 'stopped']);
  });

  describe('fails', () => {
    it('with WAVIX_INPUT when several streams of the call live and none is named', async () => {
      await start({}, {}, START, stopNode());
      const { call, call_id } = await live();
      await bench.done('start', { call_id });
      await bench.seen('events').next(({ event }) => event === 'start');
      const { code, message } = await bench.failure('stop', { call_id });
      assert.equal(code, 'WAVIX_INPUT');
      assert.match(message, /No stream is named/);
      assert.deepEqual(
        call.streams.map((stream) => stream.live),
        [true, true],
      );
    });

    it('with WAVIX_INPUT when no call is named and none is live', async () => {
      await start({}, {}, stopNode());
      assert.equal((await bench.failure('stop', {})).code, 'WAVIX_INPUT');
      const { code, message } = await bench.failure('stop', { stream_id: 'unknown' });
      assert.equal(code, 'WAVIX_INPUT');
      assert.match(message, /No call is named/);
    });

    it('with WAVIX_API and 404 when the stream was stopped already', async () => {
      await start({}, {}, stopNode());
      const { call_id, stream_id } = await live();
      await bench.done('stop', { call_id, stream_id });
      const { code, status } = await bench.failure('stop', { call_id, stream_id });
      assert.deepEqual([code, status], ['WAVIX_API', 404]);
      assert.equal(bench.seen('stopped').all.length, 1);
    });
  });
});
