/**
 * Runs the test that README.md shows, as it stands there but for the ports and the place of the library, against the
 * example flow in Node-RED's test runtime.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import type { NodeAPI } from 'node-red';
import helper from 'node-red-node-test-helper';

const root = join(__dirname, '../../..');
const LIBRARY = '@wavix-flows/node-red-wavix/simulator';
const CORE = '@node-red/nodes/core';
/** Of the nodes in the example those that the test runtime does not bring by itself. */
const NODES = [
  ...['config', 'call', 'stream-start', 'stream-out', 'hangup'].map((name) => `../../../nodes/wavix-${name}`),
  ...['common/20-inject.js', 'common/21-debug.js', 'common/90-comment.js', 'function/15-change.js'].map(
    (file) => `${CORE}/${file}`,
  ),
];

interface FlowNode {
  id: string;
  type: string;
  credentials?: object;
  [property: string]: unknown;
}

/** What the README says to disable, and what follows it. */
const LOCAL_WAVIX = ['wavix-simulator', 'switch', 'group'];

/** The first example, its credentials apart, as they are in a deployed flow. */
function example(changes: object): { flow: FlowNode[]; credentials: Record<string, object> } {
  const folder = join(root, 'examples');
  const [file = ''] = readdirSync(folder).filter((name) => name.startsWith('1 - '));
  const all = JSON.parse(readFileSync(join(folder, file), 'utf8')) as FlowNode[];
  const nodes = all.filter(({ type }) => !LOCAL_WAVIX.includes(type));
  const credentials: Record<string, object> = {};
  const flow = nodes.map(({ credentials: own, ...node }): FlowNode => {
    if (own) credentials[node.id] = own;
    return node.type === 'wavix-config' ? { ...node, ...changes } : node;
  });
  return { flow, credentials };
}

/** What a module of a node exports: the function that registers it. */
async function nodeModule(path: string): Promise<(RED: NodeAPI) => void> {
  const { default: register } = (await import(path)) as { default: (RED: NodeAPI) => void };
  return register;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

describe("README.md's test of a flow", function () {
  this.timeout(60_000);
  let admin: Server;
  let adminPort: number;
  let wavixPort: number;
  let folder: string;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'wavix-readme-'));
    wavixPort = await freePort();
    helper.init(require.resolve('node-red'));
    await helper.startServer();
    const nodes = await Promise.all(NODES.map(nodeModule));
    // The test runtime serves none of Node-RED's routes: events and streams come to a port of their own.
    const { flow, credentials } = example({ apiUrl: `http://127.0.0.1:${wavixPort}`, port: 0 });
    await helper.load(nodes, flow, credentials);
    const { _httpAdmin } = helper as unknown as { _httpAdmin: RequestListener };
    admin = createServer(_httpAdmin).listen(0, '127.0.0.1');
    await once(admin, 'listening');
    adminPort = (admin.address() as AddressInfo).port;
  });

  afterEach(async () => {
    admin.closeAllConnections();
    admin.close();
    await helper.unload();
    await helper.stopServer();
    rmSync(folder, { recursive: true });
  });

  /** Runs it as a process of its own. @returns its exit code and what it wrote */
  async function run(): Promise<{ code: number; text: string }> {
    const readme = readFileSync(join(root, 'README.md'), 'utf8');
    let code = /```js\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
    for (const [from, to] of [
      [`'${LIBRARY}'`, `'${pathToFileURL(join(root, 'simulator/index.ts')).href}'`],
      ['8787', String(wavixPort)],
      ['1880', String(adminPort)],
    ] as const) {
      assert.ok(code.includes(from), `the test in README.md has no ${from}`);
      code = code.replace(from, to);
    }
    const file = join(folder, 'greeting.test.mjs');
    writeFileSync(file, code);
    try {
      const args = ['--import', 'tsx', '--test-reporter=tap', file];
      const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root });
      return { code: 0, text: stdout };
    } catch (error) {
      const { code: exit, stdout } = error as { code: number; stdout: string };
      return { code: exit, text: stdout };
    }
  }

  it('passes', async () => {
    const { code, text } = await run();
    assert.match(text, /^ok 1 - the greeting is heard/m);
    assert.equal(code, 0);
  });
});
