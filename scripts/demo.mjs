// npm run demo: a whole phone call through a flow in a real Node-RED, with the local Wavix at the other end.
// Sets itself up on a fresh clone; exits 0 if all that belongs to the call has happened and was heard, else 1.
import { parseArgs } from 'node:util';
import { install, run } from './setup.mjs';

const HELP = `Usage: npm run demo [-- --stay]

Starts a real Node-RED with the example flow "A whole conversation" and the local Wavix,
lets the flow place a call, and shows what happens. Both sides of the call are written to
demo-output/ as WAV files.

Options:
  --stay   leaves Node-RED and the local Wavix running afterwards; Ctrl-C ends them
  --help   this text
`;

let options;
try {
  options = parseArgs({
    options: { stay: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
  }).values;
} catch (error) {
  console.error(`${error.message}\n\n${HELP}`);
  process.exit(2);
}
if (options.help) {
  console.log(HELP);
  process.exit(0);
}
install();
console.log('Building …');
run('npm', ['run', '--silent', 'build']);
const { demo } = await import('./demo/call.mjs');
process.exitCode = await demo({ stay: options.stay ?? false });
