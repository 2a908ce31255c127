import assert from 'node:assert/strict';
import { tone, writeWav } from '../../../lib/audio';
import type { StreamChannel, StreamType } from '../../../lib/streams/wire';
import {
  LocalWavix,
  type Call,
  type LocalWavixOptions,
  type MediaStream,
  type NumberPlan,
} from '../../../simulator';
import { Application, BUSY_MS, clientsOf, FROM, KEY, type Connection } from './application';

const TO = '+15550001200';

describe('media streams', () => {
  let wavix: LocalWavix;
  let app: Application;

  async function begin(plan: NumberPlan = {}, options: LocalWavixOptions = {}): Promise<Call> {
    app = new Application();
    await app.start();
    const quick = { ringMs: 0, answerAfterMs: 0, speechAfterMs: 0, ...plan };
    wavix = new LocalWavix({ apiKey: KEY, numbers: { [TO]: quick }, ...options });
    await wavix.start();
    const { body } = await clientsOf(wavix.url).appid.request('POST', '', { from: FROM, to: TO });
    const call = wavix.calls.get(body.uuid)!;
    await call.waitFor('answered');
    return call;
  }

  afterEach(async () => {
    await wavix.stop();
    await app.stop();
  });

  async function open(
    call: Call,
    stream_type: StreamType = 'twoway',
    stream_channel: StreamChannel = 'inbound',
  ): Promise<{ connection: Connection; stream: MediaStream }> {
    const index = call.streams.length;
    const body = { stream_channel, stream_type, stream_url: app.streamUrl };
    const answer = await clientsOf(wavix.url).appid.request('POST', `/${call.call_id}/streams`, body);
    assert.equal(answer.status, 200);
    const stream = await call.waitForStream(index);
    const connection = await app.stream(index);
    return { connection, stream };
  }

  it('says connected, start, media, stop, each with what the guide gives it, in order', async () => {
    const call = await begin();
    const { connection, stream } = await open(call);
    await connection.have('media', 3);
    call.phone.hangUp();
    assert.equal(await connection.closed, 1000);
    const { stream_id } = stream;
    const { call_id } = call;
    const messages = connection.arrivals.map(({ text }) => JSON.parse(text) as Record<string, unknown>);
    for (const message of messages) {
      assert.match(String(message.event_time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      delete message.event_time;
    }
    const [connected, start, first] = messages;
    const payload = Buffer.alloc(960).toString('base64');
    assert.deepEqual(connected, { event: 'connected' });
    assert.deepEqual(start, {
      event: 'start',
      call_id,
      stream_id,
      stream_type: 'twoway',
      channel: 'inbound',
      sequence_number: 1,
    });
    assert.deepEqual(first, {
      event: 'media',
      call_id,
      stream_id,
      sequence_number: 2,
      media: { payload, track: 'inbound', timestamp: 0, chunk: 1 },
    });
    assert.deepEqual(messages.at(-1), {
      event: 'stop',
      call_id,
      stream_id,
      sequence_number: messages.length - 1,
    });
    assert.equal(connection.path, '/wavix/streams/streamtokenstreamtoken');
  });

  it('sends 50 frames a second, in time and without drift, though the event loop is held', async () => {
    const call = await begin({ speech: { tone: 440 } });
    const { connection, stream } = await open(call);
    await connection.have('media', 40);
    const held = performance.now();
    while (performance.now() - held < 70); // a blocked loop: three deadlines pass
    await connection.have('media', 100);
    const media = connection.of('media');
    assert.deepEqual(
      media.map((message) => [message.sequence_number, message.media.chunk, message.media.timestamp]),
      media.map((_, index) => [index + 2, index + 1, index * 20]),
    );
    const { startedAt } = stream.facts;
    const late = connection.times('media').map((at, index) => at - startedAt! - (index + 1) * 20);
    assert.ok(Math.min(...late) > -1, `a frame came ${-Math.min(...late)} ms early`);
    assert.ok(Math.max(...late.slice(40, 50)) > 30, 'the loop was held');
    // A busy machine makes some frames late; a drift, or frames not made up for, would make all of them late.
    const [before, after] = [Math.min(...late.slice(20, 40)), Math.min(...late.slice(-20))];
    assert.ok(before < 10 && after < 10, `${before} ms late before the loop was held, ${after} ms after`);
  });

  it('streams what the phone says, sample by sample, with silence around it', async () => {
    const speech = tone(440, 200);
    const call = await begin({ speech: writeWav(speech, 24_000), speechAfterMs: 500 });
    const { connection, stream } = await open(call);
    const wasStreamed = () => connection.pcm('inbound').includes(speech.subarray(2));
    for (let frames = 40; !wasStreamed(); frames += 5) await connection.have('media', frames);
    call.phone.hangUp();
    await connection.closed;
    const got = connection.pcm('inbound');
    const at = got.indexOf(speech.subarray(2, 200)) - 2;
    assert.ok(at > 0);
    assert.ok(got.subarray(at, at + speech.length).equals(speech));
    assert.ok(got.subarray(0, at).equals(Buffer.alloc(at)));
    assert.ok(got.subarray(at + speech.length).every((byte) => byte === 0));
    assert.ok(stream.streamed().equals(got));
    // Both count from the answer: the speech begins 500 ms after it.
    const said = call.said().indexOf(speech.subarray(2, 200)) - 2;
    assert.ok(said / 48 >= 500 && said / 48 < 500 + BUSY_MS, `${said / 48} ms`);
    assert.equal(call.heard().equals(Buffer.alloc(call.heard().length)), true);
  });

  it('streams both tracks, each with its own chunk numbers, one sequence over both', async () => {
    const call = await begin({ speech: { tone: 300 } });
    const { connection: talker } = await open(call);
    const { connection, stream } = await open(call, 'oneway', 'both');
    const prompt = tone(700, 60);
    talker.sendAudio(prompt);
    await connection.have('media', 20);
    const media = connection.of('media');
    assert.deepEqual(
      media.map(({ sequence_number, media: { track, chunk, timestamp } }) => [
        ...[sequence_number, track, chunk, timestamp],
      ]),
      media.map((_, index) => [
        ...[index + 2, index % 2 === 0 ? 'inbound' : 'outbound', (index >> 1) + 1, (index >> 1) * 20],
      ]),
    );
    const outbound = connection.pcm('outbound');
    const at = outbound.indexOf(prompt.subarray(2)) - 2;
    assert.ok(at >= 0, 'the outbound track is what the phone hears');
    assert.ok(outbound.subarray(at + prompt.length).every((byte) => byte === 0));
    assert.equal(connection.pcm('inbound').subarray(960).includes(Buffer.alloc(960)), false);
    assert.deepEqual(stream.tracks, ['inbound', 'outbound']);
    assert.ok(stream.streamed('outbound').subarray(0, outbound.length).equals(outbound));
    const [start] = connection.of('start');
    assert.deepEqual([start?.stream_type, start?.channel], ['oneway', 'both']);
  });

  it('streams one track alone, and on a two-way stream the inbound one whatever is asked', async () => {
    const call = await begin();
    const { connection: outbound } = await open(call, 'oneway', 'outbound');
    const { connection: twoway } = await open(call, 'twoway', 'both');
    await Promise.all([outbound.have('media', 3), twoway.have('media', 3)]);
    assert.deepEqual([...new Set(outbound.of('media').map(({ media }) => media.track))], ['outbound']);
    assert.deepEqual([...new Set(twoway.of('media').map(({ media }) => media.track))], ['inbound']);
    assert.equal(twoway.of('start')[0]?.channel, 'inbound');
  });

  it('can send numbers as strings', async () => {
    const call = await begin({}, { numbersAsStrings: true });
    const { connection } = await open(call);
    await connection.have('media', 2);
    const [, start, , second] = connection.arrivals.map(
      ({ text }) => JSON.parse(text) as { sequence_number: unknown; media?: Record<string, unknown> },
    );
    assert.equal(start?.sequence_number, '1');
    assert.equal(second?.sequence_number, '3');
    assert.equal(second.media?.timestamp, '20');
    assert.equal(second.media.chunk, '2');
  });

  it('answers a mark when the audio before it has been heard, and one with nothing before it at once', async () => {
    const call = await begin();
    const { connection, stream } = await open(call);
    const asked = performance.now();
    connection.sendMark('nothing before');
    await connection.have('mark', 1);
    const atOnce = connection.times('mark')[0]! - asked;
    assert.ok(atOnce < 150, `${atOnce} ms`);

    connection.sendAudio(tone(440, 100));
    connection.sendMark('one');
    connection.sendMark('two');
    connection.sendAudio(tone(440, 100));
    connection.sendMark('three');
    await connection.have('mark', 4);
    assert.deepEqual(connection.marks, ['nothing before', 'one', 'two', 'three']);
    const { firstAudioAt, maxBufferedMs, underruns } = stream.facts.playout;
    const [, one, two, three] = connection.times('mark').map((at) => at - firstAudioAt!);
    for (const [got, due] of [
      [one, 100],
      [two, 100],
      [three, 200],
    ]) {
      assert.ok(got! >= due! - 0.5 && got! < due! + BUSY_MS, `${got} ms, not ${due} ms`);
    }
    assert.ok(maxBufferedMs > 150 && maxBufferedMs <= 200);
    assert.equal(underruns, 0);
    const { facts } = stream;
    assert.deepEqual(
      [facts.mediaReceived, facts.marksReceived, facts.marksSent, facts.clearsReceived, facts.unusable],
      [2, 4, 4, 0, 0],
    );
    const sequence = connection.arrivals
      .slice(1)
      .map(({ message }) => 'sequence_number' in message && message.sequence_number);
    assert.deepEqual(
      sequence,
      sequence.map((_, index) => index + 1),
    );
  });

  it('on clear stops at once and answers all marks, in order', async () => {
    const call = await begin();
    const { connection, stream } = await open(call);
    const audio = tone(440, 5_000);
    connection.sendAudio(audio);
    for (const name of ['a', 'b', 'c']) connection.sendMark(name);
    await connection.have('media', 10);
    connection.sendClear();
    const cleared = performance.now();
    await connection.have('mark', 3);
    assert.deepEqual(connection.marks, ['a', 'b', 'c']);
    assert.ok(connection.times('mark').at(-1)! - cleared < 150);
    assert.equal(stream.bufferedMs, 0);
    connection.sendMark('after');
    await connection.have('mark', 4);
    assert.deepEqual(
      stream.facts.marks.map(({ name, cleared }) => [name, cleared]),
      [
        ['a', true],
        ['b', true],
        ['c', true],
        ['after', false],
      ],
    );
    call.phone.hangUp();
    const [clear] = stream.facts.clears;
    const playedMs = clear!.at - stream.facts.playout.firstAudioAt!;
    assert.ok(Math.abs(playedMs + clear!.droppedMs - 5_000) < 1);
    const heard = call.heard();
    const start = heard.findIndex((byte) => byte !== 0) - 2;
    const samples = Math.floor(playedMs * 24);
    assert.ok(heard.subarray(start, start + samples * 2 - 100).equals(audio.subarray(0, samples * 2 - 100)));
    assert.ok(heard.subarray(start + samples * 2 + 100).every((byte) => byte === 0));
  });

  it('lets the phone hear gaps as gaps, and counts them', async () => {
    const call = await begin();
    const { connection, stream } = await open(call);
    const [first, second] = [tone(440, 40), tone(900, 40)];
    connection.sendAudio(first);
    connection.sendMark('first');
    await connection.have('mark', 1);
    await connection.have('media', connection.of('media').length + 2);
    connection.sendAudio(second);
    connection.sendMark('second');
    await connection.have('mark', 2);
    const [gap] = stream.facts.playout.gaps;
    assert.equal(stream.facts.playout.underruns, 1);
    assert.ok(gap!.ms > 15 && gap!.ms < 250, `${gap!.ms} ms`);
    const heard = call.heard();
    const at = heard.indexOf(first.subarray(2)) - 2;
    const next = heard.indexOf(second.subarray(2)) - 2;
    assert.equal(next - at, first.length + Math.round(gap!.ms * 24) * 2);
    assert.ok(heard.subarray(at + first.length, next).every((byte) => byte === 0));
  });

  it('drops what was not heard when the stream ends, without an answer to its marks', async () => {
    const call = await begin();
    const { connection, stream } = await open(call);
    connection.sendAudio(tone(440, 3_000));
    connection.sendMark('never');
    await connection.have('media', 5);
    stream.stop('stopped');
    await connection.closed;
    assert.deepEqual(connection.marks, []);
    assert.equal(connection.arrivals.at(-1)?.message.event, 'stop');
    const { connection: next } = await open(call);
    next.sendMark('empty');
    await next.have('mark');
    const end = call.heard().findLastIndex((byte) => byte !== 0) / 48;
    call.phone.hangUp();
    assert.ok(end < call.answeredMs && call.answeredMs < 2_500);
    assert.equal(call.heard().length / 48, call.answeredMs);
  });

  it('goes on without a stream that the application closes', async () => {
    const call = await begin();
    const { connection, stream } = await open(call);
    connection.socket.close(1001);
    await stream.closed;
    assert.equal(stream.facts.end, 'closed by the application');
    assert.equal(stream.facts.closeCode, 1001);
    assert.equal(call.state, 'answered');
    const { connection: second } = await open(call);
    await second.have('media');
  });

  it('ends a stream with more audio than it may buffer, and says so', async () => {
    const call = await begin({}, { maxBufferedMs: 1_000 });
    const { connection, stream } = await open(call);
    connection.sendAudio(tone(440, 900));
    connection.sendAudio(tone(440, 200));
    assert.equal(await connection.closed, 1008);
    assert.equal(stream.facts.end, 'too much audio buffered');
    assert.equal(connection.arrivals.at(-1)?.message.event, 'stop');
    assert.equal(call.state, 'answered');
  });

  it('leaves messages alone that it can’t use, counts them, and says what was wrong', async () => {
    const call = await begin();
    const { connection, stream } = await open(call);
    const { stream_id } = stream;
    for (const message of [
      'no JSON',
      { event: 'media', stream_id: 'another', media: { payload: 'AAAA' } },
      { event: 'media', stream_id },
      { event: 'media', stream_id, media: { payload: 'not base64!' } },
      { event: 'sing', stream_id },
    ]) {
      connection.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
    }
    connection.socket.send(Buffer.from([1, 2, 3]), { binary: true });
    connection.sendAudio(Buffer.alloc(5)); // two samples and a half
    connection.sendMark('after');
    await connection.have('mark');
    assert.equal(stream.facts.unusable, 7);
    assert.match(stream.facts.problem ?? '', /unusable message: not a JSON object/);
    assert.equal(stream.facts.mediaReceived, 1);
    assert.equal(stream.live, true);
  });

  it('takes nothing on a one-way stream', async () => {
    const call = await begin();
    const { connection, stream } = await open(call, 'oneway');
    connection.sendAudio(tone(440, 100));
    connection.sendMark('mark');
    await connection.have('media', 5);
    assert.deepEqual([stream.facts.unusable, stream.facts.mediaReceived], [2, 0]);
    assert.ok(call.heard().every((byte) => byte === 0));
    assert.deepEqual(connection.marks, []);
  });

  it('says with which status an application refused a stream, and frees its place', async () => {
    const call = await begin();
    app.refuseStreams = 403;
    const api = clientsOf(wavix.url).bearer;
    const body = { stream_channel: 'inbound', stream_type: 'twoway', stream_url: app.streamUrl };
    const answer = await api.request('POST', `/${call.call_id}/streams`, body);
    assert.equal(answer.status, 200, 'Wavix dials after it has answered');
    await assert.rejects(call.waitForStream(0), /did not start: the answer was HTTP 403/);
    const [stream] = call.streams;
    await stream!.closed;
    assert.equal(stream!.facts.end, 'not connected');
    app.refuseStreams = 0;
    assert.equal((await api.request('POST', `/${call.call_id}/streams`, body)).status, 200);
    await call.waitForStream(1);
  });

  it('says that nobody listens at stream_url', async () => {
    const call = await begin();
    const body = { stream_channel: 'inbound', stream_type: 'oneway', stream_url: 'ws://127.0.0.1:1/x' };
    await clientsOf(wavix.url).appid.request('POST', `/${call.call_id}/streams`, body);
    await call.streams[0]!.closed;
    assert.equal(call.streams[0]!.facts.problem, 'ECONNREFUSED');
  });

  it('can send start before the answer to the request that starts the stream', async () => {
    const call = await begin({}, { answerAfterStart: true });
    const body = { stream_channel: 'inbound', stream_type: 'twoway', stream_url: app.streamUrl };
    await clientsOf(wavix.url).appid.request('POST', `/${call.call_id}/streams`, body);
    assert.ok(call.streams[0]!.facts.startedAt! > 0);
  });

  it('ends streams with stop, then posts completed, when the call is hung up', async () => {
    const call = await begin();
    const { connection } = await open(call);
    const { connection: other } = await open(call, 'oneway', 'both');
    await clientsOf(wavix.url).appid.request('DELETE', `/${call.call_id}`);
    await call.done;
    for (const { arrivals, closeCode } of [connection, other]) {
      assert.equal(arrivals.at(-1)?.message.event, 'stop');
      assert.equal(closeCode, 1000);
    }
    assert.deepEqual(
      call.streams.map(({ facts }) => facts.end),
      ['call ended', 'call ended'],
    );
    assert.equal(call.events.at(-1)!.event.event_type, 'completed');
    assert.ok(call.events.at(-1)!.at >= Math.max(...call.streams.map(({ facts }) => facts.endedAt!)));
  });

  it('keeps no more than the last of a long call', async () => {
    const speech = Buffer.alloc(24_000 * 2);
    for (let i = 0; i < 24_000; i++) speech.writeInt16LE(i + 1, i * 2);
    const call = await begin({ speech }, { maxRecordingMs: 100 });
    const { stream, connection } = await open(call);
    await connection.have('media', 20);
    stream.forget();
    const kept = stream.streamed();
    assert.equal(kept.length, 100 * 48);
    call.phone.hangUp();
    await connection.closed;
    const all = connection.pcm('inbound');
    const at = all.indexOf(kept);
    assert.ok(at >= 960 * 15 && at % 960 === 0, `${at}`);
  });
});
