/** Who gets in: every address that is not a good one is refused before the upgrade, at the same price, for nothing. */
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { once } from 'node:events';
import { syncBuiltinESMExports } from 'node:module';
import {
  isEventsToken,
  readStreamToken,
  signEventsToken,
  signStreamToken,
} from '../../../lib/streams/tokens';
import { closeCode, frame } from './frames';
import { START } from './hostile';
import { bytesHeld, handles, moreHandles } from './memory';
import { post, Rig, upgrade } from './rig';

const SECRET = 'a secret of 32 bytes or so, it is';

/** What was compared in constant time, and how much was hashed, while `what` ran. */
function watch(what: () => unknown): { compared: [Buffer, Buffer][]; hashed: number } {
  const { timingSafeEqual, createHmac } = crypto;
  const compared: [Buffer, Buffer][] = [];
  let hashed = 0;
  crypto.timingSafeEqual = (a, b) => {
    compared.push([Buffer.from(a as Buffer), Buffer.from(b as Buffer)]);
    return timingSafeEqual(a, b);
  };
  crypto.createHmac = (...args: Parameters<typeof createHmac>) => {
    hashed++;
    return createHmac(...args);
  };
  syncBuiltinESMExports();
  try {
    what();
  } finally {
    Object.assign(crypto, { timingSafeEqual, createHmac });
    syncBuiltinESMExports();
  }
  return { compared, hashed };
}

/** A token with the bits of one character changed. */
function changed(token: string, at: number): string {
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const digit = digits.indexOf(token[at] as string);
  const other = digit < 0 ? 'A' : (digits[digit ^ 1] as string);
  return token.slice(0, at) + other + token.slice(at + 1);
}

describe('Constant time', () => {
  const kinds: [string, string, (token: string) => boolean][] = [
    [
      'stream',
      signStreamToken(SECRET, 'call-1', Date.now() + 60_000),
      (token) => readStreamToken(SECRET, token) !== undefined,
    ],
    ['events', signEventsToken(SECRET, '/wavix'), (token) => isEventsToken(SECRET, '/wavix', token)],
  ];
  for (const [kind, token, isGood] of kinds) {
    it(`a wrong ${kind} token costs what a good one does: one hash, one comparison of all 32 bytes`, () => {
      const macStart = token.lastIndexOf('.') + 1;
      const wrongs = [
        ...Array.from({ length: token.length }, (_, at) => at)
          .filter((at) => at !== macStart - 1)
          .map((at) => changed(token, at)),
        ...Array.from({ length: token.length - macStart }, (_, cut) => token.slice(0, macStart + cut)),
        `${token}A`,
        `${token}AAAA`,
        `${token.slice(0, macStart)}${'!'.repeat(43)}`,
        `${token.slice(0, macStart)}${'A'.repeat(500)}`,
      ];
      const good = watch(() => assert.ok(isGood(token)));
      assert.deepEqual([good.compared.length, good.hashed], [1, 1]);
      for (const wrong of wrongs) {
        const { compared, hashed } = watch(() => assert.equal(isGood(wrong), false, wrong));
        assert.deepEqual([compared.length, hashed], [1, 1], wrong);
        const [[expected, given]] = compared as [[Buffer, Buffer]];
        assert.deepEqual([expected.length, given.length], [32, 32]);
      }
    });
  }

  it('what is compared is the whole code: one changed byte of 32, and only that one differs', () => {
    const [, token, isGood] = kinds[1] as (typeof kinds)[number];
    const bytes = Buffer.from(token, 'base64url');
    for (let at = 0; at < 32; at++) {
      const wrong = Buffer.from(bytes);
      wrong[at] = (wrong[at] as number) ^ 0x80;
      const { compared } = watch(() => assert.equal(isGood(wrong.toString('base64url')), false));
      const [[expected, given]] = compared as [[Buffer, Buffer]];
      assert.ok(expected.equals(bytes));
      assert.ok(given.equals(wrong));
    }
  });
});

