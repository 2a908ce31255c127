/**
 * Runs beside Node-RED in its process: brings commands into the flow, digests what the flow hears, and looks at the
 * process itself. Flows reach it by `global.get('record')`, as in all end-to-end tests.
 */
import http, { type Server } from 'node:http';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { EventEmitter } from 'node:events';
import v8 from 'node:v8';
import vm from 'node:vm';
import { link, type Command, type FromProbe, type Measure, type ToProbe } from './link';
import { digest, utterance, wavOf } from './sound';

/** How often what was heard is handed on, in ms. */
const BATCH_MS = 100;

type FlowMessage = Record<string, unknown>;

/** A function node that gives commands to the flow. */
interface Mouth {
  to: string;
  send: (msg: FlowMessage) => void;
}

const nodeRed = createRequire(createRequire(__filename).resolve('node-red/package.json'));
const { events } = nodeRed('@node-red/util') as { events: EventEmitter };

v8.setFlagsFromString('--expose-gc');
const collect = vm.runInNewContext('gc') as () => void;

const servers: Server[] = [];
const createServer: (...args: never[]) => Server = http.createServer.bind(http);
http.createServer = ((...args: never[]) => {
  const server = createServer(...args);
  servers.push(server);
  return server;
}) as typeof http.createServer;

const delay = monitorEventLoopDelay({ resolution: 10 });
delay.enable();

const mouths = new Map<string, Mouth['send']>();
/** Commands whose mouth is not there just now. */
let waiting: Command[] = [];
let heard: Record<string, number[]> = {};
let batch: NodeJS.Timeout | undefined;

const socket = connect(Number(process.env.SOAK_PORT), '127.0.0.1');
socket.on('error', () => process.exit(1));
const write = link(socket, (received) => {
  const message = received as ToProbe;
  switch (message.t) {
    case 'do':
      command(message);
      break;
    case 'sync':
      // After what is on the flow's wires has arrived: each wire takes one turn of the event loop.
      void turns(10).then(() => send({ t: 'synced', id: message.id }));
      break;
    case 'measure':
      void measure().then((result) => send({ t: 'measured', id: message.id, measure: result }));
      break;
    case 'hold': {
      const until = performance.now() + message.ms;
      while (performance.now() < until);
      break;
    }
  }
});

const send: (message: FromProbe) => void = write;

/** What flows hand over, by name. */
process.send = ((recorded: { name: string; msg: FlowMessage }): boolean => {
  const { name, msg } = recorded;
  if (name === 'heard') hear(msg);
  else if (name === 'mouth') speakThrough(msg as unknown as Mouth);
  else if (name === 'no mouth') mouths.delete(msg.to as string);
  else send({ t: 'told', name, msg: factsOf(msg) });
  return true;
}) as NonNullable<typeof process.send>;

function speakThrough({ to, send: speak }: Mouth): void {
  mouths.set(to, speak);
  const now = waiting;
  waiting = [];
  for (const one of now) command(one);
}

function command(what: Command): void {
  const speak = mouths.get(what.to);
  if (!speak) {
    waiting.push(what);
    return;
  }
  const { cmd, msg, audio } = what;
  const message: FlowMessage = { ...msg, cmd };
  if (audio) {
    const piece = utterance(audio.number, audio.bytes).subarray(audio.from, audio.to);
    message.payload = audio.wav ? wavOf(piece) : piece;
  }
  speak(message);
}

function hear({ stream_id, chunk, payload }: FlowMessage): void {
  (heard[stream_id as string] ??= []).push(chunk as number, digest(payload as Buffer));
  batch ??= setTimeout(handOn, BATCH_MS);
}

function handOn(): void {
  clearTimeout(batch);
  batch = undefined;
  send({ t: 'heard', frames: heard });
  heard = {};
}

/** All but audio, which would be much to hand on. */
function factsOf(msg: FlowMessage): FlowMessage {
  if (batch) handOn(); // what was heard before this goes first
  const { error, payload, ...rest } = msg;
  delete rest._msgid;
  const facts: FlowMessage = { ...rest };
  if (error) {
    const { code, message } = error as { code?: string; message?: string };
    facts.error = { code: code ?? 'no code', message };
  }
  if (!Buffer.isBuffer(payload)) facts.payload = payload;
  return facts;
}

async function measure(): Promise<Measure> {
  const longestDelayMs = delay.max / 1e6;
  const timeouts = countOf(
    'Timeout',
    setTimeout(() => undefined, 0),
  );
  for (let round = 0; round < 3; round++) {
    await turns(5);
    collect();
  }
  const { rss, heapUsed, external } = process.memoryUsage();
  const handles: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) handles[kind] = (handles[kind] ?? 0) + 1;
  const listeners: Record<string, number> = {};
  for (const [index, server] of servers.entries()) countListeners(server, `server ${index}`, listeners);
  countListeners(events, 'runtime', listeners);
  countListeners(process, 'process', listeners);
  delay.reset();
  return {
    rss,
    used: heapUsed + external,
    handles,
    objects: { ...timeouts, ...countOf('Socket', socket) },
    listeners,
    longestDelayMs,
  };
}

/** How many live objects of the same kind there are; where this Node.js can't tell, nothing. */
function countOf(name: string, one: object): Record<string, number> {
  const { queryObjects } = v8 as { queryObjects?: (of: unknown, options: { format: 'count' }) => number };
  if (one instanceof Object && 'hasRef' in one) clearTimeout(one as NodeJS.Timeout);
  if (!queryObjects) return {};
  return { [name]: queryObjects(one.constructor, { format: 'count' }) };
}

type Emitter = Pick<EventEmitter, 'eventNames' | 'listenerCount'>;

function countListeners(emitter: Emitter, name: string, counts: Record<string, number>): void {
  for (const event of emitter.eventNames()) {
    counts[`${name}: ${String(event)}`] = emitter.listenerCount(event);
  }
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}
