/** The local Wavix inside a real Node-RED: what a person does who has nothing but the palette. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { audioReady, decodeWav } from '../../lib/audio';
import { DEFAULT_API_KEY, DEFAULT_SOUND } from '../../simulator';
import { findSecret } from '../nodes/secrets';
import { configNode, onTab, probe } from './flows';
import { SET_UP_MS, sharedNodeRed, startNodeRed } from './harness';
import { freePort, type FlowNode, type NodeRed } from './node-red';
import { installedPackage } from './package';
import { heardAt, sounding } from './sounds';

const SIMULATOR: FlowNode = {
  id: 'simulator',
  type: 'wavix-simulator',
  name: '',
  from: '+15550002000',
  to: '+15550001000',
  speech: '',
  speechType: 'str',
  wires: [['step']],
};

/** As the editor makes it, with the local Wavix chosen in the settings; answers, and echoes. */
function echo(port: number, name = ''): FlowNode[] {
  const apiUrl = `http://127.0.0.1:${port}`;
  return onTab('tab', [
    { ...SIMULATOR, port, name },
    configNode(apiUrl, { credentials: { apiKey: DEFAULT_API_KEY } }),
    probe('step'),
    {
      id: 'event',
      type: 'wavix-event',
      config: 'config',
      events: ['call_setup'],
      direction: 'inbound',
      number: '+15550001000',
      wires: [['answer']],
    },
    { id: 'answer', type: 'wavix-answer', config: 'config', stream: true, wires: [[]] },
    { id: 'in', type: 'wavix-stream-in', config: 'config', wires: [['out'], [], ['stream']] },
    { id: 'out', type: 'wavix-stream-out', config: 'config', wires: [[], []] },
    probe('stream'),
    { id: 'catch', type: 'catch', scope: null, uncaught: false, wires: [['error']] },
    probe('error'),
  ]);
}

interface ListedCall {
  call_id: string;
  event: string;
}

const press = async (nodeRed: NodeRed): Promise<unknown> =>
  JSON.parse(await nodeRed.admin('/wavix/simulator/simulator/call', { method: 'POST' }));

const step = (nodeRed: NodeRed, event: string) =>
  nodeRed.recorder.next('step', 20_000, (msg) => msg.event === event);

/** The audio of a WAV file, PCM s16le; one side of it if it has two. */
async function audioOf(url: string, side: 0 | 1 = 0): Promise<Buffer> {
  const wav = Buffer.from(await (await fetch(url)).arrayBuffer());
  if (wav.readUInt16LE(22) === 1) return decodeWav(wav);
  const pcm = Buffer.alloc((wav.length - 44) / 2);
  for (let at = 0; at < pcm.length; at += 2)
    wav.copy(pcm, at, 44 + at * 2 + side * 2, 46 + at * 2 + side * 2);
  return pcm;
}

describe('The local Wavix in the palette', function () {
  this.timeout(60_000);
  let nodeRed: NodeRed;
  let sentence: Buffer;

  before(async function () {
    this.timeout(SET_UP_MS);
    nodeRed = await sharedNodeRed();
    await audioReady();
    const { packageFolder } = await installedPackage();
    sentence = decodeWav(readFileSync(join(packageFolder, `resources/sounds/${DEFAULT_SOUND}.wav`)));
  });

  it('lets a phone call an echo at the press of a button, and a person listen to it', async () => {
    const logStart = nodeRed.log.length;
    const port = await freePort();
    await nodeRed.deploy(echo(port));
    assert.deepEqual(await press(nodeRed), { did: 'call' });
    const { call_id } = await step(nodeRed, 'answered');
    await nodeRed.deploy(echo(port, 'changed in the middle of a call'), 'nodes');
    const url = `http://127.0.0.1:${port}/local/calls/${String(call_id)}`;
    while (heardAt(sounding(await audioOf(`${url}/heard.wav`)), sounding(sentence)) === undefined)
      await sleep(100);
    assert.deepEqual(await press(nodeRed), { did: 'hangup' });

    const { payload, ...rest } = await step(nodeRed, 'recording');
    const from = '+15550002000';
    assert.deepEqual(rest, {
      ...{ topic: 'recording', event: 'recording', call_id },
      ...{ direction: 'inbound', from, to: '+15550001000' },
    });
    const { call, said } = payload as Record<string, string>;
    assert.equal(call, `${url}/call.wav`);
    assert.ok(heardAt(await audioOf(said!), sentence) !== undefined, 'the phone has said its sentence');
    const listed = await nodeRed.adminJson<ListedCall[]>('/wavix/simulator/simulator/calls');
    assert.deepEqual(
      listed.map((one) => [one.call_id, one.event]),
      [[call_id, 'completed']],
    );
    // Through the admin API, as the form does: the browser may be far away.
    const both = `${nodeRed.adminUrl}/wavix/simulator/simulator/calls/${String(call_id)}/call.wav`;
    assert.ok(heardAt(await audioOf(both, 0), sentence) !== undefined, 'left');
    assert.ok(heardAt(sounding(await audioOf(both, 1)), sounding(sentence)) !== undefined, 'right');

    const steps = nodeRed.recorder.messages('step').map(({ event }) => event);
    assert.deepEqual(steps, ['call_setup', 'answered', 'stream', 'stream', 'completed', 'recording']);
    assert.deepEqual(nodeRed.recorder.messages('error'), []);
    const stream = await nodeRed.recorder.next('stream', 5_000, (msg) => msg.event === 'stop');
    assert.equal(stream.call_id, call_id);
    assert.equal(findSecret([nodeRed.log.slice(logStart), nodeRed.recorder.all], []), undefined);
  });

  it('says at the button what is missing', async () => {
    await nodeRed.deploy(onTab('tab', [{ ...SIMULATOR, port: await freePort() }]));
    const { error } = (await press(nodeRed)) as { error: string };
    assert.match(error, /No flow would hear of the call.*use the local Wavix/);
  });

  it('is for those who may', async function () {
    this.timeout(SET_UP_MS);
    const adminAuth = {
      type: 'credentials',
      users: [],
      default: { permissions: ['settings.read', 'flows.write', 'flows.read'] },
    };
    const guarded = await startNodeRed({ settings: { adminAuth } });
    await guarded.deploy(echo(await freePort()));
    const base = `${guarded.url}/wavix/simulator`;
    assert.equal((await fetch(`${base}/simulator/call`, { method: 'POST' })).status, 401);
    for (const path of ['simulator/calls', 'simulator/calls/any/call.wav', 'sounds'])
      assert.equal((await fetch(`${base}/${path}`)).status, 401, path);
    await guarded.stop();
  });

  it('ends with Node-RED, in the middle of a call', async function () {
    this.timeout(SET_UP_MS);
    const own = await startNodeRed();
    const port = await freePort();
    await own.deploy(echo(port));
    await press(own);
    await step(own, 'answered');
    assert.equal(await own.stop(), 0);
    await assert.rejects(fetch(`http://127.0.0.1:${port}/local/calls`));
  });
});
