// npm run bench: measures, and prints what it measured. Nothing is asserted: figures depend on the machine. See bench/README.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { install, root, run } from './setup.mjs';

const HELP = `Usage: npm run bench [-- options]

Whole servers against each other, in turns, under the same calls: (a) a hand-written ws
server, (b) Node-RED's core nodes, (c) this package. About 13 minutes; let the machine
do nothing else meanwhile.

Options:
  --rounds N    how often all is measured (5)
  --seconds N   how long each load lasts (5)
  --calls LIST  numbers of two-way calls (10,50,100,200)
  --write       puts the tables into bench/RESULTS.md
  --audio       measures what converting audio costs instead; half a minute
  --help        this text

Results as JSON: bench-output/results.json`;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '5' },
    calls: { type: 'string', default: '10,50,100,200' },
    write: { type: 'boolean' },
    audio: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  },
});
const isCount = (text) => /^[1-9]\d{0,2}$/.test(text);
if (values.help || ![values.rounds, values.seconds, ...values.calls.split(',')].every(isCount)) {
  console.log(HELP);
  process.exit(values.help ? 0 : 2);
}

install();
if (values.audio) {
  run(process.execPath, ['--import', 'tsx', 'bench/audio.ts']);
} else {
  run('npm', ['run', '--silent', 'build']);
  const output = join(root, 'bench-output');
  const { rounds, seconds, calls } = values;
  run(process.execPath, ['--import', 'tsx', 'bench/calls/main.ts', rounds, seconds, calls, output]);
  if (values.write) writeResults(join(output, 'results.md'));
}

/** Replaces what stands below the line of RESULTS.md; what is above it is written by hand. */
function writeResults(tables) {
  const file = join(root, 'bench/RESULTS.md');
  const [before] = readFileSync(file, 'utf8').split('<!-- tables -->');
  writeFileSync(file, `${before}<!-- tables -->\n\n${readFileSync(tables, 'utf8')}`);
}
