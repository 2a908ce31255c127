/** The addresses under which Wavix reaches us, and the paths we serve. */
import { WavixError } from '../errors';
import type { TextKey } from '../texts';

/** Joins parts to an absolute path without a slash at its end; the root is ''. */
export function joinPath(...parts: string[]): string {
  const joined = parts.join('/').split('/').filter(Boolean).join('/');
  return joined === '' ? '' : `/${joined}`;
}

/** Whether an API address is on this machine, as the local Wavix's is: then it reaches us without a public address. */
export function isOnThisMachine(apiUrl: string): boolean {
  if (!URL.canParse(apiUrl)) return false;
  const { hostname } = new URL(apiUrl);
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname);
}

/** The port of an http:// address on this machine; undefined if it is none. */
export function portOnThisMachine(apiUrl: string): number | undefined {
  if (!isOnThisMachine(apiUrl)) return undefined;
  const { port, protocol } = new URL(apiUrl);
  return protocol === 'http:' ? Number(port || 80) : undefined;
}

/**
 * Checks a public address and takes the slash from its end.
 *
 * @throws WavixError `WAVIX_CONFIG`, without repeating the value: a secret may have been put into the wrong field
 */
export function checkPublicUrl(publicUrl: string): string {
  const fail = (key: TextKey) => new WavixError('WAVIX_CONFIG', [{ key: 'config.publicUrl' }, { key }]);
  if (!URL.canParse(publicUrl)) throw fail('config.publicUrlWhole');
  const url = new URL(publicUrl);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw fail('config.publicUrlScheme');
  if (url.username || url.password) throw fail('config.publicUrlLogin');
  if (url.search || url.hash) throw fail('config.publicUrlQuery');
  return url.origin + joinPath(url.pathname);
}

/** The same address for WebSockets: `wss` where it is `https`. */
export function asWebSocket(url: string): string {
  return url.replace(/^http/, 'ws');
}
