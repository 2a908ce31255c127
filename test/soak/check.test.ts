/** The soak's own checks: what each of them is there to find, it finds. */
import assert from 'node:assert/strict';
import {
  checkEcho,
  checkHearing,
  checkReports,
  checkStream,
  checkTold,
  checkWords,
  type Said,
} from '../../bench/soak/check';
import { Ledger, StreamBook, type Entry } from '../../bench/soak/ledger';
import type { Measure } from '../../bench/soak/link';
import { digest, utterance, withoutSilence } from '../../bench/soak/sound';
import { failuresOf, Totals } from '../../bench/soak/totals';
import type { Call } from '../../simulator';

type SimStream = Call['streams'][number];

const FRAME = 960;

/** The faults that were found, without the zeros. */
function found(totals: Totals): Record<string, number> {
  return Object.fromEntries(Object.entries(totals.faults).filter(([, count]) => count > 0));
}

describe('Audio of the soak', () => {
  it('has no silent sample, and no two frames alike', () => {
    const frames = new Set<number>();
    for (let number = 0; number < 40; number++) {
      const pcm = utterance(number, 50 * FRAME);
      assert.equal(withoutSilence(pcm).length, pcm.length / 2);
      for (let at = 0; at < pcm.length; at += FRAME) frames.add(digest(pcm.subarray(at, at + FRAME)));
    }
    assert.equal(frames.size, 40 * 50);
  });

  it('begins differently in different utterances, however short', () => {
    const first = new Set(Array.from({ length: 500 }, (_, number) => utterance(number, 2).readInt16LE()));
    assert.equal(first.size, 500);
  });
});

