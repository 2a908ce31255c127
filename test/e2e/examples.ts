/** All examples at once in one Node-RED, as somebody has them who imported each. */
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeWav } from '../../lib/audio';
import { LocalWavix, type Call } from '../../simulator';
import { example, exampleNames } from './flows';
import { eventsUrl } from './harness';
import { freePort, NodeRed, type FlowNode } from './node-red';
import { installedPackage, temporaryFolder } from './package';
import type { Message } from './recorder';
import { heardAt, sounding } from './sounds';

/** How long any step of an example may take, in ms. */
const LONGEST_MS = 30_000;

/** Another number than any that the examples call. */
export const CALLER = '+15550003000';

export class Examples {
  private constructor(
    readonly nodeRed: NodeRed,
    /** where the examples write their files */
    readonly recordings: string,
    private readonly flows: ReadonlyMap<string, FlowNode[]>,
    private readonly own: LocalWavix | undefined,
  ) {}

  /**
   * A local Wavix of the test's own takes the place of the `wavix-simulator` nodes, so that what was said and heard can be
   * looked at sample by sample.
   *
   * @param env added to the environment of Node-RED
   */
  static async start(env: Record<string, string>): Promise<Examples> {
    const wavix = new LocalWavix({ defaults: { ringMs: 20, answerAfterMs: 100 } });
    await wavix.start();
    const examples = await Examples.deploy({ url: wavix.url }, 'WAVIX_RECORDINGS', env, wavix);
    for (const [name, flow] of examples.flows) await examples.assignNumbers(name, flow);
    return examples;
  }

  /** Just as they are in the package, each with its own `wavix-simulator`, and nothing of the environment set for them. */
  static async asImported(): Promise<Examples> {
    return Examples.deploy({ port: await freePort() }, 'TMPDIR');
  }

  private static async deploy(
    where: { url: string } | { port: number },
    folderVariable: 'WAVIX_RECORDINGS' | 'TMPDIR',
    env: Record<string, string> = {},
    wavix?: LocalWavix,
  ): Promise<Examples> {
    const { packageFolder } = await installedPackage();
    const recordings = await temporaryFolder('recordings');
    const nodeRed = await NodeRed.start({ env: { [folderVariable]: recordings, ...env } });
    const names = exampleNames(packageFolder);
    const flows = new Map(names.map((name) => [name, example(packageFolder, name, where)]));
    const examples = new Examples(nodeRed, recordings, flows, wavix);
    await nodeRed.deploy([...flows.values()].flat());
    return examples;
  }

  /** The test's own local Wavix. */
  get wavix(): LocalWavix {
    if (!this.own) throw new Error('these examples have a local Wavix of their own');
    return this.own;
  }

  async stop(): Promise<void> {
    await Promise.all([this.nodeRed.stop(), this.own?.stop()]);
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
    if (!config) throw new Error(`${name} has no wavix-config`);
    for (const { type, number } of flow) {
      if (type !== 'wavix-event' || number === '') continue;
      this.wavix.assignWebhook(String(number), await eventsUrl(this.nodeRed, config.id));
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

  /** Presses the button of an inject node. */
  press(button: string): Promise<void> {
    return this.all.nodeRed.inject(this.node('inject', button).id);
  }

  /** Presses the button of its `wavix-simulator`: its phone calls, or hangs up. */
  async pressPhone(): Promise<void> {
    const { id } = this.node('wavix-simulator', 'A phone calls');
    await this.all.nodeRed.admin(`/wavix/simulator/${id}/call`, { method: 'POST' });
  }

  /** Somebody calls the number that this example answers. */
  async call(inbound: Omit<Parameters<LocalWavix['call']>[0], 'to' | 'from'>): Promise<Call> {
    return this.all.wavix.call({ from: CALLER, to: this.number, ...inbound });
  }

  get number(): string {
    return String(this.flow.find(({ type }) => type === 'wavix-event')?.number);
  }

  /** What a debug node shows next, of that call if one is named. */
  shown(debug: string, callId?: string): Promise<Message> {
    const name = debugName(this.name, debug);
    const fits = (msg: Message) => callId === undefined || msg.call_id === callId;
    return this.all.nodeRed.recorder.next(name, LONGEST_MS, fits);
  }

  /** Once the call to or from that number is over, what its phone has heard: PCM s16le, mono, 24 kHz. */
  async listen(number: string): Promise<Buffer> {
    const name = debugName(this.name, 'Listen to the call');
    const fits = (msg: Message) => msg.to === number;
    const { payload } = await this.all.nodeRed.recorder.next(name, LONGEST_MS, fits);
    return hear((payload as { heard: string }).heard);
  }

  /** Waits until the phone of the call to that number has heard that: its samples, but for silence between them. */
  async untilHeard(number: string, piece: Buffer): Promise<void> {
    const { apiUrl } = this.flow.find(({ type }) => type === 'wavix-config')!;
    const base = `${String(apiUrl)}/local/calls`;
    for (const end = Date.now() + LONGEST_MS; Date.now() < end;) {
      await sleep(250);
      const { calls } = (await (await fetch(base)).json()) as { calls: { call_id: string; to: string }[] };
      const call = calls.find(({ to }) => to === number);
      if (!call) continue;
      const heard = await hear(`${base}/${call.call_id}/heard.wav`);
      if (heardAt(sounding(heard), sounding(piece)) !== undefined) return;
    }
    throw new Error(`${this.name}: the phone did not hear it`);
  }

  /** All that a debug node has shown. */
  messages(debug: string): Message[] {
    return this.all.nodeRed.recorder.messages(debugName(this.name, debug));
  }

  /** What it showed of what went wrong. */
  get problems(): string[] {
    return this.messages('Problem').map(({ error }) => (error as { message: string }).message);
  }

  /** What a function node keeps for its calls. */
  async kept(name: string, key: string): Promise<unknown> {
    const path = `/context/node/${this.node('function', name).id}/${key}`;
    const { msg } = await this.all.nodeRed.adminJson<{ msg?: string }>(path);
    return msg === undefined || msg === '(undefined)' ? undefined : JSON.parse(msg);
  }

  node(type: string, name: string): FlowNode {
    const node = this.flow.find((one) => one.type === type && one.name === name);
    if (!node) throw new Error(`${this.name} has no ${type} '${name}'`);
    return node;
  }
}

async function hear(url: string): Promise<Buffer> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`nothing to hear: ${response.status}`);
  return decodeWav(Buffer.from(await response.arrayBuffer()));
}

/** The name under which `example` hands over the messages of a debug node. */
function debugName(example: string, debug: string): string {
  return `${example}: ${debug}`;
}
