import assert from 'node:assert/strict';
import { LocalWavix, type EventType, type LocalWavixOptions } from '../../../simulator';
import { normalizeNumber } from '../../../simulator/numbers';
import { Application, BUSY_MS, clientsOf, FROM, KEY } from './application';

describe('called numbers', () => {
  let wavix: LocalWavix;
  let app: Application;

  async function begin(options: LocalWavixOptions = {}): Promise<void> {
    app = new Application();
    await app.start();
    wavix = new LocalWavix({
      apiKey: KEY,
      defaults: { ringMs: 20, answerAfterMs: 30, ringTimeoutMs: 150 },
      ...options,
    });
    await wavix.start();
  }

  afterEach(async () => {
    await wavix.stop();
    await app.stop();
  });

  async function place(to: string) {
    const body = { from: FROM, to, status_callback: app.callbackUrl };
    const answer = await clientsOf(wavix.url).appid.request('POST', '', body);
    return wavix.calls.get(answer.body.uuid)!;
  }

  const ends: [string, string, EventType[]][] = [
    ['01', 'is busy', ['call_setup', 'busy']],
    ['02', 'rejects', ['call_setup', 'ringing', 'rejected']],
    ['03', 'never answers', ['call_setup', 'ringing', 'cancelled']],
    ['05', 'fails', ['call_setup', 'failed']],
  ];
  for (const [digits, what, types] of ends) {
    it(`…${digits} ${what}`, async () => {
      await begin();
      const call = await place(`+155500012${digits}`);
      await call.done;
      assert.deepEqual(app.types(), types);
      for (const { event } of app.posts.slice(0, -1)) assert.equal(event.call_completed, null);
      const last = app.posts.at(-1)!.event;
      assert.equal(last.call_answered, null);
      assert.equal(last.call_completed, last.event_time);
      assert.ok(call.events.every(({ delivered, attempts }) => delivered && attempts === 1));
    });
  }

  for (const digits of ['00', '77']) {
    it(`…${digits} answers`, async () => {
      await begin();
      const call = await place(`+155500012${digits}`);
      const answered = await app.event('answered');
      assert.equal(answered.machine_detected, false);
      assert.equal(answered.call_answered, answered.event_time);
      assert.equal(answered.call_completed, null);
      call.phone.hangUp();
      await call.done;
      assert.deepEqual(app.types(), ['call_setup', 'ringing', 'answered', 'completed']);
      const { at: setup } = call.events[0]!;
      const [, ringing, answer] = call.events.map(({ at }) => at - setup);
      assert.ok(ringing! >= 19 && ringing! < 60, `ringing after ${ringing} ms`);
      assert.ok(answer! - ringing! >= 29 && answer! - ringing! < 70, `answered ${answer} ms after setup`);
    });
  }

  it('…04 answers as a machine', async () => {
    await begin();
    const call = await place('+15550001204');
    assert.equal((await app.event('answered')).machine_detected, true);
    call.phone.hangUp();
    await call.done;
    assert.deepEqual(
      app.posts.map(({ event }) => event.machine_detected),
      [false, false, true, true],
    );
  });

  it('…06 answers, and hangs up by itself', async () => {
    await begin({ numbers: { '+15550001206': { hangUpAfterMs: 100 } } });
    const call = await place('+15550001206');
    await call.done;
    assert.deepEqual(app.types(), ['call_setup', 'ringing', 'answered', 'completed']);
    assert.ok(call.answeredMs >= 99 && call.answeredMs < 100 + BUSY_MS, `${call.answeredMs} ms`);
  });

  it('does what was said for that very number, before or while it runs', async () => {
    await begin({ numbers: { '15550001206': { behaviour: 'reject', answerAfterMs: 0 } } });
    await (
      await place('+15550001206')
    ).done;
    assert.deepEqual(app.types(), ['call_setup', 'ringing', 'rejected']);
    await wavix.setNumber('+15550001206', { behaviour: 'busy' });
    await (
      await place('+15550001206')
    ).done;
    assert.deepEqual(app.types().slice(3), ['call_setup', 'busy']);
  });

  it('says what is wrong with a plan', async () => {
    await begin();
    const wrong = { behaviour: 'sings' } as unknown as { behaviour: 'busy' };
    assert.throws(() => new LocalWavix({ numbers: { '+15550001200': wrong } }), /behaviour must be one of/);
    assert.throws(
      () => new LocalWavix({ defaults: { ringMs: -1 } }),
      /defaults: ringMs must be a number of ms/,
    );
    await assert.rejects(wavix.setNumber('12', {}), /not a phone number/);
    await assert.rejects(wavix.setNumber('+15550001200', { speech: '/no/such.wav' }), /no such file/);
    await assert.rejects(wavix.setNumber('+15550001200', { speech: { tone: 440.5 } }), /whole number of Hz/);
    await assert.rejects(new LocalWavix({ defaults: { speech: '/no/such.wav' } }).start(), /no such file/);
  });

  it('brings numbers to one form', () => {
    assert.equal(normalizeNumber('15550001200'), '+15550001200');
    assert.equal(normalizeNumber('+15550001200'), '+15550001200');
    for (const wrong of ['', '+', '0155500012', '+1 555 000', '+123456', '+1234567890123456', 5]) {
      assert.equal(normalizeNumber(wrong), undefined, String(wrong));
    }
  });
});
