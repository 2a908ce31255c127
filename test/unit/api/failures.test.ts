/** What a failure says, and that it says nothing of the key. */
import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import type { WavixApi } from '../../../lib/api/client';
import {
  A_CALL,
  A_STREAM,
  AskedClock,
  closed,
  failure,
  halfBody,
  halfHead,
  json,
  KEY,
  KEY_IN_URL,
  reset,
  Room,
  silent,
  text,
  type Reply,
} from './support';

const place = (api: WavixApi): Promise<unknown> => api.placeCall(A_CALL);
const hangUp = (api: WavixApi): Promise<unknown> => api.hangUp('c-1');
const start = (api: WavixApi): Promise<unknown> => api.startStream('c-1', A_STREAM);
const stop = (api: WavixApi): Promise<unknown> => api.stopStream('c-1', 's-1');

/** Everything a server can send back of what it was sent. */
const ECHO = {
  success: false,
  message: `No such key: ${KEY}`,
  error: { appid: KEY, url: `GET /v1/call?appid=${KEY_IN_URL}&a=1`, [KEY]: 'x' },
  header: `Authorization: Bearer ${KEY}`,
};

describe('WavixApi: failures', () => {
  const room = new Room();
  afterEach(() => room.leave());

  const told: [string, (api: WavixApi) => Promise<unknown>, Reply, RegExp][] = [
    [
      'a wrong key',
      place,
      json(401, { success: false, message: 'Unauthorized.' }),
      /^Wavix would not place the call \(HTTP 401\)\. Wavix says: Unauthorized\. Check the API key and the API style/,
    ],
    ['no money', place, json(402, {}), /\(HTTP 402\)\. Check the balance/],
    [
      'an account without streaming',
      start,
      json(403, { success: false, message: 'Forbidden' }),
      /^Wavix would not start the stream \(HTTP 403\)\. Wavix says: Forbidden\. .*Flex Pro/,
    ],
    ['a caller ID of others', place, json(403, {}), /caller ID/],
    [
      'a call that is over',
      hangUp,
      json(404, { success: false, message: 'Not found' }),
      /^Wavix would not hang up \(HTTP 404\)\. Wavix says: Not found\. The call has ended, or call_id is wrong\.$/,
    ],
    ['a stream that is over', stop, json(404, {}), /The call or the stream has ended, or an id is wrong\.$/],
    ['an address without API', place, json(404, {}), /Check the API address/],
    [
      'wrong fields, by their names',
      place,
      json(422, {
        success: false,
        message: 'Validation failed',
        error: { to: 'is\ninvalid', from: ['is unknown', 'is\u2028late'] },
      }),
      /\(HTTP 422\)\. Wavix says: Validation failed; to: is invalid; from: is unknown; from: is late\.$/,
    ],
    [
      'an error that is a text',
      place,
      json(400, { success: false, error: 'no such thing' }),
      /\(HTTP 400\)\. Wavix says: no such thing\.$/,
    ],
    [
      'a fault at Wavix',
      hangUp,
      text(500, '<h1>Oops</h1>'),
      /^Wavix would not hang up \(HTTP 500\)\. This is a fault at Wavix/,
    ],
    [
      'a fault that leaves a call in doubt',
      place,
      text(502, ''),
      /Wavix may have placed the call; .*nobody is called twice\.$/,
    ],
    [
      'a 200 that says it did not',
      hangUp,
      json(200, { success: false, message: 'busy' }),
      /\(HTTP 200\)\. Wavix says: busy\.$/,
    ],
    [
      'a redirect',
      hangUp,
      text(301, '', { Location: `http://127.0.0.1:1/?appid=${KEY_IN_URL}` }),
      /check the API address/,
    ],
    [
      'HTML',
      hangUp,
      text(200, '<html>Welcome</html>'),
      /is not JSON, so it does not seem to be the Wavix API\. Check the API address\.$/,
    ],
    ['HTML with a 404', hangUp, text(404, '<html>'), /not JSON: check the API address/],
    ['HTML after a call may have been placed', place, text(200, '<html>'), /may have placed the call/],
    [
      'an answer that names no call',
      place,
      json(200, { success: true }),
      /names no call\. .*may have placed/,
    ],
    ['an answer that names no stream', start, json(201, { success: true }), /names no stream/],
    ['an answer too large', hangUp, json(200, 'x'.repeat(1024 * 1024)), /too large/],
    [
      'an answer too large when unpacked',
      hangUp,
      text(200, gzipSync(Buffer.alloc(20_000_000)), { 'Content-Encoding': 'gzip' }),
      /too large/,
    ],
  ];
  for (const [what, ask, reply, message] of told) {
    it(`tells of ${what}`, async () => {
      const server = await room.server(reply);
      const error = await failure(ask(room.api(server)), 'WAVIX_API');
      assert.match(error.message, message);
      assert.equal(server.requests.length, ask === stop ? 2 : 1, 'no try but the one');
    });
  }

  it('carries status and body', async () => {
    const body = { success: false, message: 'Forbidden', error: { call: 'none of yours' } };
    const server = await room.server(json(403, body), text(500, 'Oops\nagain'), json(201, { a: 1 }));
    const api = room.api(server);
    const refused = await failure(hangUp(api), 'WAVIX_API');
    assert.deepEqual([refused.status, refused.body], [403, body]);
    const failed = await failure(hangUp(api), 'WAVIX_API');
    assert.deepEqual([failed.status, failed.body], [500, 'Oops\nagain']);
    const useless = await failure(place(api), 'WAVIX_API');
    assert.deepEqual([useless.status, useless.body], [201, { a: 1 }]);
  });

  for (const style of ['appid', 'bearer'] as const) {
    it(`keeps the key out of all it says, whatever comes back (${style})`, async () => {
      const page = `<a href="/?appid=${KEY_IN_URL}">${KEY}</a> Authorization: Bearer ${KEY}`;
      const server = await room.server(
        json(400, ECHO),
        json(200, ECHO),
        json(503, ECHO, { 'Retry-After': KEY }),
        text(502, page),
        text(200, page),
        json(500, [ECHO, { deep: { deeper: ECHO } }]),
      );
      const api = room.api(server, { apiStyle: style });
      for (let i = 0; i < 6; i++) {
        const error = await failure(place(api), 'WAVIX_API');
        assert.match(JSON.stringify(error.body), /\*\*\*/);
      }
    });
  }

  it('cuts a long body after the secrets are out, so that no half of one is left', async () => {
    for (let before = 4096 - KEY.length; before < 4096; before += 3) {
      const server = await room.server(text(400, 'x'.repeat(before) + KEY));
      const { body } = await failure(hangUp(room.api(server)), 'WAVIX_API');
      assert.match(String(body), /^x+\*{1,3}…?$/);
      assert.ok(String(body).length <= 4097);
    }
  });

  it('carries a large JSON body as the beginning of its text, and a long message cut', async () => {
    const server = await room.server(json(400, { message: 'm'.repeat(9000) }));
    const error = await failure(hangUp(room.api(server)), 'WAVIX_API');
    assert.match(String(error.body), /^\{"message":"m+…$/);
    assert.ok(error.message.length < 400);
  });

  it('survives JSON nested so deeply that recursion would not', async () => {
    const deep = `${'{"error":'.repeat(100_000)}1${'}'.repeat(100_000)}`;
    const server = await room.server(text(400, deep), text(200, deep));
    const api = room.api(server);
    await failure(hangUp(api), 'WAVIX_API');
    assert.ok(await hangUp(api));
  });

  describe('without an answer', () => {
    const SENT: Record<string, Reply> = { closed, reset, halfHead, halfBody };
    for (const [how, reply] of Object.entries(SENT)) {
      it(`never places a call twice: ${how}`, async () => {
        const server = await room.server(reply, json(200, { uuid: 'second' }));
        const error = await failure(place(room.api(server)), 'WAVIX_NETWORK');
        assert.match(
          error.message,
          new RegExp(
            `^Could not place the call\\. The connection to ${server.host} was cut .*` +
              'Wavix may have placed the call; look at the call events before trying again\\.',
          ),
        );
        assert.equal(server.requests.length, 1);
      });
    }

    it('never places a call twice: no answer in time', async () => {
      const server = await room.server(silent, json(200, { uuid: 'second' }));
      const clock = new AskedClock();
      const promise = failure(place(room.api(server, { clock })), 'WAVIX_TIMEOUT');
      await server.received(1);
      clock.pass(AskedClock.TRY_MS - 1);
      assert.equal(clock.pending, 1);
      clock.pass(1);
      assert.match(
        (await promise).message,
        /did not answer within 9\.999 s\. Wavix may have placed the call/,
      );
      assert.equal(clock.pending, 0);
      await server.idle();
      assert.equal(server.requests.length, 1);
    });

    it('never places a call twice: a reset on a connection used before', async () => {
      const server = await room.server(json(200, { uuid: 'first' }), reset);
      const api = room.api(server);
      await place(api);
      await failure(place(api), 'WAVIX_NETWORK');
      assert.deepEqual([server.connections, server.requests.length], [1, 2]);
    });

    it('never answers a call or starts a stream twice', async () => {
      const server = await room.server(reset);
      const api = room.api(server);
      assert.match((await failure(start(api), 'WAVIX_NETWORK')).message, /may have started the stream/);
      assert.match(
        (await failure(api.answerCall('c'), 'WAVIX_NETWORK')).message,
        /may have answered the call/,
      );
      assert.equal(server.requests.length, 2);
    });

    it('tells of what is no HTTP', async () => {
      const server = await room.server((socket) => socket.end(`220 mail ${KEY} ready\r\n`));
      const error = await failure(place(room.api(server)), 'WAVIX_NETWORK');
      assert.match(error.message, /is not HTTP \(HPE_\w+\)\. Check the API address\. Wavix may have placed/);
    });

    it('tells of TLS where there is none, and does not doubt that nothing was sent', async () => {
      const server = await room.server(silent);
      const api = room.api(server, { apiUrl: `https://${server.host}` });
      const promise = failure(place(api), 'WAVIX_NETWORK');
      await server.connected();
      server.say('HTTP/1.1 400 Bad Request\r\n\r\n');
      const { message } = await promise;
      assert.match(
        message,
        /^Could not place the call\. There is no connection to 127\.0\.0\.1:\d+ \(E\w+\)\. It does not speak TLS/,
      );
      assert.doesNotMatch(message, /may have/);
    });

    it('tells a connection that did not come about in time from a lost answer', async () => {
      // Takes the connection, but never says a word of TLS.
      const server = await room.server(silent);
      const clock = new AskedClock();
      const api = room.api(server, { apiUrl: `https://${server.host}`, clock });
      const promise = failure(place(api), 'WAVIX_TIMEOUT');
      await server.connected();
      clock.pass(AskedClock.TRY_MS);
      const { message } = await promise;
      assert.match(
        message,
        /^Could not place the call\. There was no connection to 127\.0\.0\.1:\d+ within 9\.999 s\./,
      );
      assert.doesNotMatch(message, /may have/);
    });
  });

  describe('given up', () => {
    const aborted = { name: 'AbortError' };

    it('rejects with an AbortError before, during and between tries, and leaves no timer', async () => {
      const server = await room.server(silent, json(429, {}, { 'Retry-After': '5' }));
      const clock = new AskedClock();
      const api = room.api(server, { clock });

      await assert.rejects(api.hangUp('c', AbortSignal.abort()), aborted);
      assert.equal(server.connections, 0);

      const during = new AbortController();
      const first = assert.rejects(api.hangUp('c', during.signal), aborted);
      await server.received(1);
      during.abort();
      await first;
      assert.equal(clock.pending, 0);

      const between = new AbortController();
      const second = assert.rejects(api.hangUp('c', between.signal), aborted);
      await clock.asked(1);
      between.abort();
      await second;
      assert.equal(clock.pending, 0);
      assert.equal(server.requests.length, 2);
    });

    it('ends what is under way when it is closed', async () => {
      const server = await room.server(silent);
      const clock = new AskedClock();
      const api = room.api(server, { clock });
      const underWay = [api.hangUp('c'), api.hangUp('d')].map((asked) => assert.rejects(asked, aborted));
      await server.received(2);
      api.close();
      await Promise.all(underWay);
      await server.idle();
      assert.equal(clock.pending, 0);
      await assert.rejects(api.hangUp('c'), aborted);
    });

    it('closes an idle connection at once when it is closed', async () => {
      const server = await room.server(json(200, {}));
      const api = room.api(server);
      await api.hangUp('c');
      assert.equal(server.open, 1, 'kept for the next request');
      const start = performance.now();
      api.close();
      await server.idle();
      // By itself it would go after 4 s.
      assert.ok(performance.now() - start < 2000);
    });
  });
});
