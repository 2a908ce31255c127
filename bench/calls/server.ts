/** A process under test: started, asked, ended. */
import { fork, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { signStreamToken } from '../../lib/streams/tokens';
import { PATH, SECRET } from './flows';

const ROOT = resolve(__dirname, '../..');
/** For Node.js in the servers, to look into them: `BENCH_FLAGS="--cpu-prof --cpu-prof-dir=/tmp/profile"`. */
const FLAGS = (process.env.BENCH_FLAGS ?? '').split(' ').filter((flag) => flag !== '');

const START_MS = 60_000;

type Question = 'cpu' | 'memory' | 'watch' | 'held';
interface Answers {
  cpu: number;
  memory: { used: number; rss: number };
  watch: number;
  held: number;
}

export class Server {
  private id = 0;
  private readonly waiting = new Map<number, (answer: never) => void>();

  private constructor(
    private readonly child: ChildProcess,
    readonly port: number,
    /** Where a call's audio goes. */
    readonly urlFor: (callId: string) => string,
    private readonly cleanUp: () => void,
  ) {
    child.on('message', ({ id, answer }: { id: number; answer: never }) => {
      this.waiting.get(id)?.(answer);
      this.waiting.delete(id);
    });
  }

  /** (a) */
  static async plain(): Promise<Server> {
    const child = fork(join(__dirname, 'plain.mjs'), { cwd: ROOT, execArgv: FLAGS });
    const port = await ready(child);
    return new Server(
      child,
      port,
      () => `ws://127.0.0.1:${port}/`,
      () => undefined,
    );
  }

  /** (b) */
  static core(flow: object[]): Promise<Server> {
    return Server.red(flow, (port) => () => `ws://127.0.0.1:${port}/core`);
  }

  /** (c), with the package as `npm run build` made it */
  static wavix(flow: object[]): Promise<Server> {
    return Server.red(flow, (port) => (callId) => {
      const token = signStreamToken(SECRET, callId, Date.now() + 60_000);
      return `ws://127.0.0.1:${port}${PATH}/streams/${token}`;
    });
  }

  private static async red(
    flow: object[],
    urls: (port: number) => (callId: string) => string,
  ): Promise<Server> {
    const userDir = mkdtempSync(join(tmpdir(), 'wavix-bench-'));
    const scope = join(userDir, 'node_modules/@wavix-flows');
    mkdirSync(scope, { recursive: true });
    symlinkSync(ROOT, join(scope, 'node-red-wavix'), 'junction');
    writeFileSync(join(userDir, 'package.json'), '{"dependencies":{"@wavix-flows/node-red-wavix":"*"}}');
    writeFileSync(join(userDir, 'flows.json'), '[]');
    const port = await freePort();
    const settings = {
      uiHost: '127.0.0.1',
      uiPort: port,
      flowFile: 'flows.json',
      credentialSecret: 'bench',
      logging: { console: { level: 'warn', metrics: false, audit: false } },
      functionExternalModules: true,
      editorTheme: { tours: false },
      telemetry: { enabled: false, updateNotification: false },
    };
    writeFileSync(join(userDir, 'settings.js'), `module.exports = ${JSON.stringify(settings)};`);
    const child = fork(join(__dirname, 'red.mjs'), ['--userDir', userDir], {
      cwd: ROOT,
      execArgv: FLAGS,
      env: { ...process.env, NODE_OPTIONS: '', BENCH_PORT: String(port) },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    await ready(child);
    const server = new Server(child, port, urls(port), () =>
      rmSync(userDir, { recursive: true, force: true }),
    );
    await server.deploy(flow);
    return server;
  }

  /** Deploys a flow in full; answers how long the runtime took, in ms. */
  async deploy(flow: object[]): Promise<number> {
    const from = performance.now();
    const response = await fetch(`http://127.0.0.1:${this.port}/flows`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Node-RED-Deployment-Type': 'full' },
      body: JSON.stringify(flow),
    });
    if (!response.ok)
      throw new Error(`Node-RED did not take the flow: ${response.status} ${await response.text()}`);
    return performance.now() - from;
  }

  ask<Q extends Question>(question: Q): Promise<Answers[Q]> {
    const id = ++this.id;
    return new Promise((resolve) => {
      this.waiting.set(id, resolve);
      this.child.send({ ask: question, id });
    });
  }

  async end(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.send({ ask: 'end' });
    await ended;
    this.cleanUp();
  }
}

function ready(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('A server did not start in time.')), START_MS);
    child.once('exit', (code) => reject(new Error(`A server ended with ${code} before it was ready.`)));
    child.on('message', function take({ ready: port }: { ready?: number }) {
      if (port === undefined) return;
      clearTimeout(timer);
      child.off('message', take);
      resolve(port);
    });
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
