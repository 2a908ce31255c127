/**
 * All examples at once in one Node-RED, as somebody has them who imported each; a local Wavix of the test's own takes the
 * place of their `wavix-simulator` nodes, so that what was said and heard can be looked at sample by sample.
 */
import { LocalWavix, type Call } from '../../simulator';
import { example, exampleNames } from './flows';
import { NodeRed, type FlowNode } from './node-red';
import { installedPackage, temporaryFolder } from './package';
import type { Message } from './recorder';

/** From another number than the local Wavix calls from by itself. */
export const CALLER = '+15550002000';

export class Examples {
  private constructor(
    readonly nodeRed: NodeRed,
    readonly wavix: LocalWavix,
    /** where the examples write their files */
    readonly recordings: string,
    private readonly flows: ReadonlyMap<string, FlowNode[]>,
  ) {}

  /** @param env added to the environment of Node-RED */
  static async start(env: Record<string, string> = {}): Promise<Examples> {
    const { packageFolder } = await installedPackage();
    const recordings = await temporaryFolder('recordings');
    const nodeRed = await NodeRed.start({ env: { WAVIX_RECORDINGS: recordings, ...env } });
    const wavix = new LocalWavix({ defaults: { ringMs: 20, answerAfterMs: 100 } });
    await wavix.start();
    const flows = new Map(
      exampleNames(packageFolder).map((name) => [name, example(packageFolder, name, wavix.url)]),
    );
    const examples = new Examples(nodeRed, wavix, recordings, flows);
    await nodeRed.deploy([...flows.values()].flat());
    for (const [name, flow] of flows) await examples.assignNumbers(name, flow);
    return examples;
  }

  async stop(): Promise<void> {
    await Promise.all([this.nodeRed.stop(), this.wavix.stop()]);
  }

  /** One of the examples. */
  of(name: string): Example {
    const flow = this.flows.get(name);
    if (!flow) throw new Error(`there is no example '${name}'`);
    return new Example(name, flow, this);
  }

  /** Lets calls to the numbers that an example answers come to it, as a person does it at Wavix. */
  private async assignNumbers(name: string, flow: FlowNode[]): Promise<void> {
    const config = flow.find(({ type }) => type === 'wavix-config');
    const numbers = new Set(
      flow.filter(({ type }) => type === 'wavix-event').map((node) => String(node.number)),
    );
    numbers.delete('');
    if (!config) throw new Error(`${name} has no wavix-config`);
    for (const number of numbers) {
      const { url } = await this.nodeRed.adminJson<{ url: string }>(`/wavix/config/${config.id}/events-url`);
      this.wavix.assignWebhook(number, url);
    }
  }
}

/** One of them, in the words of its canvas. */
export class Example {
  constructor(
    readonly name: string,
    private readonly flow: FlowNode[],
    private readonly all: Examples,
  ) {}

  /** Presses an inject node's button. */
  press(button: string): Promise<void> {
    return this.all.nodeRed.inject(this.node('inject', button).id);
  }

  /** Somebody calls the number that this example answers. */
  async call(inbound: Omit<Parameters<LocalWavix['call']>[0], 'to' | 'from'>): Promise<Call> {
    return this.all.wavix.call({ from: CALLER, to: this.number, ...inbound });
  }

  get number(): string {
    return String(this.flow.find(({ type }) => type === 'wavix-event')?.number);
  }

  /** What a debug node shows next, of that call if one is named. */
  shown(debug: string, { callId, ms = 30_000 }: { callId?: string; ms?: number } = {}): Promise<Message> {
    const name = debugName(this.name, debug);
    return this.all.nodeRed.recorder.next(name, ms, (msg) => callId === undefined || msg.call_id === callId);
  }

  /** All that a debug node has shown. */
  messages(debug: string): Message[] {
    return this.all.nodeRed.recorder.messages(debugName(this.name, debug));
  }

  /** What a function node keeps for its calls. */
  async kept(name: string, key: string): Promise<unknown> {
    const path = `/context/node/${this.node('function', name).id}/${key}`;
    const { msg } = await this.all.nodeRed.adminJson<{ msg?: string }>(path);
    return msg === undefined || msg === '(undefined)' ? undefined : JSON.parse(msg);
  }

  node(type: string, name: string): FlowNode {
    const node = this.flow.find((one) => one.type === type && one.name === name);
    // What is shown by a debug node elsewhere is a function here.
    if (!node) throw new Error(`${this.name} has no ${type} '${name}'`);
    return node;
  }
}

/** The name under which the messages of a debug node come to the test. */
export function debugName(example: string, debug: string): string {
  return `${example}: ${debug}`;
}