for (const [where, more] of [
  ['on a shared server', {}],
  ['on a port of its own', { port: 0 }],
] as const) {
  describe(`Entry ${where}`, function () {
    this.timeout(30_000);
    let rig: Rig;

    beforeEach(async () => {
      rig = await Rig.start(more);
    });

    afterEach(() => rig.stop());

    /** Tokens that let nobody in, and what is answered. */
    function refused(): [what: string, path: string, status: number][] {
      const good = rig.streamPath();
      const base = '/wavix/streams/';
      const token = good.slice(base.length);
      const [body, expiry, nonce, mac] = token.split('.') as [string, string, string, string];
      const later = (parseInt(expiry, 36) + 60_000).toString(36);
      const expired = signStreamToken(crypto.createHash('md5').update('x').digest('hex'), 'c', 1);
      return [
        ['a missing token', base, 401],
        ['no slash before the missing token', '/wavix/streams', 401],
        ['a wrong token', `${base}wrong`, 401],
        ['a token cut by one', good.slice(0, -1), 401],
        ['only its code', base + mac, 401],
        ['a token of another secret', base + expired, 401],
        [
          'another call in it',
          `${base}${Buffer.from('d').toString('base64url')}.${expiry}.${nonce}.${mac}`,
          401,
        ],
        ['a later expiry in it', `${base}${body}.${later}.${nonce}.${mac}`, 401],
        ['another nonce in it', `${base}${body}.${expiry}.${changed(nonce, 3)}.${mac}`, 401],
        ['the token of events', rig.eventsPath.replace('events', 'streams'), 401],
        ['a token of 15 000 characters', base + 'x'.repeat(15_000), 401],
        ['a good token, percent-encoded', base + token.replaceAll('.', '%2e'), 401],
        ['a good token and a query in its place', `${base}?${token}`, 401],
        ['a used token', usedPath, 403],
      ];
    }
    let usedPath = '';

    async function use(): Promise<void> {
      usedPath = rig.streamPath();
      const raw = await rig.connect();
      raw.socket.write(upgrade(usedPath));
      assert.equal(await raw.status(), 101);
      raw.socket.destroy();
    }

    it('refuses every wrong token with a whole answer, and lets the connection go', async () => {
      await use();
      for (const [what, path, status] of refused()) {
        const raw = await rig.connect();
        raw.socket.write(upgrade(path));
        await raw.until(/\r\n\r\n/, 1_000).catch(() => undefined);
        assert.match(raw.received, new RegExp(`^HTTP/1\\.1 ${status} `), what);
        await raw.closed;
        assert.match(raw.received, /Connection: close/i);
        assert.doesNotMatch(raw.received, /101|Sec-WebSocket/, 'before the upgrade');
      }
      assert.equal(rig.line.streams.live.length, 0);
    });

    it('reads nothing of what a refused one has sent along', async () => {
      const raw = await rig.connect();
      raw.socket.write(Buffer.concat([Buffer.from(upgrade('/wavix/streams/wrong')), frame(START)]));
      assert.equal(await raw.status(), 401);
      await raw.closed;
      assert.deepEqual(rig.told, []);
    });

    const knocks = where === 'on a shared server' ? 10_000 : 2_000;
    it(`holds nothing for ${knocks} refused ones: no handle, no listener, no memory, no word`, async () => {
      await use();
      const refusals = refused().filter(([, path]) => path.length > '/wavix/streams/'.length);
      const knock = async (count: number) => {
        for (let done = 0; done < count; done += 50) {
          await Promise.all(
            Array.from({ length: 50 }, async (_, at) => {
              const [what, path, status] = refusals[(done + at) % refusals.length] as [
                string,
                string,
                number,
              ];
              const raw = await rig.connect();
              raw.socket.write(upgrade(path));
              await raw.closed;
              assert.ok(raw.received.startsWith(`HTTP/1.1 ${status} `), what);
            }),
          );
        }
      };
      await knock(500);
      const words = rig.logged.length;
      const before = { memory: await bytesHeld(), handles: handles() };
      const listeners = () =>
        ['upgrade', 'request', 'connection', 'close', 'error'].map((event) =>
          rig.server.listenerCount(event),
        );
      const listening = listeners();
      await knock(knocks);
      const growth = (await bytesHeld()) - before.memory;
      assert.ok(growth < 1_000_000, `grew by ${growth} bytes`);
      assert.deepEqual(moreHandles(before.handles), {});
      assert.deepEqual(listeners(), listening);
      assert.equal(rig.logged.length, words, 'the log can not be filled from outside');
      assert.equal(rig.line.streams.live.length, 0);
    });

    it('survives those who are gone before they are refused', async () => {
      const raws = await Promise.all(Array.from({ length: 200 }, () => rig.connect()));
      for (const [at, raw] of raws.entries()) {
        raw.socket.write(upgrade(at % 2 ? '/wavix/streams/wrong' : rig.streamPath()));
        if (at % 4 < 2) raw.socket.resetAndDestroy();
        else raw.socket.destroy();
      }
      await Promise.all(raws.map(({ closed }) => closed));
      const raw = await rig.connect();
      raw.socket.write(upgrade(rig.streamPath()));
      assert.equal(await raw.status(), 101);
      assert.equal(rig.line.streams.live.length, 0);
    });

    const handshakes: Record<string, [from: RegExp, to: string]> = {
      'no key': [/Sec-WebSocket-Key.*\r\n/, ''],
      'a short key': [/(Key: ).*\r\n/, '$1AAAA\r\n'],
      'two keys': [/(Sec-WebSocket-Key.*\r\n)/, '$1$1'],
      'no version': [/Sec-WebSocket-Version.*\r\n/, ''],
      'version 12': [/Version: 13/, 'Version: 12'],
      'another protocol': [/Upgrade: websocket/, 'Upgrade: h2c'],
      'two protocols': [/Upgrade: websocket/, 'Upgrade: websocket, h2c'],
      POST: [/^GET/, 'POST'],
      'a wrong subprotocol': [/\r\n\r\n$/, '\r\nSec-WebSocket-Protocol: ,,\r\n\r\n'],
      'a body': [/\r\n\r\n$/, '\r\nContent-Length: 5\r\n\r\nhello'],
    };
    for (const [what, [from, to]] of Object.entries(handshakes)) {
      it(`lets no stream begin over a handshake with ${what}`, async () => {
        const raw = await rig.connect();
        raw.socket.write(upgrade(rig.streamPath()).replace(from, to));
        const status = await raw.status();
        assert.ok(
          status === 400 || status === 405 || status === 426 || (what === 'a body' && status === 101),
          `${status}`,
        );
        if (status === 101) raw.socket.destroy();
        await raw.closed;
        assert.equal(rig.line.streams.live.length, 0);
        assert.deepEqual(rig.told, []);
      });
    }

    it('takes a WebSocket over a connection that has carried webhooks, as a proxy keeps them', async () => {
      const raw = await rig.connect();
      for (let count = 0; count < 3; count++) {
        raw.socket.write(post(rig.eventsPath));
        assert.equal(await raw.status(), 200);
        raw.received = '';
      }
      raw.socket.write(upgrade(rig.streamPath()));
      assert.equal(await raw.status(), 101);
      const started = once(rig.arrivals, 'start');
      raw.socket.write(frame(START));
      await started;
    });

    it('refuses over such a connection too', async () => {
      const raw = await rig.connect();
      raw.socket.write(post(rig.eventsPath));
      assert.equal(await raw.status(), 200);
      raw.received = '';
      raw.socket.write(upgrade('/wavix/streams/wrong'));
      assert.equal(await raw.status(), 401);
      await raw.closed;
    });

    it('hears what came in the same packet as the handshake', async () => {
      const raw = await rig.connect();
      const started = once(rig.arrivals, 'start');
      raw.socket.write(Buffer.concat([Buffer.from(upgrade(rig.streamPath())), frame(START)]));
      await started;
      assert.equal(await raw.status(), 101);
    });

    it('one token, fifty at the same moment: one gets in', async () => {
      const path = rig.streamPath();
      const raws = await Promise.all(Array.from({ length: 50 }, () => rig.connect()));
      for (const { socket } of raws) socket.write(upgrade(path));
      const statuses = await Promise.all(raws.map((raw) => raw.status()));
      assert.deepEqual(
        statuses.sort((a, b) => a - b),
        [101, ...Array.from({ length: 49 }, () => 403)],
      );
    });

    it('an id that a live stream has is refused with 1008, whoever comes with it, and the stream goes on', async () => {
      const first = await rig.upgraded();
      const started = once(rig.arrivals, 'start');
      first.socket.write(frame(START));
      await started;
      const second = await rig.upgraded();
      second.socket.write(frame(START));
      second.socket.end();
      await second.closed;
      assert.equal(closeCode(second.received), 1008);
      assert.equal(rig.line.streams.live.length, 1);
      assert.equal(first.socket.destroyed, false);
    });
  });
}
