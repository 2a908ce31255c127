/** The package as a user gets it: packed once into a tarball, and installed from it beside a Node-RED. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';

export const ROOT = join(__dirname, '../..');
export const PACKAGE = '@wavix-flows/node-red-wavix';

const exec = promisify(execFile);

export interface Installed {
  /** A folder with the package in its node_modules and in its package.json. */
  folder: string;
  /** The package's own folder in there. */
  packageFolder: string;
}

let installed: Promise<Installed> | undefined;
let scratch: string | undefined;

/** A new folder that `cleanUp` removes. */
export async function temporaryFolder(name: string): Promise<string> {
  scratch ??= await realpath(await mkdtemp(join(tmpdir(), 'wavix-e2e-')));
  return mkdtemp(join(scratch, `${name}-`));
}

/** Removes every folder made here. */
export async function cleanUp(): Promise<void> {
  if (scratch) await rm(scratch, { recursive: true, force: true, maxRetries: 3 });
  scratch = undefined;
  installed = undefined;
}

/** Packs and installs at the first call; later ones get the same folder. */
export function installedPackage(): Promise<Installed> {
  installed ??= packAndInstall();
  return installed;
}

async function packAndInstall(): Promise<Installed> {
  const tarball = await pack();
  const folder = await temporaryFolder('installed');
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'a-users-node-red', private: true }));
  await npm(folder, ['install', '--prefer-offline', '--no-audit', '--no-fund', tarball]);
  return { folder, packageFolder: join(folder, 'node_modules', PACKAGE) };
}

/** Packs a copy, so that the build that belongs to packing leaves the working tree's dist/ alone. */
async function pack(): Promise<string> {
  const copy = await temporaryFolder('source');
  const leftOut = ['dist', '.git', 'demo-output', 'test-output', 'coverage'].map((name) => join(ROOT, name));
  const isSource = (path: string) => basename(path) !== 'node_modules' && !leftOut.includes(path);
  await cp(ROOT, copy, { recursive: true, filter: isSource });
  await symlink(join(ROOT, 'node_modules'), join(copy, 'node_modules'), 'junction');
  const into = join(copy, 'packed');
  await mkdir(into);
  await npm(copy, ['pack', '--pack-destination', into]);
  const [tarball] = await readdir(into);
  if (!tarball) throw new Error('npm pack made no tarball');
  return join(into, basename(tarball));
}

async function npm(cwd: string, args: string[]): Promise<void> {
  try {
    await exec('npm', args, { cwd, timeout: 180_000, shell: process.platform === 'win32' });
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`npm ${args.join(' ')} failed:\n${stdout ?? ''}\n${stderr ?? ''}`, { cause: error });
  }
}
