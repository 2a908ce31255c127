/** What may come over HTTP: oddities of requests, half ones, and webhooks that somebody made up. */
import assert from 'node:assert/strict';
import { readCallEvent } from '../../../lib/calls/events';
import { MAX_WEBHOOK_BYTES } from '../../../lib/server/webhook';
import { bytesHeld, handles, moreHandles } from './memory';
import { EVENT, post, Rig, upgrade, type Raw } from './rig';

const JSON_TYPE = 'Content-Type: application/json\r\n';

for (const [where, more] of [
  ['a shared server', {}],
  ['a port of its own', { port: 0 }],
] as const) {
  describe(`Requests to ${where}`, function () {
    this.timeout(30_000);
    let rig: Rig;
    let accepted: string[];

    beforeEach(async () => {
      rig = await Rig.start(more);
      accepted = [];
      rig.line.calls.subscribe(({ callId }) => accepted.push(callId));
    });

    afterEach(() => rig.stop());

    async function send(text: string): Promise<Raw> {
      const raw = await rig.connect();
      raw.socket.write(text);
      await raw.status();
      return raw;
    }

    const chunked = (...chunks: string[]) =>
      chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('') + '0\r\n\r\n';
    const head = (headers: string, path = rig.eventsPath) =>
      `POST ${path} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`;
    const smuggled = () => post(rig.eventsPath, EVENT.replace('"c"', '"smuggled"'));

    const oddities: Record<string, () => string> = {
      'two lengths': () =>
        head(`${JSON_TYPE}Content-Length: ${EVENT.length}\r\nContent-Length: 0\r\n`) + EVENT + smuggled(),
      'two lengths in one': () =>
        head(`${JSON_TYPE}Content-Length: ${EVENT.length}, ${EVENT.length}\r\n`) + EVENT,
      'a length and chunks': () =>
        head(`${JSON_TYPE}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n`) + chunked(EVENT) + smuggled(),
      'chunks and a length': () =>
        head(`${JSON_TYPE}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n`) + chunked(EVENT) + smuggled(),
      'chunks that are not the last coding': () =>
        head(`${JSON_TYPE}Transfer-Encoding: chunked, identity\r\n`) + chunked(EVENT),
      'a coding that does not exist': () =>
        head(`${JSON_TYPE}Transfer-Encoding: xchunked\r\n`) + chunked(EVENT),
      'a negative length': () => head(`${JSON_TYPE}Content-Length: -1\r\n`) + EVENT,
      'a length in hex': () => head(`${JSON_TYPE}Content-Length: 0x10\r\n`) + EVENT,
      'a space before the colon': () => head(`${JSON_TYPE}Content-Length : ${EVENT.length}\r\n`) + EVENT,
      'a bare line feed in a header': () =>
        head(`${JSON_TYPE}X: a\nTransfer-Encoding: chunked\r\n`) + chunked(EVENT),
      'a chunk of a length that is none': () =>
        head(`${JSON_TYPE}Transfer-Encoding: chunked\r\n`) + `zz\r\n${EVENT}\r\n0\r\n\r\n`,
      'no HTTP at all': () => '\u0016\u0003\u0001\u0000\u00a5\u0001\r\n\r\n',
      'headers of 100 KB': () => head(`${JSON_TYPE}X: ${'x'.repeat(100_000)}\r\n`) + EVENT,
    };
    for (const [what, text] of Object.entries(oddities)) {
      it(`takes no event from a request with ${what}`, async () => {
        const raw = await send(text());
        assert.match(raw.received, /^HTTP\/1\.1 (400|413|431) /);
        await raw.closed;
        assert.equal(raw.received.match(/HTTP\/1\.1/g)?.length, 1, 'one answer, nothing behind it');
        assert.deepEqual(accepted, []);
      });
    }

    it('takes an event in chunks, and closes on one that never ends', async () => {
      const open = `${JSON_TYPE}Transfer-Encoding: chunked\r\n`;
      const raw = await send(head(open) + chunked(EVENT.slice(0, 5), EVENT.slice(5)));
      assert.match(raw.received, /^HTTP\/1\.1 200 /);
      assert.deepEqual(accepted, ['c']);
      const endless = await rig.connect();
      endless.socket.write(head(open));
      const chunk = `4000\r\n${' '.repeat(0x4000)}\r\n`;
      let sent = 0;
      while (!endless.socket.destroyed && sent < 50_000_000) {
        endless.socket.write(chunk);
        sent += 0x4000;
        await new Promise((resolve) => setImmediate(resolve));
      }
      assert.match(endless.received, /^HTTP\/1\.1 413 /);
      assert.ok(sent < 20 * MAX_WEBHOOK_BYTES, `it took ${sent} bytes`);
    });

    it('does not wait for a body that is announced too large, of a wrong type, or behind a wrong token', async () => {
      const large = `${JSON_TYPE}Content-Length: ${MAX_WEBHOOK_BYTES + 1}\r\n`;
      for (const [text, status] of [
        [head(large), 413],
        [head('Content-Type: text/xml\r\nContent-Length: 100\r\n'), 415],
        [head(`${JSON_TYPE}Content-Length: 100\r\n`, '/wavix/events/wrong'), 401],
      ] as const) {
        const raw = await send(text);
        assert.ok(raw.received.startsWith(`HTTP/1.1 ${status} `), raw.received);
        await raw.closed;
      }
    });

    it('refuses addresses that only look like its own', async () => {
      const { eventsPath } = rig;
      const token = eventsPath.split('/').at(-1) ?? '';
      for (const path of [
        `/${eventsPath}`,
        `${eventsPath}/`,
        `${eventsPath}/x`,
        `/x/..${eventsPath}`,
        `/./wavix/events/${token}`,
        `/wavix//events/${token}`,
        `/WAVIX/events/${token}`,
        `/wavix/Events/${token}`,
        `/wavix%2fevents%2f${token}`,
        `/wavix/events/${token.toLowerCase()}`,
        `/wavix/events/${encodeURIComponent(`${token}=`)}`,
        `/wavix/events/?${token}`,
        `http://x${eventsPath}`,
      ]) {
        const raw = await send(post(path));
        const [, status = ''] = /^HTTP\/1\.1 (\d+)/.exec(raw.received) ?? [];
        assert.ok(['401', '404', '418'].includes(status), `${path}: ${status}`);
        raw.socket.destroy();
      }
      assert.deepEqual(accepted, []);
    });

    it('answers 405 to every other method, and 426 to a stream’s address without an upgrade', async () => {
      for (const method of ['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE']) {
        const raw = await send(
          `${method} ${rig.eventsPath} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`,
        );
        assert.match(raw.received, /^HTTP\/1\.1 405 /, method);
        assert.match(raw.received, /Allow: POST/);
        raw.socket.destroy();
      }
      const path = rig.streamPath();
      const raw = await send(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
      assert.match(raw.received, /^HTTP\/1\.1 426 /);
      // Looking does not use it up.
      assert.equal(await (await send(upgrade(path))).status(), 101);
    });

    it('survives a request and an upgrade in one packet', async () => {
      const raw = await send(post(rig.eventsPath) + upgrade(rig.streamPath()));
      raw.socket.end();
      await raw.closed;
      assert.deepEqual(raw.received.match(/HTTP\/1\.1 \d+/g)?.sort(), ['HTTP/1.1 101', 'HTTP/1.1 200']);
      assert.deepEqual(accepted, ['c']);
      assert.equal(rig.line.streams.live.length, 0);
      assert.equal(await (await send(upgrade(rig.streamPath()))).status(), 101);
    });
  });
}

describe('Made-up events', function () {
  this.timeout(30_000);
  let rig: Rig;

  beforeEach(async () => {
    rig = await Rig.start();
  });

  afterEach(() => rig.stop());

  it('of 10 000 calls stay within bounds, and the real one behind them counts', async () => {
    let accepted = 0;
    rig.line.calls.subscribe(() => accepted++);
    const before = await bytesHeld();
    const senders = await Promise.all(Array.from({ length: 10 }, () => rig.connect()));
    await Promise.all(
      senders.map(async (raw, sender) => {
        for (let count = 0; count < 1_000; count++) {
          const uuid = `made-up-${sender}-${count}`;
          raw.received = '';
          raw.socket.write(
            post(
              rig.eventsPath,
              JSON.stringify({ uuid, event_type: 'completed', event_payload: 'x'.repeat(2_000) }),
            ),
          );
          assert.equal(await raw.status(), 200);
        }
      }),
    );
    assert.equal(accepted, 10_000);
    for (const { socket } of senders) socket.destroy();
    const raw = await rig.connect();
    raw.socket.write(post(rig.eventsPath, EVENT.replace('ringing', 'answered')));
    assert.equal(await raw.status(), 200);
    assert.ok(rig.line.calls.size <= 5_000);
    const outcome = await rig.line.calls.outcome('c', { timeoutMs: 1 });
    assert.equal(outcome.answered, true);
    const growth = (await bytesHeld()) - before;
    assert.ok(growth < 40_000_000, `grew by ${growth} bytes`);
  });

  const fillers: Record<string, string> = {
    'one long text': JSON.stringify('x'.repeat(250_000)),
    'many small objects': `[${Array(80_000).fill('{}').join()}]`,
    'many names': JSON.stringify(
      Object.fromEntries(Array.from({ length: 20_000 }, (_, at) => [`n${at}`, {}])),
    ),
  };
  for (const [what, filler] of Object.entries(fillers)) {
    it(`take less than 64 MB, whatever is in them: ${what}`, async () => {
      const before = await bytesHeld();
      for (let count = 0; count < 70; count++) {
        const body = `{"uuid":"made-up-${count}","event_type":"failed","filler":${filler}}`;
        rig.line.calls.accept(readCallEvent(JSON.parse(body)));
      }
      const growth = (await bytesHeld()) - before;
      assert.ok(growth < 64_000_000, `grew by ${growth} bytes`);
    });
  }
});

describe('Half requests to a port of its own', () => {
  it('are let go within 15 s, and those who send them hold nothing up', async function () {
    this.timeout(25_000);
    const rig = await Rig.start({ port: 0 });
    const before = handles();
    const halves = [
      '',
      'P',
      `POST ${rig.eventsPath} HTTP/1.1\r\nHost: x\r\n`,
      post(rig.eventsPath).slice(0, -3),
      upgrade(rig.streamPath()).slice(0, -2),
    ];
    const raws = await Promise.all(Array.from({ length: 100 }, () => rig.connect()));
    for (const [at, raw] of raws.entries()) raw.socket.write(halves[at % halves.length] as string);
    // Every second one drips on, so that it is never idle.
    const drip = setInterval(() => {
      for (const [at, { socket }] of raws.entries())
        if (at % 2 && socket.writable) socket.write(at % 5 === 3 ? ' ' : 'x');
    }, 500);
    const good = await rig.connect();
    good.socket.write(post(rig.eventsPath));
    assert.equal(await good.status(), 200);
    good.socket.destroy();
    const startedAt = performance.now();
    await Promise.all(raws.map(({ closed }) => closed));
    clearInterval(drip);
    const tookMs = performance.now() - startedAt;
    assert.ok(tookMs < 15_000, `${tookMs} ms`);
    await bytesHeld();
    assert.deepEqual(moreHandles(before), {});
    await rig.stop();
  });
});
