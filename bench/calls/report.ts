/** The results as tables, with the goals beside them. */
import type { EchoResult } from './loads';
import type { Moments, Prompts } from './moments';
import { NAMES, type Name, type Results } from './results';

const TITLES: Record<Name, string> = {
  plain: '(a) hand-written',
  core: '(b) core nodes',
  wavix: '(c) this package',
};

export function asMarkdown(results: Results): string {
  const { machine, rounds, seconds } = results;
  const { cpu, cores, node, nodeRed, commit, date } = machine;
  return [
    `Measured ${date} at commit ${commit}: ${cpu}, ${cores} cores, Node.js ${node}, Node-RED ${nodeRed}; medians of ` +
      `${rounds.length} rounds of ${seconds} s.`,
    '',
    ...goals(results),
    '',
    ...echoes(results),
    '',
    ...floods(results),
    '',
    ...perRound(results),
    '',
    ...moments(results),
    '',
  ].join('\n');
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  const [low, high] = [sorted[Math.ceil(sorted.length / 2) - 1] as number, sorted[middle] as number];
  return (low + high) / 2;
}

function table(head: string[], rows: string[][]): string[] {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_cell, index) => (index === 0 ? '---' : '--:'))), ...rows.map(line)];
}

type EchoFigure = { [K in keyof EchoResult]: EchoResult[K] extends number ? K : never }[keyof EchoResult];

function echoMedian({ rounds }: Results, calls: number, name: Name, figure: EchoFigure): number {
  return median(rounds.map(({ echo }) => echo[calls]?.[name][figure] as number));
}

/** The ratio within a round, of two that were measured right after each other; the median of these. */
function cpuRatio({ rounds }: Results, calls: number, other: Name): number {
  return median(
    rounds.map(({ echo }) => {
      const row = echo[calls] as Record<Name, EchoResult>;
      return row.wavix.cpuPerFrame / row[other].cpuPerFrame;
    }),
  );
}

/** Medians of the rounds; of the latest frame, the latest of all. */
function promptsOf({ prompts }: Moments): Prompts {
  return {
    latestMs: Math.max(...prompts.map(({ latestMs }) => latestMs)),
    heldMs: median(prompts.map(({ heldMs }) => heldMs)),
    cpuMs: median(prompts.map(({ cpuMs }) => cpuMs)),
  };
}

function goals(results: Results): string[] {
  const { rounds, moments: one, calls } = results;
  const most = Math.max(...calls);
  const flood = median(
    rounds.map((round) => round.flood.wavix.framesPerSecond / round.flood.plain.framesPerSecond),
  );
  const p99 = echoMedian(results, most, 'wavix', 'p99');
  const worse = p99 - echoMedian(results, most, 'plain', 'p99');
  const kb = one.memoryPerCall / 1_024;
  const { latestMs, heldMs } = promptsOf(one);
  const row = (what: string, goal: string, value: string, isMet: boolean) => [
    what,
    goal,
    value,
    isMet ? 'yes' : 'no',
  ];
  const [toPlain, toCore] = [cpuRatio(results, most, 'plain'), cpuRatio(results, most, 'core')];
  return table(
    ['', 'goal', 'measured', 'met'],
    [
      row(`CPU per frame against (a), ${most} calls`, '≤ 1.0', toPlain.toFixed(2), toPlain <= 1.0),
      row(`CPU per frame against (b), ${most} calls`, '≤ 0.55', toCore.toFixed(2), toCore <= 0.55),
      row('flood, frames per second, against (a)', '≥ 1.0', flood.toFixed(2), flood >= 1),
      row(
        `p99 of the round trip at ${most} calls`,
        '≤ 5 ms, (a) + 3 ms',
        `${p99.toFixed(2)} ms, (a) ${worse < 0 ? '−' : '+'} ${Math.abs(worse).toFixed(2)} ms`,
        p99 <= 5 && worse <= 3,
      ),
      row('memory per live call', '≤ 60 KB', `${kb.toFixed(1)} KB`, kb <= 60),
      row(
        'a queued prompt of 10 s',
        'held once',
        `${(one.queueMemory / 1_024).toFixed(1)} KB`,
        one.queueMemory < 10 * 1_024,
      ),
      row(
        '200 prompts at once: latest frame',
        'by ≤ the lead',
        `${latestMs.toFixed(0)} ms`,
        latestMs <= 1_000,
      ),
      row('200 prompts at once: loop held', '≤ 20 ms', `${heldMs.toFixed(1)} ms`, heldMs <= 20),
    ],
  );
}

