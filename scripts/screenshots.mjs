// npm run screenshots: takes the pictures of the browser tests anew, and puts those into docs/images that the documents show.
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { install, installTargets, installTools, root, run } from './setup.mjs';

/** In docs/images, and of what: a Node-RED, light or dark, a picture. */
const SHOWN = {
  'greeting.png': '4.1/light/greeting.png',
  'live-call.png': '5.0/dark/live call.png',
};

install();
installTools();
installTargets();
for (const version of new Set(Object.values(SHOWN).map((file) => file.split('/')[0]))) {
  const env = { ...process.env, WAVIX_TEST_NODE_RED: version };
  run('npx', ['mocha', 'test/browser/screenshots.test.ts'], { env });
}
for (const [name, picture] of Object.entries(SHOWN)) {
  copyFileSync(join(root, 'test-output/screenshots', picture), join(root, 'docs/images', name));
}
