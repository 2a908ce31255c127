// npm run bench: measures, and prints what it measured. Nothing is asserted: figures depend on the machine.
import { install, run } from './setup.mjs';

install();
run(process.execPath, ['--import', 'tsx', 'bench/audio.ts']);
