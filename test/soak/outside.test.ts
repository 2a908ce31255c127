/** What goes wrong around calls, with a real Node-RED and real sockets: time, its own death, lines that lead nowhere. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import type { LocalWavix } from '../../simulator';
import { button, configNode, switchboard, type Changes } from '../e2e/flows';
import {
  CALLEE,
  eventsUrl,
  liveCall,
  localWavix,
  OURS,
  SET_UP_MS,
  sharedNodeRed,
  startNodeRed,
} from '../e2e/harness';
import { freePort, type FlowNode, type NodeRed } from '../e2e/node-red';
import { heardAt, noise } from '../e2e/sounds';
import { FakeWavix, postJson, ScriptedStream } from '../nodes/fake-wavix';

/** The switchboard with one more button, which runs `func`. */
function switchboardWith(config: FlowNode, id: string, func: string, changes: Changes = {}): FlowNode[] {
  const node = { id: `${id} node`, type: 'function', func, outputs: 1, wires: [[]] };
  const added = [button(id, node.id), node].map((one) => ({ z: 'switchboard', x: 0, y: 0, ...one }));
  return [...switchboard(config, changes), ...added];
}

/** What a function node runs to hold the event loop of Node-RED. */
const HOLD = `const until = Date.now() + msg.ms; while (Date.now() < until);`;

/**
 * What it runs to set the clock of the whole process: function nodes have a Date of their own, `record` comes from
 * outside.
 */
const SET_CLOCK = `
  const { Date: clock } = global.get('record').constructor('return globalThis')();
  clock.trueNow ??= clock.now;
  clock.now = () => clock.trueNow() + msg.ms;
  global.get('record')('clock', { shows: clock.now() });
`;

const HOUR = 3_600_000;

describe('An event loop that is held for 500 ms', function () {
  this.timeout(30_000);
  let nodeRed: NodeRed;

  before(async function () {
    this.timeout(SET_UP_MS);
    nodeRed = await sharedNodeRed();
  });

  it('loses no frame either way, never runs ahead of the lead, and is made up for', async () => {
    const says = noise(4_000, 61);
    const wavix = await localWavix({ defaults: { speech: says, speechAfterMs: 300 } });
    await nodeRed.deploy(switchboardWith(configNode(wavix.url), 'hold', HOLD));
    const { call, call_id } = await liveCall(nodeRed, wavix);
    const words = noise(4_000, 62);
    await nodeRed.inject('say', { payload: words, call_id });
    const stream = call.streams[0]!;
    for (let times = 0; times < 3; times++) {
      const sent = stream.facts.mediaReceived;
      await nodeRed.inject('hold', { ms: 500 });
      // It goes on by itself: at least the frames that were due meanwhile.
      while (stream.facts.mediaReceived < sent + 25) await sleep(10);
    }
    const played = await nodeRed.next('played');
    assert.equal(played.played_ms, 4_000);
    assert.ok(heardAt(call.heard(), words) !== undefined, 'heard in one piece');
    const { underruns, maxBufferedMs } = stream.facts.playout;
    assert.equal(underruns, 0);
    // The lead, and what one frame more or a message on its way makes of it.
    assert.ok(maxBufferedMs <= 1_100, `${maxBufferedMs} ms were ahead`);
    await nodeRed.recorder.next('audio', 10_000, (msg) => Number(msg.timestamp) >= 4_400);
    const audio = nodeRed.recorder.messages('audio');
    assert.deepEqual(
      audio.map((msg) => msg.chunk),
      audio.map((_, index) => index + 1),
    );
    const heard = Buffer.concat(audio.map((msg) => msg.payload as Buffer));
    const began = heardAt(heard, says.subarray(-48 * 2_000));
    assert.ok(began !== undefined, 'the phone was heard in one piece too');
    assert.deepEqual(nodeRed.recorder.messages('error'), []);
  });
});

