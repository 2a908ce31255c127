/** The Node-REDs that the package has to work in. scripts/setup.mjs installs what is not among the dependencies. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './package';

export interface Target {
  /** Of Node-RED: '4.1'. */
  version: string;
  /** The Node.js that runs it. */
  node: string;
  /** Node-RED's own start script. */
  script: string;
  /** Style sheets that make its editor dark, where it has no dark theme of its own. */
  darkStyles: readonly string[];
}

const NODE_RED = 'node_modules/node-red/red.js';
const DARK = join(
  ROOT,
  'test/targets/node-red-4.1/node_modules/@node-red-contrib-themes/theme-collection/themes/dark',
);
const FIVE = join(ROOT, 'test/targets/node-red-5');

export const TARGETS: readonly Target[] = [
  {
    version: '4.1',
    node: process.execPath,
    script: join(ROOT, NODE_RED),
    darkStyles: ['dark', 'dark-custom'].map((name) => join(DARK, `${name}.min.css`)),
  },
  { version: '5.0', node: nodeOf(FIVE), script: join(FIVE, NODE_RED), darkStyles: [] },
];

/** The target that the environment variable `WAVIX_TEST_NODE_RED` names; 4.1 if it names none. */
export function chosenTarget(): Target {
  const version = process.env.WAVIX_TEST_NODE_RED ?? '4.1';
  const target = TARGETS.find((one) => one.version === version);
  if (!target)
    throw new Error(`WAVIX_TEST_NODE_RED=${version}: there is no such target in test/e2e/targets.ts`);
  if (!existsSync(target.script))
    throw new Error(`Node-RED ${version} is not installed: npm run test:e2e does it.`);
  return target;
}

/** Node.js comes as a package for each platform, of which npm installs the one that fits; else our own has to do. */
function nodeOf(folder: string): string {
  const platform = `${process.platform}-${process.arch}`.replace('win32', 'win');
  const file = process.platform === 'win32' ? 'node.exe' : 'node';
  const places = [`node-${platform}`, `node-bin-${platform}`].map((name) =>
    join(folder, 'node_modules', name, 'bin', file),
  );
  return places.find((place) => existsSync(place)) ?? process.execPath;
}
