import assert from 'node:assert/strict';
import { silence, tone } from '../../lib/audio';
import { FRAME_BYTES } from '../../lib/streams/wire';
import { Bench, type FlowNode } from './harness';
import { hurry } from './hurry';
import { fieldFor, provide, TYPES } from './typed';
import { heardOnce, sameBytes, sounds, speech } from './samples';

function hangupNode(more: Record<string, unknown> = {}): FlowNode {
  return { id: 'hangup', type: 'wavix-hangup', config: 'config', wires: [['ended']], ...more };
}

const ANSWER: FlowNode = { id: 'answer', type: 'wavix-answer', config: 'config', stream: true };
const SPEAK: FlowNode = {
  id: 'out',
  type: 'wavix-stream-out',
  config: 'config',
  wires: [['played'], ['interrupted']],
};

describe('wavix-hangup', () => {
  let bench: Bench;
  afterEach(() => bench.stop());

  const start = async (...nodes: FlowNode[]) => {
    bench = await Bench.start();
    await bench.load([bench.config(), ...nodes]);
  };

  it('hangs up at once if nothing else is set, and passes on the message it got', async () => {
    await start(ANSWER, SPEAK, hangupNode());
    const call = await bench.answered();
    await bench.done('out', { call_id: call.call_id, payload: tone(440, 2_000) });
    bench.send('hangup', { call_id: call.call_id, customer: 17, payload: 'bye', _msgid: 'same' });
    assert.deepEqual(await bench.seen('ended').next(), {
      call_id: call.call_id,
      customer: 17,
      payload: 'bye',
      _msgid: 'same',
    });
    await call.done;
    assert.equal(call.events.at(-1)?.event.event_type, 'completed');
    assert.ok(call.answeredMs < 1_000, `it lasted ${call.answeredMs} ms`);
    assert.equal((await bench.seen('interrupted').next()).call_id, call.call_id);
    assert.equal(bench.seen('played').all.length, 0);
  });

  it('turns away an inbound call that was not answered', async () => {
    await start(hangupNode());
    const call = await bench.ring();
    bench.send('hangup', { call_id: call.call_id });
    await bench.seen('ended').next();
    await call.done;
    assert.equal(call.events.at(-1)?.event.event_type, 'rejected');
  });

  for (const type of TYPES) {
    it(`takes the call from its field of the type ${type}, before the message`, async () => {
      await start(ANSWER);
      const call = await bench.answered();
      const field = { callId: fieldFor(type, call.call_id), callIdType: type };
      await bench.deploy([bench.config(), hangupNode(field)]);
      bench.send('hangup', { call_id: 'another', ...provide(bench, 'hangup', type, call.call_id) });
      assert.equal((await bench.seen('ended').next()).call_id, call.call_id);
      assert.equal(call.state, 'ended');
    });
  }

  describe('when played', () => {
    it('hangs up when the caller has heard all that is queued, to the last byte, and not before', async () => {
      await start(ANSWER, SPEAK, hangupNode({ when: 'played' }));
      const call = await bench.answered();
      const said = [tone(440, 250), tone(880, 130)];
      for (const payload of said) bench.send('out', { call_id: call.call_id, payload });
      bench.send('hangup', { call_id: call.call_id });
      await bench.seen('ended').next();
      await call.done;
      assert.equal(call.events.at(-1)?.event.event_type, 'completed');
      const heard = call.heard();
      const at = heard.indexOf(Buffer.concat(said));
      assert.ok(at >= 0, 'all of it was heard');
      const after = (heard.length - at - 380 * 48) / 48;
      assert.ok(after < 150, `it hung up ${after} ms after the last word`);
      const played = await bench.seen('played').atLeast(2);
      assert.deepEqual(
        played.map(({ played_ms }) => played_ms),
        [250, 130],
      );
    });

    it('waits for a last piece shorter than a frame too', async () => {
      await start(ANSWER, { ...SPEAK, wires: [] }, hangupNode({ when: 'played' }));
      const call = await bench.answered();
      const said = tone(440, 47);
      bench.send('out', { call_id: call.call_id, payload: said });
      bench.send('hangup', { call_id: call.call_id });
      await call.done;
      heardOnce(call.heard(), said);
    });

    it('waits for audio that is longer than the lead', async () => {
      await start(ANSWER, { ...SPEAK, lead: 60 }, hangupNode({ when: 'played' }));
      const call = await bench.answered();
      const said = speech(400);
      bench.send('out', { call_id: call.call_id, payload: said });
      bench.send('hangup', { call_id: call.call_id });
      await call.done;
      sameBytes(sounds(call.heard()), said);
    });

    it('waits for audio that itself waits for the stream', async () => {
      await start({ ...ANSWER, wires: [['out', 'hangup']] }, SPEAK, hangupNode({ when: 'played' }));
      const said = tone(440, 150);
      const call = await bench.ring();
      bench.send('answer', { call_id: call.call_id, payload: said });
      await call.done;
      heardOnce(call.heard(), said);
    });

    it('hangs up at once when nothing was said', async () => {
      await start(ANSWER, hangupNode({ when: 'played' }));
      const call = await bench.answered();
      await call.waitForStream();
      bench.send('hangup', { call_id: call.call_id });
      await call.done;
      assert.ok(call.answeredMs < 500, `it lasted ${call.answeredMs} ms`);
    });

    it('hangs up at once when all was heard already', async () => {
      await start(ANSWER, SPEAK, hangupNode({ when: 'played' }));
      const call = await bench.answered();
      bench.send('out', { call_id: call.call_id, payload: tone(440, 60) });
      await bench.seen('played').next();
      const asked = performance.now();
      bench.send('hangup', { call_id: call.call_id });
      await bench.seen('ended').next();
      const waited = performance.now() - asked;
      assert.ok(waited < 300, `it waited ${waited} ms`);
      assert.equal(call.state, 'ended');
    });

    for (const [what, stream] of [
      ['no stream', { stream: false }],
      ['a one-way stream only', { stream: true, streamType: 'oneway' }],
    ] as const) {
      it(`hangs up at once a call with ${what}`, async () => {
        await start({ ...ANSWER, ...stream }, hangupNode({ when: 'played' }));
        const call = await bench.answered();
        bench.send('hangup', { call_id: call.call_id });
        await bench.seen('ended').next();
        assert.equal(call.state, 'ended');
        assert.ok(call.answeredMs < 500, `it lasted ${call.answeredMs} ms`);
      });
    }

    it('hangs up as soon as what it waited for is cleared', async () => {
      await start(ANSWER, SPEAK, hangupNode({ when: 'played' }));
      const call = await bench.answered();
      await bench.done('out', { call_id: call.call_id, payload: tone(440, 3_000) });
      bench.send('hangup', { call_id: call.call_id });
      bench.send('out', { call_id: call.call_id, event: 'clear' });
      await bench.seen('interrupted').next();
      await call.done;
      assert.ok(call.answeredMs < 1_000, `it lasted ${call.answeredMs} ms`);
      assert.equal((await bench.completions.next(({ id }) => id === 'hangup')).error, undefined);
    });

    it('hangs up when the stream is lost that it waited for', async () => {
      bench = await Bench.start();
      const fake = await bench.fake();
      await bench.load([bench.config({ apiUrl: fake.url }), ANSWER, SPEAK, hangupNode({ when: 'played' })]);
      bench.send('answer', { call_id: 'call-1' });
      const stream = (await fake.dial()).begin('call-1', 'stream-1');
      bench.send('out', { call_id: 'call-1', payload: silence(3_000) });
      bench.send('hangup', { call_id: 'call-1' });
      await stream.received.next();
      stream.drop();
      const { path } = await fake.requests.next(({ method }) => method === 'DELETE');
      assert.equal(path, '/v1/call/call-1');
    });

    it('goes by what Wavix says was heard, not by its own reckoning', async () => {
      bench = await Bench.start();
      const fake = await bench.fake();
      await bench.load([bench.config({ apiUrl: fake.url }), ANSWER, SPEAK, hangupNode({ when: 'played' })]);
      bench.send('answer', { call_id: 'call-1' });
      const stream = (await fake.dial()).begin('call-1', 'stream-1');
      bench.send('out', { call_id: 'call-1', payload: Buffer.alloc(FRAME_BYTES) });
      bench.send('hangup', { call_id: 'call-1' });
      const marks: string[] = [];
      for (let mark = 0; mark < 2; mark++) {
        const { mark: sent } = await stream.received.next(({ event }) => event === 'mark');
        marks.push((sent as { name: string }).name);
      }
      // 20 ms of audio have long been heard by any reckoning.
      await new Promise((resolve) => setTimeout(resolve, 150));
      assert.equal(fake.requests.all.filter(({ method }) => method === 'DELETE').length, 0);
      for (const name of marks) stream.mark(name);
      await fake.requests.next(({ method }) => method === 'DELETE');
      assert.deepEqual(bench.seen('played').all.length, 1);
    });

    for (const timeout of [1, '1']) {
      it(`hangs up after its timeout (${JSON.stringify(timeout)}) though there is more to hear`, async () => {
        await start(ANSWER, SPEAK, hangupNode({ when: 'played', timeout }));
        const call = await bench.answered();
        bench.send('out', { call_id: call.call_id, payload: tone(440, 5_000) });
        if (timeout === '1') hurry(bench, 1_000, 100);
        const least = timeout === '1' ? 100 : 1_000;
        const asked = performance.now();
        bench.send('hangup', { call_id: call.call_id });
        await bench.seen('ended').next();
        const waited = bench.seen('ended').times[0]! - asked;
        assert.ok(waited > least - 20 && waited < least + 400, `it waited ${waited} ms`);
        assert.equal(call.state, 'ended');
      });
    }

    it('has a timeout of 30 s if that is left out', async () => {
      await start(ANSWER, SPEAK, hangupNode({ when: 'played' }));
      const call = await bench.answered();
      hurry(bench, 30_000, 100);
      bench.send('out', { call_id: call.call_id, payload: tone(440, 5_000) });
      bench.send('hangup', { call_id: call.call_id });
      await bench.seen('ended').next();
      assert.ok(call.answeredMs < 2_000, `it lasted ${call.answeredMs} ms`);
    });
  });

  describe('fails', () => {
    it('with WAVIX_INPUT when no call is named', async () => {
      await start(hangupNode());
      assert.equal((await bench.failure('hangup')).code, 'WAVIX_INPUT');
    });

    it('with WAVIX_API and 404 when the call has ended', async () => {
      await start(hangupNode());
      const { code, status } = await bench.failure('hangup', { call_id: 'no-such-call' });
      assert.deepEqual([code, status], ['WAVIX_API', 404]);
      assert.equal(bench.seen('ended').all.length, 0);
    });

    for (const [field, value] of [
      ['when', 'later'],
      ['timeout', 'soon'],
      ['timeout', -1],
    ] as const) {
      it(`with WAVIX_CONFIG when ${field} is ${value}`, async () => {
        await start(hangupNode({ [field]: value }));
        const call = await bench.ring();
        const { code, message } = await bench.failure('hangup', { call_id: call.call_id });
        assert.equal(code, 'WAVIX_CONFIG');
        assert.match(message, new RegExp(`^${field} must be`));
        assert.notEqual(call.state, 'ended');
      });
    }
  });
});
