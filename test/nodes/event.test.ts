import assert from 'node:assert/strict';
import type { CallEvent } from '../../simulator';
import { postJson } from './fake-wavix';
import { bare, Bench, type FlowNode } from './harness';

const CALL: FlowNode = {
  id: 'call',
  type: 'wavix-call',
  config: 'config',
  from: '+15550009999',
  to: '+15550001200',
  wires: [['answered'], ['failed']],
};

function eventNode(more: Record<string, unknown> = {}): FlowNode {
  return { id: 'event', type: 'wavix-event', config: 'config', wires: [['events']], ...more };
}

describe('wavix-event', () => {
  let bench: Bench;
  afterEach(() => bench.stop());

  /** An event as Wavix posts it. */
  const event = (more: Record<string, unknown> = {}) => ({
    uuid: 'call-1',
    direction: 'inbound',
    event_type: 'call_setup',
    event_time: '2026-01-02T03:04:05.678Z',
    event_payload: null,
    from: '+15550003000',
    to: '15550002000',
    tag: '',
    ...more,
  });

  const post = async (...events: Record<string, unknown>[]) => {
    for (const one of events) assert.equal(await postJson(bench.eventsUrl(), one), 200);
  };

  const topics = () => bench.seen('events').all.map(({ topic }) => topic);

  /** Posts one last event that every filter lets through: what came before it has been seen or never will be. */
  const settle = async (more: Record<string, unknown> = {}) => {
    await post(event({ uuid: 'last', ...more }));
    await bench.seen('events').next(({ call_id }) => call_id === 'last');
    bench.seen('events').all.pop();
  };

  it('sends topic, payload, call_id, direction, from and to of each event of an outbound call, in order', async () => {
    bench = await Bench.start();
    await bench.load([bench.config(), CALL, eventNode()]);
    bench.send('call');
    const call = await bench.wavix.waitForCall();
    await bench.seen('answered').next();
    call.phone.hangUp();
    await call.done;
    const messages = await bench.seen('events').atLeast(4);
    const posted: CallEvent[] = call.events.map((one) => one.event);
    assert.deepEqual(
      messages.map(bare),
      posted.map((one) => ({
        topic: one.event_type,
        payload: { ...one },
        call_id: call.call_id,
        direction: 'outbound',
        from: '+15550009999',
        to: '15550001200',
      })),
    );
    assert.deepEqual(topics(), ['call_setup', 'ringing', 'answered', 'completed']);
  });

  it('tells of inbound calls', async () => {
    bench = await Bench.start();
    await bench.load([bench.config(), eventNode()]);
    const call = await bench.ring();
    await bench.seen('events').next(({ topic }) => topic === 'ringing');
    call.phone.hangUp();
    await call.done;
    await bench.seen('events').atLeast(3);
    assert.deepEqual(topics(), ['call_setup', 'ringing', 'cancelled']);
    const [first] = bench.seen('events').all;
    assert.deepEqual([first?.direction, first?.from, first?.to], ['inbound', '+15550003000', '15550002000']);
  });

  it('sends an event that Wavix posts twice once', async () => {
    bench = await Bench.start({ repeatEvents: true });
    await bench.load([bench.config(), CALL, eventNode()]);
    bench.send('call');
    const call = await bench.wavix.waitForCall();
    await bench.seen('answered').next();
    call.phone.hangUp();
    await call.done;
    await bench.seen('events').next(({ topic }) => topic === 'completed');
    assert.deepEqual(topics(), ['call_setup', 'ringing', 'answered', 'completed']);
    assert.deepEqual(
      call.events.map(({ attempts, status }) => [attempts, status]),
      call.events.map(() => [2, 200]),
    );
  });

  it('sends only the events named, all where none is named', async () => {
    bench = await Bench.start();
    await bench.load([
      bench.config(),
      eventNode({ events: ['answered', 'completed'] }),
      eventNode({ id: 'all', events: [], wires: [['all-events']] }),
    ]);
    const types = [
      'call_setup',
      'ringing',
      'early_media',
      'answered',
      'on_call_event',
      'transfer',
      'completed',
    ];
    await post(...types.map((event_type) => event({ event_type })));
    await settle({ event_type: 'answered' });
    assert.deepEqual(topics(), ['answered', 'completed']);
    assert.deepEqual(
      bench
        .seen('all-events')
        .all.filter(({ call_id }) => call_id === 'call-1')
        .map(({ topic }) => topic),
      types,
    );
  });

  for (const [direction, seen] of [
    ['any', ['in', 'out', 'unknown']],
    [undefined, ['in', 'out', 'unknown']],
    ['inbound', ['in']],
    ['outbound', ['out']],
  ] as const) {
    it(`with direction ${direction ?? 'left out'} sends events of ${seen.join(', ')}`, async () => {
      bench = await Bench.start();
      await bench.load([bench.config(), eventNode(direction && { direction })]);
      await post(
        event({ uuid: 'in', direction: 'inbound' }),
        event({ uuid: 'out', direction: 'outbound' }),
        event({ uuid: 'unknown', direction: undefined }),
      );
      await settle({ direction: direction === 'any' ? 'inbound' : direction });
      assert.deepEqual(
        bench.seen('events').all.map(({ call_id }) => call_id),
        seen,
      );
    });
  }

  for (const [number, seen] of [
    ['', ['a', 'b', 'c']],
    [undefined, ['a', 'b', 'c']],
    ['+15550002000', ['a', 'b']],
    ['15550002000', ['a', 'b']],
    ['+1 (555) 000-2000', ['a', 'b']],
    ['5550002000', []],
  ] as const) {
    it(`with number ${number ?? 'left out'} sends events of calls to ${seen.join(', ') || 'none of them'}`, async () => {
      bench = await Bench.start();
      await bench.load([bench.config(), eventNode(number === undefined ? {} : { number })]);
      await post(
        event({ uuid: 'a', to: '15550002000' }),
        event({ uuid: 'b', to: '+15550002000' }),
        event({ uuid: 'c', from: '+15550002000', to: '15550002001' }),
      );
      await settle({ to: number ?? '1' });
      assert.deepEqual(
        bench.seen('events').all.map(({ call_id }) => call_id),
        seen,
      );
    });
  }

  it('reads older events too: call_id, event or type, and fields under data', async () => {
    bench = await Bench.start();
    await bench.load([bench.config(), eventNode()]);
    const old = { call_id: 'old-1', event: 'ringing', from: '1', to: '2', direction: 'inbound' };
    const nested = {
      type: 'answered',
      data: { call_id: 'old-2', from: '3', to: '4', direction: 'outbound' },
    };
    await post(old, nested);
    const messages = await bench.seen('events').atLeast(2);
    assert.deepEqual(messages.map(bare), [
      { topic: 'ringing', payload: old, call_id: 'old-1', direction: 'inbound', from: '1', to: '2' },
      { topic: 'answered', payload: nested, call_id: 'old-2', direction: 'outbound', from: '3', to: '4' },
    ]);
  });

  it('gives every node its own message: what one flow changes no other sees', async () => {
    bench = await Bench.start();
    await bench.load([
      bench.config(),
      eventNode(),
      eventNode({ id: 'other', wires: [['others']] }),
      { ...CALL, wires: [['answered'], []] },
    ]);
    bench.send('call');
    const [answered, first, other] = await Promise.all([
      bench.seen('answered').next(),
      bench.seen('events').next(({ topic }) => topic === 'answered'),
      bench.seen('others').next(({ topic }) => topic === 'answered'),
    ]);
    (first.payload as Record<string, unknown>).tag = 'changed by the first flow';
    assert.equal((other.payload as Record<string, unknown>).tag, '');
    assert.equal((answered.payload as Record<string, unknown>).tag, '');
  });

  it('says under itself, and in the log, that its direction can not be used', async () => {
    bench = await Bench.start();
    await bench.load([bench.config(), eventNode({ direction: 'sideways' })]);
    bench.logged(/direction must be one of any, inbound, outbound/);
    assert.deepEqual(bench.statusesOf('event'), [{ fill: 'red', shape: 'ring', text: 'WAVIX_CONFIG' }]);
  });
});
