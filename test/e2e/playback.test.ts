/** Talking into a call through a real Node-RED: all of it is heard, in time, and what was not is told. */
import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { audioReady, decodeWav } from '../../lib/audio';
import { configNode, switchboard } from './flows';
import { liveCall, localWavix, SET_UP_MS, sharedNodeRed } from './harness';
import type { NodeRed } from './node-red';
import { ROOT } from './package';
import { assertNear, audible, heardAt, heardOf, noise, sounding } from './sounds';

describe('Playback in a real Node-RED', function () {
  this.timeout(30_000);
  let nodeRed: NodeRed;

  before(async function () {
    this.timeout(SET_UP_MS);
    nodeRed = await sharedNodeRed();
    await audioReady();
  });

  it('pieces follow each other without a gap, at most the lead ahead of the ear', async () => {
    const wavix = await localWavix();
    await nodeRed.deploy(switchboard(configNode(wavix.url), { 'out node': { lead: 500 } }));
    const { call, call_id } = await liveCall(nodeRed, wavix);
    const pieces = [noise(700, 21), noise(333, 22), noise(1_007, 23)];
    for (const [index, payload] of pieces.entries()) {
      await nodeRed.inject('say', { payload, call_id, mark: `piece ${index}` });
    }
    const playedMs = [];
    for (const mark of ['piece 0', 'piece 1', 'piece 2']) {
      const played = await nodeRed.next('played');
      assert.equal(played.mark, mark);
      playedMs.push(played.played_ms);
    }
    assert.deepEqual(playedMs, [700, 333, 1_007]);
    assert.ok(heardAt(call.heard(), Buffer.concat(pieces)) !== undefined, 'heard as one, sample for sample');
    const { playout } = call.streams[0]!.facts;
    assert.equal(playout.underruns, 0);
    assert.ok(playout.maxBufferedMs <= 520, `${playout.maxBufferedMs} ms were sent ahead`);
  });

  it('what came before a clear is told as cleared, what comes after it as heard, whatever the names', async () => {
    const wavix = await localWavix();
    await nodeRed.deploy(switchboard(configNode(wavix.url)));
    const { call, call_id } = await liveCall(nodeRed, wavix);
    const { facts } = call.streams[0]!;
    // All of it, its mark too, is with Wavix when the clear comes.
    const before = noise(900, 27);
    await nodeRed.inject('say', { payload: before, call_id, mark: 'same name' });
    await nodeRed.recorder.next('audio', 5_000, () => facts.marksReceived === 1);
    await nodeRed.inject('say', { event: 'clear', call_id });
    const after = noise(300, 28);
    await nodeRed.inject('say', { payload: after, call_id, mark: 'same name' });
    const cut = await nodeRed.next('interrupted');
    assert.equal((await nodeRed.next('played')).played_ms, 300);
    assertNear(cut.played_ms, heardOf(call.heard(), before), 'played_ms');
    assert.ok(heardAt(call.heard(), after) !== undefined);
    const marks = [await nodeRed.next('mark'), await nodeRed.next('mark')];
    assert.deepEqual(
      marks.map(({ payload, cleared }) => [payload, cleared]),
      [
        ['same name', true],
        ['same name', false],
      ],
    );
    assert.equal(nodeRed.recorder.messages('interrupted').length, 1);
    assert.equal(nodeRed.recorder.messages('played').length, 1);
  });

  it('what the caller did not hear because the stream ended is told, with how much was heard', async () => {
    const wavix = await localWavix();
    await nodeRed.deploy(switchboard(configNode(wavix.url)));
    const { call, call_id } = await liveCall(nodeRed, wavix);
    const [first, second] = [noise(4_000, 24), noise(1_000, 25)];
    await nodeRed.inject('say', { payload: first, call_id, note: 'first' });
    await nodeRed.inject('say', { payload: second, call_id, note: 'second' });
    await nodeRed.recorder.next('audio', 5_000, () => heardOf(call.heard(), first) >= 700);
    call.phone.hangUp();
    const cut = await nodeRed.next('interrupted');
    const unheard = await nodeRed.next('interrupted');
    await call.done;
    assert.deepEqual([cut.note, unheard.note, unheard.played_ms], ['first', 'second', 0]);
    const heardMs = heardOf(call.heard(), first);
    assertNear(cut.played_ms, heardMs, 'played_ms');
    assert.deepEqual(nodeRed.recorder.messages('played'), []);
    assert.deepEqual(nodeRed.recorder.messages('error'), []);
  });

  it('a hang-up after the last word lets the callee hear every sample, and follows at once', async () => {
    const wav = readFileSync(join(ROOT, 'resources/sounds/goodbye.wav'));
    const expected = decodeWav(wav);
    const wavix = await localWavix();
    await nodeRed.deploy(switchboard(configNode(wavix.url), { 'hangup node': { when: 'played' } }));
    const { call, call_id } = await liveCall(nodeRed, wavix);
    await nodeRed.inject('say', { payload: wav.toString('base64'), call_id });
    await nodeRed.inject('hangup', { call_id });
    await call.done;
    await nodeRed.next('hung up');
    assert.ok(heardAt(call.heard(), expected) !== undefined, 'the goodbye was heard whole');
    const { toMs } = audible(call.heard());
    const lateMs = call.answeredMs - toMs;
    assert.ok(lateMs >= 0 && lateMs < 700, `hung up ${lateMs} ms after the last sound`);
    assert.equal((await nodeRed.next('played')).played_ms, Math.round(expected.length / 48));
    assert.deepEqual(nodeRed.recorder.messages('interrupted'), []);
  });

  it('base64 straight from the wire can be wired back to it', async () => {
    const says = noise(600, 26);
    const wavix = await localWavix({ defaults: { speech: says, speechAfterMs: 500 } });
    await nodeRed.deploy(
      switchboard(configNode(wavix.url), {
        'in node': { encoding: 'base64', wires: [['audio', 'out node'], ['mark'], ['stream']] },
        'out node': { wires: [[], []] },
      }),
    );
    const { call } = await liveCall(nodeRed, wavix);
    await nodeRed.recorder.next('audio', 5_000, (msg) => Number(msg.timestamp) >= 1_500);
    const frames = nodeRed.recorder.messages('audio');
    assert.ok(frames.every(({ payload, encoding }) => typeof payload === 'string' && encoding === 'base64'));
    const heardByFlow = Buffer.concat(frames.map(({ payload }) => Buffer.from(payload as string, 'base64')));
    assert.ok(heardAt(heardByFlow, says) !== undefined);
    // On a busy machine the callee hears it a little later than the flow.
    const cameBack = () => heardAt(sounding(call.heard()), sounding(says)) !== undefined;
    const deadline = performance.now() + 5_000;
    while (!cameBack() && performance.now() < deadline) await setTimeout(50);
    assert.ok(cameBack(), 'every sample came back, in order');
  });
});
