/** Reads what a node's form has stored. Values may come from the environment, so a number can be a string. */
import type { Node, NodeAPI, NodeMessage } from 'node-red';
import { WavixError } from '../../lib/errors';

/** A text without spaces around it; anything else is empty. */
export function text(value: unknown): string {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' ? value.trim() : '';
}

/** @throws WavixError `WAVIX_CONFIG` if it is set and no number within the range */
export function number(
  value: unknown,
  { name, fallback, min, max }: { name: string; fallback: number; min: number; max: number },
): number {
  if (value === undefined || value === null || value === '') return fallback;
  const given = typeof value === 'string' ? Number(value) : value;
  if (typeof given !== 'number' || !(given >= min && given <= max)) {
    throw new WavixError('WAVIX_CONFIG', { key: 'property.number', values: { field: name, min, max } });
  }
  return given;
}

/** @throws WavixError `WAVIX_CONFIG` if it is set and none of the choices */
export function choice<T extends string>(
  value: unknown,
  { name, choices }: { name: string; choices: readonly [T, ...T[]] },
): T {
  if (value === undefined || value === null || value === '') return choices[0];
  const found = choices.find((one) => one === value);
  if (found !== undefined) return found;
  throw new WavixError('WAVIX_CONFIG', {
    key: 'property.choice',
    values: { field: name, choices: choices.join(', ') },
  });
}

/** A tick, which the environment gives as a string. */
export function flag(value: unknown, fallback: boolean): boolean {
  if (value === undefined || value === null || value === '') return fallback;
  return value === true || value === 'true';
}

/** A typed input of the editor: a value and where it comes from. */
export interface TypedInput {
  value: unknown;
  type: unknown;
}

/** What a typed input stands for with this message; undefined where there is nothing. */
export async function evaluate(
  RED: NodeAPI,
  node: Node,
  { value, type }: TypedInput,
  msg: NodeMessage,
): Promise<unknown> {
  if (typeof value === 'object' && value !== null) return value;
  const source = text(value);
  if (source === '') return undefined;
  const kind = typeof type === 'string' && type !== '' ? type : 'str';
  return new Promise((resolve, reject) => {
    RED.util.evaluateNodeProperty(source, kind, node, msg, (error: Error | null, result: unknown) => {
      // A property of something that is not there is nothing, not a failure.
      if (error && kind === 'msg') resolve(undefined);
      else if (error)
        reject(new WavixError('WAVIX_INPUT', { key: 'property.unreadable', values: { type: kind } }));
      else resolve(result === null ? undefined : result);
    });
  });
}

/** A property of the message itself, such as `stream_id`, not of something in it. */
const PLAIN_PROPERTY = /^(?:msg\.)?([A-Za-z_$][\w$]*)$/;

/**
 * The same at once, for the way of audio, where order counts; a context store that can't do that gives nothing.
 *
 * @returns what reads the value: made once, used for every frame
 */
export function reader(RED: NodeAPI, node: Node, { value, type }: TypedInput): (msg: NodeMessage) => unknown {
  const source = text(value);
  if (source === '') return () => undefined;
  const kind = text(type) || 'str';
  const plain = kind === 'msg' ? PLAIN_PROPERTY.exec(source)?.[1] : undefined;
  if (plain !== undefined) return (msg) => (msg as Record<string, unknown>)[plain];
  return (msg) => {
    try {
      return RED.util.evaluateNodeProperty(source, kind, node, msg) as unknown;
    } catch {
      return undefined;
    }
  };
}

/** The same for an id or another short text; empty is nothing. */
export async function evaluateText(
  RED: NodeAPI,
  node: Node,
  input: TypedInput,
  msg: NodeMessage,
): Promise<string | undefined> {
  const value = text(await evaluate(RED, node, input, msg));
  return value === '' ? undefined : value;
}

/**
 * The call a message is about: by the node's own field, else by `msg.call_id`.
 *
 * @throws WavixError `WAVIX_INPUT` if neither names one
 */
export async function callIdOf(
  RED: NodeAPI,
  node: Node,
  def: { callId?: unknown; callIdType?: unknown },
  msg: NodeMessage,
): Promise<string> {
  const id =
    (await evaluateText(RED, node, { value: def.callId, type: def.callIdType }, msg)) ?? text(msg.call_id);
  if (id !== '') return id;
  throw new WavixError('WAVIX_INPUT', { key: 'message.noCall' });
}

/**
 * Further fields for Wavix's body, as an object or as JSON.
 *
 * @throws WavixError `WAVIX_INPUT` if it is anything else
 */
export async function evaluateOptions(
  RED: NodeAPI,
  node: Node,
  def: { options?: unknown; optionsType?: unknown },
  msg: NodeMessage,
): Promise<Record<string, unknown>> {
  let value: unknown;
  try {
    value = await evaluate(RED, node, { value: def.options, type: def.optionsType ?? 'json' }, msg);
    if (typeof value === 'string') value = value.trim() === '' ? {} : JSON.parse(value);
  } catch {
    value = null;
  }
  if (value === undefined) return {};
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new WavixError('WAVIX_INPUT', { key: 'property.options' });
}
