import assert from 'node:assert/strict';
import { audioReady, decodeWav, tone, writeWav } from '../../../lib/audio';
import { FrameClock } from '../../../lib/streams/frame-clock';
import { Playout, type PlayedReport } from '../../../lib/streams/playout';
import { Speech, type SpokenAudio } from '../../../lib/streams/speech';
import { FakeClock } from '../fake-clock';

function setUp() {
  const clock = new FakeClock();
  const frames: Buffer[] = [];
  const marks: string[] = [];
  const frameClock = new FrameClock(clock);
  const wire = {
    media: (frame: Buffer) => frames.push(frame),
    mark: (name: string) => marks.push(name),
    clear: () => undefined,
    hold: () => undefined,
    release: () => undefined,
    flush: () => undefined,
    backlog: 0,
  };
  const playout = new Playout(wire, frameClock);
  const speech = new Speech(playout, frameClock);
  const say = (data: Buffer, more: Partial<SpokenAudio> = {}) =>
    speech.say({
      data,
      encoding: 'pcm',
      sampleRate: 24_000,
      source: 'a',
      leadMs: 1000,
      queueMs: 300_000,
      ...more,
    });
  return { clock, speech, playout, say, marks, bytes: () => Buffer.concat(frames) };
}

/** Plain s16le 8 kHz of a tone. */
function at8k(ms: number): Buffer {
  const pcm = tone(500, ms);
  return Buffer.concat(Array.from({ length: pcm.length / 6 }, (_, i) => pcm.subarray(i * 6, i * 6 + 2)));
}

