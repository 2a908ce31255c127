import assert from 'node:assert/strict';
import { tone } from '../../lib/audio';
import { Bench } from './harness';

for (const apiStyle of ['appid', 'bearer']) {
  describe(`a whole call, API style ${apiStyle}`, () => {
    let bench: Bench;
    beforeEach(async () => (bench = await Bench.start()));
    afterEach(() => bench.stop());

    it('is placed, heard, talked back to and hung up after the last word', async () => {
      const { wavix } = bench;
      const said = tone(440, 600);
      await wavix.setNumber('+15550001200', {
        speech: said,
        speechAfterMs: 300,
        answerAfterMs: 50,
        ringMs: 20,
      });
      await bench.load([
        bench.config({ apiStyle }),
        {
          id: 'call',
          type: 'wavix-call',
          config: 'config',
          from: '+15550009999',
          to: '+15550001200',
          wires: [['start', 'answered'], ['failed']],
        },
        { id: 'start', type: 'wavix-stream-start', config: 'config', wires: [['started']] },
        { id: 'in', type: 'wavix-stream-in', config: 'config', wires: [['audio'], ['mark'], ['event']] },
        { id: 'out', type: 'wavix-stream-out', config: 'config', wires: [['played'], ['interrupted']] },
        { id: 'hangup', type: 'wavix-hangup', config: 'config', when: 'played', wires: [['ended']] },
        { id: 'events', type: 'wavix-event', config: 'config', wires: [['event-log']] },
      ]);

      bench.send('call', { payload: 'go', customer: 17 });
      const answered = await bench.seen('answered').next();
      assert.equal(answered.customer, 17);
      assert.equal((answered.payload as Record<string, unknown>).event_type, 'answered');
      const started = await bench.seen('started').next();
      assert.equal(started.call_id, answered.call_id);

      const connected = await bench.seen('event').next();
      assert.equal(connected.event, 'connected');
      assert.equal(connected.call_id, started.call_id);
      const start = await bench.seen('event').next();
      assert.deepEqual([start.event, start.stream_id], ['start', started.stream_id]);

      const speech = tone(880, 500);
      bench.send('out', { payload: speech, call_id: started.call_id, mark: 'hello' });
      bench.send('hangup', { call_id: started.call_id });
      const played = await bench.seen('played').next();
      assert.equal(played.played_ms, 500);
      const mark = await bench.seen('mark').next();
      assert.deepEqual([mark.payload, mark.cleared], ['hello', false]);
      await bench.seen('ended').next();
      const stop = await bench.seen('event').next((message) => message.event === 'stop');
      const { stats } = stop.payload as { stats: Record<string, number> };
      assert.equal(stats.frames_out, 25);
      assert.equal(stats.ms_out, 500);
      assert.equal(stats.missing, 0);
      assert.equal(stats.frames_in, bench.seen('audio').all.length);

      const call = wavix.calls.get(String(started.call_id));
      assert.ok(call, 'the call is known');
      await call.done;
      const heard = call.heard();
      const at = heard.indexOf(speech);
      assert.ok(at >= 0, 'the callee heard every byte');
      const completed = await bench.seen('event-log').next((message) => message.topic === 'completed');
      assert.equal(completed.to?.toString().replace('+', ''), '15550001200');
      const inbound = Buffer.concat(bench.seen('audio').all.map((message) => message.payload as Buffer));
      assert.ok(inbound.indexOf(said.subarray(0, 960 * 4)) >= 0, 'the flow heard the callee');
      assert.equal(bench.seen('failed').all.length, 0);
    });
  });
}
