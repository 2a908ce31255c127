import assert from 'node:assert/strict';
import fc from 'fast-check';
import { readCallEvent, type CallEvent } from '../../../lib/calls/events';
import { matches, type EventFilter } from '../../../lib/calls/filter';
import { identityOf } from '../../../lib/calls/identity';
import { WavixError } from '../../../lib/errors';

/** wavix-api.md, "Call events". */
const SETUP = {
  uuid: 'c-1',
  direction: 'inbound',
  event_type: 'call_setup',
  event_time: '2026-01-02T03:04:05.678Z',
  event_payload: null,
  from: '+15550001111',
  to: '15550002222',
  call_started: '2026-01-02T03:04:05.000Z',
  call_answered: null,
  call_completed: null,
  machine_detected: false,
  tag: '',
};

describe('readCallEvent', () => {
  it("reads Wavix's own", () => {
    assert.deepEqual(readCallEvent(SETUP), {
      type: 'call_setup',
      callId: 'c-1',
      direction: 'inbound',
      from: '+15550001111',
      to: '15550002222',
      time: '2026-01-02T03:04:05.678Z',
      payload: SETUP,
    });
  });

  it('hands the body on as it came, the very object', () => {
    const body = { data: { id: 'c', type: 'answered' } };
    assert.equal(readCallEvent(body).payload, body);
  });

  for (const [sender, body] of Object.entries<Record<string, unknown>>({
    'call_id and event': { call_id: 'c-1', event: 'answered' },
    'id and type': { id: 'c-1', type: 'answered' },
    'all under data': { data: { uuid: 'c-1', event_type: 'answered' } },
    'older names under data': { data: { call_id: 'c-1', event: 'answered' } },
    'the type above, the rest under data': { event: 'answered', data: { id: 'c-1' } },
    'a delivery around it': { id: 'evt-9', type: 'webhook', data: { uuid: 'c-1', event_type: 'answered' } },
    'an id that is a number': { id: 1, event: 'answered' },
    'null beside the older name': { uuid: null, call_id: 'c-1', event_type: '', event: 'answered' },
  })) {
    it(`reads older senders: ${sender}`, () => {
      const event = readCallEvent(body);
      assert.equal(event.type, 'answered');
      assert.equal(event.callId, sender.includes('number') ? '1' : 'c-1');
      assert.equal('time' in event, false);
      assert.deepEqual([event.direction, event.from, event.to], [undefined, undefined, undefined]);
    });
  }

  it('reads the numbers and the time under data too', () => {
    const { uuid, ...data } = SETUP;
    const nested = { data: { call_id: uuid, ...data } };
    assert.deepEqual(readCallEvent(nested), { ...readCallEvent(SETUP), payload: nested });
  });

  for (const [what, body] of Object.entries<unknown>({
    nothing: undefined,
    null: null,
    'a text': 'answered',
    'a list': [SETUP],
    'no call': { ...SETUP, uuid: undefined },
    'an empty call': { ...SETUP, uuid: ' ' },
    'a call that is an object': { ...SETUP, uuid: { a: 1 } },
    'no event': { ...SETUP, event_type: undefined },
    'an event that is a list': { ...SETUP, event_type: ['answered'] },
    'a call of 257 characters': { ...SETUP, uuid: 'x'.repeat(257) },
    'an event of 65 characters': { ...SETUP, event_type: 'x'.repeat(65) },
    'fields of its prototype': JSON.parse('{"__proto__":{"uuid":"c","event_type":"answered"}}'),
    'a nesting without end': JSON.parse(
      `{"uuid":"c","event_type":"a","x":${'['.repeat(99_999)}${']'.repeat(99_999)}}`,
    ),
  })) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => readCallEvent(body),
        (error) => error instanceof WavixError && error.code === 'WAVIX_INPUT',
      );
    });
  }

  it('reads or refuses whatever JSON there is', () => {
    const names = fc.constantFrom(
      'uuid',
      'call_id',
      'id',
      'event_type',
      'event',
      'type',
      'data',
      'from',
      '__proto__',
    );
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.dictionary(names, fc.jsonValue())), (body) => {
        try {
          const event = readCallEvent(body);
          assert.ok(event.callId !== '' && event.type !== '');
          assert.equal(identityOf(event).length, 43);
        } catch (error) {
          assert.ok(error instanceof WavixError, String(error));
        }
      }),
    );
  });
});

describe('identityOf', () => {
  const same = (a: object, b: object): boolean =>
    identityOf(readCallEvent(a)) === identityOf(readCallEvent(b));

  it('is the same for another object, and for fields in another order', () => {
    const event_payload = { type: 'collect', payload: { status: 'completed', digits: '12' } };
    const reversed = Object.fromEntries(Object.entries({ ...SETUP, event_payload }).reverse());
    reversed.event_payload = { payload: { digits: '12', status: 'completed' }, type: 'collect' };
    assert.ok(same({ ...SETUP, event_payload }, reversed));
  });

  it('is the same when Wavix knows more by now', () => {
    assert.ok(same(SETUP, { ...SETUP, tag: 'later', call_completed: '2026-01-02T03:05:00Z' }));
  });

  for (const [what, other] of Object.entries({
    call: { uuid: 'c-2' },
    type: { event_type: 'ringing' },
    time: { event_time: '2026-01-02T03:04:05.679Z' },
    payload: { event_payload: { digits: '1' } },
  })) {
    it(`is another for another ${what}`, () => assert.ok(!same(SETUP, { ...SETUP, ...other })));
  }

  it('goes by the whole body where there is no time', () => {
    const timeless = { ...SETUP, event_time: undefined };
    assert.ok(same(timeless, { ...timeless }));
    assert.ok(!same(timeless, { ...timeless, digits: '1' }));
  });

  it('does not take a list for an object', () => {
    assert.ok(!same({ ...SETUP, event_payload: ['a'] }, { ...SETUP, event_payload: { 0: 'a' } }));
  });
});

describe('matches', () => {
  const event: CallEvent = readCallEvent(SETUP);
  const ALL: EventFilter = { events: [], direction: 'any', number: '' };

  for (const [filter, expected] of [
    [{}, true],
    [{ events: ['answered', 'call_setup'] }, true],
    [{ events: ['answered'] }, false],
    [{ direction: 'inbound' }, true],
    [{ direction: 'outbound' }, false],
    [{ number: '+1 (555) 000-2222' }, true],
    [{ number: '15550002222' }, true],
    [{ number: ' ' }, true],
    [{ number: '5550002222' }, false],
    [{ number: '+15550001111' }, false],
    [{ number: 'reception' }, false],
    [{ events: ['call_setup'], direction: 'inbound', number: '1-555-000-2222' }, true],
    [{ events: ['call_setup'], direction: 'inbound', number: '1' }, false],
  ] as [Partial<EventFilter>, boolean][]) {
    it(`${JSON.stringify(filter)}: ${expected}`, () =>
      assert.equal(matches(event, { ...ALL, ...filter }), expected));
  }

  it('takes no two names for the same number', () => {
    const called = readCallEvent({ ...SETUP, to: 'sales' });
    assert.equal(matches(called, { ...ALL, number: 'reception' }), false);
  });

  it('passes an event without number or direction only where none is asked for', () => {
    const bare = readCallEvent({ id: 'c', type: 'answered' });
    assert.equal(matches(bare, ALL), true);
    assert.equal(matches(bare, { ...ALL, number: '1' }), false);
    assert.equal(matches(bare, { ...ALL, number: 'reception' }), false);
    assert.equal(matches(bare, { ...ALL, direction: 'inbound' }), false);
  });
});
