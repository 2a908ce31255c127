/** What a flow may do wrong: each mistake has a clear error, and the call goes on. */
import assert from 'node:assert/strict';
import { silence, tone } from '../../lib/audio';
import { Bench, type FlowNode } from './harness';
import { heardOnce } from './samples';

/** Not the key itself: the bench looks for that one everywhere, also in the messages that come back here. */
const SECRET = 'a-secret-in-the-wrong-place!';

const OUT: FlowNode = {
  id: 'out',
  type: 'wavix-stream-out',
  config: 'config',
  queue: 5,
  wires: [['played'], ['interrupted']],
};
const ANSWER: FlowNode = { id: 'answer', type: 'wavix-answer', config: 'config', stream: true };
const WATCH: FlowNode = {
  id: 'watch',
  type: 'wavix-stream-in',
  config: 'config',
  wires: [[], ['marks'], ['watched']],
};

describe('A flow that', () => {
  let bench: Bench;
  beforeEach(async () => (bench = await Bench.start()));
  afterEach(() => bench.stop());

  async function answered() {
    await bench.load([bench.config(), ANSWER, WATCH, OUT]);
    const call = await bench.answered();
    await bench.seen('watched').next(({ event }) => event === 'start');
    return { call, call_id: call.call_id };
  }

  it('floods the queue is told for each message that does not fit, and all others are heard whole, once', async () => {
    const { call, call_id } = await answered();
    const piece = tone(440, 500);
    const failed: unknown[] = [];
    for (let count = 0; count < 100; count++) bench.send('out', { payload: piece, call_id, count });
    for (let count = 0; count < 100; count++) {
      const { error } = await bench.completions.next(({ id }) => id === 'out');
      if (error) failed.push(error.code);
    }
    // 5 s wait here, and a second is on its way.
    assert.ok(failed.length >= 86 && failed.length <= 90, `${failed.length} failed`);
    assert.ok(failed.every((code) => code === 'WAVIX_QUEUE_FULL'));
    const heard = await bench.seen('played').atLeast(100 - failed.length, 9_000);
    assert.deepEqual(
      heard.map(({ count }) => count),
      Array.from({ length: 100 - failed.length }, (_, count) => count),
    );
    assert.ok(call.heard().includes(Buffer.concat(Array<Buffer>(100 - failed.length).fill(piece))));
  }).timeout(15_000);

  it('clears 1 000 times in a row is silent at once, and heard again afterwards', async () => {
    const { call, call_id } = await answered();
    bench.send('out', { payload: tone(440, 3_000), call_id });
    for (let count = 0; count < 1_000; count++) bench.send('out', { event: 'clear', call_id });
    await bench.seen('interrupted').next();
    const after = tone(880, 200);
    bench.send('out', { payload: after, call_id });
    await bench.seen('played').next();
    assert.equal(call.streams[0]?.facts.clearsReceived, 1_000);
    heardOnce(call.heard(), after);
    assert.deepEqual([bench.seen('interrupted').all.length, bench.seen('played').all.length], [1, 1]);
  });

  it('names a mark with 10 KB is told so; the longest name that is taken comes back', async () => {
    const { call_id } = await answered();
    for (const msg of [{ event: 'mark' }, { payload: silence(20) }]) {
      const error = await bench.failure('out', { ...msg, call_id, mark: 'x'.repeat(10_240) });
      assert.equal(error.code, 'WAVIX_INPUT');
      assert.match(error.message, /1024/);
    }
    bench.send('out', { event: 'mark', call_id, mark: 'é'.repeat(1_024) });
    assert.equal((await bench.seen('marks').next()).payload, 'é'.repeat(1_024));
  });

  it('puts a secret into a wrong field finds it in no error', async () => {
    const { call_id } = await answered();
    const wrong = [
      ['answer', { call_id: SECRET }],
      ['out', { payload: silence(20), call_id: SECRET }],
      ['out', { payload: silence(20), stream_id: SECRET }],
      ['out', { payload: SECRET, call_id }],
      ['out', { payload: silence(20), call_id, encoding: SECRET }],
      ['out', { payload: silence(20), call_id, sample_rate: SECRET }],
      ['out', { payload: silence(20), call_id, event: SECRET }],
    ] as const;
    for (const [id, message] of wrong) {
      const error = await bench.failure(id, message);
      assert.ok(error.code, 'it has a code');
      assert.ok(!`${error.message} ${error.stack} ${JSON.stringify(error)}`.includes(SECRET), error.message);
    }
  });
});
