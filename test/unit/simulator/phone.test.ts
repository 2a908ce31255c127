import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeWav, silence, tone, writeWav } from '../../../lib/audio';
import { LocalWavix, type Call, type LocalWavixOptions, type NumberPlan } from '../../../simulator';
import { systemClock, type Clock } from '../../../lib/clock';
import { Application, clientsOf, FROM, KEY, type Connection } from './application';

const TO = '+15550001200';

describe('the phone', () => {
  let wavix: LocalWavix;
  let app: Application;
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'wavix-'));
  });

  afterEach(async () => {
    await wavix.stop();
    await app.stop();
    await rm(folder, { recursive: true });
  });

  async function place(plan: NumberPlan = {}, options: LocalWavixOptions = {}): Promise<Call> {
    app = new Application();
    await app.start();
    const quick = { ringMs: 0, answerAfterMs: 0, speechAfterMs: 0, silenceMs: 100, ...plan };
    wavix = new LocalWavix({ apiKey: KEY, numbers: { [TO]: quick }, ...options });
    await wavix.start();
    const { body } = await clientsOf(wavix.url).appid.request('POST', '', { from: FROM, to: TO });
    return wavix.calls.get(body.uuid)!;
  }

  async function talk(call: Call): Promise<Connection> {
    await call.waitFor('answered');
    const body = { stream_channel: 'inbound', stream_type: 'twoway', stream_url: app.streamUrl };
    await clientsOf(wavix.url).appid.request('POST', `/${call.call_id}/streams`, body);
    return app.stream();
  }

  it('says what it is told, one after the other, and tells when it has been said', async () => {
    const path = join(folder, 'a.wav');
    const [a, b, c] = [tone(400, 60), tone(500, 40), tone(600, 20)];
    await writeFile(path, writeWav(a, 24_000));
    const call = await place();
    // Told before the answer, it waits for it.
    const first = call.phone.say(path);
    const second = call.phone.say([writeWav(b, 24_000), { silence: 10 }, c]);
    assert.deepEqual(await Promise.all([first, second]), [true, true]);
    assert.ok(call.answeredMs >= 130);
    const said = call.said();
    const expected = Buffer.concat([a, b, silence(10), c]);
    const at = said.indexOf(expected.subarray(2)) - 2;
    assert.ok(at >= 0, 'in order, with nothing between');
    assert.ok(said.subarray(at + expected.length).every((byte) => byte === 0));
    assert.equal(call.phone.speaking, false);
  });

  it('stops when it is hushed, or the call ends', async () => {
    const call = await place({ speech: { tone: 440 } });
    await call.waitFor('answered');
    const connection = await talk(call);
    await connection.have('media', 5);
    assert.equal(call.phone.speaking, true);
    call.phone.hush();
    const length = call.said().findLastIndex((byte) => byte !== 0);
    await connection.have('media', 10);
    assert.equal(
      call.said().findLastIndex((byte) => byte !== 0),
      length,
    );
    const sentence = call.phone.say({ tone: 300, ms: 5_000 });
    await connection.have('media', 12);
    call.phone.hangUp();
    assert.equal(await sentence, false);
    assert.equal(await call.phone.say(tone(400, 10)), false);
  });

  it('does not say what can’t be read', async () => {
    const call = await place();
    await assert.rejects(call.phone.say(join(folder, 'missing.wav')), /no such file/);
  });

  it('tells of the answer, of sound, of the silence after it, and of the end', async () => {
    const call = await place();
    const seen: [string, number][] = [];
    for (const event of ['answered', 'heard-audio', 'silence', 'ended'] as const) {
      call.phone.on(event, () => seen.push([event, call.answeredMs]));
    }
    const connection = await talk(call);
    connection.sendAudio(Buffer.concat([silence(60), tone(440, 100), silence(40), tone(440, 60)]));
    await once(call.phone, 'silence');
    connection.sendAudio(tone(440, 40));
    await once(call.phone, 'silence');
    call.phone.hangUp();
    assert.deepEqual(
      seen.map(([event]) => event),
      ['answered', 'heard-audio', 'silence', 'heard-audio', 'silence', 'ended'],
    );
    const [, heard, quiet] = seen.map(([, at]) => at);
    assert.ok(quiet! - heard! > 280 && quiet! - heard! < 600, `silence ${quiet! - heard!} ms after sound`);
  });

  it('waits until the other side has finished', async () => {
    const call = await place();
    const connection = await talk(call);
    let quiet = false;
    const waiting = call.phone.quiet(150).then((was) => {
      quiet = true;
      return was;
    });
    await connection.have('media', 12);
    assert.equal(quiet, false, 'silence before anything was said is no end');
    connection.sendAudio(tone(440, 100));
    connection.sendMark('said');
    await connection.have('mark');
    assert.equal(quiet, false);
    const said = performance.now();
    assert.equal(await waiting, true);
    const took = performance.now() - said;
    assert.ok(took > 130 && took < 500, `${took} ms`);
    const another = call.phone.quiet(10_000);
    call.phone.hangUp();
    assert.equal(await another, false);
  });

  it('says its replies one by one, each after the other side has finished', async () => {
    const [one, two] = [tone(500, 40), tone(700, 40)];
    const call = await place({ replies: [one, two] });
    const connection = await talk(call);
    for (const reply of [one, two]) {
      connection.sendAudio(tone(440, 60));
      await once(call.phone, 'silence');
      await connection.have('media', connection.of('media').length + 5);
      assert.ok(call.said().includes(reply.subarray(2)));
    }
    assert.ok(call.said().indexOf(one.subarray(2)) < call.said().indexOf(two.subarray(2)));
  });

  it('talks over what it hears', async () => {
    const call = await place();
    const connection = await talk(call);
    const prompt = tone(440, 2_000);
    connection.sendAudio(prompt);
    await once(call.phone, 'heard-audio');
    const interruption = tone(800, 100);
    await call.phone.say(interruption);
    connection.sendClear();
    connection.sendMark('cleared');
    await connection.have('mark');
    const said = call.said();
    const at = said.indexOf(interruption.subarray(2)) - 2;
    assert.ok(at > 0);
    const meanwhile = call.heard().subarray(at, at + interruption.length);
    assert.ok(prompt.includes(meanwhile), 'the prompt went on under it');
    assert.ok(
      call.heard().findLastIndex((byte) => byte !== 0) / 48 < 1_900,
      'the clear cut the prompt short',
    );
  });

  it('keeps what each side heard as WAV files', async () => {
    const speech = tone(500, 80);
    const call = await place({ speech }, { recordings: join(folder, 'heard') });
    const connection = await talk(call);
    const prompt = tone(440, 60);
    connection.sendAudio(prompt);
    connection.sendMark('heard');
    await connection.have('mark');
    call.phone.hangUp();
    await call.done;
    assert.deepEqual([...call.recordings].sort(), [
      join(folder, 'heard', `${call.call_id}.phone-heard.wav`),
      join(folder, 'heard', `${call.call_id}.stream-1-inbound.wav`),
    ]);
    const [phone, application] = await Promise.all(
      [...call.recordings].sort().map(async (path) => decodeWav(await readFile(path))),
    );
    assert.ok(phone!.equals(call.heard()));
    assert.ok(phone!.includes(prompt.subarray(2)));
    assert.ok(application!.equals(connection.pcm('inbound')));
  });

  it('calls into a flow: inbound', async () => {
    await place();
    wavix.assignWebhook('+15550002000', app.callbackUrl);
    const speech = tone(600, 60);
    const call = await wavix.call({
      from: '15550003000',
      to: '15550002000',
      speech,
      speechAfterMs: 250,
      ringMs: 5,
    });
    await call.waitFor('ringing');
    await clientsOf(wavix.url).bearer.request('POST', `/${call.call_id}/answer`, {
      stream_channel: 'inbound',
      stream_type: 'oneway',
      stream_url: app.streamUrl,
    });
    const connection = await app.stream();
    await connection.have('media', 18);
    assert.ok(connection.pcm('inbound').includes(speech.subarray(2)));
    call.phone.hangUp();
    await call.done;
    const events = app.posts.map(({ event }) => event);
    assert.deepEqual(
      events.map(({ event_type, direction, from, to }) => [event_type, direction, from, to]),
      ['call_setup', 'ringing', 'answered', 'completed'].map((type) => [
        ...[type, 'inbound', '+15550003000', '15550002000'],
      ]),
    );
  });

  it('calls where nobody answers: cancelled, by the ring time or by giving up; rejected by the application', async () => {
    await place({}, { webhooks: {} });
    wavix.assignWebhook('*', app.callbackUrl);
    const inbound = { from: '+15550003000', to: '+15550002000', ringMs: 0 };
    const call = await wavix.call({ ...inbound, ringTimeoutMs: 50 });
    await call.done;
    assert.deepEqual(app.types(call.call_id), ['call_setup', 'ringing', 'cancelled']);
    const given = await wavix.call(inbound);
    await given.waitFor('ringing');
    given.phone.hangUp();
    await given.done;
    assert.deepEqual(app.types(given.call_id), ['call_setup', 'ringing', 'cancelled']);
    const refused = await wavix.call(inbound);
    await refused.waitFor('ringing');
    await clientsOf(wavix.url).appid.request('DELETE', `/${refused.call_id}`);
    await refused.done;
    assert.deepEqual(app.types(refused.call_id), ['call_setup', 'ringing', 'rejected']);
  });

  it('says what is wrong with an inbound call', async () => {
    await place();
    const call = { from: '+15550003000', to: '+15550002000' };
    await assert.rejects(wavix.call(call), /No webhook is assigned to \+15550002000/);
    await assert.rejects(wavix.call({ ...call, from: 'me' }), /E\.164/);
    assert.throws(() => wavix.assignWebhook('*', 'ftp://x'), /http:\/\/ or https:\/\//);
  });
});

