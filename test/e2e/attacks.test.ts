/** The whole package under attack, in a real Node-RED: behind the proxies of docs/, and what it tells while it fails. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { API_KEY, configNode, SECRET, switchboard } from './flows';
import { CALLEE, eventsUrl, OURS, SET_UP_MS, sharedNodeRed } from './harness';
import { freePort, type NodeRed } from './node-red';
import { installedPackage, temporaryFolder } from './package';
import { heardAt, noise } from './sounds';
import {
  isInstalled,
  makeCertificate,
  startProxy,
  type Certificate,
  type Proxy,
} from '../unit/attacks/proxies';

describe('Behind a proxy', function () {
  this.timeout(30_000);
  let nodeRed: NodeRed;
  let folder: string;
  let certificate: Certificate;
  let simulator: ChildProcess;
  let simulatorUrl: string;

  before(async function () {
    this.timeout(SET_UP_MS);
    if (!isInstalled('openssl')) this.skip();
    nodeRed = await sharedNodeRed();
    folder = await temporaryFolder('proxies');
    certificate = makeCertificate(folder);
    // A process of its own: which certificates it trusts is settled when a process starts.
    const { packageFolder } = await installedPackage();
    const args = [join(packageFolder, 'dist/simulator/cli.js'), '--port', '0', '--api-key', API_KEY];
    simulator = spawn(process.execPath, args, {
      env: { ...process.env, NODE_EXTRA_CA_CERTS: certificate.cert },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    simulator.stdout?.setEncoding('utf8');
    let text = '';
    while (!/http:\/\/127\.0\.0\.1:\d+/.test(text))
      text += String((await once(simulator.stdout!, 'data'))[0]);
    simulator.stdout?.resume();
    [simulatorUrl = ''] = /http:\/\/127\.0\.0\.1:\d+/.exec(text) ?? [];
  });

  after(async () => {
    if (simulator.exitCode !== null) return;
    simulator.kill();
    await once(simulator, 'exit');
  });

  /** One request over TLS that trusts the test's certificate; the answer's status. */
  async function ask(url: string, method = 'GET', body = ''): Promise<number> {
    const sent = request(url, {
      method,
      ca: readFileSync(certificate.cert),
      headers: { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) },
      agent: false,
    });
    sent.on('error', () => undefined);
    sent.end(body);
    const [response] = (await once(sent, 'response')) as [NodeJS.ReadableStream & { statusCode: number }];
    response.resume();
    return response.statusCode;
  }

  /** The status with which a WebSocket is refused, or 101. */
  async function upgrade(url: string): Promise<number> {
    const socket = new WebSocket(url.replace(/^http/, 'ws'), { ca: readFileSync(certificate.cert) });
    socket.on('error', () => undefined);
    const status = await new Promise<number>((resolve) => {
      socket.once('open', () => resolve(101));
      socket.once('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
    });
    socket.terminate();
    return status;
  }

  for (const name of ['nginx', 'caddy'] as const) {
    const there = isInstalled(name);
    const test = there ? it : it.skip;
    const file = name === 'nginx' ? 'docs/nginx.conf' : 'docs/caddy.Caddyfile';
    test(`${name} with ${file}: a whole call over TLS, and nothing else gets through${there ? '' : ` (${name} is not installed)`}`, async () => {
      const [port, upstream] = [await freePort(), await freePort()];
      let proxy: Proxy | undefined;
      try {
        proxy = await startProxy(name, join(folder, name), { port, upstream, certificate });
        const properties = {
          publicUrl: proxy.url,
          port: String(upstream),
          credentials: { apiKey: API_KEY, secret: SECRET },
        };
        await nodeRed.deploy(switchboard(configNode(simulatorUrl, properties)));
        const events = await eventsUrl(nodeRed);
        assert.ok(events.startsWith(`${proxy.url}/wavix/events/`));

        // The call: events, a two-way stream, audio both ways, the hang-up.
        await nodeRed.inject('call', { from: OURS, to: CALLEE });
        const { call_id } = await nodeRed.next('answered');
        await nodeRed.inject('start', { call_id });
        await nodeRed.recorder.next('stream', 5_000, (msg) => msg.event === 'start');
        const words = noise(1_000, 51);
        await nodeRed.inject('say', { payload: words, call_id });
        assert.equal((await nodeRed.next('played')).played_ms, 1_000);
        await nodeRed.recorder.next('audio', 5_000, (msg) => Number(msg.timestamp) >= 500);
        const heard = await fetch(`${simulatorUrl}/local/calls/${String(call_id)}/heard.wav`);
        const wav = Buffer.from(await heard.arrayBuffer());
        assert.ok(heardAt(wav.subarray(44), words) !== undefined, 'heard sample for sample');
        await nodeRed.inject('hangup', { call_id });
        await nodeRed.next('hung up');
        await nodeRed.recorder.next('event', 5_000, (msg) => msg.topic === 'completed');

        // Everything else stays outside.
        const { url } = proxy;
        for (const path of [
          '/',
          '/flows',
          '/settings',
          '/red',
          '/comms',
          '/wavix',
          '/wavix/events/',
          '/wavix/x/y',
        ]) {
          assert.equal(await ask(url + path), 404, path);
        }
        assert.equal(await upgrade(`${url}/comms`), 404);
        assert.equal(await upgrade(`${url}/wavix/streams/forged`), 401);
        assert.equal(await ask(`${url}/wavix/events/forged`, 'POST', '{}'), 401);
        assert.equal(await ask(events, 'POST', '[]'), 400);
        assert.equal(await ask(events, 'POST', `"${'x'.repeat(300_000)}"`), 413);
        assert.equal(await ask(events), 405);
        // With nothing behind it, too, what the proxy writes holds no token.
        await nodeRed.deploy([]);
        assert.equal(await ask(events, 'POST', '{}'), 502);
        const written = proxy.written();
        const token = events.slice(events.lastIndexOf('/') + 1);
        for (const secret of [token, '/wavix/events/', '/wavix/streams/', SECRET, API_KEY]) {
          assert.ok(!written.includes(secret), `${name} has written ${secret}`);
        }
      } finally {
        await proxy?.stop();
      }
    });
  }
});
