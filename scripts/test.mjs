// npm test: sets itself up, then runs every check there is. The first failure ends it.
// With names of suites, as in `npm run test:e2e`: those alone, with what they need beside the dependencies.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { install, installTargets, installTools, root, run } from './setup.mjs';

/** A suite takes a few minutes. Whatever is left open by a test would keep it from ending. */
const LONGEST_SUITE_MS = 20 * 60_000;

/** One row after the other; what is in the same row waits more than it works, and runs side by side. */
const ROWS = [
  [{ folder: 'unit' }],
  [{ folder: 'nodes' }],
  [
    { folder: 'e2e', nodeRed: '4.1' },
    { folder: 'e2e', nodeRed: '5.0' },
  ],
  [
    { folder: 'browser', nodeRed: '4.1' },
    { folder: 'browser', nodeRed: '5.0' },
  ],
  [{ folder: 'soak' }],
];
const NEED_TARGETS = ['e2e', 'browser'];

const wanted = process.argv.slice(2);
const folders = [...new Set(ROWS.flat().map(({ folder }) => folder))];
const unknown = wanted.find((name) => !folders.includes(name));
if (unknown) {
  console.error(`There are no tests named ${unknown}, but ${folders.join(', ')}.`);
  process.exit(2);
}
const isWanted = (name) => wanted.length === 0 || wanted.includes(name);

if (wanted.length === 0) {
  install();
  installTools();
  for (const check of ['lint', 'typecheck', 'build']) run('npm', ['run', '--silent', check]);
}
if (NEED_TARGETS.some(isWanted)) installTargets();
for (const row of ROWS) await runSideBySide(row.filter(({ folder }) => isWanted(folder)));

/** Shows what the first suite writes as it comes, what the others wrote after it. */
async function runSideBySide(suites) {
  const runs = suites.map((suite, index) => runSuite(suite, index > 0));
  const passed = [];
  for (const { title, output, ended } of runs) {
    console.log(`\n── ${title} ──`);
    const [code] = await ended;
    if (output.length > 0) process.stdout.write(Buffer.concat(output));
    passed.push(code === 0);
  }
  if (passed.includes(false)) process.exit(1);
}

function runSuite({ folder, nodeRed }, quiet) {
  const mocha = join(root, 'node_modules/mocha/bin/mocha.js');
  const child = spawn(process.execPath, [mocha, '--spec', `test/${folder}/**/*.test.ts`], {
    cwd: root,
    timeout: LONGEST_SUITE_MS,
    stdio: ['ignore', quiet ? 'pipe' : 'inherit', quiet ? 'pipe' : 'inherit'],
    env: { ...process.env, ...(nodeRed && { WAVIX_TEST_NODE_RED: nodeRed }) },
  });
  const output = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (piece) => output.push(piece));
  const title = `${folder} tests${nodeRed ? `, Node-RED ${nodeRed}` : ''}`;
  return { title, output, ended: once(child, 'close') };
}
