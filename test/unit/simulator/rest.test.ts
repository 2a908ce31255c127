import assert from 'node:assert/strict';
import { silence, tone, writeWav } from '../../../lib/audio';
import { LocalWavix, type LocalWavixOptions } from '../../../simulator';
import { Application, BUSY_MS, clientsOf, fetchJson, FROM, KEY, type Client } from './application';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const QUICK = { ringMs: 5, answerAfterMs: 5 };
const NO_CALL = '00000000-0000-4000-8000-000000000000';

for (const style of ['appid', 'bearer'] as const) {
  describe(`REST, ${style} style`, () => {
    let wavix: LocalWavix;
    let app: Application;
    let api: Client;

    async function begin(options: LocalWavixOptions = {}): Promise<void> {
      app = new Application();
      await app.start();
      wavix = new LocalWavix({
        apiKey: KEY,
        defaults: QUICK,
        webhooks: { '*': app.callbackUrl },
        ...options,
      });
      await wavix.start();
      api = clientsOf(wavix.url)[style];
    }

    afterEach(async () => {
      await wavix.stop();
      await app.stop();
    });

    const place = (more: object = {}) =>
      api.request('POST', '', {
        from: FROM,
        to: '+15550001200',
        [api.callbackField]: app.callbackUrl,
        ...more,
      });

    /** The id of a call that is answered. */
    async function answered(more: object = {}): Promise<string> {
      const { body } = await place(more);
      await wavix.calls.get(body.uuid)!.waitFor('answered');
      return body.uuid;
    }

    const stream = (more: object = {}) => ({
      stream_channel: 'inbound',
      stream_type: 'twoway',
      stream_url: app.streamUrl,
      ...more,
    });

    it('places a call and answers with the call', async () => {
      await begin();
      const { status, body } = await place({ tag: 'first', to: '15550001200' });
      assert.equal(status, 200);
      assert.match(body.uuid, UUID);
      assert.match(body.event_time, ISO);
      assert.match(body.call_started, ISO);
      assert.deepEqual(body, {
        uuid: body.uuid,
        direction: 'outbound',
        event_type: 'call_setup',
        event_time: body.event_time,
        event_payload: null,
        from: FROM,
        to: '15550001200',
        call_started: body.call_started,
        call_answered: null,
        call_completed: null,
        machine_detected: false,
        tag: 'first',
      });
      assert.equal(wavix.calls.get(body.uuid)!.to, '+15550001200');
    });

    it('answers 401 to a wrong key, and to a right one in the other style, and does nothing', async () => {
      await begin();
      const wrong = await api.request('POST', '', { from: FROM, to: '+15550001200' }, 'wrong');
      assert.equal(wrong.status, 401);
      assert.equal(wrong.body.success, false);
      assert.match(wrong.body.message, /API key is missing or wrong/);
      const headers = style === 'appid' ? { authorization: `Bearer ${KEY}` } : {};
      const query = style === 'appid' ? '' : `?appid=${KEY}`;
      for (const [method, path] of [
        ['GET', ''],
        ['POST', ''],
        ['DELETE', `/${NO_CALL}`],
        ['GET', '/no/such/path'],
      ] as const) {
        const other = await fetchJson(`${wavix.url}${api.base}${path}${query}`, method, undefined, headers);
        assert.equal(other.status, 401, `${method} ${path}`);
      }
      assert.equal(wavix.calls.size, 0);
    });

    it('says which fields of a call are missing or wrong', async () => {
      await begin();
      const other = style === 'appid' ? {} : { timeout: -1 };
      const { status, body } = await place({
        from: undefined,
        to: '555-1200',
        [api.callbackField]: 'ftp://x',
        tag: 7,
        max_duration: 'long',
        ...other,
      });
      assert.equal(status, 400);
      assert.equal(body.success, false);
      assert.deepEqual(body.error, {
        from: 'is missing',
        to: 'must be in E.164 form',
        [api.callbackField]: 'must start with http:// or https://',
        tag: 'must be a text',
        max_duration: 'must be a number of seconds, at most a day',
        ...(style === 'bearer' && { timeout: 'must be a number of seconds, at most a day' }),
      });
      for (const name of Object.keys(body.error)) assert.ok(body.message.includes(name));
      for (const to of ['+05550001200', '+1555', '+1555000120012345', '', 15550001200]) {
        assert.equal((await place({ to })).status, 400, String(to));
      }
      assert.equal(wavix.calls.size, 0);
    });

    it('answers 400 to a body that is no JSON object, and 413 to one that is too long', async () => {
      await begin();
      for (const body of ['{', '[]', '7']) {
        const answer = await api.request('POST', '', body);
        assert.deepEqual([answer.status, answer.body.success], [400, false]);
      }
      const long = await place({ tag: 'x'.repeat(200_000) });
      assert.deepEqual([long.status, long.body.success], [413, false]);
    });

    it('lists and reads live calls; an ended one is not there any more', async () => {
      await begin();
      const call_id = await answered({ tag: 'a' });
      const other = (await place({ to: '+15550001203' })).body.uuid;
      const list = await api.request('GET', '');
      assert.equal(list.body.success, true);
      assert.deepEqual(
        list.body.calls.map(({ uuid }) => uuid),
        [call_id, other],
      );
      const one = await api.request('GET', `/${call_id}`);
      assert.equal(one.status, 200);
      assert.equal(one.body.call.event_type, 'answered');
      assert.match(one.body.call.call_answered ?? '', ISO);
      assert.deepEqual((await api.request('DELETE', `/${call_id}`)).body, { success: true });
      assert.equal((await api.request('GET', '')).body.calls.length, 1);
      for (const method of ['GET', 'DELETE']) {
        const gone = await api.request(method, `/${call_id}`);
        assert.deepEqual(
          [gone.status, gone.body],
          [404, { success: false, message: 'There is no such live call.' }],
        );
      }
    });

    it('answers 404 to everything about a call that is not there', async () => {
      await begin();
      const requests: [string, string, object?][] = [
        ['GET', ''],
        ['DELETE', ''],
        ['POST', '/answer', {}],
        ['POST', '/streams', stream()],
        ['DELETE', `/streams/${NO_CALL}`],
        ['POST', '/play', { audio_file: app.callbackUrl }],
        ['DELETE', '/audio'],
        ['POST', '/collect', {}],
      ];
      for (const [method, path, body] of requests) {
        const answer = await api.request(method, `/${NO_CALL}${path}`, body);
        assert.deepEqual(
          [answer.status, answer.body],
          [404, { success: false, message: 'There is no such live call.' }],
          `${method} ${path}`,
        );
      }
      assert.equal((await api.request('GET', `/${NO_CALL}/nothing`)).status, 404);
      assert.equal((await fetchJson(`${wavix.url}/v1/other`, 'GET')).status, 404);
      assert.equal((await api.request('PUT', '', {})).status, 405);
      assert.equal((await fetchJson(`${wavix.url}//`, 'GET')).status, 400);
    });

    it('answers an inbound call once, and only an inbound one', async () => {
      await begin();
      const call = await wavix.call({ from: '+15550003000', to: '+15550002000' });
      const answer = await api.request('POST', `/${call.call_id}/answer`);
      assert.deepEqual([answer.status, answer.body], [200, { success: true }]);
      assert.equal(call.state, 'answered');
      const again = await api.request('POST', `/${call.call_id}/answer`, {});
      assert.equal(again.status, 409);
      assert.match(again.body.message, /answered already/);
      const outbound = (await place({ to: '+15550001203' })).body.uuid;
      const wrong = await api.request('POST', `/${outbound}/answer`, {});
      assert.equal(wrong.status, 409);
      assert.match(wrong.body.message, /Only an inbound call/);
    });

    it('answers an inbound call and streams right away', async () => {
      await begin();
      const call = await wavix.call({ from: '+15550003000', to: '+15550002000' });
      const half = await api.request('POST', `/${call.call_id}/answer`, { stream_url: app.streamUrl });
      assert.equal(half.status, 400);
      assert.deepEqual(half.body.error, { stream_channel: 'is missing', stream_type: 'is missing' });
      assert.notEqual(call.state, 'answered');
      const body = { ...stream(), call_recording: true, call_transcription: false };
      assert.deepEqual((await api.request('POST', `/${call.call_id}/answer`, body)).body, { success: true });
      const [start] = (await app.stream()).of('start');
      assert.equal(start?.call_id, call.call_id);
      assert.equal(call.streams.length, 1);
    });

    it('starts and stops a stream', async () => {
      await begin();
      const call_id = await answered();
      const started = await api.request('POST', `/${call_id}/streams`, stream());
      assert.equal(started.status, 200);
      assert.match(started.body.stream_id, UUID);
      assert.deepEqual(started.body, { success: true, stream_id: started.body.stream_id });
      const connection = await app.stream();
      assert.equal(connection.streamId, started.body.stream_id);
      const path = `/${call_id}/streams/${started.body.stream_id}`;
      assert.deepEqual(await api.request('DELETE', path), { status: 200, body: { success: true } });
      assert.equal(await connection.closed, 1000);
      assert.equal(connection.arrivals.at(-1)?.message.event, 'stop');
      assert.equal((await api.request('DELETE', path)).status, 404);
      assert.equal((await api.request('DELETE', `/${call_id}/streams/${NO_CALL}`)).status, 404);
    });

    it('refuses a stream with a field missing or wrong', async () => {
      await begin();
      const call_id = await answered();
      const cases: [object, Record<string, string>][] = [
        [{}, { stream_channel: 'is missing', stream_type: 'is missing', stream_url: 'is missing' }],
        [stream({ stream_url: 'http://127.0.0.1/' }), { stream_url: 'must start with ws:// or wss://' }],
        [stream({ stream_url: 'wss://' }), { stream_url: 'must start with ws:// or wss://' }],
        [stream({ stream_url: 7 }), { stream_url: 'must start with ws:// or wss://' }],
        [stream({ stream_channel: 'all' }), { stream_channel: 'must be one of inbound, outbound, both' }],
        [stream({ stream_type: 'duplex' }), { stream_type: 'must be one of oneway, twoway' }],
      ];
      for (const [body, error] of cases) {
        const answer = await api.request('POST', `/${call_id}/streams`, body);
        assert.equal(answer.status, 400);
        assert.deepEqual(answer.body.error, error);
      }
      assert.equal(wavix.calls.get(call_id)!.streams.length, 0);
    });

    it('has streams on an answered call only: one twoway and five oneway', async () => {
      await begin();
      const ringing = (await place({ to: '+15550001203' })).body.uuid;
      const early = await api.request('POST', `/${ringing}/streams`, stream());
      assert.equal(early.status, 409);
      assert.match(early.body.message, /not answered/);

      const call_id = await answered();
      const start = (stream_type: string) =>
        api.request('POST', `/${call_id}/streams`, stream({ stream_type }));
      const first = await start('twoway');
      const second = await start('twoway');
      assert.deepEqual([second.status, second.body.success], [409, false]);
      assert.match(second.body.message, /twoway stream already/);
      const oneway = await Promise.all(Array.from({ length: 6 }, () => start('oneway')));
      assert.deepEqual(oneway.map(({ status }) => status).sort(), [200, 200, 200, 200, 200, 409]);
      await api.request('DELETE', `/${call_id}/streams/${first.body.stream_id}`);
      assert.equal((await start('twoway')).status, 200);
    });

    it('hangs up a call that rings: cancelled', async () => {
      await begin();
      const call = wavix.calls.get((await place({ to: '+15550001203' })).body.uuid)!;
      await call.waitFor('ringing');
      await api.request('DELETE', `/${call.call_id}`);
      await call.done;
      assert.deepEqual(app.types(), ['call_setup', 'ringing', 'cancelled']);
    });

    it('plays a WAV file into the call, tells of its start and end, and stops it', async () => {
      await begin();
      const sound = tone(500, 250);
      const file = await serve(writeWav(sound, 24_000));
      try {
        const call_id = await answered();
        const call = wavix.calls.get(call_id)!;
        const play = () => api.request('POST', `/${call_id}/play`, { audio_file: file.url });
        assert.deepEqual(await play(), { status: 200, body: { success: true } });
        await app.havePosts(5);
        const payloads = app.posts.flatMap(({ event }) => event.event_payload ?? []);
        const { playback_id } = payloads[0]!.payload;
        assert.match(playback_id, UUID);
        assert.deepEqual(payloads, [
          { type: 'audio', payload: { status: 'started', playback_id } },
          { type: 'audio', payload: { status: 'completed', playback_id } },
        ]);
        const heard = call.heard();
        const at = heard.indexOf(sound.subarray(2));
        assert.ok(at > 0 && heard.subarray(0, at - 2).equals(Buffer.alloc(at - 2)));
        await play();
        assert.deepEqual((await api.request('DELETE', `/${call_id}/audio`)).body, { success: true });
        await app.havePosts(7);
        const [started, completed] = call.events.slice(-2);
        assert.ok(completed!.at - started!.at < 200, 'it was stopped before its end');
        const wrong = await api.request('POST', `/${call_id}/play`, { audio_file: `${file.url}/missing` });
        assert.equal(wrong.status, 400);
        assert.match(wrong.body.error.audio_file ?? '', /not a WAV/);
        assert.equal((await api.request('POST', `/${call_id}/play`, {})).body.error.audio_file, 'is missing');
      } finally {
        await file.close();
      }
    });

    it('says honestly what it does not do', async () => {
      await begin();
      const call_id = await answered();
      const missing = style === 'appid' ? ['collect'] : ['collect', 'tts', 'transfer'];
      for (const what of missing) {
        const { status, body } = await api.request('POST', `/${call_id}/${what}`, {});
        assert.deepEqual([status, body.success], [501, false], what);
        assert.match(body.message, /The local Wavix does not do this/);
      }
    });

    if (style === 'appid') {
      it('stops a stream at the path that the guide has', async () => {
        await begin();
        const call_id = await answered();
        const { body } = await api.request('POST', `/${call_id}/streams`, stream());
        const connection = await app.stream();
        const path = `/answer/${call_id}/streams/${body.stream_id}`;
        assert.deepEqual(await api.request('DELETE', path), { status: 200, body: { success: true } });
        assert.equal(await connection.closed, 1000);
        assert.equal((await api.request('DELETE', path)).status, 404);
      });

      it('can leave the guide’s stop path out, so that only the plain one works', async () => {
        await begin({ guideStopPath: false });
        const call_id = await answered();
        const { body } = await api.request('POST', `/${call_id}/streams`, stream());
        const guide = await api.request('DELETE', `/answer/${call_id}/streams/${body.stream_id}`);
        assert.equal(guide.status, 404);
        assert.equal((await api.request('DELETE', `/${call_id}/streams/${body.stream_id}`)).status, 200);
      });

      it('has no tag to set', async () => {
        await begin();
        assert.equal((await api.request('PATCH', `/${await answered()}`, { tag: 'x' })).status, 405);
      });
    } else {
      it('sets the tag, which the next events carry', async () => {
        await begin();
        const call_id = await answered({ tag: 'before' });
        assert.deepEqual(await api.request('PATCH', `/${call_id}`, { tag: 'after' }), {
          status: 200,
          body: { success: true },
        });
        assert.equal((await api.request('PATCH', `/${call_id}`, {})).status, 400);
        await api.request('DELETE', `/${call_id}`);
        await wavix.calls.get(call_id)!.done;
        assert.deepEqual(
          app.posts.map(({ event }) => [event.event_type, event.tag]),
          [
            ['call_setup', 'before'],
            ['ringing', 'before'],
            ['answered', 'before'],
            ['completed', 'after'],
          ],
        );
      });

      it('does not stop streams at the guide’s odd path', async () => {
        await begin();
        const call_id = await answered();
        const { body } = await api.request('POST', `/${call_id}/streams`, stream());
        const odd = await api.request('DELETE', `/answer/${call_id}/streams/${body.stream_id}`);
        assert.equal(odd.status, 404);
      });

      it('rings no longer than timeout says', async () => {
        await begin();
        const placed = performance.now();
        const call = wavix.calls.get((await place({ to: '+15550001203', timeout: 0.2 })).body.uuid)!;
        await call.done;
        assert.deepEqual(app.types(), ['call_setup', 'ringing', 'cancelled']);
        const took = performance.now() - placed;
        assert.ok(took >= 200 && took < 200 + BUSY_MS, `${took} ms`);
      });
    }

    it('ends the call after max_duration', async () => {
      await begin();
      const call = wavix.calls.get(await answered({ max_duration: 0.2 }))!;
      await call.done;
      assert.deepEqual(app.types(), ['call_setup', 'ringing', 'answered', 'completed']);
      assert.ok(call.answeredMs >= 199 && call.answeredMs < 200 + BUSY_MS, `${call.answeredMs} ms`);
      assert.equal(call.heard().length, silence(call.answeredMs).length);
    });
  });
}

async function serve(bytes: Buffer): Promise<{ url: string; close: () => Promise<void> }> {
  const { createServer } = await import('node:http');
  const server = createServer((request, response) =>
    response.writeHead(request.url === '/a.wav' ? 200 : 404).end(bytes),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}/a.wav`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
