import assert from 'node:assert/strict';
import dns from 'node:dns';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import helper from 'node-red-node-test-helper';
import { silence } from '../../lib/audio';
import { secretFromApiKey, signEventsToken, signStreamToken } from '../../lib/streams/tokens';
import { postJson, ScriptedStream, type FakeWavix } from './fake-wavix';
import { API_KEY, Bench, SECRET, type FlowNode } from './harness';

const CALL: FlowNode = {
  id: 'call',
  type: 'wavix-call',
  config: 'config',
  from: '+15550009999',
  to: '+15550001200',
  wait: false,
  wires: [['answered'], []],
};
const START: FlowNode = { id: 'start', type: 'wavix-stream-start', config: 'config', wires: [['started']] };
const ANSWER: FlowNode = { id: 'answer', type: 'wavix-answer', config: 'config' };
const HANGUP: FlowNode = { id: 'hangup', type: 'wavix-hangup', config: 'config' };
const STOP: FlowNode = { id: 'stop', type: 'wavix-stream-stop', config: 'config' };
const EVENT: FlowNode = { id: 'event', type: 'wavix-event', config: 'config', wires: [['events']] };
const LISTEN: FlowNode = {
  id: 'in',
  type: 'wavix-stream-in',
  config: 'config',
  wires: [[], [], ['stream-events']],
};
const SPEAK: FlowNode = { id: 'out', type: 'wavix-stream-out', config: 'config' };

const EVENT_BODY = { uuid: 'call-1', event_type: 'ringing', event_time: '2026-01-02T03:04:05Z' };

