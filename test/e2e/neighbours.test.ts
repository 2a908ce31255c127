/** Others on the same server go on working beside us, and we leave nothing behind there, however often it is deployed. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFile, cp, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { button, configNode, onTab, probe, switchboard } from './flows';
import { CALLEE, liveCall, localWavix, OURS, SET_UP_MS, startNodeRed } from './harness';
import type { FlowNode, NodeRed } from './node-red';
import { installedPackage, ROOT, temporaryFolder } from './package';
import { heardAt, noise } from './sounds';

/**
 * A node module of the test's own, loaded into Node-RED. It has two neighbours on Node-RED's server: a copy of `ws` behind
 * an upgrade listener, and a listener that ends every upgrade nobody has answered within a second, as engine.io in the
 * dashboards does. Its node counts what is open in the process.
 */
const NEIGHBOUR = `
const { createHook } = require('node:async_hooks');
const { setFlagsFromString } = require('node:v8');
const { runInNewContext } = require('node:vm');
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');
const timers = new Set(); // also those that do not keep the process alive
createHook({
  init: (id, type) => void (type === 'Timeout' && timers.add(id)),
  destroy: (id) => timers.delete(id),
}).enable();
const listeners = (emitter) =>
  Object.fromEntries(emitter.eventNames().map((name) => [String(name), emitter.listenerCount(name)]));

module.exports = (RED) => {
  const { WebSocketServer } = require('./ws');
  const sockets = new WebSocketServer({ noServer: true });
  RED.server.on('upgrade', (request, socket, head) => {
    if (request.url !== '/second') return;
    sockets.handleUpgrade(request, socket, head, (ws) => ws.on('message', (data) => ws.send('second ' + data)));
  });
  const dashboard = new WebSocketServer({ noServer: true });
  RED.server.on('upgrade', (request, socket, head) => {
    if (request.url.startsWith('/dashboard/socket.io/')) {
      dashboard.handleUpgrade(request, socket, head, (ws) => ws.on('message', (data) => ws.send('dashboard ' + data)));
      return;
    }
    setTimeout(() => socket.writable && socket.bytesWritten <= 0 && socket.end(), 1000);
  });
  RED.nodes.registerType('neighbour', function (definition) {
    RED.nodes.createNode(this, definition);
    this.on('input', async (msg, send, done) => {
      // Sockets and timers that are on their way out are let go first.
      for (let round = 0; round < 5; round++) {
        collect();
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      const handles = process._getActiveHandles().map((handle) => handle.constructor.name).sort();
      msg.payload = {
        handles: handles.filter((name) => name !== 'Socket').join(),
        sockets: handles.filter((name) => name === 'Socket').length,
        timers: timers.size,
        server: listeners(RED.server),
        events: listeners(RED.events),
        process: listeners(process),
        routes: (RED.httpNode._router ?? RED.httpNode.router).stack.length,
        adminRoutes: (RED.httpAdmin._router ?? RED.httpAdmin.router).stack.length,
      };
      msg.memory = process.memoryUsage().heapUsed;
      send(msg);
      done();
    });
  });
};`;

const NEIGHBOUR_HTML = `<script type="text/javascript">
  RED.nodes.registerType('neighbour', { category: 'test', defaults: {}, inputs: 1, outputs: 1 });
</script>`;

/** The core WebSocket nodes, as an echo, and a way to count. */
const neighbours: FlowNode[] = onTab('neighbours', [
  { id: 'in', type: 'websocket in', server: 'listener', client: '', wires: [['prefix']] },
  {
    id: 'prefix',
    type: 'function',
    func: `msg.payload = 'core ' + msg.payload; return msg;`,
    outputs: 1,
    wires: [['out']],
  },
  { id: 'out', type: 'websocket out', server: 'listener', client: '', wires: [] },
  button('count', 'counter'),
  { id: 'counter', type: 'neighbour', wires: [['counted']] },
  probe('counted'),
]);
// Node-RED takes it for a config node, as it has no place.
const listener = { id: 'listener', type: 'websocket-listener', path: '/core', wholemsg: 'false' };

/** What the neighbour's node counts. */
type Open = Record<string, unknown> & { sockets: number; timers: number };

