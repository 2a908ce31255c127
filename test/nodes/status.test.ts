import assert from 'node:assert/strict';
import { postJson } from './fake-wavix';
import { Bench, type FlowNode } from './harness';
import { speech } from './samples';

const CALL: FlowNode = {
  id: 'call',
  type: 'wavix-call',
  config: 'config',
  from: '+15550009999',
  to: '+15550001200',
};
const ANSWER: FlowNode = { id: 'answer', type: 'wavix-answer', config: 'config', stream: true };
const START: FlowNode = { id: 'start', type: 'wavix-stream-start', config: 'config', streamType: 'oneway' };
const STOP: FlowNode = { id: 'stop', type: 'wavix-stream-stop', config: 'config' };
const HANGUP: FlowNode = { id: 'hangup', type: 'wavix-hangup', config: 'config', when: 'played' };
const EVENT: FlowNode = { id: 'event', type: 'wavix-event', config: 'config' };
const LISTEN: FlowNode = { id: 'in', type: 'wavix-stream-in', config: 'config', wires: [[], [], ['events']] };
const SPEAK: FlowNode = { id: 'out', type: 'wavix-stream-out', config: 'config', wires: [['played'], []] };

describe('statuses', () => {
  let bench: Bench;
  beforeEach(async () => (bench = await Bench.start()));
  afterEach(() => bench.stop());

  it('tell in a few words what each node does', async () => {
    await bench.load([
      bench.config(),
      ...[ANSWER, START, STOP, HANGUP, EVENT, LISTEN, SPEAK],
      CALL,
      { ...CALL, id: 'busy', to: '+15550001201' },
      { ...CALL, id: 'late', to: '+15550001203', timeout: 1 },
      { ...CALL, id: 'placed', wait: false },
    ]);
    await bench.shows('in', 'no stream');
    const ringing = { answerAfterMs: 1_200 };
    await bench.wavix.setNumber('+15550001200', ringing);
    for (const id of ['call', 'busy', 'late', 'placed']) bench.send(id);
    const { call_id } = await bench.answered();
    await bench.seen('events').next(({ event }) => event === 'start');
    bench.send('out', { call_id, payload: speech(1_300) });
    bench.send('hangup', { call_id });
    await bench.done('start', { call_id });
    const { stream_id } = await bench.seen('events').next(({ event }) => event === 'start');
    await bench.done('stop', {
      call_id,
      stream_id: String(stream_id),
    });
    // What came within the second may be passed over, but never the last.
    const expected = {
      call: ['placing', 'ringing', 'answered'],
      busy: ['placing', 'ringing', 'busy'],
      late: ['placing', 'ringing', 'no answer in time'],
      placed: ['placing', 'placed'],
      answer: ['answered'],
      start: ['started'],
      stop: ['stopped'],
      hangup: ['until heard', 'hung up'],
      in: ['no stream', '1 live', '2 live', '1 live', 'no stream'],
      out: ['playing 2 s', 'playing 1 s', 'idle'],
    };
    for (const [id, texts] of Object.entries(expected)) {
      const final = texts.at(-1)!;
      if (bench.statusesOf(id).at(-1)?.text !== final) await bench.shows(id, final);
      const rest = [...texts];
      const unexpected = bench.statusesOf(id).filter(({ text = '' }) => {
        const at = rest.indexOf(text);
        rest.splice(0, at);
        return at < 0;
      });
      assert.deepEqual(unexpected, [], id);
      assert.equal(bench.statusesOf(id)[0]?.text, texts[0]);
    }
    const long = bench.statuses.all.filter(({ status }) => (status.text ?? '').length > 20);
    assert.deepEqual(long, []);
  });

  it('come at most once a second from each node, whatever goes on', async () => {
    await bench.load([bench.config(), ANSWER, EVENT, LISTEN, SPEAK, HANGUP]);
    const { call_id } = await bench.answered();
    await bench.seen('events').next(({ event }) => event === 'start');
    const url = bench.eventsUrl();
    const begun = performance.now();
    for (let n = 0; performance.now() - begun < 2_300; n++) {
      bench.send('out', { call_id, payload: speech(30), ...(n % 5 === 4 && { event: 'clear' }) });
      if (n % 3 === 0) bench.send('hangup', { call_id: 'no-such-call' });
      await postJson(url, { uuid: `call-${n}`, event_type: n % 2 ? 'ringing' : 'answered' });
    }
    const { all, times } = bench.statuses;
    for (const id of ['out', 'event', 'in', 'hangup']) {
      const at = times.filter((_, n) => all[n]?.id === id);
      const pauses = at.slice(1).map((time, n) => time - at[n]!);
      const short = pauses.filter((pause) => pause < 990);
      assert.deepEqual(short, [], `${id}: pauses of ${pauses.map(Math.round).join(', ')} ms`);
      if (id !== 'in') assert.ok(at.length >= 3, `${id} showed ${at.length} statuses`);
    }
  });

  it('show the last thing that happened, though it came within the second', async () => {
    await bench.load([bench.config(), EVENT]);
    const url = bench.eventsUrl();
    for (const event_type of ['call_setup', 'ringing', 'answered', 'completed']) {
      await postJson(url, { uuid: 'call-1', event_type });
    }
    await bench.shows('event', 'completed');
    assert.deepEqual(
      bench.statusesOf('event').map(({ text }) => text),
      ['call_setup', 'completed'],
    );
  });

  for (const [what, node, message, code] of [
    ['WAVIX_INPUT', HANGUP, {}, 'WAVIX_INPUT'],
    ['WAVIX_API', { ...HANGUP, when: 'now' }, { call_id: 'no-such-call' }, 'WAVIX_API'],
    ['WAVIX_NO_STREAM', SPEAK, { payload: speech(20) }, 'WAVIX_NO_STREAM'],
  ] as const) {
    it(`show ${what} in red after a failure`, async () => {
      await bench.load([bench.config(), node]);
      assert.equal((await bench.failure(node.id, message)).code, code);
      await bench.shows(node.id, code);
      assert.equal(bench.statusesOf(node.id).at(-1)?.fill, 'red');
    });
  }
});