describe('A clock that is set back by an hour', function () {
  this.timeout(30_000);
  let nodeRed: NodeRed;

  before(async function () {
    this.timeout(SET_UP_MS);
    nodeRed = await startNodeRed();
  });

  after(() => nodeRed.stop());

  const setClock = async (ms: number) => {
    await nodeRed.inject('clock', { ms });
    return nodeRed.next('clock');
  };

  afterEach(() => setClock(0).catch(() => undefined));

  it('changes nothing for what is being played, nor for the call after it', async () => {
    const wavix = await localWavix();
    await nodeRed.deploy(switchboardWith(configNode(wavix.url), 'clock', SET_CLOCK));
    const { call, call_id } = await liveCall(nodeRed, wavix);
    const words = noise(2_500, 63);
    await nodeRed.inject('say', { payload: words, call_id });
    await sleep(300);
    const { shows } = await setClock(-HOUR);
    assert.ok(Math.abs(Number(shows) - (Date.now() - HOUR)) < 5_000, 'the clock was set');
    assert.equal((await nodeRed.next('played')).played_ms, 2_500);
    assert.ok(heardAt(call.heard(), words) !== undefined);
    assert.equal(call.streams[0]!.facts.playout.underruns, 0);

    const second = await liveCall(nodeRed, wavix, '+15550003000');
    const more = noise(300, 64);
    await nodeRed.inject('say', { payload: more, stream_id: second.stream_id });
    await nodeRed.next('played');
    assert.ok(heardAt(second.call.heard(), more) !== undefined);
    assert.deepEqual(nodeRed.recorder.messages('error'), []);
  });

  it('opens no used token, and no event counts twice', async () => {
    const fake = await new FakeWavix().start();
    try {
      await nodeRed.deploy(
        switchboardWith(configNode(fake.url), 'clock', SET_CLOCK, { 'call node': { wait: false } }),
      );
      await nodeRed.inject('call', { from: OURS, to: CALLEE });
      const placed = await fake.requests.next();
      const event = {
        uuid: 'call-1',
        event_type: 'answered',
        event_time: '2026-01-02T03:04:05.678Z',
        direction: 'outbound',
        from: OURS,
        to: CALLEE.slice(1),
      };
      assert.equal(await fake.post(placed, event), 200);
      await nodeRed.next('event');
      await nodeRed.inject('start', { call_id: 'call-1' });
      const { body } = await fake.requests.next((request) => 'stream_url' in request.body);
      const stream = await fake.connect(String(body.stream_url));
      stream.begin('call-1', 'stream-1');
      await nodeRed.recorder.next('stream', 5_000, (msg) => msg.topic === 'start');

      await setClock(-HOUR);
      await assert.rejects(ScriptedStream.connect(String(body.stream_url)), { status: 403 });
      assert.equal(await fake.post(placed, event), 200, 'a repeat is taken');
      assert.equal(await fake.post(placed, { ...event, event_type: 'completed' }), 200);
      await nodeRed.recorder.next('event', 5_000, (msg) => msg.topic === 'completed');
      const topics = nodeRed.recorder.messages('event').map((msg) => msg.topic);
      assert.deepEqual(topics, ['answered', 'completed'], 'and counts once');

      // The stream that was there goes on.
      stream.media(noise(20, 65));
      await nodeRed.next('audio');
      stream.stop();
      await nodeRed.recorder.next('stream', 5_000, (msg) => msg.topic === 'stop');
      const stats = (
        nodeRed.recorder.messages('stream').at(-1)?.payload as { stats: { duration_ms: number } }
      ).stats;
      assert.ok(stats.duration_ms >= 0 && stats.duration_ms < 30_000, `${stats.duration_ms} ms`);
      await assert.rejects(ScriptedStream.connect(String(body.stream_url)), { status: 403 });
    } finally {
      await fake.stop();
    }
  });
});

