/** What becomes of calls: answered, not answered and why, early events, several at once. */
import assert from 'node:assert/strict';
import { API_STYLES, configNode, switchboard } from './flows';
import { CALLEE, liveCall, localWavix, OURS, SET_UP_MS, sharedNodeRed } from './harness';
import type { NodeRed } from './node-red';
import { heardAt, noise } from './sounds';

describe('Calls in a real Node-RED', function () {
  this.timeout(30_000);
  let nodeRed: NodeRed;

  before(async function () {
    this.timeout(SET_UP_MS);
    nodeRed = await sharedNodeRed();
  });

  for (const apiStyle of API_STYLES) {
    describe(`style ${apiStyle}`, () => {
      it('an answered event that comes before the HTTP answer still makes the call answered', async () => {
        const wavix = await localWavix({ answerAfterEvent: 'answered' });
        await nodeRed.deploy(switchboard(configNode(wavix.url, { apiStyle })));
        await nodeRed.inject('call', { from: OURS, to: CALLEE });
        const answered = await nodeRed.next('answered');
        const call = await wavix.waitForCall();
        assert.equal(answered.call_id, call.call_id);
        assert.equal((answered.payload as { event_type: string }).event_type, 'answered');
        assert.deepEqual(nodeRed.recorder.messages('not answered'), []);
      });

      it('an end that comes before the HTTP answer is not missed either', async () => {
        const wavix = await localWavix({ answerAfterEvent: 'busy' });
        await nodeRed.deploy(switchboard(configNode(wavix.url, { apiStyle })));
        await nodeRed.inject('call', { from: OURS, to: '+15550002001' });
        assert.equal((await nodeRed.next('not answered')).topic, 'busy');
        assert.deepEqual(nodeRed.recorder.messages('answered'), []);
      });

      const outcomes = [
        { number: '+15550002001', topic: 'busy', event: 'busy' },
        { number: '+15550002002', topic: 'rejected', event: 'rejected' },
        { number: '+15550002005', topic: 'failed', event: 'failed' },
        // Nobody picks up before the call node's own time is over: it gives the call up.
        { number: '+15550002003', topic: 'timeout', event: 'cancelled' },
      ];
      for (const { number, topic, event } of outcomes) {
        it(`a call that ends as ${event} leaves by the second output, topic ${topic}`, async () => {
          const wavix = await localWavix();
          const changes = { 'call node': { timeout: 1 } };
          await nodeRed.deploy(switchboard(configNode(wavix.url, { apiStyle }), changes));
          const placedAt = performance.now();
          await nodeRed.inject('call', { from: OURS, to: number, payload: 'mine', topic: 'mine too' });
          const message = await nodeRed.next('not answered');
          const tookMs = performance.now() - placedAt;
          const call = await wavix.waitForCall({ to: number });
          await call.done;
          assert.equal(message.topic, topic);
          assert.equal(message.call_id, call.call_id);
          assert.equal(call.events.at(-1)?.event.event_type, event);
          if (topic === 'timeout') assert.ok(tookMs >= 1_000 && tookMs < 2_500, `after ${tookMs} ms`);
          else assert.deepEqual(message.payload, call.events.at(-1)?.event);
          assert.deepEqual(nodeRed.recorder.messages('answered'), []);
          assert.deepEqual(nodeRed.recorder.messages('error'), []);
        });
      }

      it('a wrong API key is an error that a Catch node gets, with what Wavix said', async () => {
        const wavix = await localWavix({ apiKey: 'another key' });
        await nodeRed.deploy(switchboard(configNode(wavix.url, { apiStyle })));
        await nodeRed.inject('call', { from: OURS, to: CALLEE });
        const { error } = (await nodeRed.next('error')) as {
          error: { code: string; source: { id: string } };
        };
        assert.equal(error.code, 'WAVIX_API');
        assert.equal(error.source.id, 'call node');
        assert.equal(wavix.calls.size, 0);
      });
    });
  }

  it('without waiting, the call node goes on when Wavix has taken the call', async () => {
    const wavix = await localWavix({ defaults: { answerAfterMs: 60_000 } });
    await nodeRed.deploy(switchboard(configNode(wavix.url), { 'call node': { wait: false } }));
    await nodeRed.inject('call', { from: OURS, to: CALLEE });
    const taken = await nodeRed.next('answered');
    const call = await wavix.waitForCall();
    assert.equal(taken.call_id, call.call_id);
    assert.equal((taken.payload as { uuid: string }).uuid, call.call_id);
    assert.notEqual(call.state, 'answered');
  });

  it('events that are posted twice reach the flow once', async () => {
    const wavix = await localWavix({ repeatEvents: true, defaults: { hangUpAfterMs: 200 } });
    await nodeRed.deploy(switchboard(configNode(wavix.url)));
    await nodeRed.inject('call', { from: OURS, to: CALLEE });
    const call = await wavix.waitForCall();
    await call.done;
    await nodeRed.recorder.next('event', 5_000, (msg) => msg.topic === 'completed');
    const topics = nodeRed.recorder.messages('event').map((msg) => msg.topic);
    assert.deepEqual(topics, ['call_setup', 'ringing', 'answered', 'completed']);
    assert.equal(nodeRed.recorder.messages('answered').length, 1);
  });

  it('two calls at once are kept apart, both ways', async () => {
    const [a, b] = ['+15550002010', '+15550002011'] as const;
    const [saysA, saysB, toA, toB] = [noise(900, 11), noise(900, 12), noise(800, 13), noise(800, 14)];
    const wavix = await localWavix({
      numbers: {
        [a]: { speech: saysA, speechAfterMs: 600 },
        [b]: { speech: saysB, speechAfterMs: 600 },
      },
    });
    await nodeRed.deploy(switchboard(configNode(wavix.url)));
    const [liveA, liveB] = await Promise.all([liveCall(nodeRed, wavix, a), liveCall(nodeRed, wavix, b)]);
    await nodeRed.inject('say', { payload: toA.subarray(0, 19_200), call_id: liveA.call_id });
    await nodeRed.inject('say', { payload: toB.subarray(0, 19_200), call_id: liveB.call_id });
    await nodeRed.inject('say', { payload: toB.subarray(19_200), stream_id: liveB.stream_id });
    await nodeRed.inject('say', { payload: toA.subarray(19_200), stream_id: liveA.stream_id });
    for (let pieces = 0; pieces < 4; pieces++) await nodeRed.next('played');
    for (const { stream_id } of [liveA, liveB]) {
      await nodeRed.recorder.next(
        'audio',
        5_000,
        (m) => m.stream_id === stream_id && Number(m.timestamp) > 1_600,
      );
    }
    const heardFrom = (call_id: string) =>
      Buffer.concat(
        nodeRed.recorder
          .messages('audio')
          .filter((msg) => msg.call_id === call_id)
          .map((msg) => msg.payload as Buffer),
      );
    assert.ok(heardAt(heardFrom(liveA.call_id), saysA) !== undefined);
    assert.ok(heardAt(heardFrom(liveB.call_id), saysB) !== undefined);
    assert.equal(heardAt(heardFrom(liveA.call_id), saysB.subarray(0, 960)), undefined);
    assert.equal(heardAt(heardFrom(liveB.call_id), saysA.subarray(0, 960)), undefined);
    assert.ok(heardAt(liveA.call.heard(), toA) !== undefined);
    assert.ok(heardAt(liveB.call.heard(), toB) !== undefined);
    assert.equal(heardAt(liveA.call.heard(), toB.subarray(0, 960)), undefined);
    assert.equal(heardAt(liveB.call.heard(), toA.subarray(0, 960)), undefined);

    // Whoever names neither call nor stream is not sent to just any of them.
    await nodeRed.inject('say', { payload: noise(100, 15) });
    const { error } = (await nodeRed.next('error')) as { error: { code: string } };
    assert.equal(error.code, 'WAVIX_NO_STREAM');
  });
});
