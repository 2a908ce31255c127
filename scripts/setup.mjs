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

/** Installs what the lock file names, unless that very lock file is installed already. */
export function install() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const stamp = join(root, 'node_modules', '.wavix-installed');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  console.log('Installing dependencies …');
  // The npm that runs this: the one in node_modules/.bin would delete itself.
  const npm = process.env.npm_execpath;
  const command = npm ? [process.execPath, npm] : ['npm'];
  run(command[0], [...command.slice(1), 'ci', '--no-audit', '--no-fund']);
  writeFileSync(stamp, lock);
}

/**
 * Installs the speech recogniser that one test listens with, on Debian as root; elsewhere that test says that it is
 * skipped.
 */
export function installRecogniser() {
  const isThere = (command, args) => !spawnSync(command, args, { stdio: 'ignore' }).error;
  if (isThere('pocketsphinx_continuous', ['-help'])) return;
  if (process.getuid?.() !== 0 || !isThere('apt-get', ['--version'])) {
    console.log(
      'No pocketsphinx here (Debian: pocketsphinx, pocketsphinx-en-us): the recogniser test is skipped.',
    );
    return;
  }
  console.log('Installing the speech recogniser …');
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const quietly = { stdio: ['ignore', 'ignore', 'inherit'], env: environment };
  run('apt-get', ['update', '-qq'], quietly);
  run('apt-get', ['install', '-y', '-qq', 'pocketsphinx', 'pocketsphinx-en-us'], quietly);
}
