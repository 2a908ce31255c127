import assert from 'node:assert/strict';
import helper from 'node-red-node-test-helper';
import { silence, tone } from '../../lib/audio';
import { postJson, type ApiRequest, type FakeWavix } from './fake-wavix';
import { API_KEY, Bench, SECRET, type FlowNode } from './harness';
import { takeTime } from './hurry';
import { findSecret } from './secrets';

const CALL: FlowNode = {
  id: 'call',
  type: 'wavix-call',
  config: 'config',
  from: '+15550009999',
  to: '+15550001200',
  wait: false,
  wires: [['answered'], ['not-answered']],
};
const START: FlowNode = { id: 'start', type: 'wavix-stream-start', config: 'config', wires: [['started']] };
const ANSWER: FlowNode = {
  id: 'answer',
  type: 'wavix-answer',
  config: 'config',
  stream: true,
  wires: [['answered']],
};
const HANGUP: FlowNode = { id: 'hangup', type: 'wavix-hangup', config: 'config', wires: [['ended']] };
const STOP: FlowNode = { id: 'stop', type: 'wavix-stream-stop', config: 'config', wires: [['stopped']] };
const EVENT: FlowNode = { id: 'event', type: 'wavix-event', config: 'config', wires: [['call-events']] };
const LISTEN: FlowNode = {
  id: 'in',
  type: 'wavix-stream-in',
  config: 'config',
  wires: [['audio'], ['marks'], ['events']],
};
const SPEAK: FlowNode = {
  id: 'out',
  type: 'wavix-stream-out',
  config: 'config',
  wires: [['played'], ['interrupted']],
};
const ALL = [CALL, START, ANSWER, HANGUP, STOP, EVENT, LISTEN, SPEAK];

