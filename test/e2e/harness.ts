/**
 * What every end-to-end test starts from: one Node-RED that the tests share, more where a test needs its own, and
 * their end. If a test fails, what Node-RED logged during it is shown.
 */
import { NodeRed, type NodeRedOptions } from './node-red';
import { cleanUp } from './package';

/** Packing, installing and the first start may take this long, in ms. */
export const SET_UP_MS = 240_000;

const running = new Set<NodeRed>();
let shared: Promise<NodeRed> | undefined;
let logStart = new Map<NodeRed, number>();

/** The Node-RED that tests share: each deploys its own flows into it. */
export function sharedNodeRed(): Promise<NodeRed> {
  shared ??= startNodeRed();
  return shared;
}

/** A Node-RED of a test's own; it is stopped at the latest when all tests are done. */
export async function startNodeRed(options?: NodeRedOptions): Promise<NodeRed> {
  const nodeRed = await NodeRed.start(options);
  running.add(nodeRed);
  void nodeRed.ended.then(() => running.delete(nodeRed));
  return nodeRed;
}

beforeEach(() => {
  logStart = new Map([...running].map((nodeRed) => [nodeRed, nodeRed.log.length]));
});

afterEach(function () {
  if (this.currentTest?.state !== 'failed') return;
  for (const nodeRed of running) {
    process.stderr.write(`\nNode-RED at ${nodeRed.url}:\n${nodeRed.log.slice(logStart.get(nodeRed) ?? 0)}\n`);
  }
});

after(async function () {
  this.timeout(60_000);
  await Promise.all([...running].map((nodeRed) => nodeRed.stop()));
  await cleanUp();
});
