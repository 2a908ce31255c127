// A real Node-RED for the demo, in a process and a user directory of its own, with this clone's package linked into it.
// Flows are deployed over the admin API; what its editor's debug sidebar would show is handed on.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import WebSocket from 'ws';
import { root } from '../setup.mjs';

const START_MS = 60_000;
const STOP_MS = 20_000;

export class NodeRed {
  log = '';
  #child;
  #userDir;
  #comms;
  #deployedAt = 0;

  /**
   * @param record called with (name, msg) for each message that a flow hands over with `global.get('record')`
   * @param debug called with (name, value) for each message of a debug node
   */
  static async start({ record, debug }) {
    const nodeRed = new NodeRed();
    await nodeRed.#start(record);
    await nodeRed.#listenToDebug(debug);
    return nodeRed;
  }

  async #start(record) {
    this.#userDir = mkdtempSync(join(tmpdir(), 'wavix-demo-'));
    this.port = await freePort();
    this.url = `http://127.0.0.1:${this.port}`;
    linkPackage(this.#userDir);
    writeFileSync(join(this.#userDir, 'settings.js'), settings(this.port));
    const args = ['--settings', join(this.#userDir, 'settings.js'), '--userDir', this.#userDir];
    this.#child = fork(join(root, 'node_modules/node-red/red.js'), args, {
      cwd: this.#userDir,
      serialization: 'advanced', // Buffers stay Buffers
      silent: true,
      detached: process.platform !== 'win32', // Ctrl-C reaches the demo alone, which then ends it
    });
    for (const output of [this.#child.stdout, this.#child.stderr]) {
      output.setEncoding('utf8').on('data', (text) => (this.log += text));
    }
    this.#child.on('message', ({ name, msg }) => record(name, msg));
    try {
      await this.#until(/Started flows/, 0, START_MS);
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Deploys flows, with the credentials that are in their nodes. */
  async deploy(flows) {
    const before = this.log.length;
    this.#deployedAt = before;
    const answer = await fetch(`${this.url}/flows`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Node-RED-API-Version': 'v2' },
      body: JSON.stringify({ flows }),
    });
    if (!answer.ok) throw new Error(`Node-RED did not take the flow: ${await answer.text()}`);
    await this.#until(/Started flows|Waiting for missing types/, before, START_MS);
    if (this.log.slice(before).includes('Waiting for missing types'))
      throw new Error('Node-RED lacks a node of the flow');
  }

  /** Presses the button of an inject node. */
  async press(id) {
    const answer = await fetch(`${this.url}/inject/${id}`, { method: 'POST' });
    if (!answer.ok) throw new Error(`the flow's button does not work: ${answer.status}`);
  }

  /** Lines of the log that tell of something wrong since the flows were deployed. */
  get complaints() {
    return this.log
      .slice(this.#deployedAt)
      .split('\n')
      .filter((line) => /\[(error|warn|fatal)\]|Error:/.test(line));
  }

  /** Ends it, and removes its user directory. */
  async stop() {
    this.#comms?.terminate();
    const child = this.#child;
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      const late = await Promise.race([ended, sleep(STOP_MS, 'late', { ref: false })]);
      if (late === 'late') {
        child.kill('SIGKILL');
        await ended;
      }
    }
    rmSync(this.#userDir, { recursive: true, force: true, maxRetries: 3 });
  }

  async #until(pattern, from, ms) {
    const deadline = Date.now() + ms;
    while (!pattern.test(this.log.slice(from))) {
      if (this.#child.exitCode !== null) throw new Error(`Node-RED ended:\n${this.log}`);
      if (Date.now() > deadline) throw new Error(`Node-RED was not ready in ${ms / 1000} s:\n${this.log}`);
      await sleep(25);
    }
  }

  /** Node-RED's editor gets debug messages over this WebSocket; so does the demo. */
  async #listenToDebug(debug) {
    const comms = new WebSocket(`${this.url.replace('http', 'ws')}/comms`);
    this.#comms = comms;
    comms.on('error', () => undefined);
    comms.on('message', (data) => {
      for (const { topic, data: value } of [JSON.parse(data.toString())].flat()) {
        if (topic === 'debug') debug(value.name, value.msg);
      }
    });
    await once(comms, 'open');
    comms.send(JSON.stringify({ subscribe: 'debug' }));
  }
}

function linkPackage(userDir) {
  const { name, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const link = join(userDir, 'node_modules', name);
  mkdirSync(dirname(link), { recursive: true });
  symlinkSync(root, link, 'junction');
  const own = { name: 'wavix-demo', private: true, dependencies: { [name]: version } };
  writeFileSync(join(userDir, 'package.json'), JSON.stringify(own));
}

function settings(port) {
  const plain = {
    uiPort: port,
    uiHost: '127.0.0.1',
    flowFile: 'flows.json',
    credentialSecret: 'of the demo',
    telemetry: { enabled: false, updateNotification: false },
    editorTheme: { tours: false, projects: { enabled: false } },
    logging: { console: { level: 'info', metrics: false, audit: false } },
  };
  return `
    process.on('disconnect', () => process.exit()); // never outlives the demo
    const record = (name, msg) => process.send({ name, msg });
    module.exports = { ...${JSON.stringify(plain)}, functionGlobalContext: { record } };
  `;
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
