import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket } from 'ws';
import { systemClock, type Clock } from '../../lib/clock';
import { readCallEvent } from '../../lib/calls/events';
import { Line, type LineSettings } from '../../lib/line';
import { Gate } from '../../lib/server/gate';
import { OwnPorts } from '../../lib/server/own-port';
import type { StreamListener } from '../../lib/streams/hub';
import { english, say } from '../../lib/texts';
import { FakeClock } from './fake-clock';

const settings: LineSettings = {
  apiUrl: 'http://127.0.0.1:1',
  apiStyle: 'appid',
  apiKey: 'the-api-key',
  secret: '',
  publicUrl: '',
  path: '/wavix',
  port: undefined,
};

/** A clock whose times can be moved. */
function movable(): Clock & { offset: number; wallOffset: number } {
  return {
    ...systemClock,
    offset: 0,
    wallOffset: 0,
    now() {
      return performance.now() + this.offset;
    },
    wallTime() {
      return Date.now() + this.wallOffset;
    },
  };
}

describe('Line', () => {
  const clock = movable();
  const logged: string[] = [];
  const ownPorts = new OwnPorts();
  let server: Server;
  let gate: Gate;
  let lines: Line[] = [];

  function newLine(more: Partial<LineSettings> = {}, lineClock: Clock = clock): Line {
    const { port } = server.address() as AddressInfo;
    const host = { gate, root: '/flows', localUrl: () => `http://127.0.0.1:${port}` };
    const line = new Line(
      { ...settings, ...more },
      { host, ownPorts, clock: lineClock, log: (texts) => void logged.push(say(texts, english)) },
    );
    lines.push(line);
    return line;
  }

  /** The HTTP status with which a WebSocket is refused, or 101. */
  async function connect(
    url: string,
    options: { autoPong?: boolean } = {},
  ): Promise<{ status: number; socket: WebSocket }> {
    const socket = new WebSocket(url, options);
    socket.on('error', () => undefined);
    const status = await new Promise<number>((resolve) => {
      socket.once('open', () => resolve(101));
      socket.once('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
    });
    return { status, socket };
  }

  const start = (call_id: string, stream_id: string, stream_type = 'twoway') =>
    JSON.stringify({
      event: 'start',
      call_id,
      stream_id,
      stream_type,
      channel: 'inbound',
      sequence_number: 1,
    });

  /** A line with one live two-way stream, `s` of call `c`. */
  async function liveStream(lineClock: Clock = clock, options: { autoPong?: boolean } = {}) {
    const line = newLine({}, lineClock);
    await line.open();
    const events: Record<string, unknown>[] = [];
    const arrivals = new EventEmitter();
    line.streams.listen({
      event: (message) => {
        events.push(message as never);
        arrivals.emit(message.event);
      },
    });
    const url = line.streamUrl('c');
    const { socket } = await connect(url, options);
    const started = once(arrivals, 'start');
    socket.send(start('c', 's'));
    await started;
    const [stream] = line.streams.live;
    assert.ok(stream);
    return { line, socket, url, events, arrivals, stream };
  }

  async function post(url: string, body: string, headers: Record<string, string> = {}): Promise<number> {
    const response = await fetch(url, {
      method: 'POST',
      body,
      headers: { 'Content-Type': 'application/json', ...headers },
    });
    await response.arrayBuffer();
    return response.status;
  }

  beforeEach(async () => {
    clock.wallOffset = 0;
    logged.length = 0;
    server = createServer((request, response) => {
      if (!gate.request(request.url ?? '', request, response)) response.writeHead(418).end();
    });
    gate = new Gate(server, false);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });

  afterEach(async () => {
    for (const line of lines) line.close();
    lines = [];
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it('gives addresses below the host’s root, and of an own port none below it', async () => {
    const { port } = server.address() as AddressInfo;
    const line = newLine();
    await line.open();
    assert.match(
      line.eventsUrl,
      new RegExp(`^http://127\\.0\\.0\\.1:${port}/flows/wavix/events/[\\w-]{43}$`),
    );
    assert.match(
      line.streamUrl('c'),
      new RegExp(`^ws://127\\.0\\.0\\.1:${port}/flows/wavix/streams/[\\w.-]+$`),
    );
    const own = newLine({ port: 0 });
    await own.open();
    assert.match(own.eventsUrl, /^http:\/\/127\.0\.0\.1:[1-9]\d*\/wavix\/events\/[\w-]{43}$/);
    const there = newLine({ publicUrl: 'https://phone.example.com/', apiUrl: 'https://api.wavix.com' });
    assert.match(there.streamUrl('c'), /^wss:\/\/phone\.example\.com\/flows\/wavix\/streams\//);
  });

  it('says what is missing when there is no address to give', () => {
    assert.throws(() => newLine({ apiUrl: 'https://api.wavix.com' }).eventsUrl, {
      code: 'WAVIX_CONFIG',
      message: /public address/,
    });
    assert.throws(() => newLine({ publicUrl: 'phone.example.com' }).eventsUrl, { code: 'WAVIX_CONFIG' });
    assert.throws(() => newLine({ apiKey: '' }).eventsUrl, { code: 'WAVIX_CONFIG', message: /API key/ });
  });

  it('lets a stream in once, and only as long as its token lives', async () => {
    const line = newLine();
    await line.open();
    const url = line.streamUrl('call-1');
    assert.equal((await connect(url)).status, 101);
    assert.equal((await connect(url)).status, 403);
    const late = line.streamUrl('call-1');
    clock.wallOffset = 120_001;
    assert.equal((await connect(late)).status, 403);
  });

  it('refuses a wrong token before the upgrade', async () => {
    const line = newLine();
    await line.open();
    const url = line.streamUrl('call-1');
    for (const wrong of [
      url.slice(0, -1),
      `${url}x`,
      url.replace(/streams\/.*/, 'streams/x'),
      line.eventsUrl,
    ]) {
      const { status } = await connect(wrong.replace(/^http/, 'ws'));
      assert.ok(status === 401 || (wrong === line.eventsUrl && status === 404), `${status}`);
    }
    const another = newLine({ path: '/other', secret: 'another' });
    await another.open();
    const token = another.streamUrl('call-1').split('/').at(-1) ?? '';
    assert.equal((await connect(url.replace(/[^/]+$/, token))).status, 401);
    assert.equal(line.streams.live.length, 0);
  });

  it('closes a stream with 1008 whose start names another call', async () => {
    const line = newLine();
    await line.open();
    const { socket } = await connect(line.streamUrl('call-1'));
    socket.send(start('call-2', 's'));
    const [code] = (await once(socket, 'close')) as [number];
    assert.equal(code, 1008);
    assert.equal(line.streams.live.length, 0);
    assert.ok(!logged.join().includes(line.streamUrl('call-1').slice(-20)));
  });

  it('tells what a stream sends, in order, and how it ended', async () => {
    const line = newLine();
    await line.open();
    const told: string[] = [];
    const listener: StreamListener = {
      event: (message) => told.push(message.event),
      audio: ({ chunk, payload }) => told.push(`audio ${chunk} ${payload.length}`),
      mark: (message, { cleared }) => told.push(`mark ${message.mark.name} ${cleared}`),
    };
    line.streams.listen(listener, { track: 'any', encoding: 'pcm', sampleRate: 24_000, pieceMs: 20 });
    const { socket } = await connect(line.streamUrl('c'));
    const ids = { call_id: 'c', stream_id: 's' };
    const payload = Buffer.alloc(960).toString('base64');
    const messages = [
      { event: 'connected' },
      { event: 'start', ...ids, stream_type: 'twoway', channel: 'inbound', sequence_number: 1 },
      {
        event: 'media',
        ...ids,
        sequence_number: 2,
        media: { payload, track: 'inbound', timestamp: 0, chunk: 1 },
      },
      {
        event: 'media',
        ...ids,
        sequence_number: '5',
        media: { payload, track: 'inbound', timestamp: '60', chunk: '4' },
      },
      { event: 'mark', ...ids, sequence_number: 6, mark: { name: 'm' } },
      { event: 'stop', ...ids, sequence_number: 7 },
    ];
    for (const message of messages) socket.send(JSON.stringify(message));
    const [code] = (await once(socket, 'close')) as [number];
    assert.equal(code, 1000);
    assert.deepEqual(told, [
      'connected',
      'start',
      'audio 1 960',
      'gap',
      'audio 4 960',
      'mark m false',
      'stop',
    ]);
  });

  it('tells the loss of a stream with its stats', async () => {
    const line = newLine();
    await line.open();
    const lost = new Promise<Record<string, unknown>>((resolve) => {
      line.streams.listen({
        event: (message) => {
          if (message.event === 'start') socket.terminate();
          if (message.event === 'lost') resolve(message);
        },
      });
    });
    const { socket } = await connect(line.streamUrl('c'));
    socket.send(start('c', 's'));
    const { code, stats } = await lost;
    assert.equal(code, 1006);
    assert.equal((stats as { frames_in: number }).frames_in, 0);
  });

  it('speaks the guide’s messages', async () => {
    const line = newLine();
    await line.open();
    const { socket } = await connect(line.streamUrl('c'));
    const texts: string[] = [];
    socket.on('message', (data: Buffer) => texts.push(data.toString()));
    socket.send(start('c', 'the "stream"'));
    const stream = await new Promise<Parameters<Parameters<typeof line.streams.reach>[1]>[0]>(
      (resolve, reject) => {
        line.streams.expect('c', 'twoway');
        line.streams.reach({ callId: 'c' }, resolve, reject);
      },
    );
    const data = Buffer.alloc(960, 7);
    const audio = {
      data,
      encoding: 'pcm',
      sampleRate: 24_000,
      source: 'x',
      leadMs: 1000,
      queueMs: 1000,
    } as const;
    void stream.speech?.say({ ...audio, mark: 'a"b' });
    stream.speech?.clear();
    while (texts.length < 3) await once(socket, 'message');
    assert.deepEqual(
      texts.map((text) => JSON.parse(text) as unknown),
      [
        { event: 'media', stream_id: 'the "stream"', media: { payload: data.toString('base64') } },
        { event: 'mark', stream_id: 'the "stream"', mark: { name: 'a"b' } },
        { event: 'clear', stream_id: 'the "stream"' },
      ],
    );
  });

  it('makes those wait in order who speak to a stream that was asked for, and nobody else', async () => {
    const line = newLine();
    await line.open();
    const order: number[] = [];
    const refused: string[] = [];
    const reach = (target: object, number: number) =>
      line.streams.reach(
        target,
        () => order.push(number),
        ({ code }) => refused.push(code),
      );
    reach({ callId: 'c' }, 0);
    assert.deepEqual(refused, ['WAVIX_NO_STREAM']);
    const expected = line.streams.expect('c', 'twoway');
    reach({ callId: 'c' }, 1);
    reach({}, 2);
    reach({ streamId: 's' }, 0);
    expected.named('s');
    reach({ streamId: 's' }, 3);
    reach({ callId: 'other' }, 0);
    const { socket } = await connect(line.streamUrl('c'));
    const started = new Promise<void>((resolve) => {
      line.streams.listen({ event: ({ event }) => event === 'start' && resolve() });
    });
    socket.send(start('c', 's'));
    await started;
    reach({}, 4);
    assert.deepEqual(order, [1, 2, 3, 4]);
    assert.equal(refused.length, 3);
    line.streams.expect('d', 'twoway').cancel();
    reach({ callId: 'd' }, 0);
    assert.equal(refused.length, 4);
    line.streams.expect('e', 'twoway');
    reach({ callId: 'e' }, 0);
    assert.equal(refused.length, 4);
    line.calls.accept(readCallEvent({ uuid: 'e', event_type: 'completed' }));
    assert.equal(refused.length, 5, 'the call is over: no stream will come');
  });

  it('asks for no more streams than Wavix allows', async () => {
    const line = newLine();
    await line.open();
    line.streams.checkLimit('c', 'twoway');
    const { socket } = await connect(line.streamUrl('c'));
    socket.send(start('c', 's'));
    while (line.streams.live.length === 0) await new Promise((resolve) => setImmediate(resolve));
    assert.throws(() => line.streams.checkLimit('c', 'twoway'), { code: 'WAVIX_LIMIT' });
    line.streams.checkLimit('d', 'twoway');
    line.streams.stopping('s');
    line.streams.checkLimit('c', 'twoway');
    for (let count = 0; count < 5; count++) {
      line.streams.checkLimit('c', 'oneway');
      line.streams.expect('c', 'oneway');
    }
    assert.throws(() => line.streams.checkLimit('c', 'oneway'), { code: 'WAVIX_LIMIT' });
  });

  it('takes events with its token, and answers what is none with the status that says why', async () => {
    const line = newLine();
    await line.open();
    const types: string[] = [];
    line.calls.subscribe((event) => types.push(event.type));
    const event = JSON.stringify({ uuid: 'c', event_type: 'ringing', event_time: 't', from: '1', to: '2' });
    const url = line.eventsUrl;
    assert.equal(await post(url, event), 200);
    assert.equal(await post(url, event), 200);
    assert.deepEqual(types, ['ringing'], 'a repeat counts once');
    assert.equal(await post(`${url}x`, event), 401);
    assert.equal(await post(url, event, { 'Content-Type': 'text/plain' }), 415);
    assert.equal(await post(url, '[]'), 400);
    assert.equal(await post(url, '{'), 400);
    assert.equal(await post(url, '{"uuid":"c"}'), 400);
    assert.equal(await post(url, JSON.stringify({ uuid: 'c', event_type: 'x'.repeat(300_000) })), 413);
    assert.equal((await fetch(url)).status, 405);
    assert.deepEqual(types, ['ringing']);
  });

  it('leaves the addresses of others on the same server alone', async () => {
    const line = newLine();
    await line.open();
    const { port } = server.address() as AddressInfo;
    assert.equal((await fetch(`http://127.0.0.1:${port}/other`)).status, 418);
    server.on('upgrade', (request, socket) => {
      if (request.url === '/mine') socket.end('HTTP/1.1 409 Mine\r\nConnection: close\r\n\r\n');
    });
    assert.equal((await connect(`ws://127.0.0.1:${port}/mine`)).status, 409);
  });

  it('serves on an own port its two addresses and nothing else', async () => {
    const line = newLine({ port: 0 });
    await line.open();
    const { origin } = new URL(line.eventsUrl);
    for (const path of ['/', '/wavix', '/wavix/', '/red', '/wavix/other/x']) {
      assert.equal((await fetch(origin + path)).status, 404, path);
    }
    assert.equal((await connect(`${origin.replace('http', 'ws')}/comms`)).status, 404);
    assert.equal((await connect(line.streamUrl('c'))).status, 101);
    line.shut();
    await assert.rejects(fetch(origin), 'it listens no more');
  });

  it('refuses a path another line has, which goes on', async () => {
    const first = newLine();
    await first.open();
    await assert.rejects(newLine().open(), { code: 'WAVIX_CONFIG', message: /path/ });
    assert.equal((await connect(first.streamUrl('c'))).status, 101);
  });

  it('says which port it can’t have', async () => {
    const { port } = server.address() as AddressInfo;
    await assert.rejects(newLine({ port }).open(), {
      code: 'WAVIX_CONFIG',
      message: new RegExp(`port ${port}`),
    });
  });

  it('closes its streams with 1001, and leaves no listener on the server', async () => {
    const line = newLine();
    await line.open();
    const { socket } = await connect(line.streamUrl('c'));
    socket.send(start('c', 's'));
    const waiting = await connect(line.streamUrl('d'));
    while (line.streams.live.length === 0) await new Promise((resolve) => setImmediate(resolve));
    line.close();
    const codes = await Promise.all([once(socket, 'close'), once(waiting.socket, 'close')]);
    assert.deepEqual(
      codes.map(([code]) => code as number),
      [1001, 1001],
    );
    assert.equal(server.listenerCount('upgrade'), 0);
  });

  it('keeps its streams when its settings change, and moves its addresses', async () => {
    const line = newLine();
    await line.open();
    const { socket } = await connect(line.streamUrl('c'));
    socket.send(start('c', 's'));
    while (line.streams.live.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const former = line.streamUrl('c');
    await line.configure({ ...settings, path: '/moved' });
    assert.equal(line.streams.live.length, 1);
    assert.match(line.streamUrl('c'), /\/flows\/moved\/streams\//);
    assert.equal((await connect(line.streamUrl('c'))).status, 101);
    assert.equal((await fetch(former.replace(/^ws/, 'http'))).status, 418);
  });

  it('closes a stream with 1009 that sends more than 64 KiB at once', async () => {
    const { socket, arrivals } = await liveStream();
    const lost = once(arrivals, 'lost');
    socket.send('x'.repeat(65_537));
    const [[code]] = (await Promise.all([once(socket, 'close'), lost])) as [[number], unknown];
    assert.equal(code, 1009);
  });

  it('passes over what is not the guide’s, counts it and tells it once, and hears on', async () => {
    const { line, socket, arrivals, events } = await liveStream();
    const chunks: number[] = [];
    const format = { track: 'any', encoding: 'pcm', sampleRate: 24_000, pieceMs: 20 } as const;
    line.streams.listen({ audio: ({ chunk }) => chunks.push(chunk) }, format);
    const ids = { call_id: 'c', stream_id: 's' };
    const media = { payload: Buffer.alloc(960).toString('base64'), track: 'inbound', timestamp: 0, chunk: 1 };
    const strange: (string | object)[] = [
      'no JSON',
      '[]',
      { event: 'connected' },
      { event: 'start', ...ids, stream_type: 'twoway', channel: 'inbound', sequence_number: 2 },
      { event: 'media', ...ids, stream_id: 'other', sequence_number: 2, media },
      { event: 'media', ...ids, call_id: 'other', sequence_number: 2, media },
      { event: 'media', ...ids, sequence_number: 2, media: { ...media, payload: 'no base64!' } },
      { event: 'media', ...ids, sequence_number: 2, media: { ...media, track: 'both' } },
      '{"event":"media","__proto__":{"call_id":"c"}}',
    ];
    for (const one of strange) socket.send(typeof one === 'string' ? one : JSON.stringify(one));
    socket.send(Buffer.alloc(960));
    socket.send(
      JSON.stringify({ event: 'media', ...ids, sequence_number: 3, media: { ...media, chunk: 7 } }),
    );
    socket.send(JSON.stringify({ event: 'stop', ...ids, sequence_number: 4 }));
    await once(arrivals, 'stop');
    const { stats } = events.at(-1) as { stats: Record<string, number> };
    assert.equal(stats.malformed, strange.length + 1);
    assert.deepEqual(chunks, [7]);
    assert.equal(logged.length, 1);
    assert.match(logged[0] ?? '', /not in Wavix's guide/);
  });

  it('takes a lost stream back for 30 s, once, and no other with its address', async () => {
    const { line, socket, url, arrivals } = await liveStream();
    assert.equal((await connect(url)).status, 403, 'not while it lives');
    const lost = once(arrivals, 'lost');
    socket.terminate();
    await lost;
    clock.offset += 29_000;
    clock.wallOffset += 3_600_000; // set forward meanwhile
    const other = await connect(url);
    other.socket.send(start('c', 'another'));
    const [code] = (await once(other.socket, 'close')) as [number];
    assert.equal(code, 1008);
    assert.equal((await connect(url)).status, 403, 'used again');
    line.close();

    const again = await liveStream();
    again.socket.terminate();
    await once(again.arrivals, 'lost');
    const back = await connect(again.url);
    assert.equal(back.status, 101);
    back.socket.send(start('c', 's'));
    await once(again.arrivals, 'start');
    assert.deepEqual(
      again.events.map(({ event }) => event),
      ['start', 'lost', 'start'],
    );
    back.socket.terminate();
    await once(again.arrivals, 'lost');
    clock.offset += 30_001;
    clock.wallOffset -= 7_200_000; // set back
    assert.equal((await connect(again.url)).status, 403, 'too late');
  }).timeout(5000);

  it('does not take back a stream that was stopped', async () => {
    const { socket, url } = await liveStream();
    socket.send(JSON.stringify({ event: 'stop', call_id: 'c', stream_id: 's', sequence_number: 2 }));
    await once(socket, 'close');
    assert.equal((await connect(url)).status, 403);
  });

  it('gives up a peer that answers no ping within 30 s, and keeps one that does', async () => {
    const held = new FakeClock();
    const dead = await liveStream(held, { autoPong: false });
    const lost = once(dead.arrivals, 'lost');
    held.pass(30_000);
    await lost;
    dead.line.close();

    const quiet = await liveStream(held);
    for (let seconds = 0; seconds < 120; seconds += 5) {
      const pinged = seconds % 15 === 10 ? once(quiet.socket, 'ping') : undefined;
      held.pass(5_000);
      await pinged;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    assert.equal(quiet.stream.stats.duration_ms, 120_000);
    assert.equal(quiet.line.streams.live.length, 1);
  });

  it('gives up a peer that stops reading after 10 s; what it did not take waits here, bounded', async () => {
    const held = new FakeClock();
    const { stream, socket, arrivals } = await liveStream(held);
    socket.pause();
    const audio = {
      encoding: 'pcm',
      sampleRate: 24_000,
      source: 'x',
      leadMs: 3_600_000,
      queueMs: 3_600_000,
    } as const;
    let played = true;
    void stream.speech?.say({
      ...audio,
      data: Buffer.alloc(48 * 600_000),
      complete: true,
      report: (report) => (played = report.played),
    });
    // The network takes some megabytes, then no more.
    const before = () => stream.playout?.queuedMs ?? 0;
    for (let same = 0; same < 3;) {
      const last = before();
      held.pass(100);
      await new Promise((resolve) => setTimeout(resolve, 20));
      same = before() === last ? same + 1 : 0;
    }
    assert.ok(before() > 100_000, `${before()} ms wait here`);
    const lost = once(arrivals, 'lost');
    held.pass(13_000);
    await lost;
    assert.equal(played, false);
    assert.equal(held.pending, 0);
  });
});
