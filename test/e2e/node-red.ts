/**
 * A real Node-RED in a process of its own, with the installed package in its user directory. Flows are posted over the
 * admin API as the editor does it; a function node of a flow hands messages to the test with `global.get('record')`.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { symlink, writeFile, copyFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { installedPackage, temporaryFolder } from './package';
import { Recorder, type Message, type Recorded } from './recorder';
import { chosenTarget, type Target } from './targets';

/** A node of a flow, as in flows.json. */
export interface FlowNode {
  id: string;
  type: string;
  [property: string]: unknown;
}

export interface NodeRedOptions {
  /** Path under which the flows' own routes lie; Node-RED's default is `/`. */
  httpNodeRoot?: string;
  /** Path of the editor and the admin API. */
  httpAdminRoot?: string;
  /** Added to the environment of the process. */
  env?: Record<string, string>;
  /** A user directory of an earlier Node-RED, to start it again. */
  userDir?: string;
  /** Added to the settings file. */
  settings?: Record<string, unknown>;
  /** Which Node-RED; else the one that the tests run for. */
  target?: Target;
  /** Runs instead of Node-RED's own start script. */
  script?: string;
}

const START_MS = 60_000;
const STOP_MS = 20_000;

/** What it logs when flows run, in the languages that tests set it to. */
const STARTED = /Started (flows|modified)|Flows sind gestartet/;

export class NodeRed {
  readonly recorder = new Recorder();
  /** All it has written so far. */
  log = '';
  readonly url: string;
  readonly adminUrl: string;
  /** Settles with the exit code, or the signal's name, when the process ends. */
  readonly ended: Promise<number | string>;
  private rev: string | undefined;
  private readonly wrote = new EventEmitter();

