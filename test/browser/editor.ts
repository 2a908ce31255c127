/**
 * Node-RED's editor in a browser, as a person at a mouse sees it: palette, canvas, menu, deploy button. What a form holds
 * is in form.ts. Places on the canvas are those of the flow file.
 */
import { join } from 'node:path';
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';
import { PACKAGE } from '../e2e/package';
import type { FlowNode, NodeRed } from '../e2e/node-red';
import { chosenTarget } from '../e2e/targets';
import { Complaints } from './complaints';
import { Form } from './form';

export interface EditorOptions {
  /** Of the browser; Node-RED's editor follows. */
  locale?: string;
  theme?: Theme;
  /** How many pixels of a picture one of the page's is. */
  scale?: number;
}

export type Theme = 'light' | 'dark';

export interface Place {
  x: number;
  y: number;
}

export class Editor {
  private constructor(
    readonly page: Page,
    readonly complaints: Complaints,
    private readonly nodeRed: NodeRed,
    private readonly context: BrowserContext,
  ) {}

  /** Opens it in a window of its own and waits until it can be used. */
  static async open(browser: Browser, nodeRed: NodeRed, options: EditorOptions = {}): Promise<Editor> {
    const { locale = 'en-US', theme = 'light', scale = 1 } = options;
    const context = await browser.newContext({
      viewport: { width: 1280, height: 800 },
      locale,
      colorScheme: theme,
      deviceScaleFactor: scale,
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    context.setDefaultTimeout(20_000);
    const page = await context.newPage();
    const editor = new Editor(page, await Complaints.of(page), nodeRed, context);
    await page.addInitScript({ path: join(__dirname, 'contrast.js') });
    // Where the editor keeps what a person sets for this browser.
    await page.addInitScript(`localStorage.setItem('view-dark-theme', '${theme}')`);
    await page.goto(nodeRed.adminUrl);
    if (theme === 'dark') for (const path of chosenTarget().darkStyles) await page.addStyleTag({ path });
    await page.locator('#red-ui-palette .red-ui-palette-node').first().waitFor();
    await page.locator('#red-ui-loading-progress').waitFor({ state: 'hidden' });
    return editor;
  }

  async close(): Promise<void> {
    await this.context.close();
  }

  /** Types of the package, in the palette's order. */
  paletteTypes(): Promise<string[]> {
    return this.page
      .locator('#red-ui-palette-wavix .red-ui-palette-node')
      .evaluateAll((nodes) => nodes.map((node) => node.getAttribute('data-palette-type') ?? ''));
  }

  async paletteLabel(type: string): Promise<string> {
    const text = await this.page.locator(`.red-ui-palette-node[data-palette-type="${type}"]`).innerText();
    return text.trim().replaceAll(/\s+/g, ' '); // long ones are broken into lines
  }

  /** Opens the help of a type in the sidebar; gives its text. */
  async help(type: string): Promise<string> {
    await this.page.evaluate((wanted) => RED.sidebar.help.show(wanted), type);
    const help = this.page.locator('.red-ui-help:visible').first();
    await help.locator('h3, p').first().waitFor();
    return help.innerText();
  }

  /** Names of what a node keeps, credentials included, in the order of its definition. */
  properties(type: string): Promise<string[]> {
    return this.page.evaluate((wanted) => {
      const { defaults, credentials } = RED.nodes.getType(wanted);
      return [...Object.keys(defaults), ...Object.keys(credentials ?? {})];
    }, type);
  }

  /** What a new node of a type keeps. */
  defaults(type: string): Promise<Record<string, unknown>> {
    return this.page.evaluate(
      (wanted) =>
        Object.fromEntries(
          Object.entries(RED.nodes.getType(wanted).defaults).map(([name, { value }]) => [name, value]),
        ),
      type,
    );
  }

  /** Scrolls the palette until a node stands at its top. */
  async scrollPalette(type: string): Promise<void> {
    await this.page
      .locator(`.red-ui-palette-node[data-palette-type="${type}"]`)
      .evaluate((node) => node.scrollIntoView({ block: 'start' }));
  }

  /** Opens one of the sidebars. */
  async showSidebar(id: 'debug' | 'info'): Promise<void> {
    await this.page.evaluate((wanted) => RED.sidebar.show(wanted), id);
  }

  /** From now on nothing is told over the canvas. */
  async hideNotifications(): Promise<void> {
    await this.page.addStyleTag({ content: '#red-ui-notifications { display: none !important; }' });
  }

  /** Drags a node from the palette to a place on the canvas; gives its id. */
  async drag(type: string, place: Place): Promise<string> {
    const { mouse } = this.page;
    const node = this.page.locator(`.red-ui-palette-node[data-palette-type="${type}"]`);
    await node.scrollIntoViewIfNeeded();
    const known = await this.ids(type);
    const from = await centreOf(node);
    const to = await this.onScreen(place);
    await mouse.move(from.x, from.y);
    await mouse.down();
    await mouse.move(from.x + 20, from.y, { steps: 4 });
    await mouse.move(to.x, to.y, { steps: 8 });
    await mouse.up();
    const isNew = ([wanted, before]: [string, string[]]) =>
      RED.nodes
        .filterNodes({ type: wanted, z: RED.workspaces.active() })
        .find(({ id }) => !before.includes(id))?.id;
    const id = (await (
      await this.page.waitForFunction(isNew, [type, known] as [string, string[]])
    ).jsonValue())!;
    await this.node(id).waitFor();
    return id;
  }

  /** Draws a wire from an output (counted from 0) to a node's input. */
  async wire(from: string, output: number, to: string): Promise<void> {
    const { mouse } = this.page;
    const source = await centreOf(this.node(from).locator('.red-ui-flow-port-output').nth(output));
    const target = await centreOf(this.node(to).locator('.red-ui-flow-port-input'));
    await mouse.move(source.x, source.y);
    await mouse.down();
    await mouse.move((source.x + target.x) / 2, (source.y + target.y) / 2, { steps: 4 });
    await mouse.move(target.x, target.y, { steps: 4 });
    await mouse.up();
    await this.page.waitForFunction(
      ([source, sourcePort, target]) =>
        RED.nodes.filterLinks({
          source: RED.nodes.node(source)!,
          sourcePort,
          target: RED.nodes.node(target)!,
        }).length === 1,
      [from, output, to] as const,
    );
  }

  /** Opens a node's form by a double click. */
  async edit(id: string): Promise<Form> {
    await this.node(id).locator('.red-ui-flow-node').dblclick();
    return Form.opened(this.page);
  }

  /** Clicks the button that a node has at its side. */
  async pressButton(id: string): Promise<void> {
    await this.node(id).locator('.red-ui-flow-node-button-button').click();
  }

  /** Whether the canvas marks a node as one that is not filled in as it should be. */
  isMarkedWrong(id: string): Promise<boolean> {
    return this.node(id).locator('.red-ui-flow-node-error').isVisible();
  }

  /** Waits until a node's status is that. */
  async status(id: string, text: string | RegExp, ms = 20_000): Promise<void> {
    await this.node(id)
      .locator('.red-ui-flow-node-status-label')
      .filter({ hasText: typeof text === 'string' ? new RegExp(`^${text}$`) : text })
      .waitFor({ timeout: ms });
  }

  /** What is written on a node. */
  async label(id: string): Promise<string> {
    return (await this.node(id).locator('.red-ui-flow-node-label').textContent()) ?? '';
  }

  /** Clicks Deploy and waits until the flows run. */
  async deploy(): Promise<void> {
    const before = this.nodeRed.log.length;
    await this.page.locator('#red-ui-header-button-deploy:not(.disabled)').click();
    await this.nodeRed.logged(/Started (flows|modified)/, before);
    await this.page.locator('#red-ui-header-button-deploy.disabled').waitFor();
  }

  /** What is deployed, as in the flow file. */
  async deployed(): Promise<FlowNode[]> {
    return this.nodeRed.adminJson<FlowNode[]>('/flows');
  }

  /** What the flow file would say of a node now. */
  stored(id: string): Promise<Record<string, unknown>> {
    return this.page.evaluate(
      (wanted) => RED.nodes.createExportableNodeSet([RED.nodes.node(wanted)!])[0]!,
      id,
    );
  }

  /** The first node of a type in the flow that is shown. */
  async first(type: string): Promise<string> {
    const [id] = await this.ids(type);
    if (id === undefined) throw new Error(`there is no ${type}`);
    return id;
  }

  /** Selects all of the flow that is shown, and deletes it. */
  async clear(): Promise<void> {
    // Far from the left, where the buttons of nodes are, wherever the canvas is scrolled to.
    await this.page.locator('#red-ui-workspace-chart').click({ position: { x: 740, y: 620 } });
    await this.page.keyboard.press('ControlOrMeta+a');
    await this.page.keyboard.press('Delete');
    await this.page.waitForFunction(() => RED.nodes.filterNodes({ z: RED.workspaces.active() }).length === 0);
  }

  /** Menu → Import → Examples → the package → that one → Import, and to its tab. */
  async importExample(name: string, tab: string): Promise<void> {
    const { page } = this;
    await page.locator('#red-ui-header-button-sidemenu').click();
    await page.locator('#menu-item-import').click();
    await page.locator('a[href="#red-ui-clipboard-dialog-import-tab-examples"]').click();
    const examples = page.locator('#red-ui-clipboard-dialog-import-tab-examples');
    await examples.getByText(PACKAGE, { exact: true }).click();
    await examples.getByText(name, { exact: true }).click();
    await page.locator('#red-ui-clipboard-dialog-ok').click();
    await this.showTab(tab);
  }

  /** Goes to the next tab by the keyboard, until it is that one: a notification may lie over the tabs for a while. */
  async showTab(label: string): Promise<void> {
    const tabs = this.page.locator('#red-ui-workspace-tabs .red-ui-tab');
    await tabs.getByText(label, { exact: true }).waitFor();
    for (let left = await tabs.count(); left > 0; left--) {
      if ((await tabs.and(this.page.locator('.active')).innerText()).trim() === label) return;
      await this.page.keyboard.press('Control+]');
    }
    throw new Error(`the tab ${label} can't be reached`);
  }

  /** Ids of the nodes of a type in the flow that is shown. */
  ids(type: string): Promise<string[]> {
    return this.page.evaluate(
      (wanted) => RED.nodes.filterNodes({ type: wanted, z: RED.workspaces.active() }).map(({ id }) => id),
      type,
    );
  }

  /** How many nodes the canvas marks as wrong. */
  markedWrong(): Promise<number> {
    return this.page.locator('.red-ui-flow-node-error:visible').count();
  }

  node(id: string): Locator {
    return this.page.locator(`[id="${id}"]`);
  }

  private async onScreen({ x, y }: Place): Promise<Place> {
    const canvas = (await this.page.locator('#red-ui-workspace-chart > svg').boundingBox())!;
    return { x: canvas.x + x, y: canvas.y + y };
  }
}

async function centreOf(locator: Locator): Promise<Place> {
  const box = await locator.boundingBox();
  if (!box) throw new Error(`${String(locator)} is not on the page`);
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}
