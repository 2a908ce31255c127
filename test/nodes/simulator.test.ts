import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import helper from 'node-red-node-test-helper';
import { audioReady, decodeWav, tone } from '../../lib/audio';
import { bare, Bench, type FlowNode } from './harness';
import { heardOnce, sounds } from './samples';

const LOCAL_KEY = { config: { apiKey: 'local-key' } };

/** A port that is free now. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A flow that answers and echoes. */
const ECHO: FlowNode[] = [
  {
    id: 'event',
    type: 'wavix-event',
    config: 'config',
    events: ['call_setup'],
    direction: 'inbound',
    wires: [['answer', 'event-log']],
  },
  { id: 'answer', type: 'wavix-answer', config: 'config', stream: true },
  { id: 'in', type: 'wavix-stream-in', config: 'config', wires: [['out'], [], ['stream']] },
  { id: 'out', type: 'wavix-stream-out', config: 'config' },
];

describe('wavix-simulator', () => {
  let bench: Bench;
  let port: number;

  before(audioReady);
  beforeEach(async () => {
    bench = await Bench.start();
    port = await freePort();
  });
  afterEach(() => bench.stop());

  const simulator = (more: Record<string, unknown> = {}): FlowNode => ({
    id: 'simulator',
    type: 'wavix-simulator',
    port,
    wires: [['step']],
    ...more,
  });
  const config = (more: Record<string, unknown> = {}) =>
    bench.config({ apiUrl: `http://127.0.0.1:${port}`, ...more });
  const load = (flow: FlowNode[]) => bench.load(flow, LOCAL_KEY);
  const press = (id = 'simulator') => helper.request().post(`/wavix/simulator/${id}/call`);

  /** The next step of that name; those before it are passed over. */
  const step = (event: string) => bench.seen('step').next((msg) => msg.event === event);
  const events = () => bench.seen('step').all.map(({ event }) => event);
  const wav = async (url: unknown) => {
    const response = await fetch(String(url));
    assert.equal(response.headers.get('content-type'), 'audio/wav');
    return Buffer.from(await response.arrayBuffer());
  };

  it('lets a phone call the flow at the press of its button, and tells where to listen to it', async () => {
    await load([simulator({ speech: '{"tone": 500, "ms": 300}', speechType: 'json' }), config(), ...ECHO]);
    assert.equal((await press()).status, 200);
    const setup = await step('call_setup');
    const { call_id } = setup;
    assert.deepEqual(bare({ ...setup, payload: 0 }), {
      topic: 'call_setup',
      event: 'call_setup',
      payload: 0,
      call_id,
      direction: 'inbound',
      from: '+15550002000',
      to: '+15550001000',
    });
    assert.equal((await bench.seen('event-log').next()).call_id, call_id);
    await step('answered');
    await bench.seen('stream').next(({ event }) => event === 'start');
    await new Promise((resolve) => setTimeout(resolve, 900));
    bench.send('simulator', { event: 'hangup' });
    const recording = await step('recording');
    assert.deepEqual(events(), ['call_setup', 'answered', 'stream', 'stream', 'completed', 'recording']);
    const { call, heard, said, heard_ms, said_ms } = recording.payload as Record<string, unknown>;
    const beep = tone(500, 300).subarray(2);
    heardOnce(decodeWav(await wav(said)), beep, 'what the phone said');
    heardOnce(sounds(decodeWav(await wav(heard))), sounds(beep), 'its echo');
    const both = await wav(call);
    assert.equal(both.readUInt16LE(22), 2, 'channels');
    for (const ms of [heard_ms, said_ms]) assert.ok(Number(ms) >= 280 && Number(ms) <= 340, String(ms));
    await bench.shows('simulator', 'heard 0.3 s');
  });
});
