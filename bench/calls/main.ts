/** The bench of whole servers against each other; see bench/README.md. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { coreFlow, echoFlow } from './flows';
import { echo, flood, type EchoResult } from './loads';
import { measureMoments } from './moments';
import { asMarkdown } from './report';
import { NAMES, type Name, type Results, type Round } from './results';
import { Server } from './server';

const ROOT = resolve(__dirname, '../..');
const WARM_UP_MS = 2_000;
/** One call's flood is 50 s of audio: less than the longest lead, so that the playout lets it through at once. */
const FLOOD = { calls: 25, frames: 2_500 };

async function main(): Promise<void> {
  const [rounds, seconds, list, output] = process.argv.slice(2) as [string, string, string, string];
  const calls = list.split(',').map(Number);
  const results: Omit<Results, 'moments'> = {
    machine: machine(),
    calls,
    seconds: Number(seconds),
    rounds: [],
  };
  const say = (text: string) => process.stdout.write(`${text}\n`);
  for (let round = 0; round < Number(rounds); round++) {
    say(`Round ${round + 1} of ${rounds}`);
    results.rounds.push(await runRound(round, calls, Number(seconds) * 1_000, say));
  }
  say('Moments');
  const [plain, wavix] = await Promise.all([Server.plain(), Server.wavix(echoFlow(1_000))]);
  const moments = await measureMoments(plain, wavix, Number(rounds)).finally(() =>
    Promise.all([plain.end(), wavix.end()]),
  );
  const all: Results = { ...results, moments };
  const text = asMarkdown(all);
  mkdirSync(output, { recursive: true });
  writeFileSync(resolve(output, 'results.json'), `${JSON.stringify(all, null, 2)}\n`);
  writeFileSync(resolve(output, 'results.md'), text);
  say(`\n${text}\nWritten to ${output}.`);
}

/** All three once, in another order each round, under each load in turn. */
async function runRound(
  round: number,
  calls: number[],
  ms: number,
  say: (text: string) => void,
): Promise<Round> {
  const servers: Record<Name, Server> = {
    plain: await Server.plain(),
    core: await Server.core(coreFlow),
    wavix: await Server.wavix(echoFlow(1_000)),
  };
  const order = NAMES.map((_name, index) => NAMES[(index + round) % NAMES.length] as Name);
  try {
    const result: Round = { echo: {}, flood: {} as Round['flood'] };
    for (const count of calls) {
      const row = {} as Record<Name, EchoResult>;
      for (const name of order) {
        row[name] = await echo(servers[name], count, WARM_UP_MS, ms);
        const { cpuPerFrame, p50, p99, lost, wrong } = row[name];
        say(
          `  ${name.padEnd(5)} ${String(count).padStart(4)} calls: ${cpuPerFrame.toFixed(1)} µs a frame, ` +
            `p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms, lost ${lost}, wrong ${wrong}`,
        );
      }
      result.echo[count] = row;
    }
    await servers.wavix.deploy(echoFlow(60_000));
    for (const name of order) {
      // The first one is for warming up.
      await flood(servers[name], FLOOD.calls, FLOOD.frames);
      result.flood[name] = await flood(servers[name], FLOOD.calls, FLOOD.frames);
      const { framesPerSecond, cpuPerFrame, lost, wrong } = result.flood[name];
      say(
        `  ${name.padEnd(5)} flood: ${Math.round(framesPerSecond)} frames a second, ` +
          `${cpuPerFrame.toFixed(1)} µs a frame, lost ${lost}, wrong ${wrong}`,
      );
    }
    return result;
  } finally {
    await Promise.all(NAMES.map((name) => servers[name].end()));
  }
}

function machine(): Results['machine'] {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim();
  const { version } = createRequire(__filename)('node-red/package.json') as { version: string };
  return {
    cpu: os.cpus()[0]?.model ?? 'unknown',
    cores: os.cpus().length,
    node: process.version,
    nodeRed: version,
    commit: `${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain') === '' ? '' : ', changed'}`,
    date: new Date().toISOString().slice(0, 10),
  };
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${String(error instanceof Error ? error.stack : error)}\n`);
    process.exit(1);
  },
);
