// (b) and (c): a whole Node-RED. Its arguments are those of the command `node-red`.
import './probe.mjs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const nodeRed = createRequire(require.resolve('node-red/package.json'));
const { events } = nodeRed('@node-red/util');
events.once('flows:started', () => process.send({ ready: Number(process.env.BENCH_PORT) }));
require('node-red/red.js');
