/** The examples as a person gets at them: by the import dialog, then Deploy, then the button they tell to press. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exampleNames, readExample } from '../e2e/flows';
import { freePort, type FlowNode } from '../e2e/node-red';
import { installedPackage, temporaryFolder } from '../e2e/package';
import { itInBrowser, SET_UP_MS, Stage } from './harness';
import { overlaps } from './layout';

/** The port that the examples come with. */
const PORT = 8787;

/** Of which a call is gone through to its end, from the button on. The end-to-end tests do it with all of them. */
const FIRST_CALL = '1 - Place a call and play a greeting';

describe('Examples in the import dialog', function () {
  this.timeout(60_000);
  let packageFolder: string;
  const env: Record<string, string> = {};

  before(async function () {
    this.timeout(SET_UP_MS);
    ({ packageFolder } = await installedPackage());
    env.WAVIX_RECORDINGS = await temporaryFolder('recordings');
    // Another process may have the usual port.
    const port = await freePort();
    const folder = join(packageFolder, 'examples');
    for (const file of readdirSync(folder)) {
      const text = readFileSync(join(folder, file), 'utf8');
      writeFileSync(
        join(folder, file),
        text.replaceAll(`:${PORT}"`, `:${port}"`).replaceAll(`"port": ${PORT}`, `"port": ${port}`),
      );
    }
  });
  const stage = Stage.for([], { env });

  const names = readdirSync(join(__dirname, '../../examples')).filter((file) => file.endsWith('.json'));
  for (const name of names.map((file) => file.slice(0, -'.json'.length)).sort()) {
    itInBrowser(`${name} is imported and deployed`, async () => {
      const editor = await stage.editor();
      const example = readExample(packageFolder, name);
      await editor.importExample(name, tabOf(example));
      assert.equal(await editor.markedWrong(), 0, 'nodes marked as wrong');
      assert.deepEqual(await overlaps(editor.page), [], 'nodes that hide another');
      await editor.deploy();
      const [local] = await editor.ids('wavix-simulator');
      await editor.status(local!, /^ready on port \d+$/);
      const deployed = await editor.deployed();
      for (const { id, type } of example)
        assert.ok(
          deployed.some((node) => node.id === id),
          `${type} ${id}`,
        );

      if (name !== FIRST_CALL) return;
      await editor.pressButton((await editor.ids('inject'))[0]!);
      await editor.status(local!, /^heard [1-9]/, 30_000);
    });
  }

  it('are all there', () => {
    assert.deepEqual(exampleNames(packageFolder).sort(), names.map((file) => file.slice(0, -5)).sort());
    assert.ok(names.includes(`${FIRST_CALL}.json`));
  });
});

function tabOf(example: FlowNode[]): string {
  return String(example.find(({ type }) => type === 'tab')?.label);
}
