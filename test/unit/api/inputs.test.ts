/** What is refused before Wavix is asked. */
import assert from 'node:assert/strict';
import { WavixApi, type AnswerBody, type ApiSettings, type StreamParams } from '../../../lib/api/client';
import { A_CALL, A_STREAM, assertNoSecret, failure, json, KEY, Room } from './support';

describe('WavixApi: settings', () => {
  const GOOD: ApiSettings = { apiUrl: 'https://api.wavix.com', apiStyle: 'appid', apiKey: KEY };

  for (const [what, wrong] of Object.entries<Record<string, unknown>>({
    'an empty apiUrl': { apiUrl: '' },
    'an apiUrl that is none': { apiUrl: 'api.wavix.com' },
    'an apiUrl with a variable left in it': { apiUrl: 'https://${HOST}' },
    'an apiUrl of another kind': { apiUrl: 'ftp://api.wavix.com' },
    'an apiUrl that is no text': { apiUrl: 8787 },
    'a user name in apiUrl': { apiUrl: 'https://me@api.wavix.com' },
    'a password in apiUrl': { apiUrl: `https://me:${encodeURIComponent(KEY)}@api.wavix.com` },
    'a query in apiUrl': { apiUrl: `https://api.wavix.com/?appid=${encodeURIComponent(KEY)}` },
    'a # in apiUrl': { apiUrl: 'https://api.wavix.com/#v1' },
    'an unknown apiStyle': { apiStyle: 'basic' },
    'no apiKey': { apiKey: undefined },
    'an empty apiKey': { apiKey: ' ' },
    'an apiKey that would end the header': { apiKey: `${KEY}\r\nX-Other: 1` },
    'an apiKey of other letters': { apiKey: `${KEY}ü` },
    'no time': { timeoutMs: 0 },
  })) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => new WavixApi({ ...GOOD, ...wrong }),
        (error: Error & { code?: string }) => {
          assert.equal(error.code, 'WAVIX_CONFIG');
          assertNoSecret(error);
          return true;
        },
      );
    });
  }

  it('shows nothing of the key when it is inspected or written as JSON', () => {
    assertNoSecret(new WavixApi(GOOD));
  });
});

describe('WavixApi: inputs', () => {
  const room = new Room();
  afterEach(() => room.leave());

  const wrongIds: unknown[] = ['', '  ', '.', '..', undefined, null, 7, {}, '\ud800', 'x'.repeat(257)];
  const refused: Record<string, (api: WavixApi) => Promise<unknown>> = {};
  for (const [index, id] of wrongIds.entries()) {
    const callId = id as string;
    Object.assign(refused, {
      [`hangUp, call_id ${index}`]: (api: WavixApi) => api.hangUp(callId),
      [`answerCall, call_id ${index}`]: (api: WavixApi) => api.answerCall(callId),
      [`startStream, call_id ${index}`]: (api: WavixApi) => api.startStream(callId, A_STREAM),
      [`stopStream, call_id ${index}`]: (api: WavixApi) => api.stopStream(callId, 's'),
      [`stopStream, stream_id ${index}`]: (api: WavixApi) => api.stopStream('c', callId),
      [`getCall, call_id ${index}`]: (api: WavixApi) => api.getCall(callId),
    });
  }
  for (const from of ['', ' ', undefined, null, 15550001111]) {
    refused[`placeCall, from ${String(from)}`] = (api) => api.placeCall({ ...A_CALL, from: from as string });
  }
  for (const to of [
    '',
    '+',
    '0015550002222',
    '1555-CALL-ME',
    '+1555000222233344',
    KEY,
    undefined,
    15550002222,
  ]) {
    refused[`placeCall, to ${String(to)}`] = (api) => api.placeCall({ ...A_CALL, to: to as string });
  }
  const circular: Record<string, unknown> = {};
  circular.self = circular;
  for (const [index, options] of ['text', [1], circular, { n: 1n }].entries()) {
    refused[`placeCall, options ${index}`] = (api) =>
      api.placeCall({ ...A_CALL, options: options as Record<string, unknown> });
  }
  for (const [index, wrong] of [
    { stream_url: undefined },
    { stream_url: '' },
    { stream_url: 'https://me.example' },
    { stream_url: 'wss://' },
    { stream_type: 'both' },
    { stream_type: undefined },
    { stream_channel: 'left' },
    { stream_channel: undefined },
  ].entries()) {
    refused[`startStream, stream ${index}`] = (api) =>
      api.startStream('c', { ...A_STREAM, ...wrong } as StreamParams);
  }
  for (const [index, wrong] of [{ stream_url: 'me' }, { stream_type: 1 }, { stream_channel: '' }].entries()) {
    refused[`answerCall, body ${index}`] = (api) => api.answerCall('c', wrong as unknown as AnswerBody);
  }

  for (const [what, ask] of Object.entries(refused)) {
    it(`refuses ${what.replace(KEY, 'the key')}`, async () => {
      const server = await room.server(json(200, { uuid: 'c', stream_id: 's' }));
      await failure(ask(room.api(server)), 'WAVIX_INPUT');
      assert.equal(server.connections, 0);
    });
  }

  it('says that publicUrl is to blame for an address no event can be posted to', async () => {
    const server = await room.server(json(200, {}));
    const error = await failure(
      room.api(server).placeCall({ ...A_CALL, callbackUrl: '/wavix/events/t0k' }),
      'WAVIX_CONFIG',
    );
    assert.match(error.message, /public address/);
    assert.equal(server.connections, 0);
  });
});
