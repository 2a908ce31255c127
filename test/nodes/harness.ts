/** Runs flows of our nodes in Node-RED's test runtime against the local Wavix, over real sockets. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { hooks, i18n } from '@node-red/util';
import type { Node, NodeAPI, NodeDef, NodeMessage } from 'node-red';
import helper from 'node-red-node-test-helper';
import answerNode from '../../nodes/wavix-answer';
import callNode from '../../nodes/wavix-call';
import configNode from '../../nodes/wavix-config';
import eventNode from '../../nodes/wavix-event';
import hangupNode from '../../nodes/wavix-hangup';
import simulatorNode from '../../nodes/wavix-simulator';
import streamInNode from '../../nodes/wavix-stream-in';
import streamOutNode from '../../nodes/wavix-stream-out';
import streamStartNode from '../../nodes/wavix-stream-start';
import streamStopNode from '../../nodes/wavix-stream-stop';
import { findLine } from '../../nodes/shared/lines';
import type { WavixError } from '../../lib/errors';
import { LocalWavix, type Call, type LocalWavixOptions, type NumberPlan } from '../../simulator';
import { FakeWavix } from './fake-wavix';
import { Recorder } from './recorder';
import { findSecret } from './secrets';

export const API_KEY = 'a-key-that-must-never-be-seen';
export const SECRET = 'a-secret-that-must-never-be-seen';

helper.init(require.resolve('node-red'));

export type Message = NodeMessage & Record<string, unknown>;

export interface FlowNode {
  id: string;
  type: string;
  wires?: string[][];
  [property: string]: unknown;
}

/** What stands under a node. */
export interface ShownStatus {
  fill?: string;
  shape?: string;
  text?: string;
}

/** One call of `done`, as Node-RED's `onComplete` hook sees it. */
export interface Completion {
  id: string;
  msg: Message;
  /** what `done` was given */
  error: (Partial<WavixError> & { message: string }) | undefined;
}

export type Deploy = 'full' | 'flows' | 'nodes';

const LOCALES = join(__dirname, '../../locales');

/** Loads what the statuses say, which the test runtime leaves out. */
async function loadCatalogs(): Promise<void> {
  (i18n as typeof i18n & { init(settings: object): void }).init({});
  const files = readdirSync(join(LOCALES, 'en-US')).filter((file) => file.endsWith('.json'));
  await i18n.registerMessageCatalogs(
    files.map((file) => ({ namespace: file.replace('.json', ''), dir: LOCALES, file })),
  );
}

/** A status as the editor shows it: a key in words, any other text as it is. */
function inWords(text: string): string {
  return i18n._(`${text.split('.')[0]}:${text}`, { defaultValue: text });
}

/** The bench that is running: Node-RED's test runtime is there once only. */
let running: Bench | undefined;

/** The last bench, running or stopped. */
let last: Bench | undefined;

// What else was to be seen when a test failed: by the time its bench is asked, that is gone.
afterEach(function () {
  if (this.currentTest?.state !== 'failed' || !last) return;
  const { statuses, logs } = last.visible;
  const errors = last.completions.all.flatMap(({ id, error }) => (error ? [{ id, error }] : []));
  const seen = inspect({ statuses, errors, logs }, { depth: 6, breakLength: 150 });
  process.stderr.write(`What was seen: ${seen}\n`);
});
let catalogs: Promise<void> | undefined;

const ALL_NODES = [
  configNode,
  eventNode,
  callNode,
  answerNode,
  hangupNode,
  streamStartNode,
  streamStopNode,
  streamInNode,
  streamOutNode,
  simulatorNode,
  recordNode,
];

/** `record`: keeps what reaches it, from its first moment on. `slow`: takes `closeMs` to close. */
function recordNode(RED: NodeAPI): void {
  RED.nodes.registerType('record', function record(this: Node, def: NodeDef) {
    RED.nodes.createNode(this, def);
    this.on('input', (msg) => running?.seen(def.id).add(msg));
  });
  RED.nodes.registerType('slow', function slow(this: Node, def: NodeDef & { closeMs?: number }) {
    RED.nodes.createNode(this, def);
    this.on('close', (done: () => void) => void setTimeout(done, def.closeMs ?? 100));
  });
  running?.serve(RED);
}

/** One running flow. Every wire that leads to no node of the flow leads to a `record` node of that id. */
export class Bench {
  readonly wavix: LocalWavix;
  /** What the flow's Catch node got. */
  readonly errors: Recorder<Message>;
  /** Each status of each node, as editors are told of it. */
  readonly statuses = new Recorder<{ id: string; status: ShownStatus }>();
  /** Each call of `done` by one of our nodes. */
  readonly completions = new Recorder<Completion>();
  /** Nodes that called `done` more than once for a message. */
  private readonly doneTwice: string[] = [];
  /** What must be seen nowhere, beside the key and the secret. */
  readonly secrets: string[] = [];

