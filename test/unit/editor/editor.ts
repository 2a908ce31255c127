/**
 * The editor's side of the nodes, read from their sources: forms, catalogues, and the definitions the scripts register,
 * run here with as much of Node-RED's editor as they need before a form is open.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ENGLISH, flatten, wordsOf, type Catalogue } from '../locales/catalogue';
import { runPage, scriptsIn, type EditorNode } from './page';

export const root = join(__dirname, '../../..');
export const PACKAGE = '@wavix-flows/node-red-wavix';

export const read = (...path: string[]): string => readFileSync(join(root, ...path), 'utf8');

const manifest = JSON.parse(read('package.json')) as { 'node-red': { nodes: Record<string, string> } };
/** All node types of the package. */
export const types = Object.keys(manifest['node-red'].nodes);

const nodeRedWords = new Map(
  flatten(
    JSON.parse(read('node_modules/@node-red/nodes/locales/en-US/messages.json')) as Catalogue,
    'node-red:',
  ),
);

/** node type → key → text. */
export const catalogues = new Map(types.map((type) => [type, wordsOf(ENGLISH, `${type}.json`)]));

/** The text of a key as it stands in `type`'s form or script; undefined if there is none. */
export function lookUp(type: string, key: string): string | undefined {
  if (key.startsWith('node-red:')) return nodeRedWords.get(key);
  const [namespace, own] = key.includes(':') ? key.split(':') : [`${PACKAGE}/${type}`, key];
  return catalogues.get(namespace?.slice(PACKAGE.length + 1) ?? '')?.get(own ?? '');
}

function translate(type: string, key: string, values: Record<string, unknown> = {}): string {
  const text = lookUp(type, key);
  if (text === undefined) throw new Error(`${type}: there is no text for ${key}`);
  return text.replace(/__(\w+)__/g, (_whole, name: string) => String(values[name]));
}

export type { Definition, EditorNode, Property } from './page';

export const html = (type: string): string => read('nodes', `${type}.html`);

/** The scripts that the nodes' forms load, in an order in which they may come. */
export const resources = readdirSync(join(root, 'resources')).filter((file) => file.endsWith('.js'));

/** All the code of the editor's side, by file. */
export const code = new Map([
  ...resources.map((file): [string, string] => [`resources/${file}`, read('resources', file)]),
  ...types.map((type): [string, string] => [`nodes/${type}.html`, scriptsIn(html(type))]),
]);

const page = runPage(code, (key, values) => translate('wavix-config', key, values));

/** Config nodes that `RED.nodes.eachConfig` tells of; for a test to fill. */
export const { configs } = page;

/** The definitions that the scripts of the nodes register. */
export const { definitions } = page;

/** The template of a node's form, as the scripts put it into the page. */
export const form = (type: string): string => page.templates.get(type) ?? '';

/** A node as it is when it has just been dragged in, with some properties set. */
export function newNode(type: string, properties: Record<string, unknown> = {}): EditorNode {
  const _def = definitions.get(type)!;
  const defaults = Object.entries(_def.defaults).map(([name, { value }]) => [name, value]);
  return {
    ...(structuredClone(Object.fromEntries(defaults)) as Record<string, unknown>),
    ...properties,
    type,
    _: (key, values) => translate(type, key, values),
    _def,
  };
}

/** What is wrong with a property of a node, in words; undefined if nothing. */
export function complaint(node: EditorNode, property: string): string | undefined {
  const result = node._def.defaults[property]?.validate?.call(node, node[property], {}) ?? true;
  return result === true ? undefined : String(result);
}
