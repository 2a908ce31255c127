/** Keys, secrets and signed addresses: Wavix is told them, nobody else is. */
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { API_KEY, API_STYLES, configNode, SECRET, switchboard } from './flows';
import { CALLEE, eventsUrl, OURS, SET_UP_MS, startNodeRed } from './harness';
import type { NodeRed } from './node-red';

const CALL_ID = '0b7c1f50-8e1c-4a77-9a39-5d6d0a6f3c11';
const OTHER_CALL_ID = '0b7c1f50-8e1c-4a77-9a39-5d6d0a6f3c22';

interface Wavix {
  url: string;
  /** bodies of all requests, as text */
  bodies: string[];
  /** from now on every request fails, with an answer that repeats all that was sent */
  fail: boolean;
  close: () => Promise<void>;
}

/** A Wavix that takes everything, or refuses it while repeating every secret it was told. */
async function talkativeWavix(): Promise<Wavix> {
  const read = async (request: IncomingMessage) => {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += String(chunk);
    return body;
  };
  const wavix: Wavix = { url: '', bodies: [], fail: false, close: () => Promise.resolve() };
  const server = createServer((request, response) => {
    void read(request).then((body) => {
      wavix.bodies.push(body);
      const sent = `${request.url ?? ''} ${JSON.stringify(request.headers)} ${body}`;
      const answer = wavix.fail
        ? { success: false, message: `Can't do that: ${sent}`, error: { stream_url: sent } }
        : { success: true, uuid: CALL_ID, stream_id: 'some-stream' };
      response.writeHead(wavix.fail ? 422 : 200, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify(answer));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  wavix.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  wavix.close = async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  };
  return wavix;
}

describe('Secrets', function () {
  this.timeout(30_000);
  let nodeRed: NodeRed;

  before(async function () {
    this.timeout(SET_UP_MS);
    nodeRed = await startNodeRed();
  });

  for (const apiStyle of API_STYLES) {
    it(`stay out of the log, of messages, errors and admin answers, style ${apiStyle}`, async () => {
      const wavix = await talkativeWavix();
      const config = configNode(wavix.url, { apiStyle, credentials: { apiKey: API_KEY, secret: SECRET } });
      await nodeRed.deploy(switchboard(config, { 'call node': { wait: false } }));
      const events = await eventsUrl(nodeRed);
      await nodeRed.inject('call', { from: OURS, to: CALLEE });
      await nodeRed.next('answered');
      await nodeRed.inject('start', { call_id: CALL_ID });
      await nodeRed.next('started');
      wavix.fail = true;
      for (const button of ['call', 'answer', 'start', 'hangup']) {
        await nodeRed.inject(button, { from: OURS, to: CALLEE, call_id: OTHER_CALL_ID });
        await nodeRed.next('error');
      }
      await nodeRed.inject('stop', { call_id: CALL_ID, stream_id: 'some-stream' });
      await nodeRed.next('error');
      await wavix.close();
      await nodeRed.inject('hangup', { call_id: CALL_ID });
      await nodeRed.next('error', 15_000);

      const streams = wavix.bodies.flatMap((body) => /"stream_url":"([^"]+)"/.exec(body)?.[1] ?? []);
      assert.ok(streams.length >= 2, 'Wavix was told signed addresses of streams');
      assert.ok(
        wavix.bodies.some((body) => body.includes(events)),
        'and that for events',
      );
      const tokens = [events, ...streams].map((url) => url.slice(url.lastIndexOf('/') + 1));
      assert.ok(tokens.every((token) => token.length >= 16));

      const told = {
        log: nodeRed.log,
        messages: JSON.stringify(nodeRed.recorder.all),
        flows: await nodeRed.admin('/flows'),
        'flows v2': await nodeRed.admin('/flows', { headers: { 'Node-RED-API-Version': 'v2' } }),
        credentials: await nodeRed.admin('/credentials/wavix-config/config'),
        nodes: await nodeRed.admin('/nodes', { headers: { Accept: 'text/html' } }),
        settings: await nodeRed.admin('/settings'),
      };
      for (const [place, text] of Object.entries(told)) {
        for (const secret of [API_KEY, SECRET, ...tokens]) {
          assert.ok(!text.includes(secret), `${place} holds ${secret === API_KEY ? 'the API key' : secret}`);
        }
      }
      assert.deepEqual(JSON.parse(told.credentials), { has_apiKey: true, has_secret: true });
    });
  }
});
