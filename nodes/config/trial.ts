/**
 * What stands in an open form of `wavix-config`, as it would be deployed: for a line to try it with. The form does not
 * know two things that the deployed node does: the stored key, and what environment variables hold. Neither may leave this
 * way for an address that somebody has just typed in: to change a config's form is allowed to more people than to see its
 * key. So a stored key goes only to the address it was deployed with, and a variable counts only where the deployed
 * node has got the same value from it.
 */
import type { NodeAPI } from 'node-red';
import type { LineSettings } from '../../lib/line';
import { text } from '../shared/properties';
import { settingsOf, type LineFields } from './settings';

/** What Node-RED's editor has in the place of a stored password. */
const STORED = '__PWRD__';
const VARIABLE = /^\$\{(\S+)\}$|^\$\((\S+)\)$/;

/** Fields of the form, as texts. */
export type FormValues = Partial<Record<keyof LineFields | 'apiKey', unknown>>;

/** Why it can't be tried before it is deployed; the form has the words. */
export type NotNow = 'stored' | 'environment';

/** The same as `settingsOf`, of a form. The key of a trial `for` the public address is none: nothing is asked of Wavix. */
export function settingsOfForm(
  { RED, id, form }: { RED: NodeAPI; id: string; form: FormValues },
  { deployed, what }: { deployed: LineSettings | undefined; what: 'key' | 'address' },
): LineSettings | NotNow {
  const known: Partial<Record<string, unknown>> = { ...deployed };
  const needed = [
    'apiUrl',
    'apiStyle',
    ...(what === 'address' ? (['publicUrl', 'path', 'port'] as const) : []),
  ] as const;
  const fields: LineFields = {};
  for (const name of needed) {
    const given = text(form[name]);
    const value = valueOf(RED, id, given);
    if (value !== given && value !== text(known[name])) return 'environment';
    fields[name] = value;
  }
  if (what === 'address') return settingsOf(fields, undefined);

  const key = text(form.apiKey);
  const isStored = key === STORED || VARIABLE.test(key);
  const settings = settingsOf(fields, { apiKey: isStored ? deployed?.apiKey : key });
  if (!isStored) return settings;
  if (key !== STORED && valueOf(RED, id, key) !== deployed?.apiKey) return 'environment';
  return deployed && sameAddress(deployed.apiUrl, settings.apiUrl) ? settings : 'stored';
}

/** As Node-RED does it for a node's properties: a variable that is not set stays as it is written. */
function valueOf(RED: NodeAPI, id: string, given: string): string {
  const match = VARIABLE.exec(given);
  const name = match?.[1] ?? match?.[2];
  if (name === undefined) return given;
  // Where it is not deployed there is no node; then only the variables of the process count.
  const value: unknown = RED.util.evaluateNodeProperty(name, 'env', RED.nodes.getNode(id), {});
  return text(value) || given;
}

function sameAddress(one: string, two: string): boolean {
  const bare = (address: string) => address.replace(/\/+$/, '');
  return bare(one) === bare(two);
}