describe('Node-RED killed in mid-call', function () {
  this.timeout(120_000);

  it('and started again goes on with the same call, and takes the next ones', async () => {
    const port = String(await freePort());
    const wavix: LocalWavix = await localWavix();
    const first = await startNodeRed();
    await first.deploy(switchboard(configNode(wavix.url, { port })));
    const { call, call_id } = await liveCall(first, wavix);
    await first.inject('say', { payload: noise(5_000, 66), call_id });
    await first.recorder.next('audio', 5_000, (msg) => Number(msg.timestamp) >= 300);
    const stream = call.streams[0]!;
    assert.equal(await first.stop('SIGKILL'), 'SIGKILL');
    await stream.closed;
    assert.equal(stream.facts.closeCode, 1006, 'no close, no stop: it is gone');
    assert.equal(call.state, 'answered', 'the caller is still there');

    const second = await startNodeRed({ userDir: first.userDir });
    // The caller gets a new stream, and hears something else.
    await second.inject('start', { call_id });
    const again = await call.waitForStream(1);
    await second.recorder.next('started', 5_000, (msg) => msg.stream_id === again.stream_id);
    const sorry = noise(500, 67);
    await second.inject('say', { payload: sorry, call_id });
    assert.equal((await second.next('played')).played_ms, 500);
    assert.ok(heardAt(call.heard(), sorry) !== undefined);
    // What happens to that call is told, as its events address is the same.
    call.phone.hangUp();
    const event = await second.recorder.next('event', 5_000, (msg) => msg.topic === 'completed');
    assert.equal(event.call_id, call_id);
    await second.recorder.next('stream', 5_000, (msg) => msg.topic === 'stop');

    // The next calls, both ways.
    const next = await liveCall(second, wavix, '+15550003000');
    const words = noise(300, 68);
    await second.inject('say', { payload: words, stream_id: next.stream_id });
    await second.next('played');
    assert.ok(heardAt(next.call.heard(), words) !== undefined);
    wavix.assignWebhook(OURS, await eventsUrl(second));
    const inbound = await wavix.call({ from: CALLEE, to: OURS });
    await second.recorder.next('event', 5_000, (msg) => msg.call_id === inbound.call_id);
    await second.inject('answer', { call_id: inbound.call_id });
    await inbound.waitFor('answered');
    const ended = once(inbound.phone, 'ended');
    inbound.phone.hangUp();
    await ended;
    assert.deepEqual(second.recorder.messages('error'), []);
    await second.stop();
  });
});

describe('A line that leads nowhere', function () {
  this.timeout(60_000);
  let nodeRed: NodeRed;

  before(async function () {
    this.timeout(SET_UP_MS);
    nodeRed = await sharedNodeRed();
  });

  it('is found by ping within 30 s and told as lost; a silent line that lives goes on', async () => {
    const fake = await new FakeWavix().start();
    try {
      await nodeRed.deploy(switchboard(configNode(fake.url)));
      const silent = await startStream(fake, 'call-2', 'stream-2');
      const dead = await deadPeer(fake, 'call-1', 'stream-1');
      await nodeRed.inject('say', {
        payload: noise(300, 69),
        stream_id: 'stream-1',
        note: 'nobody hears this',
      });
      const since = performance.now();
      const lost = await nodeRed.recorder.next('stream', 40_000, (msg) => msg.topic === 'lost');
      const tookMs = performance.now() - since;
      assert.equal(lost.stream_id, 'stream-1');
      assert.ok(tookMs > 5_000 && tookMs <= 31_000, `it took ${tookMs} ms`);
      const { note } = await nodeRed.next('interrupted');
      assert.equal(note, 'nobody hears this');
      assert.deepEqual(nodeRed.recorder.messages('played'), []);
      dead.terminate();
      // The call may have another stream in its place.
      await startStream(fake, 'call-1', 'stream-3');

      silent.media(noise(20, 71));
      await nodeRed.recorder.next('audio', 5_000, (msg) => msg.stream_id === 'stream-2');
      const ends = nodeRed.recorder.messages('stream').filter((msg) => msg.topic === 'lost');
      assert.equal(ends.length, 1);
      assert.deepEqual(nodeRed.recorder.messages('error'), []);
    } finally {
      await fake.stop();
    }
  });

  /** A stream whose other side is connected and reads nothing, not even a ping. */
  async function deadPeer(fake: FakeWavix, callId: string, streamId: string): Promise<WebSocket> {
    await nodeRed.inject('start', { call_id: callId });
    const { body } = await fake.requests.next((request) => 'stream_url' in request.body);
    const socket = new WebSocket(String(body.stream_url), { perMessageDeflate: false });
    await once(socket, 'open');
    const ids = { call_id: callId, stream_id: streamId, sequence_number: 1 };
    socket.send(JSON.stringify({ event: 'start', ...ids, stream_type: 'twoway', channel: 'inbound' }));
    await nodeRed.recorder.next(
      'stream',
      5_000,
      (msg) => msg.topic === 'start' && msg.stream_id === streamId,
    );
    socket.pause();
    return socket;
  }

  async function startStream(fake: FakeWavix, callId: string, streamId: string): Promise<ScriptedStream> {
    await nodeRed.inject('start', { call_id: callId });
    const stream = await fake.dial();
    stream.begin(callId, streamId);
    await nodeRed.recorder.next(
      'stream',
      5_000,
      (msg) => msg.topic === 'start' && msg.stream_id === streamId,
    );
    return stream;
  }
});

