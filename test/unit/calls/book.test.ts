import assert from 'node:assert/strict';
import { CallBook, type Outcome } from '../../../lib/calls/book';
import { readCallEvent, type CallEvent } from '../../../lib/calls/events';
import { FakeClock } from '../fake-clock';

let times = 0;

/** An event of its own time, unless told otherwise. */
function event(type: string, callId = 'c', more: Record<string, unknown> = {}): CallEvent {
  const event_time = new Date(Date.UTC(2026, 0, 1) + times++).toISOString();
  return readCallEvent({ uuid: callId, event_type: type, event_time, event_payload: null, ...more });
}

const FIVE_MINUTES = 300_000;

describe('CallBook', () => {
  let clock: FakeClock;
  let book: CallBook;
  beforeEach(() => {
    clock = new FakeClock();
    book = new CallBook({ clock });
  });
  afterEach(() => {
    book.close();
    assert.equal(clock.pending, 0, 'no timer is left');
  });

  describe('accept', () => {
    it('counts a repeat once, for five minutes from the first', () => {
      const heard: CallEvent[] = [];
      book.subscribe((e) => heard.push(e));
      const ringing = event('ringing');
      const again = readCallEvent(JSON.parse(JSON.stringify(ringing.payload)));
      assert.equal(book.accept(ringing), 'new');
      assert.equal(book.accept(again), 'repeat');
      clock.pass(FIVE_MINUTES - 1);
      assert.equal(book.accept(again), 'repeat');
      clock.pass(1);
      assert.equal(book.accept(again), 'new');
      assert.deepEqual(heard, [ringing, again]);
      assert.equal(heard[0], ringing);
    });

    it('takes the same type again at another time', () => {
      assert.equal(book.accept(event('on_call_event')), 'new');
      assert.equal(book.accept(event('on_call_event')), 'new');
    });

    it('tells all in the order they came, whatever one of them throws', () => {
      const errors: unknown[] = [];
      book = new CallBook({ clock, onListenerError: (error) => errors.push(error) });
      const heard: string[] = [];
      book.subscribe(() => heard.push('a'));
      book.subscribe(() => {
        throw new Error('of a flow');
      });
      book.subscribe(() => heard.push('c'));
      assert.equal(book.accept(event('ringing')), 'new');
      assert.deepEqual(heard, ['a', 'c']);
      assert.deepEqual(errors, [new Error('of a flow')]);
    });

    it('tells nobody who has left, be it just now', () => {
      const heard: string[] = [];
      const listener = (): void => void heard.push('twice');
      const leave = [book.subscribe(listener), book.subscribe(listener)];
      book.accept(event('ringing'));
      assert.deepEqual(heard, ['twice', 'twice']);
      leave[0]!();
      leave[0]!();
      book.accept(event('ringing'));
      assert.equal(heard.length, 3, 'leaving twice takes only one away');

      leave[1]!();
      const last = { leave: (): void => undefined };
      book.subscribe(() => last.leave());
      last.leave = book.subscribe(listener);
      book.accept(event('ringing'));
      assert.equal(heard.length, 3);
    });
  });

  describe('outcome', () => {
    const ask = (callId = 'c', timeoutMs = 60_000): Promise<Outcome> => book.outcome(callId, { timeoutMs });

    it('is answered, with the event, a machine too', async () => {
      const human = ask();
      const machine = ask('m');
      for (const type of ['call_setup', 'ringing', 'early_media']) book.accept(event(type));
      const answered = event('answered');
      const byMachine = event('answered', 'm', { machine_detected: true });
      book.accept(byMachine);
      book.accept(answered);
      assert.deepEqual(await human, { answered: true, event: answered });
      assert.deepEqual(await machine, { answered: true, event: byMachine });
    });

    for (const why of ['busy', 'rejected', 'cancelled', 'failed', 'completed'] as const) {
      it(`is not answered: ${why}`, async () => {
        const end = event(why);
        const outcome = ask();
        book.accept(end);
        assert.deepEqual(await outcome, { answered: false, why, event: end });
        assert.deepEqual(await ask(), { answered: false, why, event: end }, 'asked for later');
      });
    }

    it('is known when the events came before it was asked for', async () => {
      const answered = event('answered');
      book.accept(event('call_setup'));
      book.accept(answered);
      clock.pass(FIVE_MINUTES - 1);
      assert.deepEqual(await ask(), { answered: true, event: answered });
    });

    it('is forgotten after a while', async () => {
      book.accept(event('answered'));
      clock.pass(FIVE_MINUTES);
      const outcome = ask('c', 10);
      clock.pass(10);
      assert.deepEqual(await outcome, { answered: false, why: 'timeout' });
      assert.equal(book.size, 0);
    });

    it('is what the first decisive event says, in whatever order they come', async () => {
      const over = event('completed', 'late', { call_answered: '2026-01-01T00:00:00Z' });
      book.accept(over);
      book.accept(event('answered', 'late'));
      assert.deepEqual(await ask('late'), { answered: false, why: 'completed', event: over });

      const answered = event('answered');
      book.accept(answered);
      book.accept(event('completed'));
      assert.deepEqual(await ask(), { answered: true, event: answered });
    });

    it('is told of this call only', async () => {
      const outcome = ask('mine', 1000);
      book.accept(event('answered', 'theirs'));
      clock.pass(1000);
      assert.deepEqual(await outcome, { answered: false, why: 'timeout' });
    });

    it('times out to the ms, and may be asked for again', async () => {
      const ends: Outcome[] = [];
      const first = ask('c', 1000).then((outcome) => ends.push(outcome));
      clock.pass(999);
      await Promise.resolve();
      assert.deepEqual(ends, []);
      clock.pass(1);
      await first;
      assert.deepEqual(ends, [{ answered: false, why: 'timeout' }]);
      const answered = event('answered');
      const second = ask();
      book.accept(answered);
      assert.deepEqual(await second, { answered: true, event: answered });
    });

    it('is told to all who wait for it', async () => {
      const waits = [ask(), ask(), ask('other', 5)];
      book.accept(event('busy'));
      clock.pass(5);
      assert.deepEqual(
        (await Promise.all(waits)).map((outcome) => !outcome.answered && outcome.why),
        ['busy', 'busy', 'timeout'],
      );
    });

    it('is known to a listener that asks for it on hearing the event', async () => {
      const asked: Promise<Outcome>[] = [];
      book.subscribe((e) => asked.push(ask(e.callId)));
      const answered = event('answered');
      book.accept(answered);
      assert.deepEqual(await asked[0], { answered: true, event: answered });
    });

    it('does not come at once when the time allowed is longer than a timer takes', async () => {
      const asked: number[] = [];
      const after = clock.after.bind(clock);
      clock.after = (ms, callback) => {
        asked.push(ms);
        return after(ms, callback);
      };
      const outcome = ask('c', Infinity);
      book.accept(event('busy'));
      await outcome;
      assert.deepEqual(asked, [2 ** 31 - 1]);
    });

    it('rejects with an AbortError when given up, and leaves no timer and no listener', async () => {
      const { signal, abort } = watchedSignal();
      const other = ask();
      const outcome = assert.rejects(book.outcome('c', { timeoutMs: 1000, signal }), { name: 'AbortError' });
      assert.equal(clock.pending, 2);
      abort();
      await outcome;
      assert.equal(clock.pending, 1);
      await assert.rejects(book.outcome('c', { timeoutMs: 1000, signal }), { name: 'AbortError' });
      book.accept(event('busy'));
      assert.equal((await other).answered, false, 'the others go on waiting');
    });

    it('leaves no listener on a signal that outlives it', async () => {
      const { signal, listeners } = watchedSignal();
      const outcome = book.outcome('c', { timeoutMs: 1000, signal });
      assert.equal(listeners(), 1);
      book.accept(event('answered'));
      await outcome;
      assert.equal(listeners(), 0);
      await book.outcome('c', { timeoutMs: 1000, signal });
      assert.equal(listeners(), 0);
    });

    it('rejects with an AbortError when the book is closed', async () => {
      const waiting = [ask(), ask(), ask('d')].map((outcome) =>
        assert.rejects(outcome, { name: 'AbortError' }),
      );
      const heard: CallEvent[] = [];
      book.subscribe((e) => heard.push(e));
      book.close();
      await Promise.all(waiting);
      await assert.rejects(ask(), { name: 'AbortError' });
      book.accept(event('answered'));
      assert.deepEqual(heard, []);
    });
  });

  describe('under a flood', () => {
    it('knows so many calls and no more, the latest ones', async () => {
      book = new CallBook({ clock, maxCalls: 100 });
      for (let i = 0; i < 10_000; i++) book.accept(event('answered', `made-up-${i}`));
      assert.equal(book.size, 100);
      assert.equal((await book.outcome('made-up-9900', { timeoutMs: 1 })).answered, true);
      const forgotten = book.outcome('made-up-9899', { timeoutMs: 1 });
      clock.pass(1);
      assert.equal((await forgotten).answered, false);
    });

    it('keeps no more than 1.5 million characters of events, however big they are', () => {
      const big = 'x'.repeat(200_000);
      for (let i = 0; i < 500; i++) book.accept(event('answered', `made-up-${i}`, { big }));
      assert.ok(book.size >= 6 && book.size <= 7, `${book.size} of 200 kB`);
    });

    it('still tells those who wait for a real call', async () => {
      book = new CallBook({ clock, maxCalls: 10 });
      const outcome = book.outcome('real', { timeoutMs: 60_000 });
      for (let i = 0; i < 1000; i++) book.accept(event('answered', `made-up-${i}`));
      const answered = event('answered', 'real');
      book.accept(answered);
      assert.deepEqual(await outcome, { answered: true, event: answered });
    });

    it('forgets the repeats it knows in time and number', () => {
      book = new CallBook({ clock, maxCalls: 10 });
      const first = event('ringing');
      book.accept(first);
      for (let i = 0; i < 99; i++) book.accept(event('ringing'));
      assert.equal(book.accept(first), 'repeat');
      book.accept(event('ringing'));
      assert.equal(book.accept(first), 'new', 'a hundred others came since');
    });
  });
});

/** An AbortSignal that counts who listens to it. */
function watchedSignal(): { signal: AbortSignal; abort: () => void; listeners: () => number } {
  const controller = new AbortController();
  const { signal } = controller;
  let count = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    count++;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    count--;
    remove(...args);
  };
  return { signal, abort: () => controller.abort(), listeners: () => count };
}
