/**
 * Pictures of all there is to see, light and dark, in test-output/screenshots/ for whoever wants to look; `npm run
 * screenshots` takes those of the README from there. What is checked is what an eye needs: contrast, and that a node of a
 * flow saved before it had any property looks like a new one.
 */
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { configNode, onTab, readExample } from '../e2e/flows';
import { freePort, type FlowNode } from '../e2e/node-red';
import { installedPackage } from '../e2e/package';
import { chosenTarget } from '../e2e/targets';
import type { Editor, Theme } from './editor';
import type { Form } from './form';
import { IN_PALETTE, itInBrowser, OUTPUT, Stage } from './harness';
import { extent } from './layout';

const GREETING = '1 - Place a call and play a greeting';
const ECHO = '2 - Answer a call and echo it';
const BARE = 'Every node';
const CONFIG = configNode('https://api.wavix.com', { name: '', publicUrl: 'https://phone.example.com' });

describe('Screenshots', function () {
  this.timeout(120_000);
  const stage = Stage.for();
  /** Labels of the examples' tabs. */
  const tabs: Record<string, string> = {};

  before(async () => {
    const { packageFolder } = await installedPackage();
    const port = await freePort();
    const flows = [GREETING, ECHO].flatMap((name) => {
      const flow = readExample(packageFolder, name);
      tabs[name] = String(flow.find(({ type }) => type === 'tab')?.label);
      return flow.map((node) => atPort(node, port));
    });
    const bare = IN_PALETTE.map((type, index) => {
      const node = { id: type, type, x: 200, y: 60 + 60 * index, wires: [] };
      return type === 'wavix-simulator' ? { ...node, port } : { ...node, config: CONFIG.id };
    });
    await stage.nodeRed.deploy([...flows, ...onTab(BARE, [CONFIG, ...bare])]);
  });

  for (const theme of ['light', 'dark'] as const) {
    itInBrowser(`${theme}: a live call, all forms, all help`, async () => {
      const editor = await stage.openEditor({ theme, scale: 2 });
      const pictures = await Pictures.of(theme);
      await editor.showSidebar('debug');
      await editor.scrollPalette('wavix-event');

      await editor.hideNotifications();

      await editor.showTab(tabs[GREETING]!);
      await editor.pressButton(await editor.first('inject'));
      await editor.status(await editor.first('wavix-stream-out'), /^playing/);
      await editor.status(await editor.first('wavix-simulator'), 'connected');
      await editor.status(await editor.first('wavix-call'), 'answered');
      await pictures.flow('greeting', editor);
      await editor.status(await editor.first('wavix-simulator'), /^heard [1-9]/);

      await editor.showTab(tabs[ECHO]!);
      await editor.pressButton(await editor.first('wavix-simulator'));
      await editor.status(await editor.first('wavix-stream-out'), /^playing/);
      await editor.status(await editor.first('wavix-stream-in'), '1 live');
      await editor.status(await editor.first('wavix-simulator'), 'connected');
      await pictures.window('live call', editor);
      await editor.pressButton(await editor.first('wavix-simulator'));
      await editor.status(await editor.first('wavix-stream-out'), 'idle');

      await editor.showTab(BARE);
      for (const type of IN_PALETTE) {
        const form = await editor.edit(type);
        await pictures.form(type, editor);
        await assertGoodToRead(form, type);
        await assertAsNew(editor, form, type);
        if (type === IN_PALETTE[0]) {
          const account = await form.editConfig('config');
          await pictures.form('wavix-config', editor);
          await assertGoodToRead(account, 'wavix-config');
          await account.cancel();
        }
        await form.cancel();
        assert.doesNotMatch(await editor.label(type), /undefined|null|NaN/, type);
        assert.ok((await editor.help(type)).length > 200, `the help of ${type}`);
        await pictures.window(`help ${type}`, editor);
      }
      await editor.close();
    });
  }
});

function atPort(node: FlowNode, port: number): FlowNode {
  if (node.type === 'wavix-simulator') return { ...node, port };
  return node.type === 'wavix-config' ? { ...node, apiUrl: `http://127.0.0.1:${port}` } : node;
}

async function assertGoodToRead(form: Form, type: string): Promise<void> {
  assert.deepEqual(await form.hardToRead(), [], type);
}

/** What the node has none of has the value that a new node has. */
async function assertAsNew(editor: Editor, form: Form, type: string): Promise<void> {
  const asNew = await editor.defaults(type);
  const given = ['config', 'port'];
  for (const [property, value] of Object.entries(asNew)) {
    if (given.includes(property) || typeof value === 'object' || `${property}Type` in asNew) continue;
    if (!(await form.isThere(property))) continue;
    const shown = await form.read(property);
    assert.equal(shown, typeof value === 'number' ? String(value) : value, `${type}: ${property}`);
  }
}

class Pictures {
  private constructor(private readonly folder: string) {}

  static async of(theme: Theme): Promise<Pictures> {
    const folder = join(OUTPUT, 'screenshots', chosenTarget().version, theme);
    await mkdir(folder, { recursive: true });
    return new Pictures(folder);
  }

  async window(name: string, { page }: Editor): Promise<void> {
    await page.screenshot({ path: this.file(name), scale: 'css' });
  }

  /** The flow alone that is shown, whole. */
  async flow(name: string, { page }: Editor): Promise<void> {
    const before = page.viewportSize()!;
    await page.setViewportSize({ width: 2000, height: before.height });
    await page.screenshot({ path: this.file(name), clip: await extent(page) });
    await page.setViewportSize(before);
  }

  /** The form that is open, with its title and buttons; as high as it needs to be. */
  async form(type: string, { page }: Editor): Promise<void> {
    const before = page.viewportSize()!;
    const tray = page.locator('.red-ui-tray').last();
    const hidden = await tray
      .locator('*')
      .evaluateAll((all) =>
        Math.max(
          ...all
            .filter((one) => ['auto', 'scroll'].includes(getComputedStyle(one).overflowY))
            .map(({ scrollHeight, clientHeight }) => scrollHeight - clientHeight),
        ),
      );
    await page.setViewportSize({ ...before, height: before.height + hidden });
    const { x, width } = (await tray.locator('.red-ui-tray-header').boundingBox())!;
    const { y, height } = (await tray.boundingBox())!;
    await page.screenshot({ path: this.file(`form ${type}`), clip: { x, y, width, height } });
    await page.setViewportSize(before);
  }

  private file(name: string): string {
    return join(this.folder, `${name}.png`);
  }
}
