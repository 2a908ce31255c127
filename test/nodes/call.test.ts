import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import type { LocalWavixOptions } from '../../simulator';
import type { ApiRequest } from './fake-wavix';
import { bare, Bench, type FlowNode, type Message } from './harness';
import { hurry } from './hurry';
import { fieldFor, provide, TYPES } from './typed';

const FROM = '+15550009999';
const TO = '+15550001200';

function callNode(more: Record<string, unknown> = {}): FlowNode {
  return {
    id: 'call',
    type: 'wavix-call',
    config: 'config',
    from: FROM,
    to: TO,
    wires: [['answered'], ['not-answered']],
    ...more,
  };
}

describe('wavix-call', () => {
  let bench: Bench;
  afterEach(() => bench.stop());

  const start = async (node: FlowNode = callNode(), options: LocalWavixOptions = {}) => {
    bench = await Bench.start(options);
    await bench.load([bench.config(), node]);
  };

  /** The same, against a scripted Wavix. */
  const startFake = async (node: FlowNode = callNode()) => {
    bench = await Bench.start();
    const fake = await bench.fake();
    await bench.load([bench.config({ apiUrl: fake.url }), node]);
    return fake;
  };

  const event = (request: ApiRequest, uuid: string, event_type: string) => ({
    ...{ uuid, event_type, direction: 'outbound', from: FROM, to: '15550001200' },
    event_time: new Date().toISOString(),
    event_payload: null,
    tag: request.body.tag ?? '',
  });

  const counts = () => [bench.seen('answered').all.length, bench.seen('not-answered').all.length];

  describe('with wait', () => {
    it('goes on when the call is answered: call_id and the answered event are added to the message it got', async () => {
      await start(callNode({ wait: true }));
      bench.send('call', { payload: 'before', topic: 'mine', customer: { id: 17 }, _msgid: 'same' });
      const call = await bench.wavix.waitForCall();
      const answered = await bench.seen('answered').next();
      assert.deepEqual(answered, {
        payload: { ...(await call.waitFor('answered')) },
        topic: 'mine',
        customer: { id: 17 },
        call_id: call.call_id,
        _msgid: 'same',
      });
      assert.deepEqual(counts(), [1, 0]);
      const { error } = await bench.completions.next(({ id }) => id === 'call');
      assert.equal(error, undefined);
    });

    it('waits if that is left out', async () => {
      await start(callNode(), { defaults: { ringMs: 5, answerAfterMs: 120 } });
      bench.send('call');
      const call = await bench.wavix.waitForCall();
      await call.waitFor('ringing');
      assert.deepEqual(counts(), [0, 0]);
      const { payload } = await bench.seen('answered').next();
      assert.equal((payload as Record<string, unknown>).event_type, 'answered');
    });

    it('does not go on before the answer was posted, and at once after it', async () => {
      await start(callNode(), { defaults: { ringMs: 5, answerAfterMs: 150 } });
      bench.send('call');
      const call = await bench.wavix.waitForCall();
      await bench.seen('answered').next();
      const posted = call.events.find((one) => one.event.event_type === 'answered');
      const later = bench.seen('answered').times[0]! - posted!.postedAt!;
      assert.ok(later >= 0 && later < 100, `${later} ms after the post`);
    });

    for (const [why, number, events] of [
      ['busy', '+15550001201', ['call_setup', 'busy']],
      ['rejected', '+15550001202', ['call_setup', 'ringing', 'rejected']],
      ['failed', '+15550001205', ['call_setup', 'failed']],
    ] as const) {
      it(`leaves by output 2 when the call is ${why}, with that as topic and the event as payload`, async () => {
        await start(callNode({ to: number }));
        bench.send('call', { customer: 17, topic: 'mine' });
        const call = await bench.wavix.waitForCall();
        const message = bare(await bench.seen('not-answered').next());
        const last = call.events.at(-1)!.event;
        assert.deepEqual(message, { customer: 17, topic: why, payload: { ...last }, call_id: call.call_id });
        assert.equal(last.event_type, why);
        await call.done;
        assert.deepEqual(
          call.events.map((one) => one.event.event_type),
          events,
        );
        assert.deepEqual(counts(), [0, 1]);
      });
    }

    it('leaves by output 2 when the call is cancelled', async () => {
      await start(callNode({ to: '+15550001203' }), { defaults: { ringMs: 5, ringTimeoutMs: 50 } });
      bench.send('call');
      const message = await bench.seen('not-answered').next();
      assert.equal(message.topic, 'cancelled');
      assert.equal((message.payload as Record<string, unknown>).event_type, 'cancelled');
      assert.deepEqual(counts(), [0, 1]);
    });

    it('leaves by output 2 when the call is completed before an answer', async () => {
      const fake = await startFake();
      bench.send('call');
      const request = await fake.requests.next();
      await fake.post(request, event(request, 'call-1', 'ringing'));
      await fake.post(request, event(request, 'call-1', 'completed'));
      const message = await bench.seen('not-answered').next();
      assert.deepEqual([message.topic, message.call_id], ['completed', 'call-1']);
      assert.deepEqual(counts(), [0, 1]);
    });

    it('leaves by output 2 when the timeout has passed, and hangs up the call', async () => {
      await start(callNode({ to: '+15550001203', timeout: 1 }));
      bench.send('call', { customer: 17 });
      const call = await bench.wavix.waitForCall();
      const message = await bench.seen('not-answered').next();
      const waited = bench.seen('not-answered').times[0]! - call.events[0]!.at;
      assert.ok(waited > 950 && waited < 1_400, `it waited ${waited} ms`);
      assert.deepEqual([message.topic, message.call_id, message.customer], ['timeout', call.call_id, 17]);
      await call.done;
      assert.equal(call.events.at(-1)?.event.event_type, 'cancelled');
      assert.deepEqual(counts(), [0, 1], 'the event of the hang-up is not told');
      assert.equal((await bench.completions.next(({ id }) => id === 'call')).error, undefined);
    });

    it('has a timeout of 60 s if that is left out', async () => {
      await start(callNode({ to: '+15550001203' }), { defaults: { ringMs: 5, ringTimeoutMs: 50_000 } });
      hurry(bench, 60_000);
      bench.send('call');
      assert.equal((await bench.seen('not-answered').next()).topic, 'timeout');
      assert.equal((await bench.wavix.waitForCall()).state, 'ended');
    });

    it('leaves by output 2 with timeout also when the hang-up fails', async () => {
      const fake = await startFake(callNode({ timeout: 1 }));
      fake.script = ({ method }) =>
        method === 'DELETE' ? { status: 404, body: { success: false } } : undefined;
      hurry(bench, 1_000);
      bench.send('call');
      assert.equal((await bench.seen('not-answered').next()).topic, 'timeout');
      const hangUp = await fake.requests.next(({ method }) => method === 'DELETE');
      assert.equal(hangUp.path, '/v1/call/call-1');
    });

    it('takes its timeout from the environment too, as a string', async () => {
      await start(callNode({ to: '+15550001203', timeout: '1' }));
      hurry(bench, 1_000);
      bench.send('call');
      assert.equal((await bench.seen('not-answered').next()).topic, 'timeout');
    });

    it('goes on when the answered event came before the HTTP answer', async () => {
      await start(callNode(), { answerAfterEvent: 'answered' });
      bench.send('call');
      const call = await bench.wavix.waitForCall();
      const message = await bench.seen('answered').next();
      assert.equal(message.call_id, call.call_id);
      assert.equal((message.payload as Record<string, unknown>).event_type, 'answered');
      assert.deepEqual(counts(), [1, 0]);
    });

    it('leaves by output 2 when the busy event came before the HTTP answer', async () => {
      await start(callNode({ to: '+15550001201' }), { answerAfterEvent: 'busy' });
      bench.send('call');
      assert.equal((await bench.seen('not-answered').next()).topic, 'busy');
      assert.deepEqual(counts(), [0, 1]);
    });

    it('goes on once when the call was answered and completed before the HTTP answer', async () => {
      const fake = await startFake();
      fake.script = async (request) => {
        if (request.method !== 'POST') return {};
        for (const type of ['answered', 'completed'])
          await fake.post(request, event(request, 'call-1', type));
        return { body: { uuid: 'call-1' } };
      };
      bench.send('call');
      const message = await bench.seen('answered').next();
      assert.equal((message.payload as Record<string, unknown>).event_type, 'answered');
      assert.deepEqual(counts(), [1, 0]);
    });

    it('counts events once that Wavix posts twice', async () => {
      await start(callNode(), { repeatEvents: true });
      bench.send('call');
      const call = await bench.wavix.waitForCall();
      await bench.seen('answered').next();
      call.phone.hangUp();
      await call.done;
      assert.deepEqual(counts(), [1, 0]);
      assert.deepEqual(new Set(call.events.map(({ attempts }) => attempts)), new Set([2]));
    });

    it('keeps two calls at once apart, each message with its own outcome', async () => {
      await start(callNode({ to: 'to', toType: 'msg' }));
      await bench.wavix.setNumber('+15550001210', { answerAfterMs: 120 });
      await bench.wavix.setNumber('+15550001211', { answerAfterMs: 40 });
      bench.send('call', { to: '+15550001210', who: 'slow' });
      bench.send('call', { to: '+15550001211', who: 'quick' });
      bench.send('call', { to: '+15550001201', who: 'busy' });
      const [quick, slow] = await bench.seen('answered').atLeast(2);
      const [busy] = await bench.seen('not-answered').atLeast(1);
      const calledBy = ({ call_id }: Message) => bench.wavix.calls.get(String(call_id))?.to;
      assert.deepEqual(
        [quick, slow, busy].map((message) => [message!.who, calledBy(message!)]),
        [
          ['quick', '+15550001211'],
          ['slow', '+15550001210'],
          ['busy', '+15550001201'],
        ],
      );
      for (const message of [quick, slow, busy]) {
        assert.equal((message!.payload as Record<string, unknown>).uuid, message!.call_id);
      }
    });

    it('keeps twenty calls to the same number apart', async () => {
      await start();
      for (let n = 0; n < 20; n++) bench.send('call', { n });
      const answered = await bench.seen('answered').atLeast(20);
      assert.equal(new Set(answered.map(({ call_id }) => call_id)).size, 20);
      assert.deepEqual(
        answered.map(({ n }) => Number(n)).sort((a, b) => a - b),
        Array.from({ length: 20 }, (_, n) => n),
      );
      for (const { payload, call_id } of answered)
        assert.equal((payload as Record<string, unknown>).uuid, call_id);
    });

    it('tells that a machine answered by the event it passes on', async () => {
      await start(callNode({ to: '+15550001204' }));
      bench.send('call');
      const { payload } = await bench.seen('answered').next();
      assert.equal((payload as Record<string, unknown>).machine_detected, true);
    });
  });

  describe('without wait', () => {
    for (const wait of [false, 'false']) {
      it(`(${JSON.stringify(wait)}) goes on as soon as Wavix took the call, with its answer as payload`, async () => {
        await start(callNode({ wait }), { defaults: { ringMs: 100, answerAfterMs: 10 } });
        bench.send('call', { customer: 17 });
        const message = await bench.seen('answered').next();
        const call = await bench.wavix.waitForCall();
        assert.equal(call.state, 'setup');
        assert.equal(message.call_id, call.call_id);
        assert.equal(message.customer, 17);
        assert.deepEqual(message.payload, { ...call.view() });
        await call.waitFor('answered');
        await call.eventsPosted;
        assert.deepEqual(counts(), [1, 0]);
      });
    }

    it('goes on by output 1 also when the call is busy later', async () => {
      await start(callNode({ wait: false, to: '+15550001201' }));
      bench.send('call');
      await bench.seen('answered').next();
      const call = await bench.wavix.waitForCall();
      await call.done;
      assert.deepEqual(counts(), [1, 0]);
    });
  });

  describe('from and to', () => {
    for (const type of TYPES) {
      it(`can be of the type ${type}`, async () => {
        await start(callNode({ from: fieldFor(type, FROM), fromType: type, to: TO, toType: 'str' }));
        bench.send('call', provide(bench, 'call', type, FROM));
        const call = await bench.wavix.waitForCall();
        assert.deepEqual([call.from, call.to], [FROM, TO]);
        await bench.seen('answered').next();
      });

      it(`can be of the type ${type} (to)`, async () => {
        await start(callNode({ to: fieldFor(type, TO), toType: type }));
        bench.send('call', provide(bench, 'call', type, TO));
        const call = await bench.wavix.waitForCall();
        assert.deepEqual([call.from, call.to], [FROM, TO]);
        await bench.seen('answered').next();
      });
    }

    it('come from msg.from and msg.to where the fields are empty', async () => {
      await start(callNode({ from: '', to: undefined }));
      bench.send('call', { from: FROM, to: TO });
      const call = await bench.wavix.waitForCall();
      assert.deepEqual([call.from, call.to], [FROM, TO]);
      await bench.seen('answered').next();
    });

    it('the fields go before the message', async () => {
      await start();
      bench.send('call', { from: '+15550000001', to: '+15550000002' });
      const call = await bench.wavix.waitForCall();
      assert.deepEqual([call.from, call.to], [FROM, TO]);
      await bench.seen('answered').next();
    });
  });

  describe('options', () => {
    it('are further fields of the body, beside from, to and the callback address', async () => {
      const fake = await startFake(
        callNode({ wait: false, options: '{"tag":"a","max_duration":60}', optionsType: 'json' }),
      );
      bench.send('call');
      const { status_callback, ...body } = (await fake.requests.next()).body;
      assert.deepEqual(body, { from: FROM, to: TO, tag: 'a', max_duration: 60 });
      assert.match(String(status_callback), /^http:\/\/127\.0\.0\.1:\d+\/wavix\/events\/[\w-]{43}$/);
    });

    it('left out add nothing', async () => {
      const fake = await startFake(callNode({ wait: false }));
      bench.send('call');
      assert.deepEqual(Object.keys((await fake.requests.next()).body).sort(), [
        'from',
        'status_callback',
        'to',
      ]);
    });

    it('can be an object of the message', async () => {
      const fake = await startFake(callNode({ wait: false, options: 'more', optionsType: 'msg' }));
      bench.send('call', { more: { tag: 'b' } });
      assert.equal((await fake.requests.next()).body.tag, 'b');
    });

    it('can not take the place of from, to and the callback address', async () => {
      const fake = await startFake(
        callNode({ wait: false, options: '{"from":"+1","to":"+2","status_callback":"http://else.example"}' }),
      );
      bench.send('call');
      const { body } = await fake.requests.next();
      assert.deepEqual([body.from, body.to], [FROM, TO]);
      assert.match(String(body.status_callback), /^http:\/\/127\.0\.0\.1/);
    });

    for (const options of ['[1]', '{"a":', '17']) {
      it(`that are no JSON object (${options}) are refused with WAVIX_INPUT`, async () => {
        await start(callNode({ options, optionsType: 'json' }));
        const { code, message } = await bench.failure('call');
        assert.equal(code, 'WAVIX_INPUT');
        assert.match(message, /JSON object/);
        assert.equal(bench.wavix.calls.size, 0);
      });
    }
  });

  describe('fails', () => {
    it('with WAVIX_INPUT, before anything is sent, when no number is given', async () => {
      const fake = await startFake(callNode({ to: '' }));
      const { code, message } = await bench.failure('call');
      assert.equal(code, 'WAVIX_INPUT');
      assert.match(message, /^to must be /);
      assert.equal(fake.requests.all.length, 0);
      assert.deepEqual(counts(), [0, 0]);
    });

    it('with WAVIX_INPUT when the number is none, and when there is no caller ID', async () => {
      await start(callNode({ from: '', to: 'nobody' }));
      assert.match((await bench.failure('call', { from: FROM })).message, /^to must be /);
      await bench.deploy([bench.config(), callNode({ from: '' })]);
      const { code, message } = await bench.failure('call');
      assert.equal(code, 'WAVIX_INPUT');
      assert.match(message, /^from must be /);
    });

    it('so that a Catch node gets the message, with the code', async () => {
      await start(callNode({ to: 'nobody' }));
      await bench.failure('call', { payload: 'mine', customer: 17 });
      const caught = await bench.errors.next();
      const error = caught.error as { code?: string; message: string; source: { id: string; type: string } };
      assert.deepEqual([caught.payload, caught.customer], ['mine', 17]);
      assert.equal(error.code, 'WAVIX_INPUT');
      assert.deepEqual([error.source.id, error.source.type], ['call', 'wavix-call']);
      assert.match(error.message, /to must be a text: a phone number/);
    });

    it('with WAVIX_API, status and body when the key is wrong', async () => {
      bench = await Bench.start();
      await bench.load([bench.config(), callNode()], { config: { apiKey: 'a-wrong-key-of-some-length' } });
      bench.secrets.push('a-wrong-key-of-some-length');
      const { code, status, body, message } = await bench.failure('call');
      assert.deepEqual([code, status], ['WAVIX_API', 401]);
      assert.equal((body as Record<string, unknown>).success, false);
      assert.match(message, /Check the API key/);
      assert.deepEqual(counts(), [0, 0]);
    });

    it('with WAVIX_API and what Wavix says of the fields', async () => {
      const fake = await startFake();
      const said = { success: false, message: 'Not valid', error: { to: 'is a premium number' } };
      fake.script = () => ({ status: 422, body: said });
      const { code, status, body, message } = await bench.failure('call');
      assert.deepEqual([code, status, body], ['WAVIX_API', 422, said]);
      assert.match(message, /Not valid; to: is a premium number/);
    });

    for (const [what, answer] of [
      ['a page instead of JSON', { body: '<html>Welcome</html>' }],
      ['no id', { body: { success: true } }],
      ['nothing', { body: '' }],
      ['success: false with 200', { body: { success: false, message: 'No' } }],
    ] as const) {
      it(`with WAVIX_API when the answer is ${what}, and places the call once only`, async () => {
        const fake = await startFake();
        fake.script = () => answer;
        const { code, status } = await bench.failure('call');
        assert.deepEqual([code, status], ['WAVIX_API', 200]);
        assert.equal(fake.requests.all.length, 1);
      });
    }

    it('with WAVIX_NETWORK when the connection breaks, and places the call once only', async () => {
      const fake = await startFake();
      fake.script = () => ({ cut: true });
      const { code, message } = await bench.failure('call');
      assert.equal(code, 'WAVIX_NETWORK');
      assert.match(message, /was cut before the answer/);
      assert.equal(fake.requests.all.length, 1);
    });

    it('with WAVIX_NETWORK when nobody listens', async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      server.close();
      bench = await Bench.start();
      await bench.load([bench.config({ apiUrl: `http://127.0.0.1:${port}` }), callNode()]);
      const { code, message } = await bench.failure('call');
      assert.equal(code, 'WAVIX_NETWORK');
      assert.match(message, new RegExp(`127\\.0\\.0\\.1:${port} refuses connections`));
    });

    it('with WAVIX_TIMEOUT when Wavix does not answer in 10 s, and places the call once only', async () => {
      const fake = await startFake();
      fake.script = () => ({ silent: true });
      hurry(bench, 10_000);
      const { code, message } = await bench.failure('call');
      assert.equal(code, 'WAVIX_TIMEOUT');
      assert.match(message, /did not answer within 10 s/);
      assert.equal(fake.requests.all.length, 1);
    });

    for (const timeout of ['soon', 0, -1, Number.NaN]) {
      it(`with WAVIX_CONFIG when its timeout is ${timeout}`, async () => {
        await start(callNode({ timeout }));
        const { code, message } = await bench.failure('call');
        assert.equal(code, 'WAVIX_CONFIG');
        assert.match(message, /timeout must be a number/);
        assert.equal(bench.wavix.calls.size, 0);
      });
    }
  });
});
