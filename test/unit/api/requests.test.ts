/** What is sent for each operation, in both styles, to the byte. */
import assert from 'node:assert/strict';
import type { WavixApi } from '../../../lib/api/client';
import { A_CALL, A_STREAM, json, KEY, KEY_IN_URL, Room, SUCCESS, text } from './support';

const CALL_BODY = '{"from":"+15550001111","to":"+15550002222","X":"https://me.example/wavix/events/t0k"}';
const STREAM_BODY =
  '{"stream_channel":"inbound","stream_type":"twoway","stream_url":"wss://me.example/wavix/streams/t0k"}';

interface Row {
  name: string;
  ask: (api: WavixApi) => Promise<unknown>;
  /** Method and path in either style. */
  appid: string;
  bearer: string;
  body?: Record<'appid' | 'bearer', string>;
}

/** Puts variables of the environment back, or takes them away. */
function restore(variables: Record<string, string | undefined>): void {
  for (const [name, value] of Object.entries(variables)) {
    if (value === undefined) Reflect.deleteProperty(process.env, name);
    else process.env[name] = value;
  }
}

const same = (body: string): Record<'appid' | 'bearer', string> => ({ appid: body, bearer: body });

const ROWS: Row[] = [
  {
    name: 'placeCall',
    ask: (api) => api.placeCall(A_CALL),
    appid: 'POST /v1/call',
    bearer: 'POST /v1/calls',
    body: {
      appid: CALL_BODY.replace('X', 'status_callback'),
      bearer: CALL_BODY.replace('X', 'callback_url'),
    },
  },
  {
    name: 'answerCall',
    ask: (api) => api.answerCall('c-1'),
    appid: 'POST /v1/call/c-1/answer',
    bearer: 'POST /v1/calls/c-1/answer',
  },
  {
    name: 'answerCall with a stream',
    ask: (api) => api.answerCall('c-1', { ...A_STREAM, call_recording: true }),
    appid: 'POST /v1/call/c-1/answer',
    bearer: 'POST /v1/calls/c-1/answer',
    body: same(STREAM_BODY.replace('}', ',"call_recording":true}')),
  },
  {
    name: 'startStream',
    ask: (api) => api.startStream('c-1', A_STREAM),
    appid: 'POST /v1/call/c-1/streams',
    bearer: 'POST /v1/calls/c-1/streams',
    body: same(STREAM_BODY),
  },
  {
    name: 'stopStream',
    ask: (api) => api.stopStream('c-1', 's-1'),
    appid: 'DELETE /v1/call/answer/c-1/streams/s-1',
    bearer: 'DELETE /v1/calls/c-1/streams/s-1',
  },
  {
    name: 'hangUp',
    ask: (api) => api.hangUp('c-1'),
    appid: 'DELETE /v1/call/c-1',
    bearer: 'DELETE /v1/calls/c-1',
  },
  {
    name: 'getCall',
    ask: (api) => api.getCall('c-1'),
    appid: 'GET /v1/call/c-1',
    bearer: 'GET /v1/calls/c-1',
  },
  {
    name: 'checkKey',
    ask: (api) => api.checkKey(),
    appid: 'GET /v1/call',
    bearer: 'GET /v1/calls',
  },
];

