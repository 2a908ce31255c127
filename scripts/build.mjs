// Compiles nodes, lib and simulator into dist/, and puts beside the compiled nodes what Node-RED reads there:
// their .html, icons and locales.
import { chmodSync, cpSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root, run } from './setup.mjs';

const dist = join(root, 'dist');
rmSync(dist, { recursive: true, force: true });
run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.json']);

for (const file of readdirSync(join(root, 'nodes'))) {
  if (file.endsWith('.html')) cpSync(join(root, 'nodes', file), join(dist, 'nodes', file));
}
for (const folder of ['icons', 'locales']) {
  if (existsSync(join(root, folder)))
    cpSync(join(root, folder), join(dist, 'nodes', folder), { recursive: true });
}
const cli = join(dist, 'simulator/cli.js');
if (existsSync(cli)) chmodSync(cli, 0o755);
