import assert from 'node:assert/strict';
import helper from 'node-red-node-test-helper';
import type { Call } from '../../simulator';
import { findLine } from '../../nodes/shared/lines';
import { postJson } from './fake-wavix';
import { Bench, type Deploy, type FlowNode, type Message } from './harness';
import { heardOnce, sameBytes, speech, trimmed } from './samples';

const ANSWER: FlowNode = { id: 'answer', type: 'wavix-answer', config: 'config', stream: true };
const HANGUP: FlowNode = {
  id: 'hangup',
  type: 'wavix-hangup',
  config: 'config',
  when: 'played',
  wires: [['ended']],
};
const CALL: FlowNode = {
  id: 'call',
  type: 'wavix-call',
  config: 'config',
  from: '+15550009999',
  to: '+15550001200',
  wires: [['answered'], ['not-answered']],
};

/** Changed by each deploy. */
function listenAndSpeak(version: number): FlowNode[] {
  return [
    {
      id: 'in',
      type: 'wavix-stream-in',
      config: 'config',
      name: `version ${version}`,
      wires: [['audio'], ['marks'], ['events']],
    },
    {
      id: 'out',
      type: 'wavix-stream-out',
      config: 'config',
      name: `version ${version}`,
      lead: 400,
      wires: [['played'], ['interrupted']],
    },
    // All that reaches the flow goes through here too; it takes its time to close.
    { id: 'slow', type: 'slow', closeMs: 70, name: `version ${version}` },
  ];
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('deploys', () => {
  let bench: Bench;
  beforeEach(async () => (bench = await Bench.start()));
  afterEach(() => bench.stop());

  /** An answered call, of whose stream the flow has heard. */
  const answered = async () => {
    const call = await bench.answered();
    const live = await call.waitForStream();
    await bench.seen('events').next(({ event }) => event === 'start');
    return { call, live, call_id: call.call_id };
  };

  const hangUp = async (call: Call) => {
    call.phone.hangUp();
    await call.done;
    await bench.seen('events').next(({ event }) => event === 'stop');
  };

  const numbers = (messages: Message[]) => messages.map(({ chunk }) => Number(chunk));
  const upTo = (count: number) => Array.from({ length: count }, (_, n) => n + 1);

  for (const type of ['full', 'flows', 'nodes'] as Deploy[]) {
    describe(`(${type}) under a live stream`, () => {
      it('let what is playing go on to its end, without running dry', async () => {
        await bench.load([bench.config(), ANSWER, ...listenAndSpeak(1)]);
        const { call, live } = await answered();
        const pcm = speech(600);
        await bench.done('out', { payload: pcm, n: 1 });
        await pause(100);
        await bench.deploy([bench.config(), ANSWER, ...listenAndSpeak(2)], type);
        await bench.seen('played').next();
        await hangUp(call);
        sameBytes(trimmed(call.heard()), pcm);
        const { underruns, gaps } = live.facts.playout;
        assert.deepEqual([underruns, gaps], [0, []]);
      });

      it('bring every frame to the new flow exactly once and in order', async () => {
        await bench.load([bench.config(), ANSWER, ...listenAndSpeak(1)]);
        const { call, live } = await answered();
        const said = speech(400);
        const saying = call.phone.say([said, { silence: 40 }]);
        for (let version = 2; version < 5; version++) {
          await pause(40);
          await bench.deploy([bench.config(), ANSWER, ...listenAndSpeak(version)], type);
        }
        await saying;
        await hangUp(call);
        const heard = bench.seen('audio').all;
        assert.deepEqual(numbers(heard), upTo(live.facts.framesSent.inbound));
        heardOnce(Buffer.concat(heard.map(({ payload }) => payload as Buffer)), said);
        assert.deepEqual(
          bench.seen('events').all.map(({ event }) => event),
          ['connected', 'start', 'stop'],
        );
      });

      it('bring every frame on where only what hears them is changed', async () => {
        const flow = (version: number): FlowNode[] => [
          bench.config(),
          ANSWER,
          { id: 'in', type: 'wavix-stream-in', config: 'config', wires: [['audio'], [], ['events']] },
          { id: 'audio', type: 'record', name: `version ${version}` },
          { id: 'slow', type: 'slow', closeMs: 70, name: `version ${version}` },
        ];
        await bench.load(flow(1));
        const { call, live } = await answered();
        for (let version = 2; version < 5; version++) {
          await pause(40);
          await bench.deploy(flow(version), type);
        }
        await hangUp(call);
        assert.deepEqual(numbers(bench.seen('audio').all), upTo(live.facts.framesSent.inbound));
      });

      it('bring reports to the new node, each once', async () => {
        await bench.load([bench.config(), ANSWER, ...listenAndSpeak(1)]);
        const { call_id } = await answered();
        for (let n = 0; n < 6; n++) bench.send('out', { payload: speech(60), n, customer: 17 });
        bench.send('out', { payload: speech(2_000), n: 6, mark: 'cut', customer: 17 });
        await bench.seen('played').next();
        await bench.deploy([bench.config(), ANSWER, ...listenAndSpeak(2)], type);
        await bench.seen('played').atLeast(6);
        await bench.done('out', { event: 'clear', call_id });
        const { n, customer } = await bench.seen('interrupted').next();
        assert.deepEqual([n, customer], [6, 17]);
        assert.deepEqual(
          bench.seen('played').all.map((message) => message.n),
          [0, 1, 2, 3, 4, 5],
        );
        const mark = await bench.seen('marks').next();
        assert.deepEqual([mark.payload, mark.cleared], ['cut', true]);
        assert.equal(bench.seen('interrupted').all.length, 1);
      });

      it('let audio be sent on by the new node to the same stream', async () => {
        await bench.load([bench.config(), ANSWER, ...listenAndSpeak(1)]);
        const { call, live } = await answered();
        const [first, second] = [speech(200), speech(60, 1)];
        await bench.done('out', { payload: first });
        await bench.deploy([bench.config(), ANSWER, ...listenAndSpeak(2)], type);
        await bench.done('out', { payload: second });
        await bench.seen('played').atLeast(2);
        await hangUp(call);
        sameBytes(trimmed(call.heard()), Buffer.concat([first, second]));
        assert.equal(live.facts.end, 'call ended');
      });

      it('let a wavix-call that waits go on, with the message it got', async () => {
        const flow = (version: number): FlowNode[] => [
          bench.config(),
          { ...CALL, name: `version ${version}` },
          { id: 'slow', type: 'slow', closeMs: 70, name: `version ${version}` },
        ];
        await bench.wavix.setNumber('+15550001200', { answerAfterMs: 60 });
        await bench.load(flow(1));
        bench.send('call', { customer: 17 });
        const call = await bench.wavix.waitForCall();
        await call.waitFor('ringing');
        await bench.deploy(flow(2), type);
        const message = await bench.seen('answered').next();
        assert.deepEqual([message.call_id, message.customer], [call.call_id, 17]);
        assert.equal((message.payload as Record<string, unknown>).event_type, 'answered');
        await bench.deploy(flow(3), type);
        assert.deepEqual([bench.seen('answered').all.length, bench.seen('not-answered').all.length], [1, 0]);
      });

      it('let a wavix-hangup that waits for the last word go on', async () => {
        const flow = (version: number) => [
          bench.config(),
          ANSWER,
          ...listenAndSpeak(version),
          { ...HANGUP, name: `version ${version}` },
        ];
        await bench.load(flow(1));
        const { call, call_id } = await answered();
        const pcm = speech(300);
        bench.send('out', { payload: pcm, call_id });
        bench.send('hangup', { call_id, customer: 17 });
        await pause(50);
        await bench.deploy(flow(2), type);
        assert.equal((await bench.seen('ended').next()).customer, 17);
        await call.done;
        heardOnce(call.heard(), pcm);
      });
    });
  }

  it('that rewire the audio bring every frame to the one or the other, in order', async () => {
    const flow = (to: string): FlowNode[] => [
      bench.config(),
      ANSWER,
      { id: 'in', type: 'wavix-stream-in', config: 'config', wires: [[to], [], ['events']] },
      { id: 'slow', type: 'slow', name: to },
    ];
    await bench.load(flow('old'));
    const { call, live } = await answered();
    await bench.seen('old').atLeast(3);
    await bench.deploy(flow('new'), 'nodes');
    await bench.seen('new').atLeast(3);
    await hangUp(call);
    assert.deepEqual(
      numbers([...bench.seen('old').all, ...bench.seen('new').all]),
      upTo(live.facts.framesSent.inbound),
    );
  });

  it('that change the form of the audio bring the old form up to the deploy, the new one from then on', async () => {
    const flow = (encoding: string): FlowNode[] => [
      bench.config(),
      ANSWER,
      { id: 'in', type: 'wavix-stream-in', config: 'config', encoding, wires: [['audio'], [], ['events']] },
    ];
    await bench.load(flow('pcm'));
    const { call, live } = await answered();
    await bench.seen('audio').atLeast(3);
    await bench.deploy(flow('base64'));
    await bench.seen('audio').next(({ encoding }) => encoding === 'base64');
    await hangUp(call);
    const heard = bench.seen('audio').all;
    assert.deepEqual(numbers(heard), upTo(live.facts.framesSent.inbound));
    const change = heard.findIndex(({ encoding }) => encoding === 'base64');
    assert.deepEqual(
      heard.map(({ encoding }) => encoding),
      heard.map((_, n) => (n < change ? 'pcm' : 'base64')),
    );
  });

  for (const type of ['full', 'flows', 'nodes'] as Deploy[]) {
    it(`(${type}) lose no frame that was on its wire when they began, and bring none twice`, async () => {
      const fake = await bench.fake();
      const flow = (version: number) => [
        bench.config({ apiUrl: fake.url }),
        ANSWER,
        ...listenAndSpeak(version),
        { id: 'audio', type: 'record', name: `version ${version}` },
      ];
      await bench.load(flow(1));
      await bench.done('answer', { call_id: 'call-1' });
      const stream = (await fake.dial()).begin('call-1', 'stream-1');
      await bench.seen('events').next(({ event }) => event === 'start');
      // Several at once: when the flow has got the second one, the others are on the wire.
      for (let n = 0; n < 6; n++) stream.media();
      await bench.seen('audio').atLeast(2);
      await bench.deploy(flow(2), type);
      stream.media();
      await bench.seen('audio').next(({ chunk }) => chunk === 7);
      assert.deepEqual(numbers(bench.seen('audio').all), upTo(7));
    });
  }

  it('that change the config let its streams go on; new addresses are those of the new one', async () => {
    await bench.load([bench.config(), ANSWER, ...listenAndSpeak(1)]);
    const { call, live } = await answered();
    const before = bench.eventsUrl();
    const pcm = speech(400);
    await bench.done('out', { payload: pcm });
    await bench.deploy([bench.config({ path: '/another/path' }), ANSWER, ...listenAndSpeak(1)]);
    await bench.seen('played').next();
    assert.notEqual(bench.eventsUrl(), before);
    assert.match(bench.eventsUrl(), /\/another\/path\/events\//);
    assert.equal(live.live, true);
    const second = await answered();
    await hangUp(second.call);
    call.phone.hangUp();
    heardOnce(call.heard(), pcm);
  });

  it('that leave nothing but the config let its streams and what is playing go on', async () => {
    await bench.load([bench.config(), ANSWER, ...listenAndSpeak(1)]);
    const { call, live } = await answered();
    const pcm = speech(400);
    await bench.done('out', { payload: pcm });
    await bench.deploy([bench.config()]);
    await call.phone.quiet(40);
    assert.equal(live.live, true);
    heardOnce(call.heard(), pcm);
    await bench.deploy([bench.config(), ANSWER, ...listenAndSpeak(2)]);
    const second = speech(60, 1);
    await bench.done('out', { payload: second });
    await bench.seen('played').next();
    await hangUp(call);
    heardOnce(call.heard(), second);
  });

  it('twenty in a row lose no frame and leave no listener behind', async () => {
    const flow = (version: number) => [bench.config(), ANSWER, ...listenAndSpeak(version).slice(0, 2)];
    await bench.load(flow(0));
    const { call, live } = await answered();
    await bench.deploy(flow(1));
    const listeners = () => bench.listeners();
    const before = listeners();
    const pcm = speech(600);
    await bench.done('out', { payload: pcm });
    const types: Deploy[] = ['full', 'flows', 'nodes'];
    for (let version = 2; version < 22; version++) {
      await bench.deploy(flow(version), types[version % 3]);
      await pause(15);
    }
    assert.deepEqual(listeners(), before);
    await bench.seen('played').next();
    await hangUp(call);
    assert.deepEqual(numbers(bench.seen('audio').all), upTo(live.facts.framesSent.inbound));
    sameBytes(trimmed(call.heard()), pcm);
    assert.equal(live.facts.playout.underruns, 0);
  });

  describe('close streams with 1001', () => {
    const cases: [string, () => Promise<void>][] = [
      ['when their config is removed with its nodes', () => bench.deploy([])],
      ['when their config alone is removed', () => bench.deploy([ANSWER, ...listenAndSpeak(1)])],
      [
        'when their config is removed by a deploy of changed nodes',
        () => bench.deploy([ANSWER, ...listenAndSpeak(1)], 'nodes'),
      ],
      [
        'when their config is disabled',
        () => bench.deploy([bench.config({ d: true }), ANSWER, ...listenAndSpeak(1)]),
      ],
      ['when the flows are stopped', () => helper.clearFlows()],
    ];
    for (const [when, end] of cases) {
      it(when, async () => {
        await bench.load([bench.config(), ANSWER, ...listenAndSpeak(1)]);
        const { call, live } = await answered();
        await bench.done('out', { payload: speech(2_000) });
        const asked = performance.now();
        await end();
        await live.closed;
        assert.equal(live.facts.closeCode, 1001);
        assert.equal(live.facts.end, 'closed by the application');
        const took = performance.now() - asked;
        assert.ok(took < 1_000, `after ${took} ms`);
        assert.equal(call.state, 'answered', 'the call itself goes on');
      });
    }

    it('and those that have not started yet too', async () => {
      const fake = await bench.fake();
      await bench.load([bench.config({ apiUrl: fake.url }), ANSWER]);
      await bench.done('answer', { call_id: 'call-1' });
      const stream = await fake.dial();
      await bench.deploy([]);
      assert.equal(await stream.closed, 1001);
    });

    it('and tell the flow that lost its config alone what became of stream and audio', async () => {
      await bench.load([bench.config(), ANSWER, ...listenAndSpeak(1)]);
      await answered();
      await bench.done('out', { payload: speech(2_000), n: 1 });
      await bench.deploy([ANSWER, ...listenAndSpeak(1)], 'nodes');
      assert.equal((await bench.seen('interrupted').next()).n, 1);
      const lost = await bench.seen('events').next(({ event }) => event === 'lost');
      assert.equal((lost.payload as { code: number }).code, 1001);
    });
  });

  it('after flows were stopped and started again, calls work as before', async () => {
    const flow = [bench.config(), ANSWER, ...listenAndSpeak(1)];
    await bench.load(flow);
    const first = await answered();
    await helper.clearFlows();
    await first.live.closed;
    first.call.phone.hangUp();
    await helper._redNodes.startFlows();
    const { call } = await answered();
    const pcm = speech(60);
    await bench.done('out', { payload: pcm });
    await bench.seen('played').next();
    await hangUp(call);
    sameBytes(trimmed(call.heard()), pcm);
  });

  it('after flows were stopped for good, nothing of before reaches those started later', async () => {
    const event: FlowNode = { id: 'event', type: 'wavix-event', config: 'config', wires: [['events-seen']] };
    await bench.load([bench.config(), event]);
    const url = bench.eventsUrl();
    const post = (uuid: string) => postJson(url, { uuid, event_type: 'ringing' });
    await post('in time');
    await bench.seen('events-seen').next();
    // Stopped in the very turn in which a message is sent.
    const stopped = new Promise<void>((resolve) => {
      findLine('config').calls.subscribe(() => void helper.clearFlows().then(resolve));
    });
    await post('too late');
    await stopped;
    await helper._redNodes.startFlows();
    await postJson(bench.eventsUrl(), { uuid: 'new', event_type: 'ringing' });
    await bench.seen('events-seen').next(({ call_id }) => call_id === 'new');
    assert.deepEqual(
      bench.seen('events-seen').all.map(({ call_id }) => call_id),
      ['in time', 'new'],
    );
  });

  it('that remove a wavix-call that waits end its wait: nothing is sent, and it is no failure', async () => {
    await bench.wavix.setNumber('+15550001200', { answerAfterMs: 60 });
    await bench.load([bench.config(), ANSWER, CALL]);
    bench.send('call');
    const call = await bench.wavix.waitForCall();
    await call.waitFor('ringing');
    await bench.deploy([
      bench.config(),
      ANSWER,
      { id: 'event', type: 'wavix-event', config: 'config', wires: [['events']] },
    ]);
    await bench.seen('events').next(({ topic }) => topic === 'answered');
    const { error } = await bench.completions.next(({ id }) => id === 'call');
    assert.equal(error, undefined);
    assert.deepEqual([bench.seen('answered').all.length, bench.seen('not-answered').all.length], [0, 0]);
  });

  it('of a flow with no config at all say WAVIX_CONFIG, and work once there is one', async () => {
    await bench.load([ANSWER, ...listenAndSpeak(1)]);
    assert.equal((await bench.failure('answer', { call_id: 'call-1' })).code, 'WAVIX_CONFIG');
    await bench.deploy([bench.config(), ANSWER, ...listenAndSpeak(1)]);
    const { call } = await answered();
    await bench.seen('audio').next();
    await hangUp(call);
  });
});