describe('signed URLs', () => {
  let bench: Bench;
  let fake: FakeWavix;
  afterEach(() => bench.stop());

  const start = async (config: Record<string, unknown> = {}) => {
    bench = await Bench.start();
    fake = await bench.fake();
    await bench.load([bench.config({ apiUrl: fake.url, ...config }), ...ALL]);
  };

  /** The address of a stream of that call, as the flow gives it to Wavix. */
  const streamUrl = async (call_id = 'call-1') => {
    bench.send('start', { call_id });
    const { body } = await fake.requests.next((request) => 'stream_url' in request.body);
    await bench.seen('started').next();
    return String(body.stream_url);
  };

  const refused = (url: string, status: number) => assert.rejects(fake.connect(url), { status });
  const started = () => bench.seen('events').next(({ event }) => event === 'start');

  for (const port of [0, '']) {
    const where = port === '' ? 'Node-RED’s own server' : 'an own port';

    describe(`of streams, on ${where},`, () => {
      it('are good for one connection: while it lives, and after its stop, the second is 403', async () => {
        await start({ port });
        const url = await streamUrl();
        const stream = (await fake.connect(url)).begin('call-1', 'stream-1');
        await started();
        await refused(url, 403);
        stream.media();
        await bench.seen('audio').next();
        stream.stop();
        await stream.closed;
        await refused(url, 403);
      });

      it('are 401 if they are wrong, changed in any place, cut, or missing', async () => {
        await start({ port });
        const url = await streamUrl();
        const at = url.lastIndexOf('/') + 1;
        const token = url.slice(at);
        const change = (n: number) => {
          const other = token[n] === 'A' ? 'B' : token[n] === '.' ? '-' : 'A';
          return token.slice(0, n) + other + token.slice(n + 1);
        };
        const parts = token.split('.');
        const places = [
          0,
          parts[0]!.length + 2,
          token.indexOf(parts[2]!) + 1,
          token.length - 20,
          token.length - 1,
        ];
        const wrong = [
          ...places.map(change),
          token.slice(0, -1),
          token + 'A',
          `${token}.`,
          [parts[0], parts[1], parts[2]].join('.'),
          parts.slice().reverse().join('.'),
          'token',
          '%00',
          'A'.repeat(5_000),
        ];
        for (const one of wrong) await refused(url.slice(0, at) + one, 401);
        // None of these has used it up.
        (await fake.connect(url)).begin('call-1', 'stream-1');
        await started();
      });

      it('are 403 once 120 s have passed, and good until then', async () => {
        await start({ port });
        const skip = takeTime(bench);
        const [early, late] = [await streamUrl('call-1'), await streamUrl('call-2')];
        skip(119_000);
        (await fake.connect(early)).begin('call-1', 'stream-1');
        await started();
        skip(2_000);
        await refused(late, 403);
      });

      it('let in the stream of their own call only: a start that names another closes with 1008', async () => {
        await start({ port });
        const stream = (await fake.connect(await streamUrl('call-1'))).begin('call-2', 'stream-2');
        assert.equal(await stream.closed, 1008);
        bench.logged(/Its start names another call than its address/);
        assert.deepEqual(
          bench.seen('events').all.map(({ event }) => event),
          ['connected'],
        );
        assert.equal(
          (await bench.failure('out', { stream_id: 'stream-2', payload: silence(20) })).code,
          'WAVIX_NO_STREAM',
        );
      });

      it('do not stand for the other kind: an events token opens no stream', async () => {
        await start({ port });
        const events = bench.eventsUrl();
        const stream = await streamUrl();
        const token = (url: string) => url.slice(url.lastIndexOf('/') + 1);
        await refused(stream.replace(token(stream), token(events)), 401);
        assert.equal(
          await postJson(events.replace(token(events), token(stream)), { uuid: 'a', event_type: 'b' }),
          401,
        );
      });
    });
  }

  it('a socket that sends no start for 10 s is closed', async () => {
    await start();
    const url = await streamUrl();
    const skip = takeTime(bench);
    const stream = await fake.connect(url);
    stream.raw({ event: 'connected' });
    await bench.seen('events').next();
    skip(10_100);
    assert.equal(await stream.closed, 1008);
    bench.logged(/No start came in 10 s/);
  });

  it('a lost stream may come back within 30 s, told as lost and start; another one may not', async () => {
    await start();
    const url = await streamUrl();
    const first = (await fake.connect(url)).begin('call-1', 'stream-1');
    await started();
    first.drop();
    await bench.seen('events').next(({ event }) => event === 'lost');
    const back = (await fake.connect(url)).begin('call-1', 'stream-1');
    await started();
    back.media(tone(440, 20));
    await bench.seen('audio').next();
    assert.deepEqual(
      bench.seen('events').all.map(({ event }) => event),
      ['connected', 'start', 'lost', 'connected', 'start'],
    );
    back.drop();
    await bench.seen('events').next(({ event }) => event === 'lost');
    const other = (await fake.connect(url)).begin('call-1', 'stream-2');
    assert.equal(await other.closed, 1008);
  });

  it('a lost stream may not come back after 30 s', async () => {
    await start();
    const skip = takeTime(bench);
    const url = await streamUrl();
    const stream = (await fake.connect(url)).begin('call-1', 'stream-1');
    await started();
    stream.drop();
    await bench.seen('events').next(({ event }) => event === 'lost');
    skip(30_500);
    await refused(url, 403);
  });

  it('a message over 64 KiB closes its stream with 1009, told as lost', async () => {
    await start();
    const stream = (await fake.connect(await streamUrl())).begin('call-1', 'stream-1');
    await started();
    stream.media('A'.repeat(70_000));
    assert.equal(await stream.closed, 1009);
    await bench.seen('events').next(({ event }) => event === 'lost');
  });

  it('what is not the guide’s is passed over, told once, counted, and the audio goes on', async () => {
    await start();
    const stream = (await fake.connect(await streamUrl())).begin('call-1', 'stream-1');
    await started();
    const head = { call_id: 'call-1', stream_id: 'stream-1', sequence_number: 1 };
    const rubbish = [
      'no JSON',
      '[]',
      '"media"',
      'null',
      {},
      { event: 'dance', ...head },
      { event: 'media', ...head },
      { event: 'media', ...head, media: { payload: '!!!', track: 'inbound', timestamp: 0, chunk: 1 } },
      { event: 'media', ...head, media: { payload: 5, track: 'inbound', timestamp: 0, chunk: 1 } },
      { event: 'media', ...head, stream_id: 'another', media: {} },
      { event: 'mark', ...head },
      { event: 'start', ...head, stream_type: 'twoway', channel: 'inbound' },
      '{"__proto__":{"event":"stop"}}',
      Buffer.from([1, 2, 3]),
    ];
    for (const one of rubbish) stream.raw(one);
    stream.media(tone(440, 20));
    const heard = await bench.seen('audio').next();
    assert.deepEqual(heard.payload, tone(440, 20));
    stream.stop();
    const stop = await bench.seen('events').next(({ event }) => event === 'stop');
    const { malformed } = (stop.payload as { stats: Record<string, number> }).stats;
    assert.equal(malformed, rubbish.length);
    assert.equal(bench.logLines.filter((line) => line.includes("not in Wavix's guide")).length, 1);
  });

  describe('of events', () => {
    const EVENT_BODY = { uuid: 'call-1', event_type: 'ringing', event_time: '2026-01-02T03:04:05Z' };

    it('are 401 with a wrong token, and no event comes of it', async () => {
      await start();
      const url = bench.eventsUrl();
      for (const wrong of [
        `${url}A`,
        url.slice(0, -1),
        url.slice(0, -1) + (url.endsWith('A') ? 'B' : 'A'),
        url.replace(/[^/]+$/, 'x'),
      ]) {
        assert.equal(await postJson(wrong, EVENT_BODY), 401);
      }
      assert.equal(await postJson(url, { ...EVENT_BODY, uuid: 'good' }), 200);
      await bench.seen('call-events').next(({ call_id }) => call_id === 'good');
      assert.equal(bench.seen('call-events').all.length, 1);
    });

    for (const [what, status, body, headers] of [
      ['no JSON', 400, '{"uuid":', {}],
      ['no object', 400, '[1]', {}],
      ['null', 400, 'null', {}],
      ['nothing', 400, '', {}],
      ['no call', 400, { event_type: 'ringing' }, {}],
      ['no event', 400, { uuid: 'call-1' }, {}],
      ['over 256 KB', 413, { ...EVENT_BODY, filler: 'x'.repeat(300_000) }, {}],
      [
        'a form',
        415,
        'uuid=call-1&event_type=ringing',
        { 'Content-Type': 'application/x-www-form-urlencoded' },
      ],
      ['text', 415, JSON.stringify(EVENT_BODY), { 'Content-Type': 'text/plain' }],
    ] as const) {
      it(`are ${status} for ${what}`, async () => {
        await start();
        const url = bench.eventsUrl();
        assert.equal(await postJson(url, body, headers), status);
        assert.equal(await postJson(url, { ...EVENT_BODY, uuid: 'good' }), 200);
        await bench.seen('call-events').next(({ call_id }) => call_id === 'good');
        assert.equal(bench.seen('call-events').all.length, 1);
      });
    }

    it('take nothing but POST', async () => {
      await start();
      const url = bench.eventsUrl();
      for (const method of ['GET', 'PUT', 'DELETE']) assert.equal((await fetch(url, { method })).status, 405);
    });

    it('answer 200 to a repeat within five minutes, which counts once', async () => {
      await start();
      const skip = takeTime(bench);
      const url = bench.eventsUrl();
      const reordered = Object.fromEntries(Object.entries(EVENT_BODY).reverse());
      for (const body of [EVENT_BODY, EVENT_BODY, reordered]) assert.equal(await postJson(url, body), 200);
      skip(299_000);
      assert.equal(await postJson(url, EVENT_BODY), 200);
      assert.equal(await postJson(url, { ...EVENT_BODY, event_time: '2026-01-02T03:04:06Z' }), 200);
      await bench.seen('call-events').atLeast(2);
      assert.equal(bench.seen('call-events').all.length, 2);
    });
  });
});

