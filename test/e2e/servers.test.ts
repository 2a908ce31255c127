/** Where webhooks and streams arrive: on Node-RED's own server, below its paths, or on a port of their own. */
import assert from 'node:assert/strict';
import type { LocalWavixEvent } from '../../simulator';
import { API_KEY, configNode, switchboard } from './flows';
import { liveCall, localWavix, SET_UP_MS, sharedNodeRed, startNodeRed } from './harness';
import { freePort, type NodeRed } from './node-red';
import { heardAt, noise } from './sounds';

/** A whole call; gives the addresses that Wavix was told, tokens masked, and leaves the call live. */
async function wholeCall(nodeRed: NodeRed, properties: Record<string, unknown>) {
  const urls = new Set<string>();
  const log = (event: LocalWavixEvent) => {
    if (event.type === 'webhook' || event.type === 'stream') urls.add(event.url);
  };
  const wavix = await localWavix({ log });
  await nodeRed.deploy(switchboard(configNode(wavix.url, properties)));
  const live = await liveCall(nodeRed, wavix);
  const words = noise(300, 31);
  await nodeRed.inject('say', { payload: words, call_id: live.call_id });
  await nodeRed.next('played');
  assert.ok(heardAt(live.call.heard(), words) !== undefined);
  return { ...live, urls: [...urls].sort() };
}

const status = async (url: string, init?: RequestInit) => (await fetch(url, init)).status;

describe('Servers', function () {
  this.timeout(30_000);
  let nodeRed: NodeRed;

  before(async function () {
    this.timeout(SET_UP_MS);
    nodeRed = await sharedNodeRed();
  });

  it("on Node-RED's own server", async () => {
    const { urls } = await wholeCall(nodeRed, { path: '/phone' });
    assert.deepEqual(urls, [
      `http://127.0.0.1:${nodeRed.port}/phone/events/…`,
      `ws://127.0.0.1:${nodeRed.port}/phone/streams/…`,
    ]);
  });

  it("on Node-RED's own server, below httpNodeRoot, the editor elsewhere", async () => {
    const other = await startNodeRed({ httpNodeRoot: '/flows', httpAdminRoot: '/admin' });
    const { urls } = await wholeCall(other, {});
    assert.deepEqual(urls, [
      `http://127.0.0.1:${other.port}/flows/wavix/events/…`,
      `ws://127.0.0.1:${other.port}/flows/wavix/streams/…`,
    ]);
    await other.stop();
  });

  it('on a port of its own, which serves nothing else', async () => {
    const port = await freePort();
    const { urls } = await wholeCall(nodeRed, { port: String(port) });
    const own = `127.0.0.1:${port}`;
    assert.deepEqual(urls, [`http://${own}/wavix/events/…`, `ws://${own}/wavix/streams/…`]);
    assert.equal(await status(`http://${own}/`), 404);
    assert.equal(await status(`http://${own}/flows`), 404);
    assert.equal(await status(`http://${own}/settings`), 404);
    const post = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{}' };
    assert.equal(await status(`http://${own}/wavix/events/forged`, post), 401);
    // Node-RED's own server has the routes no more.
    assert.equal(await status(`${nodeRed.url}/wavix/events/forged`, post), 404);
  });

  it('with every property from the environment', async () => {
    const port = await freePort();
    const urls = new Set<string>();
    const wavix = await localWavix({
      log: (event) => {
        if (event.type === 'request' || event.type === 'webhook') {
          urls.add(event.type === 'request' ? event.path.replace(/[0-9a-f-]{36}/, '…') : event.url);
        }
      },
    });
    const env = {
      URL_OF_API: wavix.url,
      STYLE: 'bearer',
      BASE: `http://127.0.0.1:${port}`,
      AT: '/env',
      PORT_: String(port),
    };
    const other = await startNodeRed({ env: { ...env, KEY: API_KEY } });
    await other.deploy(
      switchboard(
        configNode('${URL_OF_API}', {
          ...{ apiStyle: '${STYLE}', publicUrl: '${BASE}', path: '${AT}', port: '${PORT_}' },
          credentials: { apiKey: '${KEY}' },
        }),
      ),
    );
    await liveCall(other, wavix);
    assert.deepEqual([...urls].sort(), [
      '/v1/calls',
      '/v1/calls/…/streams',
      `http://127.0.0.1:${port}/env/events/…`,
    ]);
    await other.stop();
  });
});
