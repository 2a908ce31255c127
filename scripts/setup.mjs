// What every command needs before it can do its own work on a fresh clone: the dependencies.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Runs a command in the project's root with its output shown; ends this process with its exit code if it fails. */
export function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32',
    ...options,
  });
  if (error) console.error(`${command} could not be started: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}

/** Installs the dependencies. */
export function install() {
  installLocked(root, 'dependencies');
}

/** Installs what the tests run the package in beside the Node-RED that is among the dependencies. */
export function installTargets() {
  installLocked(join(root, 'test/targets/node-red-4.1'), 'a dark theme for Node-RED 4.1');
  installLocked(join(root, 'test/targets/node-red-5'), 'Node-RED 5.0 with its Node.js');
}

/** Installs what a folder's lock file names, unless that very lock file is installed already. */
function installLocked(folder, what) {
  const lock = createHash('sha256')
    .update(readFileSync(join(folder, 'package-lock.json')))
    .digest('hex');
  const stamp = join(folder, 'node_modules', '.wavix-installed');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  console.log(`Installing ${what} …`);
  // The npm that runs this: the one in node_modules/.bin would delete itself.
  const npm = process.env.npm_execpath;
  const command = npm ? [process.execPath, npm] : ['npm'];
  // No word of engines: Node-RED 5.0 is installed by one Node.js and run by another.
  run(command[0], [...command.slice(1), 'ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: folder,
  });
  writeFileSync(stamp, lock);
}

/** What some tests use that is no npm package. Without it they say that they are skipped. */
const TOOLS = [
  { command: ['pocketsphinx_continuous', '-help'], packages: ['pocketsphinx', 'pocketsphinx-en-us'] },
  { command: ['chromium', '--version'], packages: ['chromium'] },
];

/** Installs those tools that are missing, on Debian as root; elsewhere says which they are. */
export function installTools() {
  const isThere = ([command, ...args]) => !spawnSync(command, args, { stdio: 'ignore' }).error;
  const packages = TOOLS.filter(({ command }) => !isThere(command)).flatMap((tool) => tool.packages);
  if (packages.length === 0) return;
  if (process.getuid?.() !== 0 || !isThere(['apt-get', '--version'])) {
    console.log(`Not here: Debian's ${packages.join(', ')}. Tests that need them may be skipped.`);
    return;
  }
  console.log(`Installing Debian's ${packages.join(', ')} …`);
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const quietly = { stdio: ['ignore', 'ignore', 'inherit'], env: environment };
  run('apt-get', ['update', '-qq'], quietly);
  run('apt-get', ['install', '-y', '-qq', ...packages], quietly);
}