  private readonly recorders = new Map<string, Recorder<Message>>();
  private readonly logs: unknown[] = [];
  private readonly cleanups: (() => unknown)[] = [];
  private RED: NodeAPI | undefined;
  private messages = 0;

  private constructor(options: LocalWavixOptions) {
    this.wavix = new LocalWavix({ apiKey: API_KEY, ...options });
    this.errors = this.seen('errors');
  }

  /** Starts the local Wavix and Node-RED's server. */
  static async start(options: LocalWavixOptions = {}, settings: object = {}): Promise<Bench> {
    const bench = new Bench({ defaults: { answerAfterMs: 10, ringMs: 5 }, ...options });
    await bench.wavix.start();
    await helper.startServer();
    await (catalogs ??= loadCatalogs());
    helper.settings(settings);
    hooks.add('onComplete.bench', ({ msg, node, error }: CompleteEvent) => {
      if (!node.node.type.startsWith('wavix-')) return;
      const isFirst = !bench.completions.all.some((one) => one.id === node.id && one.msg === msg);
      if (!isFirst) bench.doneTwice.push(node.id);
      bench.completions.add({ id: node.id, msg, error });
    });
    running = last = bench;
    return bench;
  }

  /** Runs something when the bench stops, before Wavix does. */
  onStop(cleanup: () => unknown): void {
    this.cleanups.push(cleanup);
  }

  /** A config that knows this bench's Wavix and listens on a free port of its own. */
  config(more: Record<string, unknown> = {}): FlowNode {
    return { id: 'config', type: 'wavix-config', apiUrl: this.wavix.url, port: 0, ...more };
  }

  async load(flow: FlowNode[], credentials: object = { config: { apiKey: API_KEY } }): Promise<void> {
    await helper.load(ALL_NODES, whole(flow), credentials);
    this.keepLogs();
  }

  /** Replaces the flows as a deploy does; resolves when the new ones run. */
  async deploy(
    flow: FlowNode[],
    type: Deploy = 'full',
    credentials: object = { config: { apiKey: API_KEY } },
  ): Promise<void> {
    await helper.setFlows(whole(flow), type, credentials);
  }

  /** What reached the `record` node of that id, over all deploys. */
  seen(id: string): Recorder<Message> {
    let recorder = this.recorders.get(id);
    if (!recorder) this.recorders.set(id, (recorder = new Recorder()));
    return recorder;
  }

  /** Sends a message into a node. */
  send(id: string, message: object = {}): void {
    this.node(id).receive(message);
  }

  /** Sends a message into a node, and waits for its `done`. */
  async done(id: string, message: object = {}): Promise<Completion> {
    const _msgid = `message-${++this.messages}`;
    const of = (completion: Completion) => completion.id === id && completion.msg._msgid === _msgid;
    this.send(id, { _msgid, ...message });
    return this.completions.first(of);
  }

  /** The same for a message that must fail. @returns the error */
  async failure(id: string, message: object = {}): Promise<NonNullable<Completion['error']>> {
    const { error } = await this.done(id, message);
    assert.ok(error, `${id} was done without an error`);
    return error;
  }

  /** A scripted Wavix, beside the local one. */
  async fake(): Promise<FakeWavix> {
    const fake = await new FakeWavix().start();
    this.onStop(() => fake.stop());
    return fake;
  }

  /** Address of Node-RED's own server. */
  get serverUrl(): string {
    return helper.url();
  }

  node(id: string) {
    return helper.getNode(id);
  }

  /** What a node has shown so far. */
  statusesOf(id: string): ShownStatus[] {
    return this.statuses.all.flatMap((shown) => (shown.id === id ? [shown.status] : []));
  }

  /** Resolves once a node shows that text. */
  async shows(id: string, text: string): Promise<void> {
    const before = this.statuses.all.length;
    const shows = (shown: { id: string; status: ShownStatus }) =>
      shown.id === id && shown.status.text === text;
    if (this.statusesOf(id).at(-1)?.text === text) return;
    await this.statuses.first((shown) => this.statuses.all.indexOf(shown) >= before && shows(shown));
  }

  /** The address for call events, as the form of `wavix-config` shows it. */
  eventsUrl(config = 'config'): string {
    const url = findLine(config).eventsUrl;
    this.secrets.push(url.slice(url.lastIndexOf('/') + 1));
    return url;
  }

