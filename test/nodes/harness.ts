/** Runs flows of our nodes in Node-RED's test runtime against the local Wavix, over real sockets. */
import { EventEmitter, once } from 'node:events';
import type { NodeMessage } from 'node-red';
import helper from 'node-red-node-test-helper';
import answerNode from '../../nodes/wavix-answer';
import callNode from '../../nodes/wavix-call';
import configNode from '../../nodes/wavix-config';
import eventNode from '../../nodes/wavix-event';
import hangupNode from '../../nodes/wavix-hangup';
import streamInNode from '../../nodes/wavix-stream-in';
import streamOutNode from '../../nodes/wavix-stream-out';
import streamStartNode from '../../nodes/wavix-stream-start';
import streamStopNode from '../../nodes/wavix-stream-stop';
import { LocalWavix, type LocalWavixOptions } from '../../simulator';

export const API_KEY = 'a-key-that-must-never-be-seen';

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
];

helper.init(require.resolve('node-red'));

export type Message = NodeMessage & Record<string, unknown>;

/** What came out of a wire: everything in order, and a way to wait for what comes next. */
export class Recorder {
  readonly all: Message[] = [];
  private taken = 0;
  private readonly arrivals = new EventEmitter();

  add(message: Message): void {
    this.all.push(message);
    this.arrivals.emit('message');
  }

  /** The next message not taken yet that fits; those before it are passed over. */
  async next(fits: (message: Message) => boolean = () => true, ms = 5000): Promise<Message> {
    const signal = AbortSignal.timeout(ms);
    for (;;) {
      while (this.taken < this.all.length) {
        const message = this.all[this.taken++]!;
        if (fits(message)) return message;
      }
      try {
        await once(this.arrivals, 'message', { signal });
      } catch {
        throw new Error(
          `No such message came in ${ms} ms; there were: ${JSON.stringify(this.all).slice(0, 2000)}`,
        );
      }
    }
  }
}

export interface FlowNode {
  id: string;
  type: string;
  wires?: string[][];
  [property: string]: unknown;
}

/** One running flow. Nodes of type `helper` record what reaches them; Catch is there as `errors`. */
export class Bench {
  readonly wavix: LocalWavix;
  flow: FlowNode[] = [];
  private recorders = new Map<string, Recorder>();

  private constructor(options: LocalWavixOptions) {
    this.wavix = new LocalWavix({ apiKey: API_KEY, ...options });
  }

  /** Starts the local Wavix and Node-RED's server. */
  static async start(options: LocalWavixOptions = {}): Promise<Bench> {
    const bench = new Bench({ defaults: { answerAfterMs: 60, ringMs: 20 }, ...options });
    await bench.wavix.start();
    await helper.startServer();
    return bench;
  }

  /** A config that knows this bench's Wavix and listens on a free port of its own. */
  config(more: Record<string, unknown> = {}): FlowNode {
    return { id: 'config', type: 'wavix-config', apiUrl: this.wavix.url, port: 0, ...more };
  }

  async load(flow: FlowNode[], credentials: object = { config: { apiKey: API_KEY } }): Promise<void> {
    this.flow = flow;
    const nodes = flow.map((node) => ({ wires: [], ...node }));
    await helper.load(ALL_NODES, nodes, credentials);
    this.attach();
  }

  /** Replaces the flows as a deploy does. */
  async deploy(flow: FlowNode[], type: 'full' | 'flows' | 'nodes' = 'full'): Promise<void> {
    this.flow = flow;
    const nodes = flow.map((node) => ({ wires: [], ...node }));
    await helper.setFlows(nodes, type, { config: { apiKey: API_KEY } });
    this.attach();
  }

  /** What reached the `helper` node of that id, over all deploys. */
  seen(id: string): Recorder {
    let recorder = this.recorders.get(id);
    if (!recorder) this.recorders.set(id, (recorder = new Recorder()));
    return recorder;
  }

  /** Sends a message into a node. */
  send(id: string, message: Message): void {
    helper.getNode(id).receive(message);
  }

  node(id: string) {
    return helper.getNode(id);
  }

  async stop(): Promise<void> {
    await helper.unload();
    await helper.stopServer();
    await this.wavix.stop();
  }

  private attach(): void {
    for (const { id, type } of this.flow) {
      if (type !== 'helper') continue;
      helper.getNode(id).on('input', (message) => this.seen(id).add(message));
    }
  }
}
