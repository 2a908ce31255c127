/** Where the nodes of the flow that is shown lie on the page. */
import type { Page } from 'playwright-core';

interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

interface NodeBox extends Box {
  id: string;
  /** Type and name. */
  label: string;
}

/** What the line below a node that tells its status takes. */
const STATUS = { width: 130, height: 20 };
const MARGIN = 10;

/** Nodes that lie over another, or over the line of its status: `[over, under]`. */
export async function overlaps(page: Page): Promise<[over: string, under: string][]> {
  const nodes: NodeBox[] = await page.locator('.red-ui-flow-node-group').evaluateAll((groups) =>
    groups.map((group) => {
      const { left, top, right, bottom } = group.querySelector('.red-ui-flow-node')!.getBoundingClientRect();
      const { type, name = '' } = RED.nodes.node(group.id)!;
      return { id: group.id, label: `${type} ${name}`, left, top, right, bottom };
    }),
  );
  return nodes.flatMap((under) => {
    const taken = under.label.startsWith('wavix-') ? [under, statusOf(under)] : [under];
    return nodes
      .filter((over) => over !== under && taken.some((box) => touch(over, box)))
      .map((over): [string, string] => [over.label, under.label]);
  });
}

/** The part of the page that the flow takes, groups included, with something around it. */
export async function extent(page: Page): Promise<{ x: number; y: number; width: number; height: number }> {
  const boxes: Box[] = await page
    .locator('#red-ui-workspace-chart')
    .locator('.red-ui-flow-node-group, .red-ui-flow-group')
    .evaluateAll((all) =>
      all.map((one) => {
        const { left, top, right, bottom } = one.getBoundingClientRect();
        return { left, top, right, bottom };
      }),
    );
  const x = Math.min(...boxes.map(({ left }) => left)) - MARGIN;
  const y = Math.min(...boxes.map(({ top }) => top)) - MARGIN;
  const width = Math.max(...boxes.map(({ right }) => right)) + MARGIN - x;
  const height = Math.max(...boxes.map(({ bottom }) => bottom)) + MARGIN - y;
  return { x, y, width, height };
}

function statusOf({ left, bottom }: Box): Box {
  return { left, top: bottom, right: left + STATUS.width, bottom: bottom + STATUS.height };
}

function touch(a: Box, b: Box): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}
