/**
 * Every form in every language but English, which all other tests see: its words are there, and no key is shown for one
 * that is missing. Each language is looked at in one of the Node-REDs.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { configNode, onTab } from '../e2e/flows';
import { ROOT } from '../e2e/package';
import { chosenTarget, TARGETS } from '../e2e/targets';
import { IN_PALETTE, itInBrowser, Stage } from './harness';

interface Catalogue {
  label: Record<string, string>;
}

const CONFIG = configNode('http://127.0.0.1:1');
const LOCALES = join(ROOT, 'locales');
const here = TARGETS.indexOf(chosenTarget());
const languages = readdirSync(LOCALES)
  .filter((language) => language !== 'en-US')
  .filter((_language, index) => index % TARGETS.length === here);

describe('Languages', function () {
  this.timeout(90_000);
  const nodes = IN_PALETTE.map((type, index) => ({
    ...{ id: type, type, config: CONFIG.id, wires: [] },
    ...{ x: 200, y: 60 + 50 * index },
  }));
  const stage = Stage.for(onTab('forms', [CONFIG, ...nodes]));

  for (const language of languages) {
    itInBrowser(`${language}: palette and forms have its words`, async () => {
      const editor = await stage.openEditor({ locale: language });
      for (const type of IN_PALETTE) {
        const words = catalogue(language, type);
        assert.equal(await editor.paletteLabel(type), words.label.palette, type);
        const form = await editor.edit(type);
        assertHas(await form.element.innerText(), words, type);
        if (type === IN_PALETTE[0]) {
          const account = await form.editConfig('config');
          assertHas(await account.element.innerText(), catalogue(language, 'wavix-config'), 'wavix-config');
          await account.cancel();
        }
        await form.cancel();
      }
      await editor.close();
    });
  }
});

function catalogue(language: string, type: string): Catalogue {
  const file = readFileSync(join(LOCALES, language, `${type}.json`), 'utf8');
  return (JSON.parse(file) as Record<string, Catalogue>)[type]!;
}

/** One at least of the form's own labels, as not all are shown. */
function assertHas(text: string, { label }: Catalogue, type: string): void {
  const own = Object.keys(label).filter((key) => key !== 'palette');
  assert.ok(own.length === 0 || own.some((key) => text.includes(label[key]!)), `${type}: ${text}`);
}