describe('wavix-config', () => {
  let bench: Bench;
  let fake: FakeWavix;
  afterEach(() => bench.stop());

  /** Starts a flow against a scripted Wavix, its config as given. */
  const start = async (
    config: Record<string, unknown> = {},
    credentials: object = { apiKey: API_KEY },
    nodes: FlowNode[] = [CALL, START, ANSWER, HANGUP, STOP, EVENT, LISTEN],
    settings: object = {},
  ) => {
    bench = await Bench.start({}, settings);
    fake = await bench.fake();
    await bench.load([bench.config({ apiUrl: fake.url, port: '', ...config }), ...nodes], {
      config: credentials,
    });
  };

  /** What Wavix is told when a call is placed. */
  const placed = async () => {
    bench.send('call');
    return fake.requests.next(({ body }) => 'to' in body);
  };

  /** The stream address that Wavix is given. */
  const streamUrl = async () => {
    bench.send('start', { call_id: 'call-1' });
    const { body } = await fake.requests.next((request) => 'stream_url' in request.body);
    return String(body.stream_url);
  };

  /** Until the bench stops, names are found on this machine, or not at all. */
  const findNames = (found: (name: string) => string | undefined) => {
    const real = dns.lookup;
    const names: string[] = [];
    const lookup = (name: string, options: dns.LookupOptions, done: (...results: unknown[]) => void) => {
      names.push(name);
      const address = found(name);
      if (address === undefined) done(Object.assign(new Error('not found'), { code: 'ENODATA' }));
      else if (options.all) done(null, [{ address, family: 4 }]);
      else done(null, address, 4);
    };
    dns.lookup = lookup as unknown as typeof dns.lookup;
    bench.onStop(() => (dns.lookup = real));
    return names;
  };

  describe('apiUrl', () => {
    it('is https://api.wavix.com if it is left out', async () => {
      await start({ apiUrl: undefined, publicUrl: 'https://phone.example.com' });
      const names = findNames(() => undefined);
      const { code, message } = await bench.failure('call');
      assert.equal(code, 'WAVIX_NETWORK');
      assert.match(message, /api\.wavix\.com/);
      assert.deepEqual(new Set(names), new Set(['api.wavix.com']));
    });

    it('may have a path, and a slash at its end', async () => {
      await start();
      await bench.deploy([bench.config({ apiUrl: `${fake.url}/proxy/` }), CALL]);
      assert.equal((await placed()).path, '/proxy/v1/call');
    });

    for (const apiUrl of [
      'api.wavix.com',
      'ftp://127.0.0.1',
      'http://a:b@127.0.0.1',
      'http://127.0.0.1/?appid=1',
    ]) {
      it(`"${apiUrl}" is WAVIX_CONFIG`, async () => {
        await start({ apiUrl, publicUrl: 'https://phone.example.com' });
        const { code, message } = await bench.failure('call');
        assert.equal(code, 'WAVIX_CONFIG');
        assert.match(message, /API address must/);
      });
    }
  });

  describe('apiStyle', () => {
    for (const apiStyle of [undefined, 'appid']) {
      it(`${apiStyle ?? 'left out'} sends the key as appid to /v1/call`, async () => {
        await start(apiStyle === undefined ? {} : { apiStyle });
        const { method, path, query, headers, body } = await placed();
        assert.deepEqual([method, path], ['POST', '/v1/call']);
        assert.equal(query.get('appid'), API_KEY);
        assert.equal(headers.authorization, undefined);
        assert.ok('status_callback' in body && !('callback_url' in body), Object.keys(body).join());
      });
    }

    it('bearer sends the key as a header to /v1/calls', async () => {
      await start({ apiStyle: 'bearer' });
      const { method, path, query, headers, body } = await placed();
      assert.deepEqual([method, path, [...query]], ['POST', '/v1/calls', []]);
      assert.equal(headers.authorization, `Bearer ${API_KEY}`);
      assert.ok('callback_url' in body && !('status_callback' in body), Object.keys(body).join());
    });

    for (const [apiStyle, calls, stop] of [
      ['appid', '/v1/call', '/v1/call/answer/c/streams/s'],
      ['bearer', '/v1/calls', '/v1/calls/c/streams/s'],
    ] as const) {
      it(`${apiStyle} is spoken by every node`, async () => {
        await start({ apiStyle });
        const given = { call_id: 'c', stream_id: 's' };
        for (const id of ['call', 'answer', 'start', 'stop', 'hangup']) await bench.done(id, given);
        assert.deepEqual(
          fake.requests.all.map(({ method, path }) => `${method} ${path}`),
          [
            `POST ${calls}`,
            `POST ${calls}/c/answer`,
            `POST ${calls}/c/streams`,
            `DELETE ${stop}`,
            `DELETE ${calls}/c`,
          ],
        );
        for (const { query, headers } of fake.requests.all) {
          const key =
            apiStyle === 'appid' ? query.get('appid') : headers.authorization?.replace('Bearer ', '');
          assert.equal(key, API_KEY);
        }
      });
    }

    it('of any other kind is WAVIX_CONFIG', async () => {
      await start({ apiStyle: 'basic' });
      const { code, message } = await bench.failure('call');
      assert.equal(code, 'WAVIX_CONFIG');
      assert.match(message, /apiStyle must be one of appid, bearer/);
    });
  });

  describe('publicUrl', () => {
    for (const [publicUrl, http, ws] of [
      ['https://phone.example.com', 'https://phone.example.com/', 'wss://phone.example.com/'],
      ['http://phone.example.com:8080/', 'http://phone.example.com:8080/', 'ws://phone.example.com:8080/'],
      ['https://example.com/phone', 'https://example.com/phone/', 'wss://example.com/phone/'],
    ] as const) {
      it(`${publicUrl} is where Wavix is sent, also by a Wavix on this machine`, async () => {
        await start({ publicUrl });
        const callback = String((await placed()).body.status_callback);
        assert.ok(callback.startsWith(`${http}wavix/events/`), new URL(callback).origin);
        const url = await streamUrl();
        assert.ok(url.startsWith(`${ws}wavix/streams/`), new URL(url).origin);
      });
    }

    it('left out, with a Wavix on this machine, is the local address', async () => {
      await start();
      const callback = new URL(String((await placed()).body.status_callback));
      assert.equal(callback.origin, bench.serverUrl);
      assert.equal(await postJson(callback.href, EVENT_BODY), 200);
      const stream = await fake.connect(await streamUrl());
      stream.begin('call-1', 'stream-1');
      await bench.seen('stream-events').next(({ event }) => event === 'start');
    });

    it('left out, with a Wavix elsewhere, is WAVIX_CONFIG once an address is needed, not before', async () => {
      await start();
      const names = findNames(() => '127.0.0.1');
      const apiUrl = `http://api.wavix.test:${new URL(fake.url).port}`;
      const streaming = { ...ANSWER, id: 'answer-streaming', stream: true };
      await bench.deploy([
        bench.config({ apiUrl }),
        CALL,
        START,
        ANSWER,
        streaming,
        HANGUP,
        STOP,
        EVENT,
        LISTEN,
      ]);
      const given = { call_id: 'call-1', stream_id: 'stream-1' };
      for (const id of ['call', 'start', 'answer-streaming']) {
        const { code, message } = await bench.failure(id, given);
        assert.equal(code, 'WAVIX_CONFIG');
        assert.match(message, /has no public address.*such as https:\/\/phone\.example\.com/);
      }
      assert.equal(fake.requests.all.length, 0, 'Wavix was not asked');
      for (const id of ['answer', 'hangup', 'stop'])
        assert.equal((await bench.done(id, given)).error, undefined);
      assert.deepEqual(new Set(names), new Set(['api.wavix.test']));
    });

    for (const publicUrl of [
      'phone.example.com',
      'wss://phone.example.com',
      'https://a:b@phone.example.com',
      'https://phone.example.com/?a=1',
    ]) {
      it(`"${publicUrl}" is WAVIX_CONFIG`, async () => {
        await start({ publicUrl });
        const { code, message } = await bench.failure('call');
        assert.equal(code, 'WAVIX_CONFIG');
        assert.match(message, /public address.*can't be used/);
        assert.doesNotMatch(message, /a:b/);
      });
    }
  });

  describe('path', () => {
    for (const [path, served] of [
      [undefined, '/wavix'],
      ['/phone', '/phone'],
      ['/a/b/', '/a/b'],
      ['phone', '/phone'],
    ] as const) {
      it(`${path ?? 'left out'} serves ${served}/events and ${served}/streams, below httpNodeRoot on Node-RED’s own server`, async () => {
        await start(path === undefined ? {} : { path }, undefined, undefined, { httpNodeRoot: '/red' });
        const callback = new URL(String((await placed()).body.status_callback));
        assert.match(callback.pathname, new RegExp(`^/red${served}/events/[\\w-]{43}$`));
        assert.equal(await postJson(callback.href, EVENT_BODY), 200);
        assert.equal((await bench.seen('events').next()).call_id, 'call-1');
        const url = new URL(await streamUrl());
        assert.match(url.pathname, new RegExp(`^/red${served}/streams/[\\w.-]{60,}$`));
        (await fake.connect(url.href)).begin('call-1', 'stream-1');
        await bench.seen('stream-events').next(({ event }) => event === 'start');
      });
    }

    it('of an own port has no httpNodeRoot before it', async () => {
      await start({ port: 0 }, undefined, undefined, { httpNodeRoot: '/red' });
      assert.match(new URL(await streamUrl()).pathname, /^\/wavix\/streams\//);
    });

    it('on the same server belongs to the first config; the second says so, and the first goes on', async () => {
      bench = await Bench.start();
      fake = await bench.fake();
      const key = { apiKey: API_KEY };
      await bench.load(
        [
          bench.config({ apiUrl: fake.url }),
          bench.config({ apiUrl: fake.url, id: 'second' }),
          CALL,
          EVENT,
          { ...EVENT, id: 'second-event', config: 'second' },
          { ...CALL, id: 'second-call', config: 'second' },
        ],
        { config: key, second: key },
      );
      await bench.shows('second-event', 'WAVIX_CONFIG');
      bench.logged(
        /Another wavix-config serves the path \/wavix already: give this one a path or a port of its own/,
      );
      assert.equal((await bench.failure('second-call')).code, 'WAVIX_CONFIG');
      const callback = String((await placed()).body.status_callback);
      assert.equal(await postJson(callback, EVENT_BODY), 200);
      await bench.seen('events').next();
    });
  });

  describe('port', () => {
    let taken: Server | undefined;
    afterEach(() => taken?.close());

    const freePort = async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      server.close();
      await once(server, 'close');
      return port;
    };

    for (const asText of [false, true]) {
      it(`${asText ? 'as a string' : 'as a number'} is an own listener with those two routes and nothing else`, async () => {
        const port = await freePort();
        await start({ port: asText ? String(port) : port });
        const callback = new URL(String((await placed()).body.status_callback));
        assert.equal(callback.origin, `http://127.0.0.1:${port}`);
        assert.equal(await postJson(callback.href, EVENT_BODY), 200);
        (await fake.connect(await streamUrl())).begin('call-1', 'stream-1');
        await bench.seen('stream-events').next(({ event }) => event === 'start');
        for (const path of [
          '/',
          '/wavix',
          '/wavix/events',
          '/red',
          '/flows',
          '/wavix/config/config/events-url',
        ]) {
          assert.equal(
            (await fetch(callback.origin + path)).status,
            path === '/wavix/events' ? 405 : 404,
            path,
          );
        }
        await assert.rejects(ScriptedStream.connect(`ws://127.0.0.1:${port}/comms`), { status: 404 });
        const elsewhere = `${bench.serverUrl}${callback.pathname}`;
        assert.equal(await postJson(elsewhere, EVENT_BODY), 404, 'Node-RED’s own server does not serve them');
      });
    }

    it('is listened on only while a node uses the config', async () => {
      const port = await freePort();
      await start({ port }, undefined, []);
      await assert.rejects(fetch(`http://127.0.0.1:${port}/`), 'nobody listens');
      await bench.deploy([bench.config({ port }), EVENT]);
      assert.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 404);
      await bench.deploy([bench.config({ port })]);
      await assert.rejects(fetch(`http://127.0.0.1:${port}/`), 'nobody listens any more');
    });

    it('can be shared by two configs with different paths', async () => {
      const port = await freePort();
      bench = await Bench.start();
      fake = await bench.fake();
      const shared = { apiUrl: fake.url, port };
      await bench.load(
        [
          bench.config(shared),
          bench.config({ ...shared, id: 'second', path: '/second' }),
          EVENT,
          { ...EVENT, id: 'second-event', config: 'second', wires: [['second-events']] },
        ],
        { config: { apiKey: API_KEY }, second: { apiKey: API_KEY } },
      );
      assert.equal(await postJson(bench.eventsUrl(), EVENT_BODY), 200);
      assert.equal(await postJson(bench.eventsUrl('second'), { ...EVENT_BODY, uuid: 'call-2' }), 200);
      assert.equal((await bench.seen('events').next()).call_id, 'call-1');
      assert.equal((await bench.seen('second-events').next()).call_id, 'call-2');
    });

    it('that somebody else listens on is WAVIX_CONFIG, at every node that uses the config', async () => {
      taken = createServer().listen(0);
      await once(taken, 'listening');
      const { port } = taken.address() as AddressInfo;
      await start({ port });
      await bench.shows('event', 'WAVIX_CONFIG');
      bench.logged(
        new RegExp(`Can't listen on port ${port}: another program uses it\\. Choose another port`),
      );
      const { code, message } = await bench.failure('call');
      assert.equal(code, 'WAVIX_CONFIG');
      assert.match(message, new RegExp(`Can't listen on port ${port}`));
      assert.equal(fake.requests.all.length, 0);
    });

    for (const port of ['phone', 70_000, -1, 'NaN']) {
      it(`${port} is WAVIX_CONFIG`, async () => {
        await start({ port });
        const { code, message } = await bench.failure('call');
        assert.equal(code, 'WAVIX_CONFIG');
        assert.match(message, /port must be a number from 0 to 65535/);
        assert.equal(bench.statusesOf('event').at(-1)?.text, 'WAVIX_CONFIG');
      });
    }

    it('is needed where Node-RED’s HTTP nodes are switched off', async () => {
      await start({}, undefined, [CALL], { httpNodeRoot: false });
      const { code, message } = await bench.failure('call');
      assert.equal(code, 'WAVIX_CONFIG');
      assert.match(message, /give the Wavix configuration a port of its own/);
    });
  });

  it('takes every property, the credentials too, from environment variables', async () => {
    const port = '${A_TEST_PORT}';
    const values = {
      A_TEST_URL: '',
      A_TEST_STYLE: 'bearer',
      A_TEST_PUBLIC: 'https://from-the-environment.example.com',
      A_TEST_PATH: '/from/env',
      A_TEST_PORT: '0',
      A_TEST_KEY: API_KEY,
      A_TEST_SECRET: SECRET,
    };
    bench = await Bench.start();
    fake = await bench.fake();
    Object.assign(process.env, values, { A_TEST_URL: fake.url });
    bench.onStop(() => {
      for (const name of Object.keys(values)) Reflect.deleteProperty(process.env, name);
    });
    const config: FlowNode = {
      ...{ id: 'config', type: 'wavix-config', apiUrl: '${A_TEST_URL}', apiStyle: '${A_TEST_STYLE}', port },
      ...{ publicUrl: '${A_TEST_PUBLIC}', path: '${A_TEST_PATH}' },
    };
    await bench.load([config, CALL, START], {
      config: { apiKey: '${A_TEST_KEY}', secret: '${A_TEST_SECRET}' },
    });
    const { path, headers, body } = await placed();
    assert.deepEqual([path, headers.authorization], ['/v1/calls', `Bearer ${API_KEY}`]);
    const callback = new URL(String(body.callback_url));
    assert.equal(callback.origin, values.A_TEST_PUBLIC);
    assert.ok(callback.pathname.startsWith('/from/env/events/'), 'the path is the one of the environment');
    const onNodeRed = `${bench.serverUrl}${callback.pathname}`;
    assert.equal(await postJson(onNodeRed, EVENT_BODY), 404, 'it listens on a port of its own');
    const token = signEventsToken(SECRET, '/from/env');
    assert.ok(callback.pathname.endsWith(`/${token}`), 'its token is signed with the secret');
  });

  describe('the credentials', () => {
    const connect = async (secret: string) => {
      const url = new URL(bench.eventsUrl().replace(/^http/, 'ws'));
      const token = signStreamToken(secret, 'call-1', Date.now() + 60_000);
      url.pathname = `/wavix/streams/${token}`;
      return (await fake.connect(url.href)).begin('call-1', 'stream-1');
    };

    it('with a secret let in what any server with the same secret has signed, and nothing else', async () => {
      await start({}, { apiKey: API_KEY, secret: SECRET });
      await connect(SECRET);
      await bench.seen('stream-events').next(({ event }) => event === 'start');
      for (const other of ['another-secret', API_KEY, secretFromApiKey(API_KEY)]) {
        await assert.rejects(connect(other), { status: 401 });
      }
    });

    it('without a secret have one derived from the API key; the key itself signs nothing', async () => {
      await start();
      await assert.rejects(connect(API_KEY), { status: 401 });
      await connect(secretFromApiKey(API_KEY));
      await bench.seen('stream-events').next(({ event }) => event === 'start');
    });

    for (const [what, credentials] of [
      ['no API key', {}],
      ['an empty API key', { apiKey: ' ' }],
    ] as const) {
      it(`with ${what} are WAVIX_CONFIG at every node that needs it`, async () => {
        await start({}, credentials);
        const given = { call_id: 'call-1', stream_id: 'stream-1' };
        for (const id of ['call', 'start', 'answer', 'hangup', 'stop']) {
          const { code, message } = await bench.failure(id, given);
          assert.equal(code, 'WAVIX_CONFIG', id);
          assert.match(message, /no API key/);
        }
        assert.equal(fake.requests.all.length, 0);
      });
    }

    it('without an API key let nobody in', async () => {
      await start({}, {});
      const { port } = new URL(bench.serverUrl);
      await assert.rejects(ScriptedStream.connect(`ws://127.0.0.1:${port}/wavix/streams/x.y.z.w`), {
        status: 401,
      });
      assert.equal(await postJson(`${bench.serverUrl}/wavix/events/token`, EVENT_BODY), 401);
    });

    it('with an API key that can be none are WAVIX_CONFIG', async () => {
      await start({}, { apiKey: 'two words' });
      const { code, message } = await bench.failure('call');
      assert.equal(code, 'WAVIX_CONFIG');
      assert.doesNotMatch(message, /two words/);
    });
  });

  describe('missing', () => {
    for (const [what, config] of [
      ['left out', undefined],
      ['empty', ''],
      ['one that is not there', 'nobody'],
      ['disabled', 'disabled'],
    ] as const) {
      it(`(${what}) is WAVIX_CONFIG at every node`, async () => {
        bench = await Bench.start();
        const inputs = [CALL, START, ANSWER, HANGUP, STOP, SPEAK];
        await bench.load(
          [
            bench.config({ id: 'disabled', d: true }),
            ...[...inputs, EVENT, LISTEN].map((node) => ({ ...node, config })),
          ],
          {},
        );
        const given = { call_id: 'call-1', stream_id: 'stream-1', payload: silence(20) };
        for (const { id } of inputs) {
          const { code, message } = await bench.failure(id, given);
          assert.equal(code, 'WAVIX_CONFIG', id);
          assert.match(message, /no Wavix configuration: open it and choose or add one/);
        }
        for (const id of ['event', 'in']) {
          assert.deepEqual(bench.statusesOf(id).at(-1), { fill: 'red', shape: 'ring', text: 'WAVIX_CONFIG' });
        }
      });
    }
  });

  describe('its events URL, for the form,', () => {
    const ask = (id = 'config') => helper.request().get(`/wavix/config/${id}/events-url`);

    it('is the address that Wavix is given, and is kept by no cache', async () => {
      await start({ publicUrl: 'https://phone.example.com' });
      const { status, headers, body } = await ask();
      assert.deepEqual([status, headers['cache-control']], [200, 'no-store']);
      assert.deepEqual(body, { url: (await placed()).body.status_callback });
    });

    it('stays the same over time and deploys', async () => {
      await start({ publicUrl: 'https://phone.example.com' });
      const before = await ask();
      await bench.deploy([
        bench.config({ apiUrl: fake.url, port: '', publicUrl: 'https://phone.example.com', name: 'new' }),
        CALL,
      ]);
      assert.deepEqual((await ask()).body, before.body);
    });

    it('is what is wrong where there is none', async () => {
      await start({}, {});
      const { status, body } = await ask();
      assert.equal(status, 200);
      assert.match((body as { error: string }).error, /no API key/);
    });

    it('is a 404 for a config that is not there', async () => {
      await start();
      assert.equal((await ask('nobody')).status, 404);
    });
  });
});
