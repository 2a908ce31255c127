import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import dns from 'node:dns';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, request as httpRequest, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createServer as createTcpServer, type AddressInfo, type Server as TcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { systemClock } from '../../../lib/clock';
import { isInsideOnly } from '../../../lib/server/addresses';
import { answer, Gate, type Route } from '../../../lib/server/gate';
import { OwnPorts } from '../../../lib/server/own-port';
import { probeRoutes, type Finding } from '../../../lib/server/reachable';
import { Line, type LineSettings } from '../../../lib/line';
import { makeCertificate } from '../attacks/proxies';

const deps = { clock: systemClock, timeoutMs: 5_000 };
const HASTY = { clock: systemClock, timeoutMs: 150 };

describe('A probe of the public address', () => {
  let server: Server;
  let gate: Gate;
  let closing: (() => unknown)[] = [];

  beforeEach(async () => {
    ({ server, gate } = await gateServer());
  });

  afterEach(async () => {
    for (const close of closing) await close();
    closing = [];
  });

  async function listen(listener: Server | TcpServer): Promise<string> {
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    closing.push(() => {
      listener.close();
      if ('closeAllConnections' in listener) listener.closeAllConnections();
    });
    return `http://127.0.0.1:${(listener.address() as AddressInfo).port}`;
  }

  /** A server with a gate, as a Node-RED has it. */
  async function gateServer() {
    const own = createServer();
    const ownGate = new Gate(own, true);
    own.on('request', (request, response) => {
      if (!ownGate.request(request.url ?? '', request, response)) answer(response, 404);
    });
    return { server: own, gate: ownGate, url: await listen(own) };
  }

  const urlOf = (listener: Server) => `http://127.0.0.1:${(listener.address() as AddressInfo).port}`;

  const probe = (baseUrl: string, how = deps) =>
    probeRoutes({ gate, path: '/wavix', baseUrl: `${baseUrl}/wavix` }, how);

  /** Probes a server that is not ours. */
  const probeStranger = async (listener: RequestListener) => probe(await listen(createServer(listener)));

  /** A proxy in front of our server. */
  const proxy = (onUpgrade?: (socket: Duplex) => void) => {
    const front = createServer((request, response) => {
      const headers = { ...request.headers };
      delete headers.upgrade;
      delete headers.connection;
      const { method, url: path } = request;
      const passed = httpRequest(urlOf(server), { method, path, headers }, (answered) => {
        response.writeHead(answered.statusCode ?? 502, answered.headers);
        answered.pipe(response);
      });
      request.pipe(passed);
    });
    if (onUpgrade) front.on('upgrade', (_request, socket) => onUpgrade(socket));
    return front;
  };

  it('comes back through both kinds of routes, though no line serves the path', async () => {
    assert.deepEqual(await probe(urlOf(server)), { events: {}, streams: {} });
  });

  it('leaves nothing behind', async () => {
    await probe(urlOf(server));
    assert.equal(gate.isEmpty, true);
    assert.equal(server.listenerCount('upgrade'), 0);
  });

  it('is not seen by the line that serves the path, and that goes on', async () => {
    const seen: string[] = [];
    const line: Route = {
      event: (token, _request, response) => {
        seen.push(token);
        answer(response, 200);
      },
      stream: (token, _request, socket) => {
        seen.push(token);
        socket.destroy();
      },
    };
    gate.add('/wavix', line);
    assert.deepEqual(await probe(urlOf(server)), { events: {}, streams: {} });
    assert.deepEqual(seen, []);
    await fetch(`${urlOf(server)}/wavix/events/token`, { method: 'POST' });
    assert.deepEqual(seen, ['token']);
  });

  it('is good only for the path it was made for', async () => {
    const { events, streams } = await probeRoutes(
      { gate, path: '/wavix', baseUrl: `${urlOf(server)}/elsewhere` },
      deps,
    );
    assert.deepEqual([events.problem, streams.problem], ['notHere', 'notHere']);
  });

  it('says that nobody listens', async () => {
    const free = await listen(createTcpServer());
    for (const close of closing.splice(-1)) await close();
    const refused: Finding = { problem: 'refused', code: 'ECONNREFUSED' };
    assert.deepEqual(await probe(free), { events: refused, streams: refused });
  });

  it('says that there is no such name', async () => {
    const real = dns.lookup;
    const lookup = (_name: string, _options: unknown, done: (error: Error) => void) => {
      setImmediate(done, Object.assign(new Error('not found'), { code: 'ENOTFOUND' }));
    };
    dns.lookup = lookup as unknown as typeof dns.lookup;
    closing.push(() => (dns.lookup = real));
    const { events, streams } = await probe('https://phone.example.com');
    assert.deepEqual([events.problem, streams.problem], ['notFound', 'notFound']);
  });

  it('does not wait for longer than it may', async () => {
    const url = await listen(createTcpServer((socket) => closing.push(() => socket.destroy())));
    const late: Finding = { problem: 'timeout', seconds: 0.15 };
    assert.deepEqual(await probe(url, HASTY), { events: late, streams: late });
  });

  it('says that the connection was cut', async () => {
    const url = await listen(
      createTcpServer((socket) => socket.once('data', () => socket.resetAndDestroy())),
    );
    const { events, streams } = await probe(url);
    assert.deepEqual([events.problem, streams.problem], ['cut', 'cut']);
  });

  it('says that there is no TLS where https is asked for', async () => {
    const { events, streams } = await probe(urlOf(server).replace('http', 'https'));
    assert.deepEqual([events.problem, streams.problem], ['notTls', 'notTls']);
  });

  it('says that a certificate is not trusted', async function () {
    if (spawnSync('openssl', ['version'], { stdio: 'ignore' }).error) this.skip();
    const folder = mkdtempSync(join(tmpdir(), 'wavix-certificate-'));
    closing.push(() => rmSync(folder, { recursive: true }));
    const { cert, key } = makeCertificate(folder);
    const url = await listen(createTlsServer({ cert: readFileSync(cert), key: readFileSync(key) }));
    const { events, streams } = await probe(url.replace('http', 'https'));
    assert.deepEqual([events.problem, streams.problem], ['certificate', 'certificate']);
    assert.match(events.code ?? '', /SELF_SIGNED|CERT/);
  });

  const ANSWERS: [what: string, status: number, headers: Record<string, string>, expected: Finding][] = [
    ['a login', 401, { 'WWW-Authenticate': 'Basic' }, { problem: 'login', status: 401 }],
    ['a forbidden page', 403, {}, { problem: 'login', status: 403 }],
    ['a page to log in on the same server', 302, { Location: '/login' }, { problem: 'login', status: 302 }],
    ['a server that does not know the path', 404, {}, { problem: 'notHere', status: 404 }],
    ['a proxy with nobody behind it', 502, {}, { problem: 'gateway', status: 502 }],
    ['a tunnel that is down', 530, {}, { problem: 'gateway', status: 530 }],
    [
      'a redirect elsewhere, of which it tells the origin only',
      308,
      { Location: 'https://other.example.com/wavix/events/token?a=b' },
      { problem: 'redirect', status: 308, location: 'https://other.example.com' },
    ],
  ];
  for (const [what, status, headers, expected] of ANSWERS) {
    it(`tells of ${what}`, async () => {
      const { events, streams } = await probeStranger((request, response) => {
        request.resume();
        response.writeHead(status, headers).end('hello');
      });
      assert.deepEqual([events, streams], [expected, expected]);
    });
  }

  it('follows no redirect', async () => {
    const paths: (string | undefined)[] = [];
    const target = await listen(
      createServer((request, response) => {
        paths.push(request.url);
        response.end();
      }),
    );
    await probeStranger((_request, response) => response.writeHead(307, { Location: target }).end());
    assert.deepEqual(paths, []);
  });

  it('is not taken in by a server that repeats what it is sent', async () => {
    const { events } = await probeStranger((request, response) => {
      response.write(`${request.url ?? ''} ${JSON.stringify(request.headers)}`);
      request.pipe(response);
    });
    assert.deepEqual(events, { problem: 'stranger', status: 200 });
  });

  it('is not taken in by another server of the same kind', async () => {
    const other = await gateServer();
    const { events, streams } = await probe(other.url);
    assert.deepEqual([events.problem, streams.problem], ['notHere', 'notHere']);
  });

  it('says that a proxy does not pass the upgrade on', async () => {
    const front = await listen(proxy());
    assert.deepEqual(await probe(front), { events: {}, streams: { problem: 'noUpgrade', status: 426 } });
  });

  it('says that a proxy refuses the upgrade', async () => {
    const front = await listen(
      proxy((socket) => socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n')),
    );
    assert.deepEqual(await probe(front), { events: {}, streams: { problem: 'noUpgrade', status: 400 } });
  });

  it('says that a proxy cuts the upgrade', async () => {
    const front = await listen(proxy((socket) => socket.destroy()));
    assert.deepEqual(await probe(front), { events: {}, streams: { problem: 'noUpgrade' } });
  });

  for (const [what, say] of [
    ['says nothing', undefined],
    ['says something else', 'hello'],
  ] as const) {
    it(`tells of a WebSocket that opens and ${what}`, async () => {
      const front = createServer();
      const sockets = new WebSocketServer({ server: front });
      sockets.on('connection', (ws) => {
        if (say !== undefined) ws.send(say);
      });
      const { streams } = await probe(await listen(front), HASTY);
      assert.deepEqual(
        streams,
        say === undefined ? { problem: 'silent' } : { problem: 'stranger', status: 101 },
      );
      for (const ws of sockets.clients) ws.terminate();
    });
  }

  it('tells nothing of its own token, whatever is answered', async () => {
    const urls: string[] = [];
    const found = await probeStranger((request, response) => {
      urls.push(request.url ?? '');
      response.writeHead(302, { Location: `http://other.example.com${request.url ?? ''}` }).end();
    });
    assert.equal(urls.length, 2);
    for (const url of urls) {
      const token = url.slice(url.lastIndexOf('/') + 1);
      assert.ok(token.length > 30 && !JSON.stringify(found).includes(token), JSON.stringify(found));
    }
  });

  describe('of a line', () => {
    const SETTINGS: LineSettings = {
      apiUrl: 'http://127.0.0.1:1',
      apiStyle: 'appid',
      apiKey: '',
      secret: '',
      publicUrl: '',
      path: '/phone',
      port: undefined,
    };
    const ownPorts = new OwnPorts();
    const newLine = (more: Partial<LineSettings>) => {
      const host = { gate, root: '/red', localUrl: () => urlOf(server) };
      const line = new Line(
        { ...SETTINGS, ...more },
        { host, ownPorts, clock: systemClock, log: () => undefined },
      );
      closing.push(() => line.close());
      return line;
    };

    it('goes to the public address, below the root of the flows', async () => {
      const publicUrl = urlOf(server);
      const { address, port, ...reached } = await newLine({ publicUrl }).reach();
      assert.deepEqual(reached, { events: {}, streams: {} });
      assert.deepEqual([address, port], [publicUrl, Number(new URL(publicUrl).port)]);
    });

    it('goes to this machine where the local Wavix does', async () => {
      const { address, events } = await newLine({}).reach();
      assert.deepEqual([address, events], [urlOf(server), {}]);
    });

    it('needs a public address where Wavix is elsewhere', async () => {
      const line = newLine({ apiUrl: 'https://api.wavix.com' });
      await assert.rejects(line.reach(), { code: 'WAVIX_CONFIG', message: /no public address/ });
    });

    it('listens on the port of its own only for as long', async () => {
      const { address, events, streams } = await newLine({ port: 0 }).reach();
      assert.deepEqual([events, streams], [{}, {}]);
      await assert.rejects(fetch(address), 'nobody listens any more');
    });

    it('leaves a port that is in use open', async () => {
      const open = newLine({ port: 0 });
      await open.open();
      const trial = await newLine({ port: 0 }).reach();
      assert.deepEqual(trial.events, {});
      assert.equal((await fetch(trial.address)).status, 404);
    });

    it('says that another program has the port', async () => {
      const { port } = server.address() as AddressInfo;
      await assert.rejects(newLine({ port }).reach(), { code: 'WAVIX_CONFIG', message: /another program/ });
    });
  });
});

describe('An address inside a network only', () => {
  for (const [address, inside] of [
    ['http://192.168.1.5:1880', true],
    ['http://10.1.2.3', true],
    ['http://172.31.0.1', true],
    ['http://172.32.0.1', false],
    ['http://100.64.0.1', true],
    ['http://127.0.0.1:1880', true],
    ['http://[::1]:1880', true],
    ['http://[fd00::1]', true],
    ['http://[2001:db8::1]', false],
    ['http://localhost:1880', true],
    ['http://raspberrypi.local:1880', true],
    ['http://raspberrypi', true],
    ['http://203.0.113.5', false],
    ['https://phone.example.com', false],
  ] as const) {
    it(`${inside ? 'is' : 'is not'} ${address}`, () => assert.equal(isInsideOnly(address), inside));
  }
});