function echoes(results: Results): string[] {
  const rows = results.calls.flatMap((calls) =>
    NAMES.map((name) => {
      const figure = (key: EchoFigure, digits: number) =>
        echoMedian(results, calls, name, key).toFixed(digits);
      const faults = results.rounds.reduce((sum, { echo }) => {
        const { lost, wrong } = (echo[calls] as Record<Name, EchoResult>)[name];
        return sum + lost + wrong;
      }, 0);
      const ratio = name === 'plain' ? '' : cpuRatioOf(results, calls, name).toFixed(2);
      return [
        String(calls),
        TITLES[name],
        figure('cpuPerFrame', 1),
        ratio,
        figure('p50', 2),
        figure('p99', 2),
        figure('max', 1),
        String(faults),
      ];
    }),
  );
  return table(
    [
      'calls',
      'server',
      'CPU a frame, µs',
      '(c) against it',
      'p50, ms',
      'p99, ms',
      'longest, ms',
      'lost or wrong',
    ],
    rows,
  );
}

/** (c) against (b); in the row of (c), against (a). */
function cpuRatioOf(results: Results, calls: number, name: Name): number {
  return cpuRatio(results, calls, name === 'wavix' ? 'plain' : name);
}

function floods({ rounds }: Results): string[] {
  return table(
    ['flood', 'frames a second', 'CPU a frame, µs', 'lost or wrong'],
    NAMES.map((name) => [
      TITLES[name],
      median(rounds.map(({ flood }) => flood[name].framesPerSecond)).toFixed(0),
      median(rounds.map(({ flood }) => flood[name].cpuPerFrame)).toFixed(1),
      String(rounds.reduce((sum, { flood }) => sum + flood[name].lost + flood[name].wrong, 0)),
    ]),
  );
}

function perRound(results: Results): string[] {
  const most = Math.max(...results.calls);
  return table(
    ['round', `(c)/(a), ${most} calls`, `(c)/(b), ${most} calls`, '(c)/(a), flood'],
    results.rounds.map((round, index) => {
      const only = { ...results, rounds: [round] };
      const flood = round.flood.wavix.framesPerSecond / round.flood.plain.framesPerSecond;
      return [
        String(index + 1),
        cpuRatio(only, most, 'plain').toFixed(2),
        cpuRatio(only, most, 'core').toFixed(2),
        flood.toFixed(2),
      ];
    }),
  );
}

function moments({ moments: one }: Results): string[] {
  const ms = (value: number, digits = 1) => `${value.toFixed(digits)} ms`;
  const { latestMs, heldMs, cpuMs } = promptsOf(one);
  const held = one.prompts.map((prompts) => prompts.heldMs);
  const kb = (bytes: number) => `${(bytes / 1_024).toFixed(1)} KB`;
  return table(
    ['(c) alone', ''],
    [
      ['memory of a live call; (a) beside it', `${kb(one.memoryPerCall)}; ${kb(one.memoryPerCallPlain)}`],
      ['200 silent streams, share of a core', `${(one.idleCpu * 100).toFixed(1)} %`],
      ['full deploy with 100 talking calls', ms(one.deployMs, 0)],
      ['longest way of a frame meanwhile', ms(one.deployLongestMs, 0)],
      ['200 prompts of 10 s at once: latest frame (below 0: ahead of the ear)', ms(latestMs, 0)],
      [
        'the same: event loop held at most, median of the rounds, and the least and most',
        `${ms(heldMs)}; ${ms(Math.min(...held))}, ${ms(Math.max(...held))}`,
      ],
      ['the same: CPU of one prompt, 16 kHz to 24', ms(cpuMs)],
      ['1 000 prompts of 10 s queued: CPU of one', ms(one.queueCpuMs, 3)],
      ['the same: event loop held at most', ms(one.queueHeldMs)],
      ['the same: memory of one', kb(one.queueMemory)],
      ['from `clear` to silence: half of them, the longest', `${ms(one.clearMs)}, ${ms(one.clearLongestMs)}`],
    ],
  );
}
