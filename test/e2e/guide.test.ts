/** The streaming guide's four steps and all its messages, through flows in a real Node-RED, in both API styles. */
import assert from 'node:assert/strict';
import type { LocalWavixEvent } from '../../simulator';
import { API_STYLES, button, configNode, switchboard } from './flows';
import { CALLEE, eventsUrl, liveCall, localWavix, OURS, SET_UP_MS, sharedNodeRed } from './harness';
import type { NodeRed } from './node-red';
import { assertNear, BYTES_PER_MS, heardAt, heardOf, noise, wirePcm } from './sounds';

for (const apiStyle of API_STYLES) {
  describe(`The guide's four steps, style ${apiStyle}`, function () {
    this.timeout(30_000);
    let nodeRed: NodeRed;

    before(async function () {
      this.timeout(SET_UP_MS);
      nodeRed = await sharedNodeRed();
    });

    it('subscribes to events, places a call, streams both ways, stops', async () => {
      const requests: string[] = [];
      const log = (event: LocalWavixEvent) => {
        if (event.type === 'request') requests.push(`${event.method} ${event.path} ${event.status}`);
      };
      const question = wirePcm('callee-interrupts.wav');
      const plan = { speech: question, speechAfterMs: 400 };
      const wavix = await localWavix({ log, numbers: { [CALLEE]: plan } });
      await nodeRed.deploy(switchboard(configNode(wavix.url, { apiStyle })));
      const { recorder } = nodeRed;

      // 1 and 2: the call is placed with our address for its events, and they come in order.
      await nodeRed.inject('call', { from: OURS, to: CALLEE });
      const call = await wavix.waitForCall({ to: CALLEE });
      const { call_id } = call;
      const answered = await nodeRed.next('answered');
      assert.equal(answered.call_id, call_id);
      for (const topic of ['call_setup', 'ringing', 'answered']) {
        const event = await nodeRed.next('event');
        const posted = call.events.find((one) => one.event.event_type === topic);
        assert.deepEqual(event, {
          ...{ topic, payload: posted?.event, call_id },
          ...{ direction: 'outbound', from: OURS, to: CALLEE.slice(1) },
        });
      }
      assert.deepEqual(
        answered.payload,
        call.events.find((one) => one.event.event_type === 'answered')?.event,
      );

      // 3: the stream is started; its messages arrive as the guide has them.
      await nodeRed.inject('start', { call_id, note: 'passed on' });
      const started = await nodeRed.next('started');
      const stream = await call.waitForStream();
      const { stream_id } = stream;
      assert.equal(started.stream_id, stream_id);
      assert.equal(started.note, 'passed on');
      const connected = await nodeRed.next('stream');
      assert.equal(connected.event, 'connected');
      const start = await nodeRed.next('stream');
      assert.equal(start.event, 'start');
      const { event_time, ...startPayload } = start.payload as Record<string, unknown>;
      assert.ok(!Number.isNaN(Date.parse(String(event_time))));
      assert.deepEqual(startPayload, {
        ...{ event: 'start', call_id, stream_id, stream_type: 'twoway', channel: 'inbound' },
        sequence_number: startPayload.sequence_number,
      });

      // What the callee says arrives whole, in order, numbered and timed, as 20 ms of PCM at 24 kHz.
      await recorder.next(
        'audio',
        8_000,
        (msg) => Number(msg.timestamp) >= 400 + question.length / BYTES_PER_MS,
      );
      const frames = recorder.messages('audio');
      assert.ok(heardAt(Buffer.concat(frames.map((msg) => msg.payload as Buffer)), question) !== undefined);
      for (const [index, frame] of frames.entries()) {
        const { payload, ...rest } = frame;
        assert.equal((payload as Buffer).length, 960);
        assert.deepEqual(rest, {
          ...{ topic: 'media', event: 'media', call_id, stream_id, track: 'inbound' },
          timestamp: index * 20,
          chunk: index + 1,
          sequence_number: Number(startPayload.sequence_number) + 1 + index,
          ...{ encoding: 'pcm', sample_rate: 24000 },
        });
      }

      // What the flow says is heard, sample for sample; its mark comes back when it has been.
      const said = noise(500, 1);
      await nodeRed.inject('say', { payload: said, call_id, mark: 'first' });
      const mark = await nodeRed.next('mark');
      assert.deepEqual(
        { payload: mark.payload, cleared: mark.cleared, event: mark.event, stream_id: mark.stream_id },
        { payload: 'first', cleared: false, event: 'mark', stream_id },
      );
      assert.ok(heardAt(call.heard(), said) !== undefined, 'the callee heard it');
      const played = await nodeRed.next('played');
      assert.deepEqual([played.mark, played.played_ms], ['first', 500]);

      // A mark with nothing buffered comes back at once; a clear sends the queued ones back and silences the rest.
      await nodeRed.inject('say', { event: 'mark', mark: 'idle', call_id });
      assert.equal((await nodeRed.next('mark')).payload, 'idle');
      const long = noise(5_000, 2);
      await nodeRed.inject('say', { payload: long.toString('base64'), call_id, mark: 'second' });
      await recorder.next('audio', 5_000, () => heardOf(call.heard(), long) >= 700);
      await nodeRed.inject('say', { event: 'clear', call_id });
      const cleared = await nodeRed.next('mark');
      assert.deepEqual([cleared.payload, cleared.cleared], ['second', true]);
      const interrupted = await nodeRed.next('interrupted');
      const heardMs = heardOf(call.heard(), long);
      assert.ok(heardMs < 2_000, `the clear came late: ${heardMs} ms were heard`);
      assertNear(interrupted.played_ms, heardMs, 'played_ms');
      assert.equal(stream.facts.clears.length, 1);
      assert.equal(stream.facts.unusable, 0);

      // 4: the stream is stopped, the call goes on until it is hung up.
      await nodeRed.inject('stop', { call_id, stream_id });
      await nodeRed.next('stopped');
      const stop = await recorder.next('stream', 5_000, (msg) => msg.event === 'stop');
      const { stats } = stop.payload as { stats: Record<string, number> };
      assert.equal(stats.frames_in, stream.facts.framesSent.inbound);
      assert.equal(stats.frames_out, stream.facts.mediaReceived);
      assert.equal(stats.ms_out, Math.round(stream.facts.bytesReceived / BYTES_PER_MS));
      assert.equal(stats.missing, 0);
      assert.equal(call.state, 'answered');
      await nodeRed.inject('hangup', { call_id });
      await nodeRed.next('hung up');
      await recorder.next('event', 5_000, (msg) => msg.topic === 'completed');
      assert.deepEqual(recorder.messages('error'), []);

      const [calls, stop_] =
        apiStyle === 'appid' ? ['/v1/call', '/v1/call/answer'] : ['/v1/calls', '/v1/calls'];
      assert.deepEqual(requests, [
        `POST ${calls} 200`,
        `POST ${calls}/${call_id}/streams 200`,
        `DELETE ${stop_}/${call_id}/streams/${stream_id} 200`,
        `DELETE ${calls}/${call_id} 200`,
      ]);
    });

    it('hears both channels on a one-way stream, and keeps to the limits of a call', async () => {
      const [callee, ours] = [noise(1_200, 5), noise(1_000, 6)];
      const wavix = await localWavix({ numbers: { [CALLEE]: { speech: callee, speechAfterMs: 700 } } });
      const config = configNode(wavix.url, { apiStyle });
      const oneway = {
        id: 'start one-way',
        type: 'wavix-stream-start',
        config: config.id,
        z: 'switchboard',
        x: 0,
        y: 0,
      };
      await nodeRed.deploy([
        ...switchboard(config),
        { ...button('one-way', oneway.id), z: 'switchboard', x: 0, y: 0 },
        {
          ...oneway,
          ...{
            callId: 'call_id',
            callIdType: 'msg',
            streamType: 'oneway',
            streamChannel: 'both',
            streamUrl: '',
          },
          wires: [['started']],
        },
      ]);
      const { recorder } = nodeRed;
      const { call, call_id } = await liveCall(nodeRed, wavix);
      await nodeRed.inject('one-way', { call_id });
      const { stream_id } = await nodeRed.next('started');
      const second = await call.waitForStream(1);
      assert.deepEqual([second.stream_id, second.stream_type, second.channel], [stream_id, 'oneway', 'both']);
      await nodeRed.inject('say', { payload: ours, call_id });
      await nodeRed.next('played');
      await recorder.next(
        'audio',
        5_000,
        (msg) => msg.stream_id === stream_id && Number(msg.timestamp) >= 2_000,
      );
      const heard = (track: string) =>
        Buffer.concat(
          recorder
            .messages('audio')
            .filter((msg) => msg.stream_id === stream_id && msg.track === track)
            .map((msg) => msg.payload as Buffer),
        );
      assert.ok(
        heardAt(heard('inbound'), callee) !== undefined,
        'what the callee said is on the inbound track',
      );
      assert.ok(heardAt(heard('outbound'), ours) !== undefined, 'what was said to them on the outbound one');

      // Nothing can be played into a one-way stream, and a call has one two-way stream.
      const code = async () => ((await nodeRed.next('error')).error as { code: string }).code;
      await nodeRed.inject('say', { payload: ours, stream_id });
      assert.equal(await code(), 'WAVIX_NO_STREAM');
      await nodeRed.inject('start', { call_id });
      assert.equal(await code(), 'WAVIX_LIMIT');
      assert.equal(call.streams.length, 2);
    });

    if (apiStyle === 'appid') {
      it("stops a stream by today's path where the guide's is not known", async () => {
        const deletes: string[] = [];
        const log = (event: LocalWavixEvent) => {
          if (event.type === 'request' && event.method === 'DELETE')
            deletes.push(`${event.path} ${event.status}`);
        };
        const wavix = await localWavix({ guideStopPath: false, log });
        await nodeRed.deploy(switchboard(configNode(wavix.url)));
        const { call, call_id, stream_id } = await liveCall(nodeRed, wavix);
        await nodeRed.inject('stop', { call_id, stream_id });
        await nodeRed.next('stopped');
        await call.streams[0]!.closed;
        assert.equal(call.streams[0]!.facts.end, 'stopped');
        assert.deepEqual(deletes, [
          `/v1/call/answer/${call_id}/streams/${stream_id} 404`,
          `/v1/call/${call_id}/streams/${stream_id} 200`,
        ]);
      });
    }

    it('answers an inbound call, with a stream in the same request', async () => {
      const wavix = await localWavix();
      const config = configNode(wavix.url, { apiStyle });
      await nodeRed.deploy(
        switchboard(config, {
          'event node': {
            events: ['call_setup'],
            direction: 'inbound',
            number: OURS,
            wires: [['event', 'answer node']],
          },
          'answer node': { stream: true },
        }),
      );
      wavix.assignWebhook(OURS, await eventsUrl(nodeRed, config.id));

      const hello = noise(400, 3);
      const call = await wavix.call({ from: CALLEE, to: OURS, speech: hello, speechAfterMs: 300 });
      const { call_id } = call;
      const event = await nodeRed.next('event');
      assert.deepEqual(
        {
          topic: event.topic,
          direction: event.direction,
          from: event.from,
          to: event.to,
          call_id: event.call_id,
        },
        { topic: 'call_setup', direction: 'inbound', from: CALLEE, to: OURS.slice(1), call_id },
      );
      assert.equal((await nodeRed.next('answer sent')).call_id, call_id);
      const stream = await call.waitForStream();
      assert.deepEqual([stream.stream_type, stream.channel], ['twoway', 'inbound']);

      const reply = noise(300, 4);
      await nodeRed.inject('say', { payload: reply, call_id });
      await nodeRed.next('played');
      assert.ok(heardAt(call.heard(), reply) !== undefined, 'the caller heard the reply');
      await nodeRed.recorder.next('audio', 5_000, (msg) => Number(msg.timestamp) >= 800);
      const heard = Buffer.concat(nodeRed.recorder.messages('audio').map((msg) => msg.payload as Buffer));
      assert.ok(heardAt(heard, hello) !== undefined, 'the flow heard the caller');

      call.phone.hangUp();
      const stop = await nodeRed.recorder.next('stream', 5_000, (msg) => msg.event === 'stop');
      assert.equal(stop.call_id, call_id);
      assert.deepEqual(nodeRed.recorder.messages('error'), []);
    });
  });
}
