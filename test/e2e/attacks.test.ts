/** The whole package under attack, in a real Node-RED: behind the proxies of docs/, and what it tells while it fails. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { WebSocket } from 'ws';
import { API_KEY, configNode, onTab, probe, SECRET, switchboard } from './flows';
import { CALLEE, eventsUrl, OURS, SET_UP_MS, sharedNodeRed, startNodeRed } from './harness';
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
  let simulator: ChildProcess | undefined;
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
      text += String((await once(simulator.stdout as Readable, 'data'))[0]);
    simulator.stdout?.resume();
    [simulatorUrl = ''] = /http:\/\/127\.0\.0\.1:\d+/.exec(text) ?? [];
  });

  after(async () => {
    if (simulator?.exitCode !== null) return;
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
        assert.equal(await ask(`${url}/wavix/streams/x`), 426);
        assert.equal(await ask(events), 405);
        // With nothing behind it, too, what the proxy writes holds no token.
        await nodeRed.deploy([]);
        assert.equal(await ask(events, 'POST', '{}'), 502);
        await proxy.stop();
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

const CALL_ID = '7c3f7a1e-0d53-4c51-8f0e-6a2f0c9d1b21';

/** A Wavix that takes every request, remembers what it was told, and leaves the rest to the test. */
async function takingWavix(): Promise<{ url: string; told: string[]; close: () => Promise<void> }> {
  const told: string[] = [];
  const read = async (incoming: IncomingMessage) => {
    let body = '';
    for await (const chunk of incoming.setEncoding('utf8')) body += String(chunk);
    return body;
  };
  const server = createServer((incoming, response) => {
    void read(incoming).then((body) => {
      told.push(body);
      response.writeHead(200, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify({ success: true, uuid: CALL_ID, stream_id: `stream-${told.length}` }));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    told,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const tokenOf = (url: string): string => url.slice(url.lastIndexOf('/') + 1);

/** Connects as Wavix does, and sends. Gives the close code, or the status of the refusal. */
async function connect(url: string, ...messages: (string | object)[]): Promise<number> {
  const socket = new WebSocket(url);
  socket.on('error', () => undefined);
  const ended = new Promise<number>((resolve) => {
    socket.once('close', resolve);
    socket.once('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
  });
  socket.once('open', () => {
    for (const one of messages) {
      socket.send(typeof one === 'string' || Buffer.isBuffer(one) ? one : JSON.stringify(one));
    }
  });
  return ended;
}

describe('Secrets after failures', function () {
  this.timeout(40_000);
  let nodeRed: NodeRed;
  let comms: WebSocket;
  let shown: string;

  before(async function () {
    this.timeout(SET_UP_MS);
    nodeRed = await sharedNodeRed();
  });

  // An open editor.
  beforeEach(async () => {
    shown = '';
    comms = new WebSocket(`${nodeRed.url.replace('http', 'ws')}/comms`);
    comms.on('message', (data: Buffer) => (shown += data.toString()));
    await once(comms, 'open');
    for (const topic of ['status/#', 'notification/#', 'debug', 'event-log/#']) {
      comms.send(JSON.stringify({ subscribe: topic }));
    }
  });

  afterEach(() => {
    comms.terminate();
  });

  const watched = (flows: ReturnType<typeof switchboard>) => [
    ...flows,
    ...[
      { id: 'any status', type: 'status', scope: null, wires: [['status']] },
      {
        id: 'shown',
        type: 'debug',
        active: true,
        tosidebar: true,
        console: true,
        complete: 'true',
        wires: [],
      },
      { ...probe('status', ['shown']) },
    ].map((node) => ({ z: 'switchboard', x: 0, y: 0, ...node })),
  ];

  it('are in nothing that is logged, shown, sent, stored in the clear or answered', async () => {
    const wavix = await takingWavix();
    const logStart = nodeRed.log.length;
    const credentials = { apiKey: API_KEY, secret: SECRET };
    await nodeRed.deploy(
      watched([
        ...switchboard(configNode(wavix.url, { credentials }), {
          'call node': { wait: false },
          'out node': { queue: 1, lead: 20 },
        }),
        // The same path once more.
        { ...configNode(wavix.url, { credentials }), id: 'twin' },
        ...onTab('twins', [
          { id: 'twin event', type: 'wavix-event', config: 'twin', events: [], wires: [[]] },
        ]),
      ]),
    );
    const events = await eventsUrl(nodeRed);
    await nodeRed.inject('call', { from: OURS, to: CALLEE });
    await nodeRed.next('answered');

    const tokens = [tokenOf(events)];
    /** The address that Wavix is told for a stream of that call. */
    const newStream = async (call_id: string): Promise<string> => {
      await nodeRed.inject('start', { call_id });
      await nodeRed.recorder.next('started', 5_000, (msg) => msg.call_id === call_id);
      const [, url = ''] = /"stream_url":"([^"]+)"/.exec(wavix.told.at(-1) ?? '') ?? [];
      tokens.push(tokenOf(url));
      return url;
    };
    const start = (call_id: string, stream_id = `s-${call_id}`) => ({
      event: 'start',
      call_id,
      stream_id,
      stream_type: 'twoway',
      channel: 'inbound',
      sequence_number: 1,
    });
    const failed = (code: string) =>
      nodeRed.recorder.next('error', 5_000, ({ error }) => JSON.stringify(error).includes(code));

    // Streams: refused, closed, lost.
    const first = await newStream('call-1');
    assert.equal(await connect(first, start('call-2')), 1008);
    assert.equal(await connect(first, start('call-1')), 403);
    assert.equal(await connect(first.slice(0, -1), start('call-1')), 401);
    await nodeRed.inject('start', { call_id: 'call-1' });
    await failed('WAVIX_LIMIT');
    const second = await newStream('call-2');
    const ids = { call_id: 'call-2', stream_id: 's-call-2' };
    const tooLarge = { event: 'media', ...ids, sequence_number: 9, media: { payload: 'A'.repeat(70_000) } };
    const strange = [
      second,
      { event: second },
      { event: 'media', ...ids },
      Buffer.from(second),
      start('call-2'),
    ];
    assert.equal(await connect(second, { event: 'connected' }, start('call-2'), ...strange, tooLarge), 1009);
    await nodeRed.recorder.next('stream', 5_000, (msg) => msg.event === 'lost');
    assert.equal(await connect(second, start('call-2', 'another')), 1008);

    // Webhooks that are none, and addresses that are not theirs.
    for (const [url, body, type, status] of [
      [events, '[]', 'application/json', 400],
      [events, '{}', 'text/plain', 415],
      [events.slice(0, -1), '{}', 'application/json', 401],
      [first.replace('ws:', 'http:'), '{}', 'application/json', 426],
    ] as const) {
      const response = await fetch(url, { method: 'POST', body, headers: { 'Content-Type': type } });
      assert.equal(response.status, status);
      assert.equal(await response.text(), '');
    }

    // What the flow does wrong.
    await nodeRed.inject('say', { payload: noise(100, 1), call_id: 'call-9' });
    await failed('WAVIX_NO_STREAM');
    const third = await newStream('call-3');
    const live = new WebSocket(third);
    await once(live, 'open');
    live.send(JSON.stringify(start('call-3')));
    await nodeRed.recorder.next('stream', 5_000, (msg) => msg.event === 'start' && msg.call_id === 'call-3');
    await nodeRed.inject('say', { payload: noise(5_000, 1), call_id: 'call-3' });
    await failed('WAVIX_QUEUE_FULL');
    await nodeRed.inject('say', { payload: { no: 'audio' }, call_id: 'call-3' });
    await failed('WAVIX_');
    await nodeRed.inject('call', { from: '', to: '' });
    await failed('WAVIX_INPUT');

    // No Wavix any more; then no config any more.
    await wavix.close();
    await nodeRed.inject('hangup', { call_id: 'call-3' });
    await nodeRed.recorder.next('error', 20_000, ({ error }) =>
      JSON.stringify(error).includes('WAVIX_NETWORK'),
    );
    const ended = once(live, 'close');
    const flows = await nodeRed.admin('/flows');
    const flowsV2 = await nodeRed.admin('/flows', { headers: { 'Node-RED-API-Version': 'v2' } });
    const stored = readdirSync(nodeRed.userDir, { withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name !== 'settings.js')
      .map(({ name }) => readFileSync(join(nodeRed.userDir, name), 'utf8'));
    const told: Record<string, string> = {
      flows,
      'flows v2': flowsV2,
      'the files of the user directory': stored.join('\n'),
      credentials: await nodeRed.admin('/credentials/wavix-config/config'),
      'the flow': await nodeRed.admin('/flow/switchboard'),
      diagnostics: await nodeRed.admin('/diagnostics'),
      settings: await nodeRed.admin('/settings'),
      nodes: await nodeRed.admin('/nodes', { headers: { Accept: 'text/html' } }),
    };
    await nodeRed.deploy([]);
    assert.equal(((await ended) as [number])[0], 1001);
    told.log = nodeRed.log.slice(logStart);
    told.messages = JSON.stringify(nodeRed.recorder.all);
    told['the editor'] = shown;

    assert.match(told.log, /serves the path \/wavix already/);
    assert.match(told.log, /not in Wavix's guide/);
    assert.match(told.log, /names another call/);
    assert.match(told['the editor'], /status\//);
    assert.ok(nodeRed.recorder.messages('status').length > 3);
    assert.ok(stored.length >= 2);
    assert.ok(tokens.length === 4 && tokens.every((token) => token.length > 40));
    for (const [place, text] of Object.entries(told)) {
      for (const secret of [
        API_KEY,
        SECRET,
        ...tokens,
        ...tokens.map((token) => token.split('.').at(-1) ?? ''),
      ]) {
        assert.ok(text.length > 0 && !text.includes(secret), `${place} holds ${secret}`);
      }
    }
  });

  it('are not repeated where they stand in a wrong field', async () => {
    const logStart = nodeRed.log.length;
    const credentials = { apiKey: 'a-key' };
    for (const properties of [
      { publicUrl: `https://${API_KEY}@phone.example.com` },
      { publicUrl: `https://phone.example.com/?key=${API_KEY}` },
      { publicUrl: API_KEY },
      { apiUrl: `http://${API_KEY}@127.0.0.1:1` },
      { apiUrl: `http://127.0.0.1:1/?appid=${API_KEY}` },
      { apiUrl: API_KEY },
      { path: `/${API_KEY}?` },
      { port: API_KEY },
      { apiStyle: API_KEY },
    ]) {
      await nodeRed.deploy(
        watched(switchboard({ ...configNode('http://127.0.0.1:1', { credentials }), ...properties })),
      );
      nodeRed.recorder.forget();
      await nodeRed.inject('start', { call_id: 'call-1' });
      const { error } = await nodeRed.next('error', 20_000);
      const code = JSON.stringify(error);
      assert.match(code, /WAVIX_(CONFIG|NETWORK)/, JSON.stringify(properties));
      assert.ok(!JSON.stringify(nodeRed.recorder.all).includes(API_KEY), JSON.stringify(properties));
    }
    assert.ok(!nodeRed.log.slice(logStart).includes(API_KEY), 'the log');
    assert.ok(!shown.includes(API_KEY), 'the editor');
  });
});

describe('Admin routes', function () {
  this.timeout(30_000);

  it('need the editor’s permission: who may read flows does not see the events address', async function () {
    this.timeout(SET_UP_MS);
    // Node-RED with a user for everybody, who may do all but change a wavix-config.
    const permissions = [
      'settings.read',
      'flows.read',
      'flows.write',
      'nodes.read',
      'wavix-config.read',
      'inject.write',
    ];
    const adminAuth = { type: 'credentials', users: [], default: { permissions } };
    const guarded = await startNodeRed({ settings: { adminAuth } });
    await guarded.deploy(switchboard(configNode('http://127.0.0.1:1')));
    const answer = await fetch(`${guarded.url}/wavix/config/config/events-url`);
    assert.equal(answer.status, 401);
    assert.doesNotMatch(await answer.text(), /events\//);
    assert.equal((await fetch(`${guarded.url}/credentials/wavix-config/config`)).status, 401);
    for (const what of ['check-key', 'check-address']) {
      const url = `${guarded.url}/wavix/config/config/${what}`;
      assert.equal((await fetch(url, { method: 'POST' })).status, 401, what);
    }
    const exposure = await fetch(`${guarded.url}/wavix/config/exposure`);
    assert.deepEqual(await exposure.json(), { editor: false, nodeLogin: false });
    await guarded.stop();
  });

  it('tell whether everybody gets to the editor by the public address', async function () {
    this.timeout(SET_UP_MS);
    const editorOf = async (nodeRed: NodeRed) => {
      const form = { apiUrl: 'https://api.wavix.com', publicUrl: nodeRed.url, path: '/not-deployed' };
      const answer = await nodeRed.admin('/wavix/config/not-deployed/check-address', {
        method: 'POST',
        body: JSON.stringify(form),
      });
      const { editor, events, streams } = JSON.parse(answer) as Record<string, { problem?: string }>;
      assert.deepEqual([events?.problem, streams?.problem], [undefined, undefined]);
      return editor;
    };
    assert.equal(await editorOf(await sharedNodeRed()), 'open');
    for (const [permissions, expected] of [
      [['settings.read', 'wavix-config.write'], undefined],
      [['*'], 'open'],
    ] as const) {
      const adminAuth = { type: 'credentials', users: [], default: { permissions } };
      const guarded = await startNodeRed({ settings: { adminAuth } });
      assert.equal(await editorOf(guarded), expected, permissions.join());
      await guarded.stop();
    }
  });
});

describe('Webhooks on Node-RED’s own server', function () {
  this.timeout(30_000);

  it('are refused with 413 over 256 KB, though Node-RED reads JSON up to 5 MB before us', async function () {
    this.timeout(SET_UP_MS);
    const nodeRed = await sharedNodeRed();
    await nodeRed.deploy(switchboard(configNode('http://127.0.0.1:1')));
    const events = await eventsUrl(nodeRed);
    const event = { uuid: 'large', event_type: 'failed', filler: 'x'.repeat(300_000) };
    const headers = { 'Content-Type': 'application/json' };
    const body = JSON.stringify(event);
    assert.equal((await fetch(events, { method: 'POST', headers, body })).status, 413);
    // In chunks, its length is not announced.
    const chunks = new Blob([body]).stream();
    assert.equal(
      (await fetch(events, { method: 'POST', headers, body: chunks, duplex: 'half' } as RequestInit)).status,
      413,
    );
    // Compressed, what is announced is not what it is.
    const packed = {
      method: 'POST',
      headers: { ...headers, 'Content-Encoding': 'gzip' },
      body: gzipSync(body),
    };
    assert.ok([413, 400].includes((await fetch(events, packed)).status));
    assert.equal((await fetch(events, { method: 'POST', headers, body: '{"uuid":"small"' })).status, 400);
    assert.deepEqual(nodeRed.recorder.messages('event'), []);
  });
});