describe('A request that never ends', function () {
  this.timeout(30_000);

  it('holds up nobody: half a webhook, half an upgrade, or nothing at all beside a live call', async () => {
    const nodeRed = await sharedNodeRed();
    const wavix = await localWavix();
    await nodeRed.deploy(switchboard(configNode(wavix.url, { port: '' })));
    const url = new URL(await eventsUrl(nodeRed));
    const streamPath = url.pathname.replace('/events/', '/streams/');
    const head = 'Host: here\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n';
    const sockets = await Promise.all([
      beginning(url, `POST ${url.pathname} HTTP/1.1\r\n${head}{"uu`),
      beginning(url, `GET ${streamPath} HTTP/1.1\r\nHost: here\r\nUpgrade: webs`),
      beginning(url, ''),
    ]);
    const { call, stream_id } = await liveCall(nodeRed, wavix);
    const words = noise(300, 72);
    await nodeRed.inject('say', { payload: words, stream_id });
    assert.equal((await nodeRed.next('played')).played_ms, 300);
    assert.ok(heardAt(call.heard(), words) !== undefined);
    assert.equal(
      await postJson(url.href, { uuid: 'x', event_type: 'ringing', event_time: '2026-01-02T03:04:05Z' }),
      200,
    );
    for (const socket of sockets) socket.destroy();
  });
});

/** A connection on which no more than this is sent. */
async function beginning(url: URL, text: string): Promise<Socket> {
  const socket = connect(Number(url.port), url.hostname);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(text);
  return socket;
}

describe('An API that says no after a deploy', function () {
  this.timeout(30_000);
  let nodeRed: NodeRed;

  before(async function () {
    this.timeout(SET_UP_MS);
    nodeRed = await sharedNodeRed();
  });

  for (const type of ['full', 'flows', 'nodes'] as const) {
    it(`is told once, to the flow that is there after a ${type} deploy`, async () => {
      const fake = await new FakeWavix().start();
      try {
        const flows = switchboard(configNode(fake.url));
        await nodeRed.deploy(flows);
        let refuse: () => void = () => undefined;
        const deployed = new Promise<void>((resolve) => (refuse = resolve));
        fake.script = () =>
          deployed.then(() => ({ status: 403, body: { success: false, message: 'No such luck.' } }));
        await nodeRed.inject('hangup', { call_id: 'call-1' });
        await fake.requests.next();
        const changed = flows.map((node) =>
          ['hangup node', 'catch'].includes(node.id) ? { ...node, name: 'changed' } : node,
        );
        await nodeRed.deploy(changed, type);
        refuse();
        const told = await nodeRed.next('error');
        const { code, source } = told.error as { code: string; source: { id: string } };
        assert.deepEqual([code, source.id, told.call_id], ['WAVIX_API', 'hangup node', 'call-1']);
        fake.script = undefined;
        await nodeRed.inject('hangup', { call_id: 'call-2' });
        await nodeRed.next('hung up');
        assert.equal(nodeRed.recorder.messages('error').length, 1);
      } finally {
        await fake.stop();
      }
    });
  }
});
