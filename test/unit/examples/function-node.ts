/** A function node of an example, alone: what it sends for a message, with no Node-RED and no real time. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileFunction } from 'node:vm';

const FOLDER = join(__dirname, '../../../examples');

export type Msg = Record<string, unknown>;

/** As Node-RED's own, in memory. */
class Context {
  private readonly values = new Map<string, unknown>();

  get(key: string): unknown {
    return this.values.get(key);
  }

  set(key: string, value: unknown): void {
    this.values.set(key, value);
  }
}

export class FunctionNode {
  readonly context = new Context();
  readonly errors: string[] = [];
  private readonly run: (...given: unknown[]) => unknown;

  /**
   * @param number the example's
   * @param name the node's
   * @param flow context that it shares with others of its flow
   */
  constructor(
    number: number,
    name: string,
    private readonly flow = new Context(),
    private readonly env: Record<string, string> = {},
  ) {
    const file = readdirSync(FOLDER).find((one) => one.startsWith(`${number} - `));
    const nodes = JSON.parse(readFileSync(join(FOLDER, file!), 'utf8')) as Msg[];
    const node = nodes.find((one) => one.type === 'function' && one.name === name);
    assert.ok(node, `example ${number} has no function '${name}'`);
    const names = ['msg', 'context', 'flow', 'env', 'node', 'Buffer'];
    this.run = compileFunction(String(node.func), names) as typeof this.run;
  }

  /** What leaves by each output for a message; an output that sends nothing has `undefined`. */
  send(msg: Msg): (Msg | undefined)[] {
    const env = { get: (name: string) => this.env[name] };
    const node = {
      error: (text: string) => this.errors.push(text),
      warn: () => undefined,
      status: () => undefined,
    };
    const sent = this.run(msg, this.context, this.flow, env, node, Buffer);
    const outputs = Array.isArray(sent) ? (sent as unknown[]) : [sent];
    return outputs.map((output) => (output ?? undefined) as Msg | undefined);
  }
}

/** A context that function nodes share. */
export function flowContext(): Context {
  return new Context();
}
