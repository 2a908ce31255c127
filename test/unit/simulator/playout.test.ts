import assert from 'node:assert/strict';
import fc from 'fast-check';
import { silence, tone } from '../../../lib/audio';
import { Ear } from '../../../simulator/ear';
import { Playout } from '../../../simulator/playout';
import { pace, SampleClock } from '../../../simulator/sample-clock';
import { Timeline } from '../../../simulator/timeline';
import { FakeClock } from '../fake-clock';

function playout() {
  const clock = new FakeClock();
  const time = new SampleClock(clock);
  const timeline = new Timeline();
  const buffer = new Playout(time, timeline);
  const log: string[] = [];
  const mark = (name: string) =>
    buffer.mark((cleared) => log.push(`${name} ${cleared ? 'cleared' : 'heard'} at ${clock.now()}`));
  return { clock, time, timeline, buffer, log, mark };
}

describe('playout buffer', () => {
  it('is heard at 48 bytes a ms, from when the audio comes, and a mark when the audio before it has been heard', () => {
    const { clock, buffer, timeline, log, mark } = playout();
    clock.pass(100);
    const audio = tone(440, 60);
    buffer.push(audio.subarray(0, 960));
    buffer.push(audio.subarray(960));
    mark('a');
    clock.pass(30);
    assert.equal(buffer.bufferedMs, 30);
    assert.deepEqual(log, []);
    clock.pass(200);
    assert.deepEqual(log, ['a heard at 160']);
    assert.deepEqual(timeline.read(0, 200 * 24), Buffer.concat([silence(100), audio, silence(40)]));
  });

  it('answers a mark at once, before anything else, when nothing is buffered', () => {
    const { clock, buffer, log, mark } = playout();
    mark('empty');
    assert.deepEqual(log, ['empty heard at 0']);
    buffer.push(tone(440, 20));
    clock.pass(20);
    mark('over');
    assert.deepEqual(log, ['empty heard at 0', 'over heard at 20']);
  });

  it('keeps marks in order when the timer of the first is late', () => {
    const { clock, buffer, log, mark } = playout();
    buffer.push(tone(440, 20));
    mark('first');
    // The loop is held: `second` comes when the audio is over, but before the timer of `first` has run.
    clock.after(15, () => mark('second'));
    clock.hold(50);
    assert.deepEqual(log, ['first heard at 50', 'second heard at 50']);
    clock.pass(100);
    assert.equal(log.length, 2);
  });

  it('on clear drops what was not heard and answers all marks in order', () => {
    const { clock, buffer, timeline, log, mark } = playout();
    const audio = tone(300, 100);
    buffer.push(audio);
    mark('one');
    mark('two');
    buffer.push(tone(300, 100));
    mark('three');
    clock.pass(40);
    assert.equal(buffer.clear(), 160);
    assert.deepEqual(log, ['one cleared at 40', 'two cleared at 40', 'three cleared at 40']);
    assert.equal(buffer.bufferedMs, 0);
    const later = tone(500, 20);
    clock.pass(10);
    buffer.push(later);
    clock.pass(500);
    assert.equal(log.length, 3);
    assert.deepEqual(
      timeline.read(0, 80 * 24),
      Buffer.concat([audio.subarray(0, 40 * 48), silence(10), later, silence(10)]),
    );
  });

  it('tells running dry from a pause and from a clear', () => {
    const { clock, buffer } = playout();
    const frame = tone(440, 20);
    buffer.push(frame);
    clock.pass(30); // 10 ms dry
    buffer.push(frame);
    clock.pass(1_020); // a pause of 1 s
    buffer.push(frame);
    clock.pass(10);
    buffer.clear();
    clock.pass(15);
    buffer.push(frame);
    buffer.push(frame);
    assert.equal(buffer.facts.underruns, 1);
    assert.deepEqual(buffer.facts.gaps, [
      { at: 20, ms: 10, cleared: false },
      { at: 50, ms: 1_000, cleared: false },
      { at: 1_060, ms: 15, cleared: true },
    ]);
    assert.equal(buffer.facts.maxBufferedMs, 40);
    assert.equal(buffer.facts.firstAudioAt, 0);
    assert.equal(buffer.facts.audioEndsAt, 1_075 + 40);
  });

  it('loses and moves no sample, however the audio is cut and whenever it comes', () => {
    const piece = fc.record({
      samples: fc.integer({ min: 1, max: 2_000 }),
      wait: fc.integer({ min: 0, max: 60 }),
    });
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const { clock, buffer, timeline } = playout();
        const expected: Buffer[] = [];
        let end = 0;
        let value = 1;
        for (const { samples, wait } of pieces) {
          clock.pass(wait);
          const start = Math.max(end, clock.now() * 24);
          expected.push(Buffer.alloc((start - end) * 2));
          const pcm = Buffer.alloc(samples * 2);
          for (let i = 0; i < samples; i++) pcm.writeInt16LE(value++ % 30_000, i * 2);
          expected.push(pcm);
          buffer.push(pcm);
          end = start + samples;
        }
        assert.ok(timeline.read(0, end).equals(Buffer.concat(expected)));
      }),
    );
  });
});

