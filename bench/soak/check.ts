/** Compares what was said with what was heard, both ways, sample for sample. */
import { FRAME_BYTES } from '../../lib/streams/wire';
import type { Call } from '../../simulator';
import type { Entry, Ledger, StreamBook } from './ledger';
import { digest, samplesOf, utterance, withoutSilence } from './sound';
import type { Totals } from './totals';

type SimStream = Call['streams'][number];

/** One piece of an utterance, given to the flow as a message of its own: its bytes. */
export interface Piece {
  entry: Entry;
  from: number;
  to: number;
}

/** Something said, by the flow or by the phone (then without pieces). */
export interface Said {
  number: number;
  bytes: number;
  pieces: Piece[];
}

/** What happened to a stream from outside. */
export interface Fate {
  dropped: boolean;
  clears: number;
}

const BYTES_PER_MS = 48;

/** Samples that must agree before an echo is taken to go on at another place: so many are never alike by chance. */
const CERTAIN = 8;

/** What the flow heard of a stream against what the local Wavix sent on it. */
export function checkHearing(stream: SimStream, book: StreamBook, fate: Fate, totals: Totals): void {
  const { framesSent } = stream.facts;
  const sent = framesSent.inbound;
  const streamed = stream.streamed('inbound');
  const name = `stream ${stream.stream_id.slice(0, 8)}`;
  let next = 1;
  for (let at = 0; at < book.frames.length; at += 2) {
    const chunk = book.frames[at] as number;
    if (chunk < next) {
      totals.fault('repeatedFrames', 1, `${name}: frame ${chunk} after ${next - 1}`);
      continue;
    }
    totals.fault('lostFrames', chunk - next, `${name}: frames ${next} to ${chunk - 1} of ${sent}`);
    const said = streamed.subarray((chunk - 1) * FRAME_BYTES, chunk * FRAME_BYTES);
    if (digest(said) !== book.frames[at + 1])
      totals.fault('wrongBytes', FRAME_BYTES, `${name}: frame ${chunk} is another than was sent`);
    next = chunk + 1;
  }
  const missing = sent - (next - 1);
  if (fate.dropped) {
    totals.framesDropped += Math.max(0, missing);
    totals.mostDropped = Math.max(totals.mostDropped, missing);
  } else
    totals.fault('lostFrames', missing, `${name}: the last ${missing} of ${sent}, end: ${stream.facts.end}`);
}

/** What the stream carried against what the phone said: the same samples, from one place on. */
export function checkStreamed(stream: SimStream, said: Buffer, totals: Totals): void {
  const streamed = stream.streamed('inbound');
  let from = 0;
  while (from < streamed.length && streamed[from] === 0) from++;
  from -= from % 2;
  if (from >= streamed.length) return;
  const at = said.indexOf(streamed.subarray(from, from + FRAME_BYTES));
  const start = at - from;
  const expected = said.subarray(start, start + streamed.length);
  if (at < 0 || !streamed.subarray(0, expected.length).equals(expected))
    totals.fault('wrongBytes', streamed.length, `stream ${stream.stream_id.slice(0, 8)} carried other audio`);
}

/**
 * What an ear heard against what was said to it in that order. Silence between is anybody's.
 *
 * @param heard PCM
 * @returns how many bytes of each were heard
 */
export function checkWords(heard: Buffer, said: readonly Said[], where: string, totals: Totals): number[] {
  const samples = withoutSilence(heard);
  let at = 0;
  const lengths = said.map(({ number, bytes }) => {
    const words = samplesOf(utterance(number, bytes));
    let count = 0;
    while (count * 2 < bytes && at < samples.length && samples[at] === words[count]) {
      count++;
      at++;
    }
    return count * 2;
  });
  totals.fault(
    'wrongBytes',
    (samples.length - at) * 2,
    `${where} heard what was not said, from sample ${at} on`,
  );
  return lengths;
}

/** What the flow was told of its messages against what the phone heard of them. */
export function checkReports(said: readonly Said[], heardBytes: readonly number[], totals: Totals): void {
  for (const [index, { pieces, number }] of said.entries()) {
    for (const { entry, from, to } of pieces) {
      const heard = Math.max(0, Math.min(to, heardBytes[index] as number) - from);
      if (entry.outcome === 'played') {
        totals.played++;
        // Half a sample is played with its other half, which is the next piece's.
        const missing = to - (to % 2) - from - heard;
        totals.fault(
          'wrongBytes',
          missing,
          `utterance ${number} was told as played, ${missing} bytes were not`,
        );
      } else if (entry.outcome === 'interrupted') {
        totals.interrupted++;
        totals.heardMoreMs.push(heard / BYTES_PER_MS - Number(entry.msg.played_ms));
      } else if (entry.outcome === 'error') {
        totals.fault('wrongBytes', heard, `utterance ${number} was refused with an error, and was heard`);
      }
    }
  }
}