describe('Speech', () => {
  before(() => audioReady());

  it('carries an odd byte over to the next piece', () => {
    const { say, bytes, clock } = setUp();
    const pcm = tone(440, 100);
    void say(pcm.subarray(0, 1001));
    void say(pcm.subarray(1001));
    clock.pass(200);
    assert.ok(bytes().equals(pcm));
  });

  it('carries part of a sample over a mark, a report and a pause, but not over the end of an utterance', () => {
    for (const more of [{ mark: 'm' }, { report: () => undefined }, {}]) {
      const { say, bytes, clock } = setUp();
      const pcm = tone(440, 100);
      void say(pcm.subarray(0, 1001), more);
      clock.pass(300);
      void say(pcm.subarray(1001));
      clock.pass(300);
      assert.ok(bytes().equals(pcm));
    }
    const { say, bytes, clock } = setUp();
    const pcm = tone(440, 100);
    void say(pcm.subarray(0, 1001), { complete: true });
    void say(pcm, { complete: true });
    clock.pass(300);
    assert.ok(bytes().equals(Buffer.concat([pcm.subarray(0, 1000), pcm])));
  });

  it('does not break the samples of another rate where a report is asked for', () => {
    const whole = setUp();
    const cut = setUp();
    const pcm = at8k(500);
    const reports: PlayedReport[] = [];
    void whole.say(pcm, { sampleRate: 8000, complete: true });
    for (let at = 0; at < pcm.length; at += 333) {
      void cut.say(pcm.subarray(at, at + 333), {
        sampleRate: 8000,
        report: (report) => reports.push(report),
      });
    }
    whole.clock.pass(1000);
    cut.clock.pass(1000);
    assert.ok(cut.bytes().equals(whole.bytes()));
    for (const mark of cut.marks) cut.playout.markHeard(mark);
    assert.equal(reports.length, Math.ceil(pcm.length / 333));
    assert.ok(reports.every(({ played }) => played));
  });

  it('does not join the pieces of two sources', () => {
    const { say, bytes, clock } = setUp();
    const pcm = tone(440, 40);
    void say(pcm.subarray(0, 961));
    void say(pcm.subarray(0, 960), { source: 'b' });
    clock.pass(200);
    assert.ok(bytes().equals(Buffer.concat([pcm.subarray(0, 960), pcm.subarray(0, 960)])));
  });

  it('plays the last samples of another rate after a short pause, and none is lost', () => {
    const { say, bytes, clock } = setUp();
    const pcm = at8k(500);
    for (let at = 0; at < pcm.length; at += 333) void say(pcm.subarray(at, at + 333), { sampleRate: 8000 });
    const early = bytes().length;
    clock.pass(1000);
    assert.equal(bytes().length, 500 * 48);
    assert.ok(early < bytes().length);
  });

  it('waits for more as long as the caller has something to hear: a source that stalls makes no click', () => {
    const stalled = setUp();
    const whole = setUp();
    const pcm = at8k(1000);
    void whole.say(pcm, { sampleRate: 8000, complete: true });
    void stalled.say(pcm.subarray(0, 8000), { sampleRate: 8000 });
    stalled.clock.pass(400);
    void stalled.say(pcm.subarray(8000), { sampleRate: 8000 });
    stalled.clock.pass(2000);
    whole.clock.pass(2400);
    assert.ok(stalled.bytes().equals(whole.bytes()));
  });

  it('brings them out at once for a mark', () => {
    const { say, speech, bytes, marks } = setUp();
    void say(at8k(100), { sampleRate: 8000 });
    speech.mark('end');
    assert.equal(bytes().length, 100 * 48);
    assert.deepEqual(marks, ['end']);
  });

  it('knows a WAV by its header whatever the form that is said', () => {
    const { say, bytes, clock } = setUp();
    const pcm = tone(440, 100);
    void say(writeWav(pcm, 24_000), { encoding: 'mulaw', sampleRate: 8000 });
    assert.equal(bytes().length, 0, 'it begins at the next tick, so that many files at once hold nothing up');
    clock.pass(10);
    assert.ok(bytes().equals(pcm));
  });

  it('decodes a WAV of another rate as it is played', () => {
    const { say, bytes, clock } = setUp();
    const wav = writeWav(at8k(3000), 8000);
    void say(wav);
    assert.ok(bytes().length <= 1000 * 48);
    clock.pass(3000);
    assert.ok(bytes().equals(decodeWav(wav)));
  });

  it('counts as waiting only what is beyond the lead, also while that is being filled', () => {
    const { say } = setUp();
    void say(tone(440, 1000), { queueMs: 1000 });
    void say(tone(440, 1000), { queueMs: 1000 });
    assert.throws(() => say(tone(440, 20), { queueMs: 1000 }), { code: 'WAVIX_QUEUE_FULL' });
  });

  it('refuses what does not fit the queue, whole', () => {
    const { say, bytes, playout, clock } = setUp();
    void say(tone(440, 2000), { queueMs: 3000 });
    assert.throws(() => say(tone(440, 2100), { queueMs: 3000 }), { code: 'WAVIX_QUEUE_FULL' });
    assert.throws(() => say(writeWav(tone(440, 2100), 24_000), { queueMs: 3000 }), {
      code: 'WAVIX_QUEUE_FULL',
    });
    clock.pass(100);
    assert.equal(playout.queuedMs, 900);
    clock.pass(3000);
    assert.equal(bytes().length, 2000 * 48);
  });

  it('drops what it holds at a clear', () => {
    const { say, speech, bytes, clock } = setUp();
    void say(at8k(30), { sampleRate: 8000 });
    speech.clear();
    const cleared = bytes().length;
    clock.pass(500);
    assert.equal(bytes().length, cleared);
    assert.equal(clock.pending, 0);
  });

  it('says everything in order behind a file that has to be decoded first', async () => {
    const { say, speech, bytes, marks } = setUp();
    const reports: PlayedReport[] = [];
    const broken = Buffer.concat([Buffer.from('ID3\x04\0\0\0\0\0\x10', 'latin1'), Buffer.alloc(4000)]);
    const failed = say(broken, { report: (report) => reports.push(report) });
    const after = say(tone(440, 40), { complete: true });
    speech.mark('last');
    assert.equal(bytes().length, 0);
    await assert.rejects(Promise.resolve(failed), { code: 'WAVIX_AUDIO' });
    await after;
    assert.ok(bytes().equals(tone(440, 40)));
    assert.deepEqual(marks, ['last']);
    assert.deepEqual(reports, [], 'an error is told as such, not as a report');
  });

  it('tells what waited behind such a file when it is cleared', async () => {
    const { say, speech, marks, bytes } = setUp();
    const reports: PlayedReport[] = [];
    const report = (one: PlayedReport) => void reports.push(one);
    const id3 = Buffer.concat([Buffer.from('ID3\x04\0\0\0\0\0\x10', 'latin1'), Buffer.alloc(4000)]);
    const decoding = Promise.resolve(say(id3, { report })).catch(() => undefined);
    void say(tone(440, 40), { report, mark: 'm' });
    speech.clear();
    assert.deepEqual(reports, [
      { played: false, playedMs: 0 },
      { played: false, playedMs: 0 },
    ]);
    await decoding;
    assert.equal(bytes().length, 0);
    assert.ok(marks.includes('m'), 'its mark goes to Wavix, to come back cleared');
  });
});
