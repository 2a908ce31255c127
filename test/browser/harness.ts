/**
 * What every test in a browser starts from: a Node-RED with the installed package, and its editor in a window. Whatever a
 * test asserts, no page may have complained meanwhile. Of a test that fails, its pages' pictures and consoles are kept.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { NodeRed, type FlowNode, type NodeRedOptions } from '../e2e/node-red';
import { cleanUp, ROOT } from '../e2e/package';
import { chosenTarget } from '../e2e/targets';
import { startBrowser } from './chromium';
import { Editor, type EditorOptions } from './editor';

/** Packing, installing and the first start may take this long, in ms. */
export const SET_UP_MS = 240_000;

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  'node-red': { nodes: Record<string, string> };
};
/** The package's nodes that can be dragged in: all but the config node. */
export const IN_PALETTE = Object.keys(manifest['node-red'].nodes).filter((type) => type !== 'wavix-config');

/** What the tests leave to be looked at. */
export const OUTPUT = join(ROOT, 'test-output');

let browser: Browser | undefined;
/** All windows, those that are closed too: what they complained of still counts. */
const editors: Editor[] = [];
/** The Node-REDs that run, and how much they had logged when the test began. */
const running = new Map<NodeRed, number>();

/** A Node-RED of a group of tests, with these flows deployed, and its editor. */
export class Stage {
  nodeRed!: NodeRed;
  private shared: Editor | undefined;
  private readonly opened: Editor[] = [];

  /** To be called in a `describe`: lasts as long as its tests. */
  static for(flows: FlowNode[] = [], options?: NodeRedOptions): Stage {
    const stage = new Stage();
    before(async function () {
      this.timeout(SET_UP_MS);
      stage.nodeRed = await NodeRed.start(options);
      running.set(stage.nodeRed, 0);
      await stage.nodeRed.deploy(flows);
    });
    after(async function () {
      this.timeout(60_000);
      // First, or they would complain that it is gone.
      for (const editor of stage.opened) {
        await editor.close();
      }
      running.delete(stage.nodeRed);
      await stage.nodeRed.stop();
    });
    return stage;
  }

  /** The window that the tests share; a new one after a test that failed in it. */
  async editor(): Promise<Editor> {
    if (!this.shared || this.shared.page.isClosed()) this.shared = await this.openEditor();
    return this.shared;
  }

  /** A window of a test's own, closed when the tests of this stage are done. */
  async openEditor(options?: EditorOptions): Promise<Editor> {
    const editor = await Editor.open(browser!, this.nodeRed, options);
    editors.push(editor);
    this.opened.push(editor);
    return editor;
  }
}

/** A test, and that no page complained of anything in it. */
export function itInBrowser(title: string, test: (this: Mocha.Context) => Promise<void>): void {
  it(title, async function () {
    await test.call(this);
    const complaints = editors.flatMap((editor) => editor.complaints.take());
    assert.deepEqual(complaints, [], 'the browser complained');
  });
}

before(async function () {
  this.timeout(SET_UP_MS);
  browser = await startBrowser();
  if (browser) return;
  process.stdout.write('  No Chromium and no Chrome on the PATH: the tests in a browser are skipped.\n');
  this.skip();
});

beforeEach(() => {
  for (const nodeRed of running.keys()) running.set(nodeRed, nodeRed.log.length);
});

afterEach(async function () {
  if (this.currentTest?.state !== 'failed') return;
  const folder = join(OUTPUT, 'failures', chosenTarget().version);
  await mkdir(folder, { recursive: true });
  const name = this.currentTest
    .fullTitle()
    .replaceAll(/[^\w.-]+/g, ' ')
    .trim();
  for (const [index, editor] of editors.filter(({ page }) => !page.isClosed()).entries()) {
    const file = join(folder, `${name}${index > 0 ? ` ${index}` : ''}.png`);
    await editor.page.screenshot({ path: file });
    process.stderr.write(`\nThe page then: ${file}\n${editor.complaints.console.join('\n')}\n`);
    await editor.close();
  }
  for (const [nodeRed, start] of running) {
    const log = nodeRed.log.slice(start).replace(/^.*\[trace\].*\n/gm, '');
    process.stderr.write(`\nNode-RED's log:\n${log}\n`);
  }
});

after(async function () {
  this.timeout(60_000);
  await browser?.close();
  await cleanUp();
});
