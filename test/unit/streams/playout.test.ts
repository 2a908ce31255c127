import assert from 'node:assert/strict';
import { FrameClock } from '../../../lib/streams/frame-clock';
import { PcmBytes } from '../../../lib/streams/pcm-source';
import { Playout, TAIL_PAUSE_MS, type PlayedReport } from '../../../lib/streams/playout';
import { FRAME_BYTES, WIRE_BYTES_PER_MS } from '../../../lib/streams/wire';
import { FakeClock } from '../fake-clock';

type Sent = { at: number } & ({ media: Buffer } | { mark: string } | { clear: true });

function setUp() {
  const clock = new FakeClock();
  const sent: Sent[] = [];
  let backlog = 0;
  const playout = new Playout(
    {
      media: (media) => sent.push({ at: clock.now(), media }),
      mark: (mark) => sent.push({ at: clock.now(), mark }),
      clear: () => sent.push({ at: clock.now(), clear: true }),
      hold: () => undefined,
      release: () => undefined,
      flush: () => undefined,
      get backlog() {
        return backlog;
      },
    },
    new FrameClock(clock),
  );
  const frames = () => sent.flatMap((one) => ('media' in one ? [{ at: one.at, bytes: one.media }] : []));
  const marks = () => sent.flatMap((one) => ('mark' in one ? [one.mark] : []));
  return {
    clock,
    playout,
    sent,
    frames,
    marks,
    bytes: () => Buffer.concat(frames().map((frame) => frame.bytes)),
    setBacklog: (bytes: number) => (backlog = bytes),
  };
}

/** `ms` of audio in which every sample is different from its neighbours. */
function audio(ms: number, seed = 0): Buffer {
  const pcm = Buffer.alloc(Math.round(ms * WIRE_BYTES_PER_MS));
  for (let at = 0; at + 1 < pcm.length; at += 2) pcm.writeUInt16LE((seed + at * 7) & 0xffff, at);
  return pcm;
}

function utterance(
  pcm: Buffer,
  more: { mark?: string; report?: (r: PlayedReport) => void; leadMs?: number } = {},
) {
  return { source: new PcmBytes(pcm), leadMs: 1000, ...more };
}

