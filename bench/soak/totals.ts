/** What a soak counts, and what of it must be 0. */
import type { Measure } from './link';
import type { ProxyFacts } from './faulty-proxy';

export interface Faults {
  /** frames of the phone that never reached the flow, though nothing happened to their stream */
  lostFrames: number;
  /** frames that reached it twice, or in a wrong order */
  repeatedFrames: number;
  /** bytes that were not what they should be: in the flow, at the phone, or missing of a message told as played */
  wrongBytes: number;
  /** echoed audio that the phone did not hear, though nothing took it away, in frames */
  lostEchoes: number;
  /** messages to a node whose outcome was never told */
  unreported: number;
  /** outcomes told twice */
  reportedTwice: number;
  /** messages told as interrupted of which more was heard than told, beyond the tolerance */
  heardMore: number;
  /** marks that Wavix sent back and the flow was not told of, or twice */
  wrongMarks: number;
  /** streams without exactly one start and one end, or with wrong stats */
  wrongStreams: number;
  /** errors and reports that belong to no message */
  unasked: number;
  /** calls that were placed twice, or told to the flow not exactly once */
  wrongCalls: number;
}

export class Totals {
  calls = 0;
  answered = 0;
  streams = 0;
  framesHeard = 0;
  framesSpoken = 0;
  /** what went with dropped sockets */
  framesDropped = 0;
  /** the most of them on one stream */
  mostDropped = 0;
  messages = 0;
  played = 0;
  interrupted = 0;
  clears = 0;
  marks = 0;
  drops = 0;
  gaps = 0;
  deploys: Record<string, number> = {};
  errors: Record<string, number> = {};
  /** by how much more was heard than told of interrupted messages, ms */
  readonly heardMoreMs: number[] = [];
  readonly faults: Faults = {
    lostFrames: 0,
    repeatedFrames: 0,
    wrongBytes: 0,
    lostEchoes: 0,
    unreported: 0,
    reportedTwice: 0,
    heardMore: 0,
    wrongMarks: 0,
    wrongStreams: 0,
    unasked: 0,
    wrongCalls: 0,
  };
  /** The first faults, in words. */
  readonly remarks: string[] = [];

  fault(kind: keyof Faults, count: number, remark: string): void {
    if (count <= 0) return;
    this.faults[kind] += count;
    if (this.remarks.length < 50) this.remarks.push(`${kind} +${count}: ${remark}`);
  }

  error(code: string): void {
    this.errors[code] = (this.errors[code] ?? 0) + 1;
  }
}

export interface SoakResult {
  options: { minutes: number; calls: number; seed: number; maxGrowthMb: number };
  totals: Totals;
  start: Measure;
  middle: Measure;
  end: Measure;
  longestDelayMs: number;
  /** of the process that plays Wavix and the phones */
  ownLongestDelayMs: number;
  proxy: ProxyFacts;
  /** what must not be and is: empty if all is well */
  failures: string[];
}

const WORDS: Record<keyof Faults, string> = {
  lostFrames: 'lost frames',
  repeatedFrames: 'repeated frames',
  wrongBytes: 'wrong bytes',
  lostEchoes: 'lost echoes (frames)',
  unreported: 'unreported messages',
  reportedTwice: 'reported twice',
  heardMore: 'heard more than told',
  wrongMarks: 'wrong marks',
  wrongStreams: 'wrong streams',
  unasked: 'told unasked',
  wrongCalls: 'wrong calls',
};

/** Fewer listeners, handles or objects than this more are not a leak: a connection that is idle, a timer that runs. */
const SLACK = { listeners: 0, handles: 4, objects: 30 };

/** What must not be. */
export function failuresOf(result: Omit<SoakResult, 'failures'>): string[] {
  const { totals, start, end, options } = result;
  const failures: string[] = [];
  for (const [kind, count] of Object.entries(totals.faults)) {
    if (count > 0) failures.push(`${WORDS[kind as keyof Faults]}: ${count}`);
  }
  const grown = (end.used - start.used) / 1e6;
  if (grown > options.maxGrowthMb)
    failures.push(`memory grew by ${grown.toFixed(1)} MB, more than ${options.maxGrowthMb}`);
  for (const kind of ['listeners', 'handles', 'objects'] as const) {
    for (const [name, count] of Object.entries(end[kind])) {
      const before = start[kind][name] ?? 0;
      if (count > before + SLACK[kind]) failures.push(`${kind}: ${name} went from ${before} to ${count}`);
    }
  }
  if (totals.answered === 0) failures.push('no call was answered');
  if (totals.framesHeard === 0 || totals.framesSpoken === 0) failures.push('nothing was heard');
  return failures;
}

export function sumOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, one) => sum + one, 0);
}

/** The result as a table. */
export function tableOf(result: SoakResult): string {
  const { totals, start, middle, end, proxy } = result;
  const mb = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
  const counts = (record: Record<string, number>) =>
    Object.entries(record)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, count]) => `${name} ${count}`)
      .join(', ') || 'none';
  const rows: [string, string | number][] = [
    ['calls', `${totals.calls}, ${totals.answered} answered`],
    ['streams', `${totals.streams}, ${totals.drops} dropped without stop`],
    ['frames heard by the flow', totals.framesHeard],
    ['frames sent by the flow', totals.framesSpoken],
    ['frames gone with dropped sockets', totals.framesDropped],
    ['messages', `${totals.messages}, audio: ${totals.played} played, ${totals.interrupted} interrupted`],
    ['clears, marks, gaps', `${totals.clears}, ${totals.marks}, ${totals.gaps}`],
    ['deploys', counts(totals.deploys)],
    [
      'faults of the API',
      `429 × ${proxy.answered429}, 503 × ${proxy.answered503}, answer lost × ${proxy.answersLost}, ` +
        `refusing × ${proxy.timesRefusing}, in ${proxy.requests} requests`,
    ],
    ['errors told, by code', counts(totals.errors)],
    ...Object.entries(totals.faults).map(([kind, count]): [string, number] => [
      `${WORDS[kind as keyof Faults]} (must be 0)`,
      count as number,
    ]),
    ['longest event-loop delay, Node-RED', `${result.longestDelayMs.toFixed(0)} ms`],
    ['longest event-loop delay, local Wavix', `${result.ownLongestDelayMs.toFixed(0)} ms`],
    ['memory used, start / middle / end', `${mb(start.used)} / ${mb(middle.used)} / ${mb(end.used)}`],
    ['resident memory, the same', `${mb(start.rss)} / ${mb(middle.rss)} / ${mb(end.rss)}`],
    ['handles at start', counts(start.handles)],
    ['handles at end', counts(end.handles)],
    ['listeners, start / end', `${sumOf(start.listeners)} / ${sumOf(end.listeners)}`],
    ['objects at start', counts(start.objects)],
    ['objects at end', counts(end.objects)],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
  if (result.failures.length > 0) {
    lines.push('', 'FAILED:', ...result.failures.map((failure) => `  ${failure}`));
    lines.push('', 'The first of them:', ...totals.remarks.slice(0, 20).map((remark) => `  ${remark}`));
  } else {
    lines.push('', 'All that must be 0 is 0.');
  }
  return lines.join('\n');
}