describe('WavixApi: requests', () => {
  const room = new Room();
  afterEach(() => room.leave());
  const answer = json(200, { success: true, uuid: 'c-1', stream_id: 's-1' });

  for (const style of ['appid', 'bearer'] as const) {
    for (const row of ROWS) {
      it(`${style}: ${row.name} sends ${row[style]}`, async () => {
        const server = await room.server(answer);
        await row.ask(room.api(server, { apiStyle: style }));

        const [request, ...others] = server.requests;
        assert.ok(request);
        assert.deepEqual(others, []);
        const query = style === 'appid' ? `?appid=${KEY_IN_URL}` : '';
        assert.equal(request.line, `${row[style]}${query} HTTP/1.1`);
        const body = row.body?.[style] ?? '';
        assert.equal(request.body, body);
        // Which compressions axios knows is axios's own affair.
        delete request.headers['accept-encoding'];
        assert.deepEqual(request.headers, {
          accept: 'application/json',
          connection: 'keep-alive',
          host: server.host,
          'user-agent': 'node-red-wavix',
          ...(style === 'bearer' ? { authorization: `Bearer ${KEY}` } : {}),
          ...(row.body ? { 'content-type': 'application/json' } : {}),
          ...(row[style].startsWith('POST') ? { 'content-length': String(body.length) } : {}),
        });
      });
    }
  }

  it('keeps the base path of apiUrl, with or without a slash at its end', async () => {
    const server = await room.server(SUCCESS);
    for (const path of ['/wavix/api', '/wavix/api/', '/wavix/api//']) {
      await room.api(server, { apiUrl: `http://${server.host}${path}`, apiStyle: 'bearer' }).hangUp('c');
    }
    assert.deepEqual(
      server.requests.map(({ line }) => line),
      Array<string>(3).fill('DELETE /wavix/api/v1/calls/c HTTP/1.1'),
    );
  });

  it('encodes ids, so that none can name another path', async () => {
    const server = await room.server(SUCCESS);
    await room.api(server, { apiStyle: 'bearer' }).stopStream('../a b?c', '%2e%2e/ü#');
    assert.equal(
      server.requests[0]?.line,
      'DELETE /v1/calls/..%2Fa%20b%3Fc/streams/%252e%252e%2F%C3%BC%23 HTTP/1.1',
    );
  });

  it('sends options as further fields, which replace none of its own', async () => {
    const server = await room.server(answer);
    const options = JSON.parse(
      '{"machine_detection":true,"tag":"ü","from":"x","to":"x","status_callback":"x","callback_url":"x","__proto__":{"a":1}}',
    ) as Record<string, unknown>;
    await room.api(server).placeCall({ ...A_CALL, options });
    assert.equal(
      server.requests[0]?.body,
      '{"from":"+15550001111","to":"+15550002222","status_callback":"https://me.example/wavix/events/t0k",' +
        '"machine_detection":true,"tag":"ü","__proto__":{"a":1}}',
    );
    assert.equal('callback_url' in options, true, "the flow's object is left as it was");
  });

  it('takes spaces, dashes and brackets out of the number', async () => {
    const server = await room.server(answer);
    const api = room.api(server);
    for (const to of ['+1 (555) 000-2222', '1-555-000-2222', ' [1] 5550002222\n']) {
      await api.placeCall({ ...A_CALL, to });
    }
    assert.deepEqual(
      server.requests.map(({ body }) => (JSON.parse(body) as { to: string }).to),
      ['+15550002222', '15550002222', '15550002222'],
    );
  });

  it('takes the spaces off a key that was pasted with them', async () => {
    const server = await room.server(SUCCESS);
    await room.api(server, { apiKey: ` ${KEY}\n`, apiStyle: 'bearer' }).checkKey();
    assert.equal(server.requests[0]?.headers.authorization, `Bearer ${KEY}`);
  });

  it('goes on over the connection it has', async () => {
    const server = await room.server(SUCCESS);
    const api = room.api(server);
    for (let i = 0; i < 3; i++) await api.hangUp('c');
    assert.equal(server.connections, 1);
  });

  it('goes through the proxy that the environment names', async () => {
    const proxy = await room.server(SUCCESS);
    const { http_proxy, no_proxy } = process.env;
    Object.assign(process.env, { http_proxy: `http://${proxy.host}`, no_proxy: '' });
    try {
      await room.api({ host: 'wavix.test' }, { apiStyle: 'bearer' }).hangUp('c');
    } finally {
      restore({ http_proxy, no_proxy });
    }
    assert.equal(proxy.requests[0]?.line, 'DELETE http://wavix.test/v1/calls/c HTTP/1.1');
  });

  describe('answers', () => {
    for (const [where, body] of Object.entries({
      uuid: { uuid: 'c-9' },
      call_id: { call_id: 'c-9' },
      id: { id: 'c-9' },
      'data.uuid': { success: true, id: 'delivery', data: { uuid: 'c-9' } },
      'call.id': { success: true, call: { id: 'c-9' } },
    })) {
      it(`finds the call's id as ${where}`, async () => {
        const server = await room.server(json(200, body));
        assert.deepEqual(await room.api(server).placeCall(A_CALL), { callId: 'c-9', answer: body });
      });
    }

    it("finds the stream's id", async () => {
      const server = await room.server(
        json(200, { success: true, stream_id: 's-9' }),
        json(201, { data: { stream_id: 's-8' } }),
      );
      const api = room.api(server);
      assert.equal((await api.startStream('c', A_STREAM)).streamId, 's-9');
      assert.equal((await api.startStream('c', A_STREAM)).streamId, 's-8');
    });

    it('takes the key and tokens out of what it hands on, and leaves the rest as it came', async () => {
      const echo = {
        uuid: 'c-9',
        tag: `of ${KEY}`,
        callback_url: 'https://me.example/wavix/events/t0k',
        call_started: null,
        machine_detected: false,
        n: 1.5,
      };
      const server = await room.server(json(200, echo));
      assert.deepEqual((await room.api(server).placeCall(A_CALL)).answer, {
        ...echo,
        tag: 'of ***',
        callback_url: 'https://me.example/wavix/events/***',
      });
    });

    it('takes an empty answer to a hang-up, and a list of calls', async () => {
      const server = await room.server(
        (socket) => socket.write('HTTP/1.1 204 No Content\r\n\r\n'),
        json(200, [{ uuid: 'c' }]),
        text(200, '\ufeff{"success":true}'),
      );
      const api = room.api(server);
      assert.deepEqual(await api.hangUp('c'), {});
      await api.checkKey();
      assert.deepEqual(await api.hangUp('c'), { success: true });
    });
  });

  describe("stopStream in the guide's style", () => {
    const missing = json(404, { success: false, message: 'Not found' });

    it('tries the plain path once where the one of the guide is not found', async () => {
      const server = await room.server(missing, SUCCESS);
      assert.deepEqual(await room.api(server).stopStream('c', 's'), { success: true });
      assert.deepEqual(
        server.requests.map(({ line }) => line.split('?')[0]),
        ['DELETE /v1/call/answer/c/streams/s', 'DELETE /v1/call/c/streams/s'],
      );
    });

    it('reports the 404 when that is not found either', async () => {
      const server = await room.server(missing);
      await assert.rejects(room.api(server).stopStream('c', 's'), { code: 'WAVIX_API', status: 404 });
      assert.equal(server.requests.length, 2);
    });

    it('tries no other path for any other failure, nor in the other style', async () => {
      const server = await room.server(json(403, {}), missing);
      await assert.rejects(room.api(server).stopStream('c', 's'), { status: 403 });
      await assert.rejects(room.api(server, { apiStyle: 'bearer' }).stopStream('c', 's'), { status: 404 });
      assert.equal(server.requests.length, 2);
    });
  });
});