describe('secrets', () => {
  let bench: Bench | undefined;
  afterEach(() => bench?.stop());

  it('would be found wherever they stood', () => {
    const url = `wss://x/wavix/streams/Y2FsbA.abcdefg.${'n'.repeat(16)}.${'m'.repeat(43)}`;
    const error = Object.assign(new Error('failed'), { cause: new Error(`at ?appid=${API_KEY}`) });
    const found: unknown[] = [
      { a: [{ b: `x${API_KEY}y` }] },
      { [SECRET]: 1 },
      error,
      { payload: Buffer.from(`..${SECRET}..`) },
      { url },
      { token: url.slice(url.lastIndexOf('/') + 1) },
      `POST /wavix/events/${'e'.repeat(43)}`,
    ];
    for (const one of found) assert.notEqual(findSecret(one, [API_KEY, SECRET]), undefined);
    assert.equal(findSecret({ path: '/wavix/streams/***', n: 1, none: null }, [API_KEY, SECRET]), undefined);
  });

  for (const apiStyle of ['appid', 'bearer']) {
    it(`are nowhere to be seen after a run of failures (${apiStyle})`, async () => {
      const started = await Bench.start();
      bench = started;
      const fake = await started.fake();
      const credentials = { config: { apiKey: API_KEY, secret: SECRET } };
      const config = (more: object = {}) => [started.config({ apiUrl: fake.url, apiStyle, ...more }), ...ALL];
      await started.load(config(), credentials);
      started.eventsUrl();

      /** What a careless server sends back: all it was sent. */
      const echo = ({ method, path, query, headers, body }: ApiRequest) => ({
        success: false,
        message: `${method} ${path}?${String(query)} with ${headers.authorization ?? 'nothing'}`,
        error: { from: JSON.stringify(body) },
        ...body,
        [String(query.get('appid') ?? headers.authorization)]: 'as a name',
      });
      const page = (request: ApiRequest) => `<html><pre>${JSON.stringify(echo(request))}</pre></html>`;
      const scripts: NonNullable<FakeWavix['script']>[] = [
        (request) => ({ status: 400, body: echo(request) }),
        (request) => ({ status: 401, body: echo(request) }),
        (request) => ({ status: 404, body: page(request) }),
        (request) => ({ status: 500, body: page(request), headers: { 'Content-Type': 'text/html' } }),
        (request) => ({ status: 200, body: page(request) }),
        (request) => ({ status: 200, body: { ...echo(request), success: true } }),
        (request) => ({
          status: 302,
          headers: { Location: `${fake.url}/login?appid=${request.query.get('appid') ?? API_KEY}` },
          body: '',
        }),
        () => ({ cut: true }),
      ];
      for (const [n, script] of scripts.entries()) {
        fake.script = script;
        const given = { call_id: `a-call-${n}`, stream_id: 'stream-1' };
        for (const id of ['call', 'start', 'answer', 'hangup', 'stop']) await started.done(id, given);
      }

      // What worked, but tells too much.
      fake.script = (request) => ({
        body: { ...echo(request), success: true, uuid: 'call-2', stream_id: 'stream-2' },
      });
      await started.done('call');
      const { payload } = await started.seen('answered').next(({ call_id }) => call_id === 'call-2');
      assert.equal((payload as Record<string, unknown>).uuid, 'call-2', 'the rest of the answer is there');
      await started.done('start', { call_id: 'call-2' });
      fake.script = undefined;

      // Streams and events that are refused, or go wrong.
      started.send('start', { call_id: 'call-3' });
      const { body } = await fake.requests.next((request) => request.path.includes('call-3'));
      const url = String(body.stream_url);
      await assert.rejects(fake.connect(`${url}x`));
      const stream = (await fake.connect(url)).begin('another-call', 'stream-3');
      await stream.closed;
      await assert.rejects(fake.connect(url), { status: 403 });
      await postJson(`${started.eventsUrl()}x`, { uuid: 'a', event_type: 'ringing' });
      await postJson(started.eventsUrl(), '{"broken');

      // Secrets in the wrong field.
      const wrong: object[] = [
        { apiUrl: `${fake.url}/?appid=${API_KEY}` },
        { apiUrl: `http://user:${API_KEY}@127.0.0.1/` },
        { apiUrl: API_KEY },
        { apiStyle: API_KEY },
        { publicUrl: `https://x.example.com/?key=${SECRET}` },
        { publicUrl: `https://user:${SECRET}@x.example.com` },
        { publicUrl: SECRET },
        { path: `/${SECRET} ${API_KEY}` },
        { port: API_KEY },
        ...(apiStyle === 'appid' ? [{ apiUrl: 'http://127.0.0.1:9' }] : []),
      ];
      for (const [n, more] of wrong.entries()) {
        const given = { call_id: `another-call-${n}` };
        await started.deploy(config(more), 'full', credentials);
        await Promise.all(['call', 'start', 'answer'].map((id) => started.done(id, given)));
        const answer = await helper.request().get('/wavix/config/config/events-url');
        const { error } = answer.body as { error?: string };
        assert.equal(findSecret({ error }, [API_KEY, SECRET]), undefined);
      }

      const failures = started.completions.all.filter(({ error }) => error).length;
      assert.ok(failures >= 54, `${failures} failures`);
      assert.equal(started.errors.all.length, failures, 'the Catch node got each of them');
      assert.equal(findSecret(started.visible, [API_KEY, SECRET, ...started.secrets]), undefined);
    });
  }
});