describe('Playout', () => {
  it('fills the lead in bursts, as fast as others let it, and then sends each frame at its own deadline', () => {
    const { playout, clock, frames, bytes } = setUp();
    const speech = audio(3000);
    playout.play(utterance(speech));
    assert.equal(frames().length, 5);
    clock.pass(1);
    assert.equal(frames().length, 50);
    clock.pass(2999);
    assert.equal(frames().length, 150);
    assert.ok(bytes().equals(speech));
    frames().forEach(({ at, bytes }, index) => {
      assert.equal(bytes.length, FRAME_BYTES);
      // Due 1 000 ms before it is heard; looked at every 10 ms.
      const due = Math.max(0, (index + 1) * 20 - 1000);
      assert.ok(at >= due && at <= due + 10, `frame ${index} went at ${at}, due at ${due}`);
    });
  });

  it('is never further ahead of the ear than the lead, and never dry, with the loop held for 500 ms', () => {
    const { playout, clock, frames } = setUp();
    playout.play(utterance(audio(4000)));
    clock.pass(1);
    clock.hold(500);
    clock.pass(999);
    clock.hold(500);
    clock.pass(3000);
    let sentMs = 0;
    for (const { at } of frames()) {
      assert.ok(sentMs >= at, `ran dry at ${at} ms with ${sentMs} ms sent`);
      sentMs += 20;
      assert.ok(sentMs - at <= 1000, `${sentMs - at} ms ahead at ${at}`);
    }
    assert.equal(sentMs, 4000);
  });

  it('catches up what a late timer missed instead of adding it', () => {
    const { playout, clock, frames } = setUp();
    playout.play(utterance(audio(60_000), { leadMs: 200 }));
    for (let step = 0; step < 60; step++) {
      clock.pass(850);
      clock.hold(150);
    }
    assert.equal(frames().length, 3000);
    assert.ok((frames().at(-1)?.at ?? 0) <= 60_000);
  });

  it('takes pieces of any size and loses no byte at their seams', () => {
    const { playout, clock, frames, bytes } = setUp();
    const speech = audio(1230.5);
    for (let at = 0, size = 1; at < speech.length; at += size, size = (size * 7 + 3) % 1500) {
      playout.play(utterance(speech.subarray(at, at + size)));
    }
    clock.pass(2000);
    assert.ok(bytes().equals(speech));
    assert.ok(
      frames().every(({ bytes }, index) => bytes.length === FRAME_BYTES || index === frames().length - 1),
    );
  });

  it('lets a short piece wait a moment for more, then sends it as it is', () => {
    const { playout, clock, frames } = setUp();
    playout.play(utterance(audio(30)));
    assert.deepEqual(
      frames().map(({ bytes }) => bytes.length),
      [960],
    );
    clock.pass(TAIL_PAUSE_MS - 10);
    assert.equal(frames().length, 1);
    clock.pass(20);
    assert.deepEqual(
      frames().map(({ bytes }) => bytes.length),
      [960, 480],
    );
  });

  it('sends the last, shorter piece of a complete utterance at once', () => {
    const { playout, frames } = setUp();
    playout.play({ ...utterance(audio(30)), complete: true });
    assert.deepEqual(
      frames().map(({ bytes }) => bytes.length),
      [960, 480],
    );
  });

  it('puts a mark behind the last byte of its audio, not behind the next frame', () => {
    const { playout, sent, clock } = setUp();
    playout.play(utterance(audio(50), { mark: 'one' }));
    playout.play(utterance(audio(50)));
    clock.pass(200);
    assert.deepEqual(
      sent.map((one) => ('media' in one ? one.media.length : 'mark' in one ? one.mark : 'clear')),
      [960, 960, 480, 'one', 960, 960, 480],
    );
  });

  it('tells once that an utterance was played when its mark comes back', () => {
    const { playout, marks, clock } = setUp();
    const reports: PlayedReport[] = [];
    playout.play(utterance(audio(45), { mark: 'hello', report: (report) => reports.push(report) }));
    clock.pass(100);
    assert.deepEqual(reports, []);
    assert.deepEqual(marks(), ['hello']);
    assert.deepEqual(playout.markHeard('hello'), { cleared: false, own: false });
    playout.markHeard('hello');
    playout.end();
    assert.deepEqual(reports, [{ played: true, playedMs: 45 }]);
  });

  it('keeps frames whole where only a report is asked for, and reports each piece with its own length', () => {
    const { playout, clock, frames, marks } = setUp();
    const reports: PlayedReport[] = [];
    for (let piece = 0; piece < 10; piece++) {
      playout.play(utterance(audio(15), { report: (report) => reports.push(report) }));
    }
    clock.pass(200);
    assert.deepEqual(
      frames().map(({ bytes }) => bytes.length),
      [960, 960, 960, 960, 960, 960, 960, 480],
    );
    assert.ok(marks().length <= 8);
    for (const mark of marks()) playout.markHeard(mark);
    assert.deepEqual(reports, Array(10).fill({ played: true, playedMs: 15 }));
  });

  it('hides the marks it sets for its own reports', () => {
    const { playout, marks } = setUp();
    playout.play(utterance(audio(20), { report: () => undefined }));
    const [name] = marks();
    assert.deepEqual(playout.markHeard(String(name)), { cleared: false, own: true });
  });

  it('clears: nothing more is sent, each waiting utterance is told once with how much was heard', () => {
    const { playout, clock, frames, sent } = setUp();
    const reports: [string, PlayedReport][] = [];
    for (const name of ['a', 'b', 'c']) {
      playout.play(utterance(audio(1000), { mark: name, report: (report) => reports.push([name, report]) }));
    }
    clock.pass(1500);
    playout.markHeard('a');
    const before = frames().length;
    playout.clear();
    clock.pass(5000);
    assert.equal(frames().length, before);
    assert.deepEqual(reports, [
      ['a', { played: true, playedMs: 1000 }],
      ['b', { played: false, playedMs: 500 }],
      ['c', { played: false, playedMs: 0 }],
    ]);
    // c never left whole: its mark goes to Wavix right before the clear, so that it comes back like the others.
    assert.deepEqual(
      sent.slice(-2).map((one) => ('mark' in one ? one.mark : 'clear')),
      ['c', 'clear'],
    );
    assert.deepEqual(playout.markHeard('b'), { cleared: true, own: false });
    assert.deepEqual(playout.markHeard('c'), { cleared: true, own: false });
    assert.equal(reports.length, 3);
  });

  it('does not take the acknowledgement of something cleared for something later of the same name', () => {
    const { playout } = setUp();
    const reports: PlayedReport[] = [];
    const report = (one: PlayedReport) => void reports.push(one);
    playout.play(utterance(audio(100), { mark: 'x', report }));
    playout.clear();
    playout.play(utterance(audio(100), { mark: 'x', report }));
    assert.deepEqual(playout.markHeard('x'), { cleared: true, own: false });
    assert.deepEqual(reports, [{ played: false, playedMs: 0 }]);
    assert.deepEqual(playout.markHeard('x'), { cleared: false, own: false });
    assert.deepEqual(reports[1], { played: true, playedMs: 100 });
  });

  it('starts the ear afresh after a pause and after a clear', () => {
    const { playout, clock, frames } = setUp();
    playout.play({ ...utterance(audio(200)), complete: true });
    clock.pass(1000);
    playout.play({ ...utterance(audio(1200)), complete: true });
    clock.pass(100);
    assert.equal(frames().length, 10 + 55);
    playout.clear();
    playout.play({ ...utterance(audio(1200)), complete: true });
    clock.pass(100);
    assert.equal(frames().length, 10 + 55 + 55);
  });

  it('tells what was not heard when the stream ends, and of anything that comes later', () => {
    const { playout, clock } = setUp();
    const reports: PlayedReport[] = [];
    const report = (one: PlayedReport) => void reports.push(one);
    playout.play(utterance(audio(500), { report }));
    playout.play(utterance(audio(2000), { report }));
    clock.pass(700);
    playout.end();
    playout.play(utterance(audio(20), { report }));
    assert.deepEqual(reports, [
      { played: false, playedMs: 500 },
      { played: false, playedMs: 200 },
      { played: false, playedMs: 0 },
    ]);
    assert.equal(clock.pending, 0);
  });

  it('says when all has been heard', () => {
    const { playout, clock, marks } = setUp();
    let heard = 0;
    playout.whenHeard(() => heard++);
    assert.equal(heard, 1);
    playout.play(utterance(audio(1500)));
    playout.whenHeard(() => heard++);
    clock.pass(2000);
    assert.equal(heard, 1);
    playout.markHeard(String(marks()[0]));
    assert.equal(heard, 2);
  });

  it('keeps audio here while the socket takes no more', () => {
    const { playout, clock, frames, setBacklog } = setUp();
    setBacklog(1e6);
    playout.play(utterance(audio(500)));
    clock.pass(300);
    assert.equal(frames().length, 0);
    assert.equal(playout.queuedMs, 500);
    setBacklog(0);
    clock.pass(50);
    assert.equal(frames().length, 25);
  });

  it('leaves no timer when nothing waits', () => {
    const { playout, clock } = setUp();
    playout.play({ ...utterance(audio(30)), complete: true });
    assert.equal(clock.pending, 0);
    playout.play(utterance(audio(3000)));
    clock.pass(1);
    assert.equal(clock.pending, 1, 'the next tick');
    playout.clear();
    assert.equal(clock.pending, 0);
  });
});
