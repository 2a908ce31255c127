import assert from 'node:assert/strict';
import { silence, tone } from '../../lib/audio';
import { Bench, type FlowNode } from './harness';
import { fieldFor, provide, TYPES } from './typed';
import { heardOnce } from './samples';

function answerNode(more: Record<string, unknown> = {}): FlowNode {
  return { id: 'answer', type: 'wavix-answer', config: 'config', wires: [['answered']], ...more };
}

const LISTEN: FlowNode = { id: 'in', type: 'wavix-stream-in', config: 'config', wires: [[], [], ['events']] };
const SPEAK: FlowNode = {
  id: 'out',
  type: 'wavix-stream-out',
  config: 'config',
  wires: [['played'], ['interrupted']],
};

const OUR_STREAM = /^ws:\/\/127\.0\.0\.1:\d+\/wavix\/streams\/[\w.-]{60,}$/;

describe('wavix-answer', () => {
  let bench: Bench;
  afterEach(() => bench.stop());

  const start = async (...nodes: FlowNode[]) => {
    bench = await Bench.start();
    await bench.load([bench.config(), ...nodes]);
  };

  /** The same, against a scripted Wavix. */
  const startFake = async (...nodes: FlowNode[]) => {
    bench = await Bench.start();
    const fake = await bench.fake();
    await bench.load([bench.config({ apiUrl: fake.url }), ...nodes]);
    return fake;
  };

  it('answers the call and passes on the message it got, with call_id', async () => {
    await start(answerNode());
    const call = await bench.ring();
    bench.send('answer', { call_id: call.call_id, payload: 'mine', customer: 17, _msgid: 'same' });
    assert.deepEqual(await bench.seen('answered').next(), {
      call_id: call.call_id,
      payload: 'mine',
      customer: 17,
      _msgid: 'same',
    });
    assert.equal(call.state, 'answered');
    assert.equal((await bench.completions.next(({ id }) => id === 'answer')).error, undefined);
  });

  it('sends no body, and starts no stream, if nothing else is set', async () => {
    const fake = await startFake(answerNode());
    bench.send('answer', { call_id: 'call-1' });
    const { method, path, query, body } = await fake.requests.next();
    assert.deepEqual([method, path], ['POST', '/v1/call/call-1/answer']);
    assert.deepEqual([...query.keys()], ['appid']);
    assert.deepEqual(body, {});
  });

  for (const type of TYPES) {
    it(`takes the call from its field of the type ${type}, before the message`, async () => {
      await start(answerNode());
      const call = await bench.ring();
      await bench.deploy([
        bench.config(),
        answerNode({ callId: fieldFor(type, call.call_id), callIdType: type }),
      ]);
      bench.send('answer', { call_id: 'another', ...provide(bench, 'answer', type, call.call_id) });
      assert.equal((await bench.seen('answered').next()).call_id, call.call_id);
      assert.equal(call.state, 'answered');
    });
  }

  it('takes the call from msg.call_id where its field finds nothing', async () => {
    await start(answerNode({ callId: 'nothing.there', callIdType: 'msg' }));
    const call = await bench.answered();
    assert.equal(call.state, 'answered');
  });

  it('adds its options to the body, and what the message names as such', async () => {
    const fake = await startFake(
      answerNode({ options: '{"call_recording":true}', optionsType: 'json' }),
      answerNode({ id: 'by-message', options: 'more', optionsType: 'msg' }),
    );
    bench.send('answer', { call_id: 'call-1' });
    assert.deepEqual((await fake.requests.next()).body, { call_recording: true });
    bench.send('by-message', { call_id: 'call-1', more: { call_transcription: true } });
    assert.deepEqual((await fake.requests.next()).body, { call_transcription: true });
  });

  describe('with stream', () => {
    for (const stream of [true, 'true']) {
      it(`(${JSON.stringify(stream)}) asks for a two-way stream of the inbound channel to this server`, async () => {
        const fake = await startFake(answerNode({ stream }));
        bench.send('answer', { call_id: 'call-1' });
        const { stream_url, ...body } = (await fake.requests.next()).body;
        assert.deepEqual(body, { stream_type: 'twoway', stream_channel: 'inbound' });
        assert.match(String(stream_url), OUR_STREAM);
      });
    }

    for (const streamChannel of ['inbound', 'outbound', 'both']) {
      it(`asks for a one-way stream of the channel ${streamChannel}`, async () => {
        const fake = await startFake(answerNode({ stream: true, streamType: 'oneway', streamChannel }));
        bench.send('answer', { call_id: 'call-1' });
        const { stream_url, ...body } = (await fake.requests.next()).body;
        assert.deepEqual(body, { stream_type: 'oneway', stream_channel: streamChannel });
        assert.match(String(stream_url), OUR_STREAM);
      });

      it(`asks for the inbound channel of a two-way stream, though ${streamChannel} is chosen`, async () => {
        const fake = await startFake(answerNode({ stream: true, streamType: 'twoway', streamChannel }));
        bench.send('answer', { call_id: 'call-1' });
        assert.equal((await fake.requests.next()).body.stream_channel, 'inbound');
      });
    }

    it('gives Wavix its own streamUrl as it stands', async () => {
      const streamUrl = 'wss://recorder.example.com/in?room=7';
      const fake = await startFake(answerNode({ stream: true, streamUrl }));
      bench.send('answer', { call_id: 'call-1' });
      assert.equal((await fake.requests.next()).body.stream_url, streamUrl);
    });

    it('the stream is live right away: connected and start come, then audio', async () => {
      await start(answerNode({ stream: true }), { ...LISTEN, wires: [['audio'], [], ['events']] });
      const call = await bench.answered();
      const stream = await call.waitForStream();
      const connected = await bench.seen('events').next();
      assert.deepEqual([connected.event, connected.call_id], ['connected', call.call_id]);
      const begun = await bench.seen('events').next();
      assert.deepEqual([begun.event, begun.stream_id], ['start', stream.stream_id]);
      assert.equal((await bench.seen('audio').next()).stream_id, stream.stream_id);
      assert.deepEqual([stream.stream_type, stream.channel], ['twoway', 'inbound']);
    });

    it('a one-way stream of both channels carries what both sides say', async () => {
      await start(answerNode({ stream: true, streamType: 'oneway', streamChannel: 'both' }), {
        ...LISTEN,
        wires: [['audio'], [], []],
      });
      const call = await bench.answered();
      const stream = await call.waitForStream();
      assert.deepEqual(stream.tracks, ['inbound', 'outbound']);
      await bench.seen('audio').next(({ track }) => track === 'inbound');
      await bench.seen('audio').next(({ track }) => track === 'outbound');
    });

    it('audio sent right behind the answer waits for the stream: the caller hears all of it', async () => {
      await start(answerNode({ stream: true, wires: [['out']] }), SPEAK);
      const speech = tone(440, 200);
      const call = await bench.ring();
      bench.send('answer', { call_id: call.call_id, payload: speech });
      const played = await bench.seen('played').next();
      assert.equal(played.played_ms, 200);
      call.phone.hangUp();
      await call.done;
      heardOnce(call.heard(), speech);
    });

    it('several messages sent right behind the answer keep their order', async () => {
      await start(answerNode({ stream: true }), SPEAK);
      const pieces = [tone(440, 60), tone(880, 40), tone(660, 80)];
      const call = await bench.ring();
      bench.send('answer', { call_id: call.call_id });
      await bench.seen('answered').next();
      pieces.forEach((payload, n) => bench.send('out', { call_id: call.call_id, payload, n }));
      const played = await bench.seen('played').atLeast(3);
      assert.deepEqual(
        played.map(({ n }) => n),
        [0, 1, 2],
      );
      call.phone.hangUp();
      await call.done;
      heardOnce(call.heard(), Buffer.concat(pieces));
    });

    it('audio sent before the answer is through waits too', async () => {
      const fake = await startFake(answerNode({ stream: true }), SPEAK);
      let answerNow = () => undefined as unknown;
      fake.script = () => new Promise((resolve) => (answerNow = () => resolve({ body: { success: true } })));
      bench.send('answer', { call_id: 'call-1' });
      const { body } = await fake.requests.next();
      bench.send('out', { call_id: 'call-1', payload: silence(40) });
      const stream = (await fake.connect(String(body.stream_url))).begin('call-1', 'stream-1');
      const media = await stream.received.next();
      assert.deepEqual([media.event, media.stream_id], ['media', 'stream-1']);
      answerNow();
      await bench.seen('answered').next();
    });

    it('audio that waits for the stream fails with WAVIX_NO_STREAM at once when Wavix refuses', async () => {
      const fake = await startFake(answerNode({ stream: true }), SPEAK);
      let refuse = () => undefined as unknown;
      fake.script = () =>
        new Promise((resolve) => (refuse = () => resolve({ status: 403, body: { success: false } })));
      bench.send('answer', { call_id: 'call-1' });
      await fake.requests.next();
      bench.send('out', { call_id: 'call-1', payload: silence(40) });
      assert.equal(bench.completions.all.length, 0, 'it waits');
      refuse();
      const failed = await bench.completions.atLeast(2);
      assert.deepEqual(
        failed.map(({ id, error }) => [id, error?.code]),
        [
          ['out', 'WAVIX_NO_STREAM'],
          ['answer', 'WAVIX_API'],
        ],
      );
    });

    it('with its own streamUrl nothing waits: the stream does not come here', async () => {
      await startFake(answerNode({ stream: true, streamUrl: 'wss://recorder.example.com/' }), SPEAK);
      bench.send('answer', { call_id: 'call-1' });
      await bench.seen('answered').next();
      assert.equal(
        (await bench.failure('out', { call_id: 'call-1', payload: silence(40) })).code,
        'WAVIX_NO_STREAM',
      );
    });
  });

  describe('fails', () => {
    it('with WAVIX_INPUT when no call is named', async () => {
      const fake = await startFake(answerNode());
      const { code, message } = await bench.failure('answer', { payload: 'mine' });
      assert.equal(code, 'WAVIX_INPUT');
      assert.match(message, /No call is named/);
      assert.equal(fake.requests.all.length, 0);
      assert.equal(bench.seen('answered').all.length, 0);
    });

    it('with WAVIX_API and 404 when the call has ended', async () => {
      await start(answerNode());
      const call = await bench.ring();
      call.phone.hangUp();
      await call.done;
      const { code, status, message } = await bench.failure('answer', { call_id: call.call_id });
      assert.deepEqual([code, status], ['WAVIX_API', 404]);
      assert.match(message, /The call has ended, or call_id is wrong/);
    });

    it('with WAVIX_API when the call is answered already', async () => {
      await start(answerNode());
      const call = await bench.answered();
      assert.equal((await bench.failure('answer', { call_id: call.call_id })).status, 409);
    });

    for (const [field, value] of [
      ['streamType', 'threeway'],
      ['streamChannel', 'sideways'],
    ] as const) {
      it(`with WAVIX_CONFIG when ${field} is ${value}`, async () => {
        const fake = await startFake(answerNode({ stream: true, streamType: 'oneway', [field]: value }));
        const { code, message } = await bench.failure('answer', { call_id: 'call-1' });
        assert.equal(code, 'WAVIX_CONFIG');
        assert.match(message, new RegExp(`${field} must be one of`));
        assert.equal(fake.requests.all.length, 0);
      });
    }

    it('with WAVIX_INPUT when its own streamUrl is no address of a WebSocket', async () => {
      const fake = await startFake(answerNode({ stream: true, streamUrl: 'https://recorder.example.com' }));
      const { code, message } = await bench.failure('answer', { call_id: 'call-1' });
      assert.equal(code, 'WAVIX_INPUT');
      assert.match(message, /must start with wss:\/\/ \(or ws:\/\/\)/);
      assert.equal(fake.requests.all.length, 0);
    });
  });
});
