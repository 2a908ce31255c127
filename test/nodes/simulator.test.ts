import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import helper from 'node-red-node-test-helper';
import { audioReady, decodeWav, tone } from '../../lib/audio';
import { DEFAULT_SOUND, soundNames } from '../../simulator';
import { bare, Bench, type Deploy, type FlowNode, type Message } from './harness';
import { hurry } from './hurry';
import { heardOnce, sounds } from './samples';

/** New each time: Node-RED takes from it what a deploy has no use for. */
const localKey = () => ({ config: { apiKey: 'local-key' }, second: { apiKey: 'local-key' } });

const BEEP = '{"tone": 500, "ms": 200}';
const beep = tone(500, 200).subarray(2);
const sound = (name: string) =>
  decodeWav(readFileSync(join(__dirname, `../../resources/sounds/${name}.wav`)));

async function listening(port = 0): Promise<Server> {
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function closed(server: Server): Promise<void> {
  server.close();
  await once(server, 'close');
}

/** A port that is free now. */
async function freePort(): Promise<number> {
  const server = await listening();
  const { port } = server.address() as AddressInfo;
  await closed(server);
  return port;
}

/** Answers every inbound call with a stream. */
const RECEPTION: FlowNode[] = [
  {
    id: 'event',
    type: 'wavix-event',
    config: 'config',
    events: ['call_setup'],
    direction: 'inbound',
    wires: [['answer', 'rung']],
  },
  { id: 'answer', type: 'wavix-answer', config: 'config', stream: true },
  { id: 'in', type: 'wavix-stream-in', config: 'config', wires: [['audio'], [], ['stream']] },
];

/** The same, and sends back what it hears. */
const ECHO: FlowNode[] = [
  ...RECEPTION.slice(0, 2),
  { id: 'in', type: 'wavix-stream-in', config: 'config', wires: [['out'], [], ['stream']] },
  { id: 'out', type: 'wavix-stream-out', config: 'config' },
];

/** Calls somebody. */
const CALL: FlowNode[] = [
  {
    id: 'call',
    type: 'wavix-call',
    config: 'config',
    from: '+15550001000',
    toType: 'msg',
    to: 'to',
    wires: [['start'], ['not-answered']],
  },
  { id: 'start', type: 'wavix-stream-start', config: 'config' },
  { id: 'in', type: 'wavix-stream-in', config: 'config', wires: [['audio'], [], ['stream']] },
];

describe('wavix-simulator', function () {
  this.timeout(20_000);
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
    speech: BEEP,
    speechType: 'json',
    wires: [['step']],
    ...more,
  });
  const config = (more: Record<string, unknown> = {}) =>
    bench.config({ apiUrl: `http://127.0.0.1:${port}`, ...more });
  const load = (...flow: FlowNode[]) => bench.load(flow, localKey());
  const deploy = (flow: FlowNode[], type: Deploy = 'full') => bench.deploy(flow, type, localKey());
  const press = async (id = 'simulator') => {
    const { status, body } = await helper.request().post(`/wavix/simulator/${id}/call`);
    return { status, ...(body as { did?: string; error?: string }) };
  };

  /** The next step of that name; those before it are passed over. */
  const step = (event: string, id = 'step') => bench.seen(id).next((msg) => msg.event === event);
  const events = (id = 'step') => bench.seen(id).all.map(({ event }) => event);
  const answered = async () => {
    const { call_id } = await step('answered');
    await bench.seen('stream').next((msg) => msg.event === 'start');
    return call_id as string;
  };
  /** When the phone has said what it says after the answer. */
  const spoken = async (call_id: unknown, id = 'simulator') => {
    for (const silence of [300, 20]) await bench.done(id, { event: 'say', call_id, speech: { silence } });
  };
  const wav = async (url: unknown) => {
    const response = await fetch(String(url));
    assert.equal(response.headers.get('content-type'), 'audio/wav');
    return Buffer.from(await response.arrayBuffer());
  };
  const recordingOf = ({ payload }: Message) => payload as Record<string, string | number>;
  const isOpen = async (on = port) =>
    fetch(`http://127.0.0.1:${on}/local/calls`).then(
      ({ status }) => status === 200,
      () => false,
    );
  const calls = async () => {
    const { calls: all } = (await (await fetch(`http://127.0.0.1:${port}/local/calls`)).json()) as {
      calls: { call_id: string; state: string; from: string; to: string }[];
    };
    return all;
  };

  it('lets a phone call the flow at the press of its button, and tells where to listen to it', async () => {
    await load(simulator(), config(), ...ECHO);
    assert.deepEqual(await press(), { status: 200, did: 'call' });
    const setup = await step('call_setup');
    const call_id = setup.call_id as string;
    const { uuid, event_type } = setup.payload as Record<string, unknown>;
    assert.deepEqual([uuid, event_type], [call_id, 'call_setup']);
    assert.deepEqual(bare({ ...setup, payload: 0 }), {
      topic: 'call_setup',
      event: 'call_setup',
      payload: 0,
      call_id,
      direction: 'inbound',
      from: '+15550002000',
      to: '+15550001000',
    });
    assert.equal((await bench.seen('rung').next()).call_id, call_id);
    assert.equal(await answered(), call_id);
    const heardUrl = `http://127.0.0.1:${port}/local/calls/${call_id}/heard.wav`;
    while (!sounds(decodeWav(await wav(heardUrl))).includes(sounds(beep)));
    assert.deepEqual(await press(), { status: 200, did: 'hangup' });
    const { call, heard, said, heard_ms, said_ms } = recordingOf(await step('recording'));
    // It rings too where the flow does not answer in the first moment.
    const steps = events().filter((event) => event !== 'ringing');
    assert.deepEqual(steps, ['call_setup', 'answered', 'stream', 'stream', 'completed', 'recording']);
    heardOnce(decodeWav(await wav(said)), beep, 'what the phone said');
    heardOnce(sounds(decodeWav(await wav(heard))), sounds(beep), 'its echo');
    const stereo = await wav(call);
    assert.equal(stereo.readUInt16LE(22), 2, 'channels');
    for (const ms of [heard_ms, said_ms]) assert.ok(Number(ms) >= 180 && Number(ms) <= 240, String(ms));
    await bench.shows('simulator', `heard ${(Number(heard_ms) / 1000).toFixed(1)} s`);
  });

  it('lets it call for a message, as the message says', async () => {
    await load(config(), ...RECEPTION, simulator());
    const { error } = await bench.done('simulator', {
      from: '+1 (555) 000-3000',
      to: '15550004000',
      speech: { tone: 700, ms: 100 },
      hangUpAfterMs: 500,
    });
    assert.equal(error, undefined);
    const { from, to } = await step('call_setup');
    assert.deepEqual([from, to], ['+15550003000', '+15550004000']);
    const { said } = recordingOf(await step('recording'));
    heardOnce(decodeWav(await wav(said)), tone(700, 100).subarray(2));
  });

  it('lets it speak and hang up during the call, and says when it has spoken', async () => {
    await load(simulator({ speech: '[]' }), config(), ...RECEPTION);
    bench.send('simulator');
    const call_id = await answered();
    const before = performance.now();
    const said = await bench.done('simulator', { event: 'say', call_id, speech: [{ tone: 600, ms: 300 }] });
    assert.equal(said.error, undefined);
    assert.ok(performance.now() - before >= 300, 'done when it was said');
    assert.equal((await bench.done('simulator', { event: 'hangup' })).error, undefined);
    const recording = recordingOf(await step('recording'));
    const pcm = decodeWav(await wav(recording.said));
    heardOnce(pcm, tone(600, 300).subarray(2));
    assert.equal(sounds(pcm).length, sounds(tone(600, 300)).length, '[] is nothing');
  });

  it('answers a call of the flow, and speaks', async () => {
    await load(simulator({ speech: '', speechType: 'str' }), config(), ...CALL);
    bench.send('call', { to: '+15550002000' });
    const call_id = await answered();
    const sentence = sound(DEFAULT_SOUND);
    await bench.seen('audio').atLeast(Math.ceil(sentence.length / 960) + 20, 10_000);
    bench.send('simulator', { event: 'hangup', call_id });
    await step('recording');
    assert.deepEqual(events().slice(0, 4), ['call_setup', 'ringing', 'answered', 'stream']);
    const heard = Buffer.concat(bench.seen('audio').all.map(({ payload }) => payload as Buffer));
    heardOnce(sounds(heard), sounds(sentence), 'the usual sentence');
  });

  it('is busy where the number says so, and does what a message has set for a number', async () => {
    await load(simulator(), config(), ...CALL);
    bench.send('call', { to: '+15550002001' });
    assert.equal((await bench.seen('not-answered').next()).topic, 'busy');
    await step('busy');
    await bench.shows('simulator', 'busy');
    const set = {
      event: 'number',
      number: '+15550002000',
      payload: { behaviour: 'reject', answerAfterMs: 10 },
    };
    assert.equal((await bench.done('simulator', set)).error, undefined);
    bench.send('call', { to: '+15550002000' });
    assert.equal((await bench.seen('not-answered').next()).topic, 'rejected');
    assert.ok(!events().includes('recording'), 'nothing was heard');
  });

  it('tells why the phone that is called says nothing', async () => {
    await load(simulator({ speech: 'helo', speechType: 'str' }), config(), ...CALL);
    bench.send('call', { to: '+15550002000' });
    const { payload } = await step('problem');
    assert.match((payload as { message: string }).message, /no sound "helo"/);
    await answered();
  });

  it('tells of a flow that does not take its events', async () => {
    const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port: dead } = server.address() as AddressInfo;
    bench.onStop(() => closed(server));
    await load(simulator(), config({ publicUrl: `http://127.0.0.1:${dead}` }), ...RECEPTION);
    bench.eventsUrl();
    bench.send('simulator');
    const { payload } = await step('problem');
    const { type, event_type, problem, url } = payload as Record<string, unknown>;
    assert.deepEqual([type, event_type, problem], ['webhook', 'call_setup', 'ECONNRESET']);
    assert.equal(url, `http://127.0.0.1:${dead}/wavix/events/…`);
  });

  describe('finds the flow by itself', () => {
    it('whichever of the two is made first', async () => {
      for (const flow of [
        [simulator(), config(), ...RECEPTION],
        [...RECEPTION, config(), simulator()],
      ]) {
        await load(...flow);
        assert.equal((await press()).did, 'call');
        await bench.seen('rung').next();
        await helper.unload();
      }
      await load();
    });

    for (const apiUrl of ['http://localhost:PORT', 'http://127.0.0.1:PORT/']) {
      it(`at ${apiUrl}`, async () => {
        await load(simulator(), config({ apiUrl: apiUrl.replace('PORT', String(port)) }), ...RECEPTION);
        assert.equal((await press()).did, 'call');
        await bench.seen('rung').next();
      });
    }

    it('when a deploy brings its configuration', async () => {
      await load(simulator());
      assert.match((await press()).error ?? '', /./);
      await deploy([simulator(), config(), ...RECEPTION], 'nodes');
      assert.equal((await press()).did, 'call');
      await bench.seen('rung').next();
    });

    it('through each configuration once, however many nodes have it', async () => {
      const other = RECEPTION.slice(0, 1).map((node) => ({ ...node, wires: [['other']] }));
      await load(
        simulator(),
        config(),
        ...RECEPTION,
        { ...other[0]!, id: 'again' },
        config({ id: 'second', path: '/other' }),
        { ...other[0]!, id: 'elsewhere', config: 'second', wires: [['third']] },
      );
      await press();
      const { call_id } = await step('answered');
      bench.send('simulator', { event: 'hangup' });
      await step('recording');
      for (const id of ['rung', 'other', 'third']) {
        assert.deepEqual(
          bench.seen(id).all.map((msg) => msg.call_id),
          [call_id],
          id,
        );
      }
    });

    const NOT: [string, (given: { port: number }) => Record<string, unknown>][] = [
      ['on another port', ({ port: used }) => ({ apiUrl: `http://127.0.0.1:${used + 1}` })],
      ['at another host', ({ port: used }) => ({ apiUrl: `http://192.0.2.1:${used}` })],
      ['it does not listen at', ({ port: used }) => ({ apiUrl: `http://[::1]:${used}` })],
      ['that speaks TLS', ({ port: used }) => ({ apiUrl: `https://127.0.0.1:${used}` })],
    ];
    for (const [what, more] of NOT) {
      it(`but not through one ${what}: that is an error, which says what to do`, async () => {
        await load(simulator(), config(more({ port })), ...RECEPTION);
        const { error = '' } = await press();
        assert.match(error, new RegExp(`use the local Wavix \\(API address http://127.0.0.1:${port}\\)`));
        const { code, message } = await bench.failure('simulator');
        assert.deepEqual([code, message], ['WAVIX_CONFIG', error]);
        assert.deepEqual(await calls(), []);
      });
    }

    it('but not through one that no node has', async () => {
      await load(simulator(), config());
      assert.match((await press()).error ?? '', /No flow would hear of the call/);
    });

    it('and says what is wrong with it, if it has no address', async () => {
      await bench.load([simulator(), config(), ...RECEPTION], {});
      assert.match((await press()).error ?? '', /no API key/);
    });
  });

  describe('refuses a message', () => {
    const CALL_ID = 'a-call-that-there-is-not';
    const CASES: [string, object, RegExp][] = [
      ['that asks for something else', { event: 'sing' }, /call, say, hangup or number/],
      ['without a number to call from', { from: 'reception' }, /^from must be a phone number/],
      ['without a number to call', { to: {} }, /^to must be a phone number/],
      ['with a sound that there is not', { speech: 'helo' }, /no sound "helo".*hello/],
      ['with a file that there is not', { speech: '/no/such.wav' }, /no such file/],
      ['with what is no speech', { speech: { sing: true } }, /can't be said/],
      ['with what is no time', { hangUpAfterMs: 'soon' }, /hangUpAfterMs must be a number of ms/],
      ['to say nothing', { event: 'say' }, /can't be said/],
      ['to say something to nobody', { event: 'say', speech: 'hello' }, /no such live call/],
      [
        'to say something in a call that is not',
        { event: 'say', speech: 'hello', call_id: CALL_ID },
        /no such/,
      ],
      ['to hang up no call', { event: 'hangup' }, /no such live call/],
      ['to set no number', { event: 'number', payload: {} }, /^number must be a phone number/],
      ['to set nothing', { event: 'number', number: '+15550002000' }, /must be an object/],
      [
        'to set what is not known',
        { event: 'number', number: '+15550002000', payload: { behaviour: 'sings' } },
        /behaviour must be one of answer, /,
      ],
    ];
    it('that can not be done, with words that say why', async () => {
      await load(simulator(), config(), ...RECEPTION);
      for (const [what, message, words] of CASES) {
        const { code, message: said } = await bench.failure('simulator', message);
        assert.equal(code, 'WAVIX_INPUT', what);
        assert.match(said, words, what);
      }
      assert.deepEqual(await calls(), []);
      await bench.shows('simulator', 'WAVIX_INPUT');
    });

    it('that does not say which of two calls', async () => {
      await load(simulator(), config(), ...RECEPTION);
      bench.send('simulator', { from: '+15550003001' });
      bench.send('simulator', { from: '+15550003002' });
      await step('answered');
      const { call_id } = await step('answered');
      await bench.shows('simulator', '2 calls');
      assert.match((await bench.failure('simulator', { event: 'hangup' })).message, /several calls/);
      assert.equal((await bench.done('simulator', { event: 'hangup', call_id })).error, undefined);
      await step('recording');
    });

    it('while its own settings are wrong', async () => {
      for (const wrong of [{ port: 'any' }, { from: '12' }, { port: '${NO_SUCH_VARIABLE}x' }]) {
        await load(simulator(wrong), config(), ...RECEPTION);
        const { code } = await bench.failure('simulator');
        assert.equal(code, 'WAVIX_CONFIG', JSON.stringify(wrong));
        assert.match((await press()).error ?? '', /./);
        await helper.unload();
      }
      await load();
    });
  });

  for (const type of ['full', 'flows', 'nodes'] as Deploy[]) {
    describe(`in a deploy (${type})`, () => {
      it('goes on, its call with it, with the new settings', async () => {
        await load(simulator(), config(), ...ECHO);
        bench.send('simulator');
        const call_id = await answered();
        await spoken(call_id);
        await bench.shows('simulator', 'connected');
        const shownBefore = bench.statuses.all.length;
        const changed = simulator({ name: 'new', from: '+15550002009', speech: '{"tone": 800, "ms": 100}' });
        await deploy([changed, config(), ...ECHO], type);
        const { status } = await bench.statuses.first(
          (one) => one.id === 'simulator' && bench.statuses.all.indexOf(one) >= shownBefore,
        );
        assert.equal(status.text, 'connected', 'the new node shows it too');
        assert.deepEqual(
          (await calls()).map(({ call_id: id, state }) => [id, state]),
          [[call_id, 'answered']],
        );
        assert.equal(
          (await bench.done('simulator', { event: 'say', speech: { tone: 900, ms: 100 } })).error,
          undefined,
        );
        assert.deepEqual(await press(), { status: 200, did: 'hangup' });
        const recording = await step('recording');
        assert.equal(recording.call_id, call_id);
        const said = decodeWav(await wav(recordingOf(recording).said));
        heardOnce(said, beep);
        heardOnce(said, tone(900, 100).subarray(2));
        await press();
        assert.equal((await step('call_setup')).from, '+15550002009');
        await answered();
        assert.equal(events().filter((event) => event === 'call_setup').length, 2);
      });

      it('ends with its node, and leaves nothing open', async () => {
        const servers = () =>
          process.getActiveResourcesInfo().filter((name) => name === 'TCPServerWrap').length;
        await load(config(), ...RECEPTION);
        const before = servers();
        await deploy([simulator(), config(), ...RECEPTION], type);
        bench.send('simulator');
        await answered();
        assert.equal(await isOpen(), true);
        await deploy([config(), ...RECEPTION], type);
        await bench.seen('stream').next(({ event }) => event === 'lost' || event === 'stop');
        while (await isOpen());
        assert.equal(servers(), before);
        await closed(await listening(port));
      });

      it('moves to another port, and ends the calls of the former one', async () => {
        await load(simulator(), config(), ...RECEPTION);
        bench.send('simulator');
        await answered();
        const former = port;
        port = await freePort();
        await deploy([simulator(), config(), ...RECEPTION], type);
        await bench.seen('stream').next(({ event }) => event === 'lost' || event === 'stop');
        while (await isOpen(former));
        await closed(await listening(former));
        assert.equal((await press()).did, 'call');
        await answered();
      });
    });
  }

  it('ends when the flows are stopped', async () => {
    await load(simulator(), config(), ...RECEPTION);
    bench.send('simulator');
    await answered();
    await helper.clearFlows();
    while (await isOpen());
    await closed(await listening(port));
  });

  describe('where its port is taken', () => {
    it('says so, and what to do; and begins as soon as it is free', async () => {
      const other = await listening(port);
      hurry(bench, 5_000, 50);
      await load(simulator(), config(), ...RECEPTION);
      await bench.shows('simulator', `can't use port ${port}`);
      bench.logged(
        new RegExp(`can't listen on port ${port}: another program .*npx wavix-simulator.*another port`),
      );
      const { code, message } = await bench.failure('simulator');
      assert.equal(code, 'WAVIX_CONFIG');
      assert.match(message, new RegExp(`can't listen on port ${port}`));
      assert.deepEqual(await press(), { status: 200, error: message });
      await closed(other);
      await bench.shows('simulator', `ready on port ${port}`);
      assert.equal((await press()).did, 'call');
      await answered();
    });

    it('shares it with another node like itself: each is a phone of its own', async () => {
      const second = simulator({
        id: 'second-phone',
        from: '+15550002002',
        speech: '{"tone": 800, "ms": 100}',
        wires: [['second-step']],
      });
      await load(simulator(), second, config(), ...RECEPTION, ...CALL.slice(0, 2));
      await press('second-phone');
      const { from, call_id } = await step('answered', 'second-step');
      assert.equal(from, '+15550002002');
      await spoken(call_id, 'second-phone');
      await press();
      const first = await step('answered');
      assert.deepEqual([...new Set(bench.seen('step').all.map((msg) => msg.call_id))], [first.call_id]);
      // The first one goes: its call may go on, and the second phone's does.
      await deploy([second, config(), ...RECEPTION, ...CALL.slice(0, 2)], 'nodes');
      assert.equal((await press('second-phone')).did, 'hangup');
      const recording = await step('recording', 'second-step');
      assert.equal(recording.call_id, call_id);
      heardOnce(decodeWav(await wav(recordingOf(recording).said)), tone(800, 100).subarray(2));
    });

    it('is about the phone whose number is called: it speaks, it is told, and it hangs up', async () => {
      const quick = { behaviour: 'answer', answerAfterMs: 10 };
      const second = simulator({
        id: 'second-phone',
        from: '+15550002002',
        speech: '{"tone": 800, "ms": 100}',
        wires: [['second-step']],
      });
      await load(simulator(), second, config(), ...CALL);
      await bench.done('simulator', { event: 'number', number: '+15550002002', payload: quick });
      bench.send('call', { to: '+15550002002' });
      const { call_id } = await step('answered', 'second-step');
      await bench.seen('audio').atLeast(40);
      assert.match((await bench.failure('simulator', { event: 'hangup' })).message, /no such live call/);
      assert.equal((await bench.done('second-phone', { event: 'hangup' })).error, undefined);
      const recording = await step('recording', 'second-step');
      assert.equal(recording.call_id, call_id);
      assert.deepEqual(events(), [], 'the other phone is told nothing');
      heardOnce(decodeWav(await wav(recordingOf(recording).said)), tone(800, 100).subarray(2));
    });

    it('takes its own call to be meant where none is named, though the flow calls somebody else', async () => {
      await load(simulator(), config(), ...RECEPTION, ...CALL);
      bench.send('call', { to: '+15550007700' });
      const other = await step('answered');
      await press();
      await step('answered');
      assert.equal((await bench.done('simulator', { event: 'hangup' })).error, undefined);
      assert.notEqual((await step('completed')).call_id, other.call_id);
    });
  });

  describe('for the editor,', () => {
    const get = (path: string) => helper.request().get(`/wavix/simulator${path}`);

    it('lists its last calls, and gives their audio', async () => {
      await load(simulator(), config(), ...RECEPTION);
      assert.deepEqual((await get('/simulator/calls')).body, []);
      assert.deepEqual((await get('/nobody/calls')).body, []);
      assert.deepEqual((await get('/sounds')).body, soundNames());
      for (let n = 1; n <= 6; n++) {
        await bench.done('simulator', { from: `+1555000300${n}`, hangUpAfterMs: 200 });
        await step('recording');
      }
      const { headers, body } = await get('/simulator/calls');
      assert.equal(headers['cache-control'], 'no-store');
      const list = body as { call_id: string; from: string; event: string; ms: number; began: string }[];
      assert.deepEqual(
        list.map(({ from, event }) => [from, event]),
        [6, 5, 4, 3, 2].map((n) => [`+1555000300${n}`, 'completed']),
        'the last five',
      );
      const [last] = list;
      assert.ok(
        last && last.ms >= 180 && Math.abs(Date.now() - Date.parse(last.began)) < 10_000,
        last?.began,
      );
      const audio = await get(`/simulator/calls/${last.call_id}/call.wav`);
      assert.equal(audio.headers['content-type'], 'audio/wav');
      const direct = await wav(`http://127.0.0.1:${port}/local/calls/${last.call_id}/call.wav`);
      assert.ok(direct.equals(audio.body as Buffer), 'the same as from the local Wavix itself');
      assert.equal((await get('/simulator/calls/none/call.wav')).status, 404);
      assert.equal((await press('nobody')).status, 404);
    });
  });
});
