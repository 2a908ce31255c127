// npm run soak: many calls at once through a real Node-RED, with all that can go wrong; ends with a table. See docs/soak.md.
import { parseArgs } from 'node:util';
import { install, run } from './setup.mjs';

const HELP = `Usage: npm run soak [-- options]

Keeps many calls going at once between a real Node-RED 4.1 and the local Wavix: talk both
ways, clears, marks, dropped sockets, hang-ups by both sides, streams stopped and started,
failures of the API, and a deploy every few seconds. Every byte and every report is
checked. Ends with a table; exits 1 if anything is not 0 that must be.

Options:
  --minutes N      how long new calls are made (5; up to 240, parts of minutes too)
  --calls N        how many calls at once (100; up to 1000)
  --seed N         draws the same lots again (1)
  --deploy-every S seconds from one deploy to the next, on average (2.5; 0: none)
  --max-growth MB  by how much Node-RED's memory in use may grow (32)
  --help           this text
`;

function usage(problem) {
  console.error(`${problem}\n\n${HELP}`);
  process.exit(2);
}

function numberOf(values, name, { from, to, whole }) {
  const value = Number(values[name]);
  if (!(value >= from && value <= to) || (whole && !Number.isInteger(value)))
    usage(`--${name} must be a ${whole ? 'whole ' : ''}number from ${from} to ${to}.`);
  return value;
}

let values;
try {
  ({ values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '5' },
      calls: { type: 'string', default: '100' },
      seed: { type: 'string', default: '1' },
      'deploy-every': { type: 'string', default: '2.5' },
      'max-growth': { type: 'string', default: '32' },
      help: { type: 'boolean', short: 'h' },
    },
  }));
} catch (error) {
  usage(error.message);
}
if (values.help) {
  console.log(HELP);
  process.exit(0);
}
const options = [
  numberOf(values, 'minutes', { from: 0.1, to: 240 }),
  numberOf(values, 'calls', { from: 1, to: 1_000, whole: true }),
  numberOf(values, 'seed', { from: 0, to: 4_294_967_295, whole: true }),
  numberOf(values, 'max-growth', { from: 1, to: 10_000 }),
  numberOf(values, 'deploy-every', { from: 0, to: 3_600 }),
];
install();
run('node', ['--import', 'tsx', 'bench/soak/main.ts', ...options.map(String)]);