describe('timeline', () => {
  it('reads the same in any pieces', () => {
    const timeline = new Timeline();
    timeline.add(100, tone(440, 10));
    timeline.add(900, tone(300, 30));
    timeline.add(900 + 720, tone(200, 10), true);
    const whole = timeline.read(0, 5_000);
    fc.assert(
      fc.property(fc.nat(4_999), fc.nat(1_000), (from, length) => {
        const to = Math.min(5_000, from + length);
        assert.ok(timeline.read(from, to).equals(whole.subarray(from * 2, to * 2)));
      }),
    );
  });

  it('starts what is endless over and over, until it is cut', () => {
    const timeline = new Timeline();
    const pcm = tone(1_000, 10);
    timeline.add(0, pcm, true);
    assert.deepEqual(timeline.read(0, 720), Buffer.concat([pcm, pcm, pcm]));
    timeline.cut(360);
    assert.deepEqual(timeline.read(0, 720), Buffer.concat([pcm, pcm.subarray(0, 240), silence(15)]));
  });

  it('forgets what has ended before, and keeps the rest', () => {
    const timeline = new Timeline();
    timeline.add(0, tone(440, 20));
    timeline.add(480, tone(440, 20));
    const rest = Buffer.from(timeline.read(480, 960));
    timeline.forget(500);
    assert.deepEqual(timeline.read(0, 480), silence(20));
    assert.deepEqual(timeline.read(480, 960), rest);
  });
});

describe('ear', () => {
  it('mixes its sources, and stays within full scale', () => {
    const ear = new Ear();
    const [a, b] = [ear.addSource(), ear.addSource()];
    a.add(0, samples(20_000, -20_000, 5));
    b.add(1, samples(-20_000, 6, 7));
    assert.deepEqual(ear.read(0, 5), samples(20_000, -32_768, 11, 7, 0));
  });
});

describe('pace', () => {
  it('keeps absolute deadlines: a late timer is made up for, and nothing after it moves', () => {
    const clock = new FakeClock();
    const seen: [number, number, number][] = [];
    const end = pace(new SampleClock(clock), 48, 480, (from, to) => seen.push([clock.now(), from, to]));
    clock.pass(22);
    clock.hold(55);
    clock.pass(30);
    end();
    clock.pass(100);
    assert.deepEqual(seen, [
      [22, 48, 528],
      [77, 528, 1_008],
      [77, 1_008, 1_488],
      [82, 1_488, 1_968],
      [102, 1_968, 2_448],
    ]);
    assert.equal(clock.pending, 0);
  });
});

function samples(...values: number[]): Buffer {
  const pcm = Buffer.alloc(values.length * 2);
  for (const [index, value] of values.entries()) pcm.writeInt16LE(value, index * 2);
  return pcm;
}
