import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { decodeWav, tone } from '../../../lib/audio';
import { describe as line, LocalWavix, type CallSummary, type LocalWavixEvent } from '../../../simulator';
import { Application, clientsOf, fetchJson, KEY, type ApiAnswer } from './application';

describe('control endpoints', () => {
  let wavix: LocalWavix;
  let app: Application;
  let log: LocalWavixEvent[];

  beforeEach(async () => {
    app = new Application();
    await app.start();
    log = [];
    wavix = new LocalWavix({ apiKey: KEY, defaults: { ringMs: 0 }, log: (event) => log.push(event) });
    await wavix.start();
  });

  afterEach(async () => {
    await wavix.stop();
    await app.stop();
  });

  const local = (method: string, path: string, body?: object): Promise<ApiAnswer> =>
    fetchJson(`${wavix.url}/local${path}`, method, body);

  /** The status of a GET as a client that names that host. */
  const statusAs = async (host: string, path: string): Promise<number> => {
    const request = http.get(`${wavix.url}${path}`, { headers: { host } });
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    response.resume();
    return response.statusCode ?? 0;
  };

  const wav = async (path: string): Promise<Buffer> => {
    const response = await fetch(`${wavix.url}/local${path}`);
    assert.equal(response.headers.get('content-type'), 'audio/wav');
    return decodeWav(Buffer.from(await response.arrayBuffer()));
  };

  it('assign a webhook, place an inbound call, speak, hang up, and give what was heard', async () => {
    const set = await local('PUT', '/numbers/+15550002000', { callback_url: app.callbackUrl });
    assert.deepEqual(set, { status: 200, body: { success: true } });
    const from = '+15550003000';
    const placed = await local('POST', '/calls', {
      from,
      to: '+15550002000',
      speech: { tone: 500, ms: 40 },
      speechAfterMs: 0,
    });
    assert.equal(placed.status, 201);
    const { call_id } = placed.body;
    const setup = await app.event('call_setup');
    assert.deepEqual([setup.uuid, setup.direction, setup.from], [call_id, 'inbound', from]);
    assert.equal(
      (await local('POST', `/calls/${call_id}/say`, { speech: { tone: 300, ms: 20 } })).status,
      409,
    );
    await clientsOf(wavix.url).appid.request('POST', `/${call_id}/answer`, {
      stream_channel: 'inbound',
      stream_type: 'twoway',
      stream_url: app.streamUrl,
    });
    const connection = await app.stream();
    connection.sendAudio(tone(440, 60));
    connection.sendMark('heard');
    await connection.have('mark');
    assert.equal(
      (await local('POST', `/calls/${call_id}/say`, { speech: { tone: 700, ms: 40 } })).status,
      200,
    );
    await connection.have('media', connection.of('media').length + 5);
    assert.equal((await local('DELETE', `/calls/${call_id}`)).status, 200);
    const call = wavix.calls.get(call_id)!;
    await call.done;

    const heard = await wav(`/calls/${call_id}/heard.wav`);
    assert.ok(heard.equals(call.heard()) && heard.includes(tone(440, 60).subarray(2)));
    const said = await wav(`/calls/${call_id}/said.wav`);
    assert.ok(said.includes(tone(500, 40).subarray(2)) && said.includes(tone(700, 40).subarray(2)));

    const summary = (await local('GET', `/calls/${call_id}`)).body as unknown as CallSummary;
    assert.deepEqual(summary.events, ['call_setup', 'ringing', 'answered', 'completed']);
    assert.equal(summary.state, 'ended');
    const [stream] = summary.streams;
    assert.deepEqual(
      [stream?.media_received, stream?.marks_received, stream?.marks_sent, stream?.end],
      [1, 1, 1, 'call ended'],
    );
    const all = (await local('GET', '/calls')).body.calls as unknown as CallSummary[];
    assert.deepEqual(
      all.map((one) => one.call_id),
      [call_id],
    );
  });

  it('set what a number does', async () => {
    await local('PUT', '/numbers/15550001200', { behaviour: 'busy', ringMs: 1, speech: { silence: 5 } });
    await local('PUT', '/numbers/*', { callback_url: app.callbackUrl });
    const { body } = await local('GET', '/numbers');
    assert.deepEqual(body, {
      numbers: { '+15550001200': { behaviour: 'busy', ringMs: 1, speaks: true, replies: 0 } },
      webhooks: { '*': `http://${app.host}/wavix/events/…` },
    });
    const placed = await clientsOf(wavix.url).appid.request('POST', '', {
      ...{ from: '+15550009999', to: '+15550001200', status_callback: app.callbackUrl },
    });
    await wavix.calls.get(placed.body.uuid)!.done;
    assert.deepEqual(app.types(), ['call_setup', 'busy']);
  });

  it('say what is wrong', async () => {
    const call = { from: '+15550003000', to: '+15550002000' };
    const cases: [string, string, object, number, RegExp][] = [
      ['POST', '/calls', call, 400, /No webhook is assigned/],
      ['POST', '/calls', {}, 400, /E\.164/],
      ['POST', '/calls', { ...call, loudness: 1 }, 400, /see loudness/],
      ['PUT', '/numbers/%zz', { behaviour: 'busy' }, 404, /nothing at this path/],
      ['PUT', '/numbers/12', { behaviour: 'busy' }, 400, /not set/],
      ['PUT', '/numbers/*', { behaviour: 'busy' }, 400, /not set/],
      ['PUT', '/numbers/+15550001200', { behaviour: 'sings' }, 400, /see behaviour/],
      ['PUT', '/numbers/+15550001200', { callback_url: 'x' }, 400, /not set/],
      ['PUT', '/numbers/+15550001200', { speech: '/no/such.wav' }, 400, /no such file/],
      ['PUT', '/numbers/+15550001200', { speech: { tone: 'high' } }, 400, /see speech/],
      ['PUT', '/numbers/+15550001200', { replies: [{ silence: -1 }] }, 400, /see replies/],
      ['GET', '/calls/none', {}, 404, /no such call/],
      ['POST', '/nothing', {}, 404, /nothing at this path/],
    ];
    for (const [method, path, body, status, message] of cases) {
      const answer = await local(method, path, method === 'GET' ? undefined : body);
      assert.equal(answer.status, status, `${method} ${path}`);
      assert.equal(answer.body.success, false);
      assert.match(answer.body.message, message);
    }
    assert.equal(wavix.calls.size, 0);
  });

  it('are not for web pages', async () => {
    const answer = await fetchJson(`${wavix.url}/local/calls`, 'GET', undefined, {
      origin: 'http://example.com',
    });
    assert.equal(answer.status, 403);
    // One that a stranger's name server has led to this machine names its own host.
    assert.equal(await statusAs('rebound.example:8787', '/local/calls'), 403);
    const { port } = wavix;
    for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`])
      assert.equal(await statusAs(host, '/local/calls'), 200, host);
  });

  it('let a person listen in a browser, and jump to any place', async () => {
    wavix.assignWebhook('*', app.callbackUrl);
    const { call_id, phone, done } = await wavix.call({
      ...{ from: '+15550003000', to: '+15550002000', speech: [tone(300, 40), { silence: 20 }] },
      speechAfterMs: 0,
    });
    await clientsOf(wavix.url).appid.request('POST', `/${call_id}/answer`, {
      ...{ stream_channel: 'inbound', stream_type: 'twoway', stream_url: app.streamUrl },
    });
    const connection = await app.stream();
    connection.sendAudio(tone(440, 60));
    connection.sendMark('heard');
    await connection.have('mark');
    phone.hangUp();
    await done;
    const get = (file: string, headers: Record<string, string> = {}, method = 'GET') =>
      fetch(`${wavix.url}/local/calls/${call_id}/${file}`, { method, headers });
    const bytesOf = async (response: Response) => Buffer.from(await response.arrayBuffer());

    const both = await bytesOf(await get('call.wav'));
    const [said, heard] = await Promise.all(
      ['said.wav', 'heard.wav'].map(async (file) => decodeWav(await bytesOf(await get(file)))),
    );
    assert.equal(both.length, 44 + said!.length + heard!.length);
    for (let at = 0; at < said!.length; at += 2) {
      const sides = [both.readInt16LE(44 + at * 2), both.readInt16LE(46 + at * 2)];
      assert.deepEqual(sides, [said!.readInt16LE(at), heard!.readInt16LE(at)]);
    }
    assert.ok(
      said!.includes(tone(300, 40).subarray(2)) && heard!.includes(tone(440, 60).subarray(2)),
      'both',
    );

    const whole = await get('heard.wav', {}, 'HEAD');
    assert.equal(whole.headers.get('content-length'), String(heard!.length + 44));
    assert.equal((await bytesOf(whole)).length, 0);
    const file = await bytesOf(await get('heard.wav'));
    for (const [range, from, end] of [
      ['bytes=0-43', 0, 44],
      ['bytes=100-', 100, file.length],
      ['bytes=-10', file.length - 10, file.length],
      ['bytes=10-9999999', 10, file.length],
    ] as const) {
      const part = await get('heard.wav', { range });
      assert.equal(part.status, 206, range);
      assert.equal(part.headers.get('content-range'), `bytes ${from}-${end - 1}/${file.length}`);
      assert.ok((await bytesOf(part)).equals(file.subarray(from, end)), range);
    }
    for (const range of [
      'bytes=-',
      'bytes=9999999-',
      'bytes=5-4',
      'bytes=0-1,3-4',
      'chunks=1-2',
      'bytes=0-',
    ]) {
      const all = await get('heard.wav', { range });
      assert.equal(all.status, 200, range);
      assert.ok((await bytesOf(all)).equals(file), range);
    }
  });

  it('need the key on an address that is not loopback', async () => {
    const open = new LocalWavix({ apiKey: KEY, host: '0.0.0.0' });
    await open.start();
    try {
      assert.match(open.url, /^http:\/\/127\.0\.0\.1:\d+$/);
      assert.equal((await fetchJson(`${open.url}/local/calls`, 'GET')).status, 401);
      const key = { authorization: `Bearer ${KEY}` };
      assert.equal((await fetchJson(`${open.url}/local/calls`, 'GET', undefined, key)).status, 200);
    } finally {
      await open.stop();
    }
  });

  it('leave each step in the log, in words, without a key or token', async () => {
    wavix.assignWebhook('*', app.callbackUrl);
    const call = await wavix.call({
      from: '+15550003000',
      to: '+15550002000',
      speech: { tone: 440, ms: 20 },
    });
    await clientsOf(wavix.url).appid.request('POST', `/${call.call_id}/answer`, {
      stream_channel: 'inbound',
      stream_type: 'twoway',
      stream_url: app.streamUrl,
    });
    const connection = await app.stream();
    connection.sendAudio(tone(440, 40));
    connection.sendMark('m');
    await connection.have('mark');
    connection.sendAudio(tone(440, 1_000));
    connection.sendMark('n');
    connection.sendClear();
    await connection.have('mark', 2);
    await clientsOf(wavix.url).appid.request('DELETE', `/${call.call_id}`);
    await call.done;
    const id = call.call_id;
    const lines = log.map(line).map((text) => text.replaceAll(id, 'ID').replace(`[${id.slice(0, 8)}] `, ''));
    const stream = `ws://${app.host}/wavix/streams/…`;
    for (const expected of [
      'inbound call from +15550003000 to +15550002000',
      `event call_setup → http://${app.host}/wavix/events/…: 200`,
      'POST /v1/call/ID/answer → 200',
      'the phone is off the hook',
      `stream connected ${stream}`,
      `stream first-audio ${stream}`,
      'mark "m" received',
      'mark "m" played',
      'mark "n" cleared',
      'DELETE /v1/call/ID → 200',
      'completed, by the application',
      `stream ended ${stream}: call ended`,
    ]) {
      assert.ok(lines.includes(expected), `${expected}\nis not in\n${lines.join('\n')}`);
    }
    assert.ok(lines.some((text) => /^clear: \d+ ms dropped$/.test(text)));
    const all = JSON.stringify(log) + lines.join();
    assert.ok(!all.includes(KEY) && !all.includes('tokenstreamtoken') && !all.includes('tokeneventtoken'));
    const times = log.map(({ at }) => at);
    assert.deepEqual(
      times,
      [...times].sort((a, b) => a - b),
    );
  });
});
