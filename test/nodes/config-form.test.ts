/** What the form of `wavix-config` asks the server. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import helper from 'node-red-node-test-helper';
import { API_KEY, Bench, SECRET, type FlowNode } from './harness';
import { postJson } from './fake-wavix';

/** What Node-RED's editor has in the place of a stored password. */
const STORED = '__PWRD__';

const EVENT: FlowNode = { id: 'event', type: 'wavix-event', config: 'config', wires: [['events']] };
const LISTEN: FlowNode = {
  id: 'in',
  type: 'wavix-stream-in',
  config: 'config',
  wires: [['audio'], ['marks'], ['stream-events']],
};

describe('the form of wavix-config', () => {
  let bench: Bench;
  let servers: Server[] = [];

  afterEach(async () => {
    for (const server of servers) server.close().closeAllConnections();
    servers = [];
    for (const name of ['A_TEST_URL', 'A_TEST_KEY', 'A_TEST_PATH']) Reflect.deleteProperty(process.env, name);
    await bench.stop();
  });

  const start = async (config: Record<string, unknown> = {}, settings: object = {}) => {
    bench = await Bench.start({}, settings);
    const fields = { port: '', ...config };
    await bench.load([bench.config(fields), EVENT, LISTEN], { config: { apiKey: API_KEY, secret: SECRET } });
  };

  /** The form as it is when it has been opened, with some fields changed. */
  const form = (more: Record<string, unknown> = {}) => ({
    apiUrl: bench.wavix.url,
    apiStyle: 'appid',
    apiKey: STORED,
    publicUrl: '',
    path: '/wavix',
    port: '',
    ...more,
  });

  const ask = async (what: 'check-key' | 'check-address', values: object, id = 'config') => {
    const answer = await helper.request().post(`/wavix/config/${id}/${what}`).send(values);
    assert.deepEqual([answer.status, answer.headers['cache-control']], [200, 'no-store']);
    return answer.body as Record<string, unknown>;
  };

  /** A server that is not Wavix: what it is asked is kept. */
  const stranger = async (status = 200) => {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(`${request.url ?? ''} ${request.headers.authorization ?? ''}`);
      request.resume();
      response.writeHead(status, { 'Content-Type': 'application/json' }).end('{}');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    servers.push(server);
    return { asked, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
  };

  describe('tests the key:', () => {
    for (const apiStyle of ['appid', 'bearer']) {
      it(`Wavix accepts it (${apiStyle})`, async () => {
        await start();
        assert.deepEqual(await ask('check-key', form({ apiKey: API_KEY, apiStyle })), {});
      });
    }

    it('before the first deploy too', async () => {
      await start();
      assert.deepEqual(await ask('check-key', form({ apiKey: API_KEY }), 'not-deployed'), {});
    });

    it('says what Wavix said to a wrong one', async () => {
      await start();
      const { error } = await ask('check-key', form({ apiKey: 'another-key' }));
      assert.match(String(error), /Wavix would not list the calls \(HTTP 401\).*Check the API key/);
    });

    it('says that there is none', async () => {
      await start();
      const { error } = await ask('check-key', form({ apiKey: '' }));
      assert.match(String(error), /There is no API key/);
    });

    it('uses the stored one for the address it was deployed with, in either style', async () => {
      await start();
      for (const more of [{}, { apiStyle: 'bearer' }, { apiUrl: `${bench.wavix.url}/` }]) {
        assert.deepEqual(await ask('check-key', form(more)), {}, JSON.stringify(more));
      }
    });

    it('sends the stored one nowhere else', async () => {
      await start();
      const { asked, url } = await stranger();
      for (const apiUrl of [
        url,
        bench.wavix.url.replace('127.0.0.1', 'localhost'),
        `${bench.wavix.url}/sub`,
      ]) {
        assert.deepEqual(await ask('check-key', form({ apiUrl })), { said: 'stored' }, apiUrl);
      }
      assert.deepEqual(await ask('check-key', form(), 'not-deployed'), { said: 'stored' });
      assert.deepEqual(asked, []);
    });

    it('sends what an environment variable holds nowhere else', async () => {
      await start();
      const { asked, url } = await stranger();
      process.env.A_TEST_KEY = 'a value of the environment';
      process.env.A_TEST_URL = url;
      const variable = { apiKey: '${A_TEST_KEY}' };
      assert.deepEqual(await ask('check-key', form(variable)), { said: 'environment' });
      assert.deepEqual(await ask('check-key', form({ ...variable, apiUrl: url })), { said: 'environment' });
      assert.deepEqual(await ask('check-key', form({ apiUrl: '${A_TEST_URL}', apiKey: 'a-key' })), {
        said: 'environment',
      });
      process.env.A_TEST_KEY = API_KEY;
      assert.deepEqual(await ask('check-key', form({ ...variable, apiUrl: url })), { said: 'stored' });
      assert.deepEqual(asked, []);
    });

    it('takes environment variables as they were deployed', async () => {
      bench = await Bench.start();
      process.env.A_TEST_URL = bench.wavix.url;
      process.env.A_TEST_KEY = API_KEY;
      const fields = { apiUrl: '${A_TEST_URL}', port: '' };
      await bench.load([bench.config(fields), EVENT], { config: { apiKey: '${A_TEST_KEY}' } });
      for (const apiKey of [STORED, '${A_TEST_KEY}']) {
        assert.deepEqual(await ask('check-key', form({ apiUrl: '${A_TEST_URL}', apiKey })), {}, apiKey);
      }
    });

    it('says that there is no local Wavix', async () => {
      await start();
      // Not one that was free a moment ago: something else may have it now.
      const values = form({ apiUrl: 'http://127.0.0.1:1', apiKey: 'local-key' });
      assert.deepEqual(await ask('check-key', values), { said: 'localDown' });
    });

    it('says that an address is none', async () => {
      await start();
      const { error } = await ask('check-key', form({ apiUrl: 'api.wavix.com', apiKey: 'a-key' }));
      assert.match(String(error), /The API address must be a whole address/);
    });

    for (const [what, body] of [
      ['nothing', undefined],
      ['a text', 'text'],
      ['a list', []],
    ] as const) {
      it(`takes ${what} for an empty form`, async () => {
        await start();
        const answer = await helper.request().post('/wavix/config/config/check-key').send(body);
        assert.equal(answer.status, 200);
        assert.match(String((answer.body as { error?: string }).error), /There is no API key/);
      });
    }
  });

  describe('tests the public address:', () => {
    it('Wavix can reach both addresses', async () => {
      await start();
      const publicUrl = bench.serverUrl.replace(/\/$/, '');
      const { events, streams, address, editor } = await ask('check-address', form({ publicUrl }));
      assert.deepEqual(
        [events, streams].map((found) => (found as { problem?: string }).problem),
        [undefined, undefined],
      );
      assert.equal(address, publicUrl);
      assert.equal(editor, undefined, 'the editor is not there');
    });

    it('no flow sees the test, and no status', async () => {
      await start();
      const statuses = bench.statuses.all.length;
      await ask('check-address', form({ publicUrl: bench.serverUrl }));
      const body = { uuid: 'call-1', event_type: 'ringing' };
      assert.equal(await postJson(bench.eventsUrl(), body), 200);
      assert.equal((await bench.seen('events').next()).call_id, 'call-1', 'the first that is seen');
      assert.equal(bench.seen('stream-events').all.length, 0);
      assert.equal(bench.statuses.all.length, statuses + 1, 'that of the event');
    });

    it('of a form that was never deployed, below httpNodeRoot', async () => {
      await start({}, { httpNodeRoot: '/red' });
      const values = form({ publicUrl: bench.serverUrl, path: '/other' });
      const { events, streams } = await ask('check-address', values, 'not-deployed');
      assert.deepEqual(
        [events, streams].map((found) => (found as { problem?: string }).problem),
        [undefined, undefined],
      );
    });

    it('the local Wavix needs none', async () => {
      await start();
      const { address, events, warning } = await ask('check-address', form());
      assert.equal(address, bench.serverUrl.replace(/\/$/, '').replace('localhost', '127.0.0.1'));
      assert.equal((events as { problem?: string }).problem, undefined);
      assert.equal(warning, undefined);
    });

    it('Wavix elsewhere does', async () => {
      await start();
      const { error } = await ask('check-address', form({ apiUrl: 'https://api.wavix.com' }));
      assert.match(String(error), /no public address/);
    });

    it('says that Wavix can not reach what is inside a network', async () => {
      await start();
      const values = form({ apiUrl: 'https://api.wavix.com', publicUrl: bench.serverUrl });
      assert.equal((await ask('check-address', values)).warning, 'private');
    });

    it('says what stands in the way, and to which port it has to lead', async () => {
      await start();
      const { url } = await stranger(502);
      const { events, streams, maybeInside } = await ask('check-address', form({ publicUrl: url }));
      const port = Number(new URL(bench.serverUrl).port);
      const expected = { problem: 'gateway', status: 502, host: new URL(url).host, port };
      assert.deepEqual([events, streams], [expected, expected]);
      assert.equal(maybeInside, false);
    });

    it('says that a router may be the reason', async () => {
      await start();
      const { url } = await stranger();
      for (const server of servers.splice(0)) {
        server.close();
        await once(server, 'close');
      }
      const { events, maybeInside } = await ask('check-address', form({ publicUrl: url }));
      assert.equal((events as { problem?: string }).problem, 'refused');
      assert.equal(maybeInside, true);
    });

    it('knows a login of Node-RED’s own', async () => {
      await start({}, { httpNodeAuth: { user: 'a', pass: 'b' } });
      const { url } = await stranger(401);
      const { events } = await ask('check-address', form({ publicUrl: url }));
      assert.equal((events as { problem?: string }).problem, 'httpNodeAuth');
      const own = await ask('check-address', form({ publicUrl: url, port: '0' }));
      assert.equal((own.events as { problem?: string }).problem, 'login', 'not on a port of its own');
    });

    it('says that the port is taken', async () => {
      await start();
      const { url } = await stranger();
      const { port } = new URL(url);
      const { error } = await ask('check-address', form({ publicUrl: url, port }));
      assert.match(String(error), new RegExp(`Can't listen on port ${port}: another program uses it`));
    });

    it('takes no value of the environment that was not deployed', async () => {
      await start();
      process.env.A_TEST_PATH = '/from/env';
      const values = form({ publicUrl: bench.serverUrl, path: '${A_TEST_PATH}' });
      assert.deepEqual(await ask('check-address', values), { said: 'environment' });
    });
  });

  describe('knows who is asked for a login:', () => {
    const exposure = async () => {
      const { status, body } = await helper.request().get('/wavix/config/exposure');
      assert.equal(status, 200);
      return body;
    };

    it('nobody', async () => {
      await start();
      assert.deepEqual(await exposure(), { editor: true, nodeLogin: false });
    });

    it('at the HTTP nodes', async () => {
      await start({}, { httpNodeAuth: { user: 'a', pass: 'b' } });
      assert.deepEqual(await exposure(), { editor: true, nodeLogin: true });
    });

    it('at the editor', async () => {
      await start({}, { adminAuth: { type: 'credentials', users: [] } });
      assert.deepEqual(await exposure(), { editor: false, nodeLogin: false });
    });
  });

  it('gives the answer to a test of the editor to nobody who guesses', async () => {
    await start();
    assert.equal((await helper.request().get('/wavix/config/probe/guess')).status, 404);
  });
});