describe('LocalWavix', () => {
  it('waits for a call, hands each out once, and says so when none comes', async () => {
    const wavix = new LocalWavix({ apiKey: KEY });
    await wavix.start();
    try {
      const api = clientsOf(wavix.url).appid;
      const place = (to: string) => api.request('POST', '', { from: FROM, to });
      const later = wavix.waitForCall({ to: '15550001211' });
      await place('+15550001210');
      const { body } = await place('+15550001211');
      assert.equal((await later).call_id, body.uuid);
      assert.equal((await wavix.waitForCall()).to, '+15550001210');
      await assert.rejects(wavix.waitForCall({}, 30), /No such call within 30 ms/);
      await assert.rejects(
        (await wavix.waitForCall((call) => call.to === '+1', 10).catch(() => later)).waitFor('completed', 20),
      );
      assert.equal(wavix.calls.size, 2);
    } finally {
      await wavix.stop();
    }
  });

  it('ends all waiting when there is nothing left to wait for', async () => {
    const wavix = new LocalWavix({ apiKey: KEY, defaults: { ringMs: 20 } });
    await wavix.start();
    const { body } = await clientsOf(wavix.url).appid.request('POST', '', { from: FROM, to: '+15550001201' });
    const call = wavix.calls.get(body.uuid)!;
    const rejected = Promise.all([
      assert.rejects(call.waitFor('answered'), /No answered: the call ended/),
      assert.rejects(call.waitForStream(), /No stream 0: the call ended/),
    ]);
    await rejected;
    await assert.rejects(call.waitFor('answered'), /No answered: the call ended/);
    await assert.rejects(call.waitForStream(), /No stream 0: the call ended/);
    const never = assert.rejects(
      wavix.waitForCall({ to: '+15550001299' }),
      /No such call: the local Wavix was stopped/,
    );
    await wavix.stop();
    await never;
  });

  it('forgets the oldest ended calls, never a live one', async () => {
    const wavix = new LocalWavix({ apiKey: KEY, keepCalls: 2, defaults: { ringMs: 0 } });
    await wavix.start();
    try {
      const api = clientsOf(wavix.url).appid;
      const place = async (to: string) => (await api.request('POST', '', { from: FROM, to })).body.uuid;
      const live = await place('+15550001203');
      const ended: string[] = [];
      for (let i = 0; i < 4; i++) {
        const id = await place('+15550001201');
        await wavix.calls.get(id)!.done;
        ended.push(id);
      }
      assert.deepEqual([...wavix.calls.keys()], [live, ...ended.slice(-2)]);
    } finally {
      await wavix.stop();
    }
  });

  it('leaves nothing open when it stops in the middle of everything', async () => {
    const sockets = () => process.getActiveResourcesInfo().filter((name) => name.startsWith('TCP'));
    const before = sockets().length;
    let timers = 0;
    const clock: Clock = {
      ...systemClock,
      after(ms, callback) {
        timers += 1;
        let pending = true;
        const done = () => {
          if (pending) timers -= 1;
          pending = false;
        };
        const cancel = systemClock.after(ms, () => {
          done();
          callback();
        });
        return () => {
          done();
          cancel();
        };
      },
    };
    const app = new Application();
    await app.start();
    const wavix = new LocalWavix({
      clock,
      apiKey: KEY,
      defaults: { ringMs: 0, answerAfterMs: 0, speech: { tone: 440 }, replies: [tone(300, 10)] },
    });
    await wavix.start();
    const api = clientsOf(wavix.url).appid;
    const { body } = await api.request('POST', '', { from: FROM, to: TO, status_callback: app.callbackUrl });
    const call = wavix.calls.get(body.uuid)!;
    await call.waitFor('answered');
    for (const stream_url of [app.streamUrl, 'ws://127.0.0.1:1/']) {
      await api.request('POST', `/${body.uuid}/streams`, {
        stream_channel: 'both',
        stream_type: 'oneway',
        stream_url,
      });
    }
    const connection = await app.stream();
    await connection.have('media', 3);
    await api.request('POST', '', { from: FROM, to: '+15550001203', status_callback: app.callbackUrl });
    const { url } = wavix;
    assert.ok(timers > 3);
    await wavix.stop();
    assert.equal(await connection.closed, 1000);
    assert.equal(connection.arrivals.at(-1)?.message.event, 'stop');
    assert.ok([...wavix.calls.values()].every(({ state }) => state === 'ended'));
    assert.equal(app.types().includes('completed'), false);
    await assert.rejects(fetch(url));
    assert.equal(timers, 0);
    await app.stop();
    // A closed socket is gone a few turns of the loop later.
    for (let turn = 0; turn < 100 && sockets().length > before; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal(sockets().length, before, `open: ${sockets().join()}`);
  });

  it('says that its port is taken', async () => {
    const first = new LocalWavix();
    await first.start();
    await assert.rejects(new LocalWavix({ port: first.port }).start(), /EADDRINUSE/);
    await assert.rejects(first.start(), /once only/);
    await first.stop();
    await first.stop();
  });
});
