/** A page with as much of Node-RED's editor as the scripts of the nodes need before a form is open. */
import { createContext, runInContext } from 'node:vm';

export interface Property {
  value: unknown;
  type?: string;
  required?: boolean;
  label?: string;
  validate?: (this: EditorNode, value: unknown, options: object) => boolean | string;
}

export interface Definition {
  category: string;
  color: string;
  icon: string;
  inputs?: number;
  outputs?: number;
  defaults: Record<string, Property>;
  credentials?: Record<string, { type: string }>;
  paletteLabel: (this: EditorNode) => string;
  label: (this: EditorNode) => string;
  outputLabels?: (this: EditorNode, index: number) => string | undefined;
  onadd?: (this: EditorNode) => void;
}

/** A node as the editor has it. */
export interface EditorNode {
  _: (key: string, values?: Record<string, unknown>) => string;
  _def: Definition;
  [property: string]: unknown;
}

export interface ConfigNode {
  id: string;
  type: string;
  z?: string;
}

/** What the scripts do to the page. */
export interface Page {
  /** node type → what was registered */
  definitions: Map<string, Definition>;
  /** node type → HTML of its form */
  templates: Map<string, string>;
  /** Config nodes that `RED.nodes.eachConfig` tells of; for a test to fill. */
  configs: ConfigNode[];
}

/**
 * @param code by file, in the order in which it is run
 * @param translate `RED._`
 */
export function runPage(
  code: Iterable<readonly [file: string, source: string]>,
  translate: (key: string, values?: Record<string, unknown>) => string,
): Page {
  const definitions = new Map<string, Definition>();
  const templates = new Map<string, string>();
  const configs: ConfigNode[] = [];

  /** Elements that are put into the page, and taken out of it. */
  const $ = () => {
    const element = {
      length: 0,
      attributes: {} as Record<string, string>,
      content: '',
      attr: (name: string, value: string) => ((element.attributes[name] = value), element),
      text: (content: string) => ((element.content = content), element),
      remove: () => element,
      appendTo: () => {
        const name = element.attributes['data-template-name'];
        if (name !== undefined) templates.set(name, element.content);
      },
    };
    return element;
  };
  const page: Record<string, unknown> = { $, URL, document: {} };
  page.window = page;
  page.RED = {
    _: translate,
    nodes: {
      registerType: (type: string, definition: Definition) => definitions.set(type, definition),
      eachConfig: (tell: (config: object) => void) => configs.forEach(tell),
    },
    utils: {
      // Node-RED's own, as far as it is needed: a property's name.
      validateTypedProperty: (value: string) => /^[A-Za-z_][\w.]*$/.test(value) || 'invalid property',
    },
  };
  createContext(page);
  for (const [file, source] of code) runInContext(source, page, { filename: file });
  return { definitions, templates, configs };
}

/** The scripts that stand in a node's page itself. */
export function scriptsIn(html: string): string {
  return [...html.matchAll(/<script type="text\/javascript">(.*?)<\/script>/gs)]
    .map(([, script]) => script)
    .join('\n');
}

/** The keys of texts that a form names, without `[placeholder]` and the like. */
export function keysOfForm(template: string): string[] {
  return [...template.matchAll(/data-i18n="([^"]+)"/g)]
    .flatMap(([, keys]) => keys?.split(';') ?? [])
    .map((key) => key.replace(/^\[\w+\]/, ''));
}
