/**
 * Flows for the tests. `switchboard` has every node of the package, each with a button to feed it and probes that hand
 * what it sends to the test: a test drives a call step by step, with a real flow in between.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FlowNode } from './node-red';

export type ApiStyle = 'appid' | 'bearer';
export const API_STYLES: readonly ApiStyle[] = ['appid', 'bearer'];

/** Not the key of anything; long and odd enough to be searched for in logs. */
export const API_KEY = 'key-of-the-e2e-tests-4f1c';
export const SECRET = 'secret-of-the-e2e-tests-b27e';

type Properties = Record<string, unknown>;

export function configNode(apiUrl: string, properties: Properties = {}): FlowNode {
  return {
    id: 'config',
    type: 'wavix-config',
    name: 'Local Wavix',
    apiUrl,
    apiStyle: 'appid',
    publicUrl: '',
    path: '/wavix',
    port: '',
    credentials: { apiKey: API_KEY },
    ...properties,
  };
}

/** Hands each message to the test under the probe's own name, and passes it on. */
export function probe(id: string, wires: string[] = []): FlowNode {
  const func = `global.get('record')(node.name, msg); return msg;`;
  return { id, type: 'function', name: id, func, outputs: 1, wires: [wires] };
}

/** A button: pressed with `inject(id, message)`. */
export function button(id: string, ...wires: string[]): FlowNode {
  return { id, type: 'inject', props: [], wires: [wires] };
}

/** Puts nodes on a tab. Without a place (`x`, `y`) Node-RED would take them for config nodes. */
export function onTab(id: string, nodes: FlowNode[]): FlowNode[] {
  const tab = { id, type: 'tab', label: id };
  return [
    tab,
    ...nodes.map((node) => (node.type === 'wavix-config' ? node : { z: id, x: 0, y: 0, ...node })),
  ];
}

/** Properties that a test gives to single nodes of the switchboard, by their id. */
export type Changes = Record<string, Properties>;

/**
 * Buttons: `call`, `answer`, `start`, `stop`, `hangup`, `say`. Probes: `event` · `answered`, `not answered` ·
 * `answer sent` · `started` · `stopped` · `hung up` · `audio`, `mark`, `stream` · `played`, `interrupted` · `error`.
 * The nodes that the buttons feed are named `call node`, `answer node`, … , the other two `event node` and `in node`.
 */
export function switchboard(config: FlowNode, changes: Changes = {}): FlowNode[] {
  const call = { config: config.id, callId: 'call_id', callIdType: 'msg' };
  const nodes: FlowNode[] = [
    config,
    {
      id: 'event node',
      type: 'wavix-event',
      config: config.id,
      events: [],
      direction: 'any',
      number: '',
      wires: [['event']],
    },
    button('call', 'call node'),
    {
      id: 'call node',
      type: 'wavix-call',
      config: config.id,
      from: 'from',
      fromType: 'msg',
      to: 'to',
      toType: 'msg',
      wait: true,
      timeout: 10,
      options: '{}',
      optionsType: 'json',
      wires: [['answered'], ['not answered']],
    },
    button('answer', 'answer node'),
    {
      id: 'answer node',
      type: 'wavix-answer',
      ...call,
      stream: false,
      streamType: 'twoway',
      streamChannel: 'inbound',
      streamUrl: '',
      options: '{}',
      optionsType: 'json',
      wires: [['answer sent']],
    },
    button('start', 'start node'),
    {
      id: 'start node',
      type: 'wavix-stream-start',
      ...call,
      streamType: 'twoway',
      streamChannel: 'inbound',
      streamUrl: '',
      wires: [['started']],
    },
    button('stop', 'stop node'),
    {
      id: 'stop node',
      type: 'wavix-stream-stop',
      ...call,
      streamId: 'stream_id',
      streamIdType: 'msg',
      wires: [['stopped']],
    },
    button('hangup', 'hangup node'),
    { id: 'hangup node', type: 'wavix-hangup', ...call, when: 'now', timeout: 30, wires: [['hung up']] },
    {
      id: 'in node',
      type: 'wavix-stream-in',
      config: config.id,
      encoding: 'pcm',
      sampleRate: 24000,
      frame: 20,
      track: 'any',
      wires: [['audio'], ['mark'], ['stream']],
    },
    button('say', 'out node'),
    {
      id: 'out node',
      type: 'wavix-stream-out',
      config: config.id,
      streamId: 'stream_id',
      streamIdType: 'msg',
      encoding: 'auto',
      sampleRate: 24000,
      lead: 1000,
      queue: 300,
      wires: [['played'], ['interrupted']],
    },
    { id: 'catch', type: 'catch', scope: null, uncaught: false, wires: [['error']] },
    ...['event', 'answered', 'not answered', 'answer sent', 'started', 'stopped', 'hung up'].map((id) =>
      probe(id),
    ),
    ...['audio', 'mark', 'stream', 'played', 'interrupted', 'error'].map((id) => probe(id)),
  ];
  for (const id of Object.keys(changes)) {
    if (!nodes.some((node) => node.id === id)) throw new Error(`the switchboard has no '${id}'`);
  }
  return onTab(
    'switchboard',
    nodes.map((node) => ({ ...node, ...changes[node.id] })),
  );
}

/** File names of the examples, without `.json`. */
export function exampleNames(packageFolder: string): string[] {
  const files = readdirSync(join(packageFolder, 'examples')).filter((file) => file.endsWith('.json'));
  return files.map((file) => file.slice(0, -'.json'.length));
}

/**
 * An example as it is in the package, with the key it comes with. What its debug nodes would show is handed to the test
 * instead, under the example's name and theirs.
 *
 * @param wavix where its local Wavix is: at an address of the test's, or in its own `wavix-simulator` at another port than
 *   the example's, which may be taken
 */
export function example(
  packageFolder: string,
  name: string,
  wavix: { url: string } | { port: number },
): FlowNode[] {
  const isOwn = 'port' in wavix;
  const apiUrl = isOwn ? `http://127.0.0.1:${wavix.port}` : wavix.url;
  return readExample(packageFolder, name).flatMap((node) => {
    if (node.type === 'wavix-simulator') return isOwn ? { ...node, port: wavix.port } : [];
    if (node.type === 'wavix-config') return { ...node, apiUrl };
    return node.type === 'debug' ? { ...node, ...probe(`${name}: ${String(node.name)}`), id: node.id } : node;
  });
}

export function readExample(packageFolder: string, name: string): FlowNode[] {
  return JSON.parse(readFileSync(join(packageFolder, 'examples', `${name}.json`), 'utf8')) as FlowNode[];
}