describe('What the flow heard', () => {
  const streamed = utterance(1, 10 * FRAME);
  const stream = (end: string) =>
    ({
      stream_id: 'stream-1',
      facts: { framesSent: { inbound: 10, outbound: 0 }, end, startedAt: 1, marks: [] },
      streamed: () => streamed,
    }) as unknown as SimStream;

  function heard(...chunks: number[]): StreamBook {
    const book = new StreamBook();
    for (const chunk of chunks)
      book.frames.push(chunk, digest(streamed.subarray((chunk - 1) * FRAME, chunk * FRAME)));
    return book;
  }

  function check(book: StreamBook, dropped = false): Totals {
    const totals = new Totals();
    checkHearing(stream('stopped'), book, { dropped, clears: 0 }, totals);
    return totals;
  }

  it('is right when every frame came once, in order', () => {
    assert.deepEqual(found(check(heard(1, 2, 3, 4, 5, 6, 7, 8, 9, 10))), {});
  });

  it('may lack the last frames of a dropped socket only', () => {
    const dropped = check(heard(1, 2, 3, 4, 5, 6, 7, 8), true);
    assert.deepEqual([found(dropped), dropped.framesDropped], [{}, 2]);
    assert.deepEqual(found(check(heard(1, 2, 3, 4, 5, 6, 7, 8))), { lostFrames: 2 });
    assert.deepEqual(found(check(heard(1, 2, 4, 5, 6, 7, 8), true)), { lostFrames: 1 });
  });

  it('is wrong with a frame lost, repeated, out of order, or of other bytes', () => {
    assert.deepEqual(found(check(heard(1, 2, 3, 5, 6, 7, 8, 9, 10))), { lostFrames: 1 });
    assert.deepEqual(found(check(heard(1, 2, 3, 3, 4, 5, 6, 7, 8, 9, 10))), { repeatedFrames: 1 });
    assert.deepEqual(found(check(heard(1, 2, 4, 3, 5, 6, 7, 8, 9, 10))), {
      lostFrames: 1,
      repeatedFrames: 1,
    });
    const book = heard(1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
    book.frames[5] = digest(Buffer.alloc(FRAME));
    assert.deepEqual(found(check(book)), { wrongBytes: FRAME });
  });

  it('is wrong when a stream was told twice, not at all, or with other stats', () => {
    const all = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
    const wrongs = (events: [string, number?][], dropped = false) => {
      const book = heard(...all);
      book.events = events.map(([event, frames_in = 10]) => ({ event, payload: { stats: { frames_in } } }));
      const totals = new Totals();
      checkStream(stream('stopped'), book, { dropped, clears: 0 }, totals);
      return found(totals);
    };
    assert.deepEqual(wrongs([['start'], ['stop']]), {});
    assert.deepEqual(wrongs([['start'], ['lost']], true), {});
    assert.deepEqual(wrongs([['start'], ['lost']]), { wrongStreams: 1 });
    assert.deepEqual(wrongs([['start']]), { wrongStreams: 1 });
    assert.deepEqual(wrongs([['start'], ['stop'], ['lost']]), { wrongStreams: 1 });
    assert.deepEqual(wrongs([['start'], ['stop', 9]]), { wrongStreams: 1 });
  });
});

describe('What the phone heard', () => {
  const bytes = 10 * FRAME + 300;
  const words = [utterance(1, bytes), utterance(2, bytes)] as const;
  const silence = Buffer.alloc(5_000);

  function said(...outcomes: [string, number?][]): Said[] {
    return outcomes.map(([outcome, played_ms], index) => ({
      number: index + 1,
      bytes,
      pieces: [{ entry: { outcome, msg: { played_ms } } as unknown as Entry, from: 0, to: bytes }],
    }));
  }

  function check(heard: Buffer, all: Said[]): Totals {
    const totals = new Totals();
    checkReports(all, checkWords(heard, all, 'the phone', totals), totals);
    return totals;
  }

  it('is right whole, with silence anywhere, and cut where a message was interrupted', () => {
    const spread = Buffer.concat([
      silence,
      words[0].subarray(0, 400),
      silence,
      words[0].subarray(400),
      words[1],
    ]);
    assert.deepEqual(found(check(spread, said(['played'], ['played']))), {});
    const cut = Buffer.concat([words[0].subarray(0, 4_800), silence, words[1]]);
    const totals = check(cut, said(['interrupted', 90], ['played']));
    assert.deepEqual([found(totals), totals.heardMoreMs], [{}, [10]]);
  });

  it('is wrong where a message told as played lacks a sample', () => {
    const heard = Buffer.concat([words[0].subarray(0, -2), words[1]]);
    assert.deepEqual(found(check(heard, said(['played'], ['played']))), { wrongBytes: 2 });
  });

  it('is wrong where a refused message was heard, or something nobody said', () => {
    assert.deepEqual(found(check(words[0], said(['error'], ['interrupted', 0]))), { wrongBytes: bytes });
    assert.deepEqual(found(check(Buffer.concat([words[0], utterance(9, 96)]), said(['played']))), {
      wrongBytes: 96,
    });
    const changed = Buffer.from(words[0]);
    changed[5_000]! ^= 1;
    assert.ok((found(check(changed, said(['played']))).wrongBytes ?? 0) > 0);
  });

  it('is an echo without a hole, but for one at each clear', () => {
    const echo = (heard: Buffer, clears: number) => {
      const totals = new Totals();
      checkEcho(
        heard,
        [{ streamed: Buffer.concat([words[0], silence, words[1]]), clears }],
        'the phone',
        totals,
      );
      return found(totals);
    };
    const holed = Buffer.concat([
      words[0].subarray(0, 1_920),
      words[0].subarray(2 * 1_920),
      silence,
      words[1],
    ]);
    assert.deepEqual(echo(Buffer.concat([words[0], words[1]]), 0), {});
    assert.deepEqual(echo(words[0], 0), {}, 'the end may still be on its way');
    assert.deepEqual(echo(holed, 1), {});
    assert.deepEqual(echo(holed, 0), { lostEchoes: 2 });
    const scrap = words[0].subarray(1_000, 1_006);
    assert.deepEqual(echo(Buffer.concat([scrap, holed]), 2), {}, 'cut twice within three samples');
    assert.deepEqual(echo(Buffer.concat([words[0], utterance(3, 960)]), 0), { wrongBytes: 960 });
  });
});

describe('What was told', () => {
  it('is wrong when a message is never told, told twice, or told unasked', () => {
    const totals = new Totals();
    const ledger = new Ledger(totals);
    ledger.commands = { number: () => 1, give: () => undefined } as unknown as NonNullable<
      typeof ledger.commands
    >;
    const entry = ledger.give('a', 'say', {});
    ledger.told({ name: 'taken a', msg: { cmd: 1 } });
    assert.equal(entry.outcome, undefined, 'audio is told when it is played, not when it is taken');
    ledger.told({ name: 'played a', msg: { cmd: 1 } });
    assert.deepEqual([entry.outcome, found(totals)], ['played', {}]);
    ledger.told({ name: 'interrupted a', msg: { cmd: 1 } });
    assert.deepEqual(found(totals), { reportedTwice: 1 });
    ledger.told({ name: 'error a', msg: { error: { code: 'WAVIX_AUDIO', message: 'x' } } });
    assert.deepEqual(found(totals), { reportedTwice: 1, unasked: 1 });
    checkTold([ledger.give('a', 'call', {})], ledger, totals);
    assert.deepEqual(found(totals), { reportedTwice: 1, unasked: 1, unreported: 1 });
  });
});

describe('The end of the soak', () => {
  const measure: Measure = {
    rss: 0,
    used: 50e6,
    handles: { TCPSocketWrap: 1 },
    objects: { Timeout: 5 },
    listeners: { 'server 0: upgrade': 1 },
    longestDelayMs: 10,
  };

  function failures(end: Partial<Measure>): string[] {
    const totals = new Totals();
    Object.assign(totals, { answered: 1, framesHeard: 1, framesSpoken: 1 });
    const options = { minutes: 1, calls: 1, seed: 1, maxGrowthMb: 10 };
    const proxy = { requests: 0, answered429: 0, answered503: 0, answersLost: 0, timesRefusing: 0 };
    const [start, middle] = [measure, measure];
    const delays = { longestDelayMs: 0, ownLongestDelayMs: 0 };
    return failuresOf({ options, totals, start, middle, end: { ...measure, ...end }, proxy, ...delays });
  }

  it('fails for memory, listeners, handles and objects that stay', () => {
    assert.deepEqual(failures({}), []);
    assert.deepEqual(failures({ used: 59e6 }), []);
    assert.equal(failures({ used: 61e6 }).length, 1);
    assert.equal(failures({ listeners: { 'server 0: upgrade': 2 } }).length, 1);
    assert.equal(failures({ handles: { TCPSocketWrap: 20 } }).length, 1);
    assert.equal(failures({ objects: { Timeout: 60 } }).length, 1);
  });
});
