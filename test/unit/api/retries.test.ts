/** What is tried again, how often, and after how long. */
import assert from 'node:assert/strict';
import { retryAfterMs } from '../../../lib/api/retry';
import { A_CALL, A_STREAM, AskedClock, failure, json, reset, Room, Server, silent, SUCCESS } from './support';

const CALL = json(200, { uuid: 'c-1' });
const busy = (status: number, retryAfter?: string): ReturnType<typeof json> =>
  json(status, { success: false }, retryAfter === undefined ? {} : { 'Retry-After': retryAfter });

describe('WavixApi: tries', () => {
  const room = new Room();
  let clock: AskedClock;
  beforeEach(() => (clock = new AskedClock()));
  afterEach(() => room.leave());

  for (const status of [429, 503]) {
    it(`waits out a ${status} as Retry-After says, to the ms, for a call too`, async () => {
      const server = await room.server(busy(status, '7'), busy(status, '2'), CALL);
      const placed = room.api(server, { clock }).placeCall(A_CALL);
      await clock.asked(1);
      assert.deepEqual(clock.waits, [7000]);
      clock.pass(6999);
      assert.equal(server.requests.length, 1);
      clock.pass(1);
      await clock.asked(2);
      assert.deepEqual(clock.waits, [7000, 2000]);
      clock.pass(2000);
      assert.equal((await placed).callId, 'c-1');
      assert.equal(server.requests.length, 3);
      assert.equal(new Set(server.requests.map(({ line, body }) => line + body)).size, 1);
    });
  }

  it('waits until the date that Retry-After names', async () => {
    const server = await room.server(busy(503, new Date(clock.wallTime() + 4000).toUTCString()), SUCCESS);
    const done = room.api(server, { clock }).hangUp('c');
    await clock.asked(1);
    assert.deepEqual(clock.waits, [4000]);
    clock.pass(4000);
    await done;
  });

  it('backs off without Retry-After: doubled, with jitter between the half and the whole', async () => {
    for (const [random, waits] of [
      [0, [250, 500]],
      [1, [500, 1000]],
    ] as const) {
      const server = await room.server(busy(429), busy(429), SUCCESS);
      clock = new AskedClock();
      const done = room.api(server, { clock, random: () => random }).answerCall('c');
      for (const [index, wait] of waits.entries()) {
        await clock.asked(index + 1);
        clock.pass(wait);
      }
      await done;
      assert.deepEqual(clock.waits, waits);
    }
  });

  it('gives up after three tries, with what the last one said', async () => {
    const server = await room.server(busy(429, '1'));
    const failed = failure(room.api(server, { clock }).placeCall(A_CALL), 'WAVIX_API');
    for (const wait of [1, 2]) {
      await clock.asked(wait);
      clock.pass(1000);
    }
    const error = await failed;
    assert.equal(error.status, 429);
    assert.match(error.message, /Wavix asks to wait \(Retry-After: 1\)\. Too many requests/);
    assert.equal(server.requests.length, 3);
    assert.equal(clock.pending, 0);
  });

  it('does not begin a wait that would end more than 30 s after the first try', async () => {
    const server = await room.server(busy(503, '31'), busy(503, '20'), busy(503, '11'), SUCCESS);
    const api = room.api(server, { clock });
    assert.match((await failure(api.hangUp('c'), 'WAVIX_API')).message, /Retry-After: 31/);
    assert.deepEqual(clock.waits, []);

    const failed = failure(api.hangUp('c'), 'WAVIX_API');
    await clock.asked(1);
    clock.pass(20_000);
    assert.match((await failed).message, /Retry-After: 11/);
    assert.deepEqual(clock.waits, [20_000]);
  });

  it('does not repeat a POST after a bare 503, as a gateway may answer it with the call placed', async () => {
    const server = await room.server(busy(503), CALL);
    const error = await failure(room.api(server, { clock }).placeCall(A_CALL), 'WAVIX_API');
    assert.match(error.message, /may have placed the call/);
    assert.equal(server.requests.length, 1);
  });

  it('repeats a hang-up after a bare 503', async () => {
    const server = await room.server(busy(503), SUCCESS);
    const done = room.api(server, { clock }).hangUp('c');
    await clock.asked(1);
    clock.pass(500);
    await done;
  });

  it('repeats no other refusal', async () => {
    for (const status of [400, 401, 403, 409, 500, 502, 504]) {
      const server = await room.server(busy(status, '1'), SUCCESS);
      await failure(room.api(server, { clock }).hangUp('c'), 'WAVIX_API');
      assert.equal(server.requests.length, 1, `after ${status}`);
    }
  });

  describe('where no connection comes about', () => {
    /** A port that nobody listens on. */
    async function freePort(): Promise<number> {
      const server = await new Server([]).listen();
      const { port } = server;
      await server.close();
      return port;
    }

    it('tries three times, then says so', async () => {
      const host = `127.0.0.1:${await freePort()}`;
      const failed = failure(room.api({ host }, { clock }).placeCall(A_CALL), 'WAVIX_NETWORK');
      await clock.asked(1);
      clock.pass(500);
      await clock.asked(2);
      clock.pass(1000);
      assert.equal(
        (await failed).message,
        `Could not place the call. ${host} refuses connections (ECONNREFUSED). Check the API address, the network, and a proxy or firewall in between.`,
      );
      assert.deepEqual(clock.waits, [500, 1000]);
    });

    it('places the call once the server is there, and once only', async () => {
      const port = await freePort();
      const placed = room.api({ host: `127.0.0.1:${port}` }, { clock }).placeCall(A_CALL);
      await clock.asked(1);
      const server = await new Server([CALL]).listen(port);
      try {
        clock.pass(500);
        assert.equal((await placed).callId, 'c-1');
        assert.equal(server.requests.length, 1);
      } finally {
        await server.close();
      }
    });

    it('tells of a name that is not known', async () => {
      // A label of 64 letters is refused by the resolver itself; nothing is asked of a name server.
      const api = room.api({ host: `${'a'.repeat(64)}.test` }, { clock });
      const failed = failure(api.startStream('c', A_STREAM), 'WAVIX_NETWORK');
      for (const wait of [1, 2]) {
        await clock.asked(wait);
        clock.pass(1000);
      }
      assert.match((await failed).message, /The address of a+\.test can't be found \(E\w+\)/);
    });
  });

  describe('where the answer was lost', () => {
    it('sends a hang-up once more', async () => {
      const server = await room.server(reset, SUCCESS);
      const done = room.api(server, { clock }).hangUp('c');
      await clock.asked(1);
      clock.pass(500);
      assert.deepEqual(await done, { success: true });
      assert.equal(server.requests.length, 2);
    });

    it('sends it once more after no answer in time', async () => {
      const server = await room.server(silent, SUCCESS);
      const done = room.api(server, { clock }).hangUp('c');
      await server.received(1);
      clock.pass(AskedClock.TRY_MS);
      await clock.asked(1);
      clock.pass(500);
      assert.deepEqual(await done, { success: true });
    });

    it('sends it no third time', async () => {
      const server = await room.server(reset, reset, SUCCESS);
      const failed = failure(room.api(server, { clock }).hangUp('c'), 'WAVIX_NETWORK');
      await clock.asked(1);
      clock.pass(500);
      assert.match((await failed).message, /^Could not hang up\. The connection to .* was cut/);
      assert.equal(server.requests.length, 2);
    });

    it('takes "not found" as done when the answer of a try before was lost', async () => {
      const server = await room.server(reset, json(404, { success: false }));
      const done = room.api(server, { clock }).hangUp('c');
      await clock.asked(1);
      clock.pass(500);
      assert.deepEqual(await done, { success: true });
    });
  });
});

describe('retryAfterMs', () => {
  const now = Date.UTC(2026, 0, 2, 3, 4, 5);
  for (const [header, ms] of [
    ['0', 0],
    ['120', 120_000],
    [' 3 ', 3000],
    ['Fri, 02 Jan 2026 03:04:15 GMT', 10_000],
    ['Friday, 02-Jan-26 03:04:15 GMT', 10_000],
    ['Fri Jan  2 03:04:15 2026', 10_000],
    ['Fri, 02 Jan 2026 03:04:00 GMT', 0],
    ['', undefined],
    [undefined, undefined],
    ['1.5', undefined],
    ['-1', undefined],
    ['soon', undefined],
    ['Fri, 99 Foo 2026 03:04:00 GMT', undefined],
  ] as const) {
    it(`reads ${JSON.stringify(header)}`, () => assert.equal(retryAfterMs(header, now), ms));
  }
});