  private constructor(
    private readonly child: ChildProcess,
    readonly userDir: string,
    readonly port: number,
    options: NodeRedOptions,
  ) {
    this.url = `http://127.0.0.1:${port}`;
    this.adminUrl = this.url + (options.httpAdminRoot ?? '');
    this.ended = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | string);
    for (const output of [child.stdout, child.stderr]) {
      output?.setEncoding('utf8').on('data', (text: string) => {
        this.log += text;
        this.wrote.emit('text');
      });
    }
    child.on('message', (message) => this.recorder.add(message as Recorded));
  }

  /** Starts one and waits until its flows run and its admin API answers. */
  static async start(options: NodeRedOptions = {}): Promise<NodeRed> {
    const { folder } = await installedPackage();
    const userDir = options.userDir ?? (await temporaryFolder('user'));
    if (!options.userDir) {
      await copyFile(join(folder, 'package.json'), join(userDir, 'package.json'));
      await symlink(join(folder, 'node_modules'), join(userDir, 'node_modules'), 'junction');
    }
    const port = await freePort();
    const settings = join(userDir, 'settings.js');
    await writeFile(settings, settingsFile(port, options));
    const target = options.target ?? chosenTarget();
    const child = fork(options.script ?? target.script, ['--settings', settings, '--userDir', userDir], {
      cwd: userDir,
      execPath: target.node,
      env: { ...process.env, NODE_OPTIONS: '', ...options.env },
      execArgv: [],
      serialization: 'advanced', // Buffers stay Buffers
      silent: true,
    });
    const nodeRed = new NodeRed(child, userDir, port, options);
    try {
      await nodeRed.ready();
    } catch (error) {
      await nodeRed.stop();
      throw error;
    }
    return nodeRed;
  }

  /**
   * Deploys flows, credentials included (each node's own `credentials`).
   * @param type as in the editor's deploy menu
   */
  async deploy(flows: FlowNode[], type: 'full' | 'nodes' | 'flows' | 'reload' = 'full'): Promise<void> {
    const before = this.log.length; // the answer comes before the new flows run, only the log tells when they do
    const answer = await this.admin('/flows', {
      method: 'POST',
      headers: { 'Node-RED-API-Version': 'v2', 'Node-RED-Deployment-Type': type },
      body: JSON.stringify({ flows, ...(this.rev ? { rev: this.rev } : {}) }),
    });
    this.rev = (JSON.parse(answer) as { rev: string }).rev;
    await this.logged(STARTED, before);
  }

  /** Presses the button of an inject node; with a message, that is what it sends instead of its own. */
  async inject(id: string, message?: Record<string, unknown>): Promise<void> {
    const props = Object.entries(message ?? {}).map(([p, v]) =>
      Buffer.isBuffer(v)
        ? { p, v: JSON.stringify([...v]), vt: 'bin' }
        : typeof v === 'string'
          ? { p, v, vt: 'str' }
          : { p, v: JSON.stringify(v), vt: 'json' },
    );
    const body = message ? JSON.stringify({ __user_inject_props__: props }) : '{}';
    await this.admin(`/inject/${id}`, { method: 'POST', body });
  }

  /** A request to the admin API; gives the body, throws on anything but 2xx. */
  async admin(path: string, init: RequestInit = {}): Promise<string> {
    const response = await fetch(this.adminUrl + path, {
      signal: AbortSignal.timeout(15_000),
      ...init,
      headers: { 'Content-Type': 'application/json', ...(init.headers as Record<string, string>) },
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${init.method ?? 'GET'} ${path} answered ${response.status}: ${text}`);
    return text;
  }

  async adminJson<T>(path: string): Promise<T> {
    return JSON.parse(await this.admin(path, { headers: { Accept: 'application/json' } })) as T;
  }

  /** The next message a flow hands over under that name. */
  next(name: string, ms?: number): Promise<Message> {
    return this.recorder.next(name, ms);
  }

  /** Waits until its log has a match after that position, and gives it. */
  async logged(pattern: RegExp, from = 0, ms = 15_000): Promise<RegExpExecArray> {
    const deadline = AbortSignal.timeout(ms);
    for (;;) {
      const match = pattern.exec(this.log.slice(from));
      if (match) return match;
      try {
        await once(this.wrote, 'text', { signal: deadline });
      } catch {
        throw new Error(`Node-RED did not log ${String(pattern)} in ${ms} ms, but:\n${this.log.slice(from)}`);
      }
    }
  }

  /** Stops it as a service manager does; afterwards it is gone. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | string> {
    const { child } = this;
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    const late = sleep(STOP_MS, 'late' as const, { ref: false });
    const how = await Promise.race([this.ended, late]);
    if (how !== 'late') return how;
    child.kill('SIGKILL');
    await this.ended;
    throw new Error(`Node-RED did not stop within ${STOP_MS} ms. Its log:\n${this.log}`);
  }

  private async ready(): Promise<void> {
    const deadline = Date.now() + START_MS;
    for (;;) {
      if (this.child.exitCode !== null) throw new Error(`Node-RED ended at its start:\n${this.log}`);
      if (Date.now() > deadline) throw new Error(`Node-RED was not ready in ${START_MS} ms:\n${this.log}`);
      try {
        if (STARTED.test(this.log)) {
          await this.admin('/settings');
          return;
        }
      } catch {
        // it does not listen yet
      }
      await sleep(50);
    }
  }
}

/** A port that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function settingsFile(port: number, { httpNodeRoot, httpAdminRoot, settings: more }: NodeRedOptions): string {
  const settings = {
    uiPort: port,
    uiHost: '127.0.0.1',
    ...(httpNodeRoot === undefined ? {} : { httpNodeRoot }),
    ...(httpAdminRoot === undefined ? {} : { httpAdminRoot }),
    flowFile: 'flows.json',
    credentialSecret: 'a secret of the tests',
    functionExternalModules: false,
    externalModules: {
      autoInstall: false,
      palette: { allowInstall: false },
      modules: { allowInstall: false },
    },
    telemetry: { enabled: false, updateNotification: false },
    editorTheme: { tours: false },
    contextStorage: { default: { module: 'memory' } },
    logging: { console: { level: 'trace', metrics: false, audit: false } },
    ...more,
  };
  return `
    process.on('disconnect', () => process.exit()); // never outlives the tests
    const record = (name, msg) => process.send({ name, msg, at: Date.now() });
    module.exports = { ...${JSON.stringify(settings)}, functionGlobalContext: { record } };
  `;
}
