/** The sounds that come with the package, by their names: `hello` is `resources/sounds/hello.wav`. */

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** What a phone says when nobody has told it what: short, and a question, so that something answers. */
export const DEFAULT_SOUND = 'can-you-hear-me';

const NAME = /^[a-z0-9]+(-[a-z0-9]+)*$/;

/** The sources are one folder below the root, what is compiled from them two. */
const FOLDER = ['..', '../..']
  .map((up) => join(__dirname, up, 'resources', 'sounds'))
  .find((folder) => existsSync(folder));

/** All their names. */
export function soundNames(): string[] {
  if (FOLDER === undefined) return [];
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.wav'))
    .map((file) => file.slice(0, -'.wav'.length))
    .sort();
}

/**
 * The file that is meant: of a sound that comes with the package, or the path itself. Fails if it reads like a name, and
 * there is none of it.
 */
export function soundFile(nameOrPath: string): string {
  if (!NAME.test(nameOrPath)) return nameOrPath;
  const file = join(FOLDER ?? '', `${nameOrPath}.wav`);
  if (FOLDER !== undefined && existsSync(file)) return file;
  if (existsSync(nameOrPath)) return nameOrPath;
  throw new Error(
    `There is no sound "${nameOrPath}". The package has ${soundNames().join(', ')}; anything else is the path of a WAV file.`,
  );
}