  /** A phone calls the flow: an inbound call whose events are posted to it. */
  async ring(plan: Omit<NumberPlan, 'behaviour' | 'answerAfterMs'> = {}): Promise<Call> {
    this.wavix.assignWebhook('*', this.eventsUrl());
    return this.wavix.call({ from: '+15550003000', to: '+15550002000', ...plan });
  }

  /** The same, and the flow's node `answer` answers it. */
  async answered(plan: Parameters<Bench['ring']>[0] = {}): Promise<Call> {
    const call = await this.ring(plan);
    const { error } = await this.done('answer', { call_id: call.call_id });
    assert.equal(error, undefined);
    return call;
  }

  /** Does what the test runtime leaves out: mounts Node-RED's HTTP nodes, speaks English, and listens to the statuses. */
  serve(RED: NodeAPI): void {
    if (this.RED) return;
    this.RED = RED;
    RED._ = (key: string, values?: Record<string, string | number>) =>
      i18n._(`${key.split('.')[0]}:${key}`, values);
    RED.events.on('node-status', this.onStatus);
    this.onStop(() => RED.events.off('node-status', this.onStatus));
    const { httpNodeRoot } = RED.settings;
    helper._app.use(typeof httpNodeRoot === 'string' ? httpNodeRoot : '/', RED.httpNode);
  }

  /** Everything that a person or a flow could have seen. */
  get visible(): Record<'messages' | 'errors' | 'statuses' | 'logs', unknown> {
    this.keepLogs();
    return {
      messages: Object.fromEntries([...this.recorders].map(([id, { all }]) => [id, all])),
      errors: this.completions.all.map(({ error }) => error),
      statuses: this.statuses.all,
      logs: this.logs,
    };
  }

  /** Lines of Node-RED's log so far. */
  get logLines(): string[] {
    this.keepLogs();
    return this.logs.map((line) => String((line as { msg?: unknown }).msg));
  }

  /** How many listeners there are to Node-RED's events and on its server. */
  listeners(): Record<string, number> {
    const { events, server } = this.RED!;
    const count = (emitter: NodeJS.EventEmitter) =>
      emitter.eventNames().map((name) => [String(name), emitter.listenerCount(name)] as const);
    return Object.fromEntries([...count(events), ...count(server)]);
  }

  /** Fails unless a line of the log says that. */
  logged(what: RegExp): void {
    const lines = this.logLines;
    assert.ok(
      lines.some((line) => what.test(line)),
      `${String(what)} is not in the log: ${lines.slice(-10).join('\n')}`,
    );
  }

  /** Stops all, and makes sure that no secret was to be seen anywhere. */
  async stop(): Promise<void> {
    this.keepLogs();
    await helper.unload();
    hooks.remove('onComplete.bench');
    for (const cleanup of this.cleanups) await cleanup();
    await helper.stopServer();
    await this.wavix.stop();
    running = undefined;
    assert.equal(
      findSecret(this.visible, [API_KEY, SECRET, ...this.secrets]),
      undefined,
      'a secret was seen',
    );
  }

  private readonly onStatus = ({ id, status }: { id: string; status?: ShownStatus }): void => {
    if (!status) return;
    const text = status.text && inWords(status.text);
    this.statuses.add({ id, status: { ...status, ...(text !== undefined && { text }) } });
  };

  private keepLogs(): void {
    const lines = helper.log()?.args ?? [];
    this.logs.push(...lines.slice(this.logs.length).map(([line]) => line));
  }
}

/** A message without the id that Node-RED gives each. */
export function bare(message: Message): Record<string, unknown> {
  return Object.fromEntries(Object.entries(message).filter(([name]) => name !== '_msgid'));
}

interface CompleteEvent {
  msg: Message;
  node: { id: string; node: { type: string } };
  error?: Completion['error'];
}

/** The flow with its tab, Catch and recording nodes, each with what Node-RED's editor gives it. */
function whole(flow: FlowNode[]): FlowNode[] {
  const ids = new Set(flow.map(({ id }) => id));
  const records = new Map<string, FlowNode>();
  for (const { wires = [], z } of flow) {
    for (const id of wires.flat())
      if (!ids.has(id)) records.set(id, { id, type: 'record', ...(z !== undefined && { z }) });
  }
  const added: FlowNode[] = [
    ...records.values(),
    { id: 'catch', type: 'catch', scope: null, wires: [['errors']] },
    { id: 'errors', type: 'record' },
  ];
  const placed = [...flow, ...added].map((node) =>
    node.type === 'wavix-config' || node.type === 'tab' ? node : { z: 'tab', x: 0, y: 0, wires: [], ...node },
  );
  return ids.has('tab') ? placed : [{ id: 'tab', type: 'tab', label: 'Flow' }, ...placed];
}