/** What the phone heard of the echo of its own words. */
export function checkEcho(
  heard: Buffer,
  streams: readonly { streamed: Buffer; clears: number }[],
  where: string,
  totals: Totals,
): void {
  const samples = withoutSilence(heard);
  let at = 0;
  const isCut = streams.length > 1 || streams.some(({ clears }) => clears > 0);
  for (const { streamed, clears } of streams) {
    const words = withoutSilence(streamed);
    let clearsLeft = clears;
    for (let from = 0; from < words.length && at < samples.length;) {
      if (samples[at] === words[from]) {
        at++;
        from++;
        continue;
      }
      const further = findFurther(words, from, samples, at, isCut ? CERTAIN : 0);
      if (!further) break;
      const { place, skipped } = further;
      const missed = place - from;
      if (clearsLeft > 0) clearsLeft--;
      else totals.fault('lostEchoes', missed / 480, `${where} did not hear ${missed} samples`);
      at += skipped;
      from = place;
    }
  }
  totals.fault(
    'wrongBytes',
    (samples.length - at) * 2,
    `${where} heard what it had not said, from sample ${at} on`,
  );
}

/**
 * Where `words` go on as `samples` do at `at`.
 *
 * @param scrap how many samples may be skipped: of fewer that were cut on both sides nobody can say where they belong
 */
function findFurther(
  words: Int16Array,
  from: number,
  samples: Int16Array,
  at: number,
  scrap: number,
): { place: number; skipped: number } | undefined {
  for (let skipped = 0; skipped <= scrap && at + skipped < samples.length; skipped++) {
    const start = at + skipped;
    const length = Math.min(CERTAIN, samples.length - start);
    const first = samples[start] as number;
    for (let place = words.indexOf(first, from); place >= 0; place = words.indexOf(first, place + 1)) {
      let same = 0;
      while (same < length && words[place + same] === samples[start + same]) same++;
      if (same === length) return { place, skipped };
    }
  }
  return undefined;
}

/** Whether a stream was told as it was: one start, one end, its stats, its marks. */
export function checkStream(stream: SimStream, book: StreamBook, fate: Fate, totals: Totals): void {
  const name = `stream ${stream.stream_id.slice(0, 8)}`;
  const { facts } = stream;
  const of = (...events: string[]) => book.events.filter(({ event }) => events.includes(event));
  const ends = of('stop', 'lost');
  if (of('start').length !== 1 || ends.length !== 1) {
    const told = book.events.map(({ event }) => event).join(', ');
    totals.fault('wrongStreams', 1, `${name} (${facts.end ?? 'live'}) was told as: ${told || 'nothing'}`);
    return;
  }
  const [end] = ends;
  const stats = end?.payload.stats as Record<string, number> | undefined;
  const heard = book.frames.length / 2;
  if (stats?.frames_in !== heard)
    totals.fault('wrongStreams', 1, `${name} has frames_in ${stats?.frames_in}, the flow heard ${heard}`);
  if (!fate.dropped && end?.event !== 'stop')
    totals.fault('wrongStreams', 1, `${name} was not dropped, and told as ${end?.event}`);
  const answered = facts.marks.filter((mark) => mark.answeredAt !== undefined && mark.name.startsWith('m'));
  totals.marks += book.marks.length;
  const times = new Map<string, number>();
  for (const { name: mark } of book.marks) times.set(mark, (times.get(mark) ?? 0) + 1);
  for (const [mark, count] of times) {
    if (count > 1) totals.fault('wrongMarks', count - 1, `${name}: mark ${mark} was told ${count} times`);
    if (!answered.some((one) => one.name === mark))
      totals.fault('wrongMarks', 1, `${name}: mark ${mark} was told, and never came back`);
  }
  if (fate.dropped) return;
  const untold = answered.filter((mark) => !times.has(mark.name));
  totals.fault(
    'wrongMarks',
    untold.length,
    `${name}: ${untold.map((mark) => mark.name).join(', ')} not told`,
  );
}

/** The ledger's part: every message has one outcome. */
export function checkTold(entries: readonly Entry[], ledger: Ledger, totals: Totals): void {
  for (const entry of entries) {
    if (entry.outcome !== undefined) continue;
    ledger.close(entry);
    totals.fault('unreported', 1, `command ${entry.cmd} to ${entry.step}`);
  }
}