describe('Neighbours on the same server', function () {
  this.timeout(60_000);
  let nodeRed: NodeRed;

  before(async function () {
    this.timeout(SET_UP_MS);
    const { folder } = await installedPackage();
    const userDir = await temporaryFolder('neighbours');
    await copyFile(join(folder, 'package.json'), join(userDir, 'package.json'));
    await symlink(join(folder, 'node_modules'), join(userDir, 'node_modules'), 'junction');
    const nodes = join(userDir, 'nodes');
    await mkdir(nodes);
    await cp(join(ROOT, 'node_modules/ws'), join(nodes, 'ws'), { recursive: true });
    await writeFile(join(nodes, 'neighbour.js'), NEIGHBOUR);
    await writeFile(join(nodes, 'neighbour.html'), NEIGHBOUR_HTML);
    nodeRed = await startNodeRed({ userDir });
  });

  const opened: WebSocket[] = [];

  afterEach(() => {
    for (const socket of opened.splice(0)) socket.terminate();
  });

  async function open(path: string): Promise<WebSocket> {
    const socket = new WebSocket(nodeRed.url.replace('http', 'ws') + path);
    opened.push(socket);
    await once(socket, 'open');
    return socket;
  }

  /** Says things to a neighbour, one after the other, and checks each answer. */
  async function talk(path: string, name: string, times: number): Promise<void> {
    const socket = await open(path);
    for (let count = 0; count < times; count++) {
      socket.send(`${path} ${count}`);
      const [answer] = (await once(socket, 'message')) as [Buffer];
      assert.equal(answer.toString(), `${name} ${path} ${count}`);
    }
    socket.close();
    await once(socket, 'close');
  }

  const talkToAll = (times: number) =>
    Promise.all([
      talk('/core', 'core', times),
      talk('/second', 'second', times),
      talk('/dashboard/socket.io/?EIO=4&transport=websocket', 'dashboard', times),
    ]);

  /** What is open in Node-RED's process, and its heap in bytes. */
  async function count(): Promise<{ open: Open; memory: number }> {
    nodeRed.recorder.forget();
    await nodeRed.inject('count');
    const { payload, memory } = await nodeRed.next('counted');
    return { open: payload as Open, memory: memory as number };
  }

  /** A few connections and timers come and go with every request of the test itself; all else is the same. */
  function assertNoMore(after: Open, before: Open): void {
    const { sockets, timers, ...rest } = after;
    const { sockets: socketsBefore, timers: timersBefore, ...restBefore } = before;
    assert.deepEqual(rest, restBefore);
    assert.ok(sockets <= socketsBefore + 5, `${sockets} sockets, before ${socketsBefore}`);
    assert.ok(timers <= timersBefore + 5, `${timers} timers, before ${timersBefore}`);
  }

  it('answer as ever while a call is live, and so do we', async () => {
    const wavix = await localWavix({ defaults: { speech: noise(2_000, 61), speechAfterMs: 200 } });
    await nodeRed.deploy([listener, ...neighbours]);
    await talkToAll(5);

    await nodeRed.deploy([listener, ...neighbours, ...switchboard(configNode(wavix.url))]);
    // An open editor sees the status of our nodes.
    const editor = await open('/comms');
    let shown = '';
    editor.on('message', (data: Buffer) => (shown += data.toString()));
    editor.send(JSON.stringify({ subscribe: 'status/#' }));
    const { call, call_id } = await liveCall(nodeRed, wavix);
    const words = noise(2_000, 62);
    await nodeRed.inject('say', { payload: words, call_id });
    const talks = Array.from({ length: 5 }, () => talkToAll(50));
    assert.equal((await nodeRed.next('played')).played_ms, 2_000);
    await Promise.all(talks);
    assert.ok(heardAt(call.heard(), words) !== undefined, 'heard sample for sample');
    assert.match(shown, /status\/start node/);
    assert.equal(editor.readyState, WebSocket.OPEN);

    // We are gone, they are not.
    await nodeRed.deploy([listener, ...neighbours]);
    await talkToAll(5);
  });

  it('get the upgrades that are not ours: we neither answer nor close them', async () => {
    await nodeRed.deploy([listener, ...neighbours, ...switchboard(configNode('http://127.0.0.1:1'))]);
    const paths = ['/nobody', '/', '/wavix', '/wavix/other/x', '/wavixx/streams/x'];
    const endings = paths.map(async (path) => {
      const socket = new WebSocket(nodeRed.url.replace('http', 'ws') + path);
      const startedAt = performance.now();
      const [error] = (await once(socket, 'error')) as [Error];
      // Who waits a second for others ended it.
      assert.match(error.message, /socket hang up/, path);
      assert.ok(performance.now() - startedAt > 900, path);
    });
    await Promise.all(endings);
  });

  it('100 deploys under a live call leave no listener, route, timer, handle or memory behind', async function () {
    this.timeout(120_000);
    const wavix = await localWavix();
    const flows = [listener, ...neighbours, ...switchboard(configNode(wavix.url))];
    const { call, call_id } = await (async () => {
      await nodeRed.deploy(flows);
      return liveCall(nodeRed, wavix);
    })();
    const types = ['full', 'nodes', 'flows', 'reload'] as const;
    const deploy = async (times: number) => {
      for (let turn = 0; turn < times; turn++) {
        const name = `deploy ${turn}`;
        await nodeRed.deploy(
          flows.map((node) =>
            node.id === 'in node' || (turn % 8 === 0 && node.id === 'config') ? { ...node, name } : node,
          ),
          types[turn % types.length],
        );
        nodeRed.recorder.forget();
      }
    };
    await deploy(8);
    const before = await count();
    await deploy(100);
    const after = await count();
    assertNoMore(after.open, before.open);
    const growth = after.memory - before.memory;
    assert.ok(growth < 10_000_000, `grew by ${growth} bytes`);
    // And it was the same call all the time.
    const words = noise(300, 63);
    await nodeRed.inject('say', { payload: words, call_id });
    await nodeRed.next('played');
    assert.ok(heardAt(call.heard(), words) !== undefined);
    assert.equal(call.streams.length, 1);
  });

  it('nothing of ours is left on the server when the last of our nodes is gone', async () => {
    await nodeRed.deploy([listener, ...neighbours]);
    const { open: before } = await count();
    const wavix = await localWavix();
    await nodeRed.deploy([listener, ...neighbours, ...switchboard(configNode(wavix.url))]);
    await nodeRed.inject('call', { from: OURS, to: CALLEE });
    await nodeRed.next('answered');
    await nodeRed.deploy([listener, ...neighbours]);
    await wavix.stop();
    assertNoMore((await count()).open, before);
  });
});
