/** Live streams and what is done to the flows meanwhile: deploys, the config's removal, the end of Node-RED. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { button, configNode, onTab, probe, switchboard } from './flows';
import {
  CALLEE,
  eventsUrl,
  liveCall,
  localWavix,
  OURS,
  SET_UP_MS,
  sharedNodeRed,
  startNodeRed,
} from './harness';
import type { FlowNode, NodeRed } from './node-red';
import { heardAt, heardOf, noise } from './sounds';

const DEPLOY_MS = 300;

/** Makes a deploy last long enough for frames and events to arrive while the flows are down, once it was pressed. */
const slowToClose: FlowNode = {
  ...{ id: 'slow', type: 'function', z: 'switchboard', x: 0, y: 0, outputs: 0, wires: [] },
  func: `node.on('close', (done) => setTimeout(done, ${DEPLOY_MS}));`,
};
const slowButton = { ...button('make slow', slowToClose.id), z: 'switchboard', x: 0, y: 0 };
const slow = [slowToClose, slowButton];

describe('Deploys', function () {
  this.timeout(30_000);
  let nodeRed: NodeRed;

  before(async function () {
    this.timeout(SET_UP_MS);
    nodeRed = await sharedNodeRed();
  });

  for (const type of ['full', 'flows', 'nodes', 'reload'] as const) {
    it(`a ${type} deploy leaves a live stream, its playback and its audio going`, async () => {
      const says = noise(2_500, 41);
      const wavix = await localWavix({ defaults: { speech: says, speechAfterMs: 500 } });
      const flows = [...switchboard(configNode(wavix.url)), ...slow];
      await nodeRed.deploy(flows);
      await nodeRed.inject('make slow');
      const { call, call_id, stream_id } = await liveCall(nodeRed, wavix);
      const words = noise(2_500, 42);
      await nodeRed.inject('say', { payload: words, call_id, note: 'said before the deploy' });
      await nodeRed.recorder.next('audio', 5_000, () => heardOf(call.heard(), words) >= 500);
      const changed = ['in node', 'out node', slowToClose.id];
      const deployingAt = performance.now();
      await nodeRed.deploy(
        flows.map((node) => (changed.includes(node.id) ? { ...node, name: 'changed' } : node)),
        type,
      );
      assert.ok(performance.now() - deployingAt >= DEPLOY_MS);
      const played = await nodeRed.next('played');
      assert.deepEqual([played.note, played.played_ms], ['said before the deploy', 2_500]);
      assert.ok(heardAt(call.heard(), words) !== undefined, 'heard without a gap');
      await nodeRed.recorder.next('audio', 5_000, (msg) => Number(msg.timestamp) >= 3_200);
      const frames = nodeRed.recorder.messages('audio');
      assert.ok(
        heardAt(Buffer.concat(frames.map((m) => m.payload as Buffer)), says) !== undefined,
        'and both ways',
      );
      // The new flow speaks on the same stream.
      const more = noise(200, 43);
      await nodeRed.inject('say', { payload: more, stream_id });
      await nodeRed.next('played');
      assert.ok(heardAt(call.heard(), more) !== undefined);
      assert.equal(call.streams.length, 1);
      assert.equal(call.streams[0]!.live, true);
      assert.deepEqual(nodeRed.recorder.messages('error'), []);
    });
  }

  it('a call that rings during a deploy is answered into the new flow', async () => {
    const wavix = await localWavix({ defaults: { answerAfterMs: 200 } });
    const flows = [...switchboard(configNode(wavix.url)), ...slow];
    await nodeRed.deploy(flows);
    await nodeRed.inject('make slow');
    await nodeRed.inject('call', { from: OURS, to: CALLEE });
    const call = await wavix.waitForCall();
    await nodeRed.recorder.next('event', 5_000, (msg) => msg.topic === 'ringing');
    await nodeRed.deploy(flows);
    await call.waitFor('answered');
    await nodeRed.recorder.next('event', 5_000, (msg) => msg.topic === 'answered');
    assert.equal((await nodeRed.next('answered')).call_id, call.call_id);
  });

  it('when its config is deleted, a stream is closed with code 1001', async () => {
    const wavix = await localWavix();
    await nodeRed.deploy(switchboard(configNode(wavix.url)));
    const { call } = await liveCall(nodeRed, wavix);
    await nodeRed.deploy(onTab('other', [probe('nothing')]));
    const stream = call.streams[0]!;
    await stream.closed;
    assert.equal(stream.facts.closeCode, 1001);
  });

  it('when Node-RED stops, its streams are closed with code 1001, and it ends in time', async () => {
    const other = await startNodeRed();
    const wavix = await localWavix();
    await other.deploy(switchboard(configNode(wavix.url)));
    const { call, call_id } = await liveCall(other, wavix);
    await other.inject('say', { payload: noise(3_000, 44), call_id });
    const stoppingAt = performance.now();
    const exit = await other.stop();
    const tookMs = performance.now() - stoppingAt;
    assert.equal(exit, 0);
    assert.ok(tookMs < 5_000, `it took ${tookMs} ms`);
    const stream = call.streams[0]!;
    await stream.closed;
    assert.equal(stream.facts.closeCode, 1001);
  });

  it('after a restart the events address is the same, and calls go on coming in', async () => {
    const first = await startNodeRed();
    const wavix = await localWavix();
    await first.deploy(switchboard(configNode(wavix.url, { port: '' })));
    const path = new URL(await eventsUrl(first)).pathname;
    await first.stop();
    const second = await startNodeRed({ userDir: first.userDir });
    const url = await eventsUrl(second);
    assert.equal(new URL(url).pathname, path);
    wavix.assignWebhook(OURS, url);
    const call = await wavix.call({ from: CALLEE, to: OURS });
    assert.equal((await second.next('event')).call_id, call.call_id);
    const ended = once(call.phone, 'ended');
    call.phone.hangUp();
    await ended;
    await second.stop();
  });
});
