/** The addresses under which Wavix reaches us, and the paths we serve. */
import { BlockList, isIP } from 'node:net';
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

/** Networks that nobody on the internet can reach (RFC 1918, 3927, 4193, 4291, 6598). */
const INSIDE = new BlockList();
for (const [net, bits] of [
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const) {
  INSIDE.addSubnet(net, bits, 'ipv4');
}
for (const [net, bits] of [
  ['::1', 128],
  ['fc00::', 7],
  ['fe80::', 10],
] as const) {
  INSIDE.addSubnet(net, bits, 'ipv6');
}

/** Whether an address can be seen at a glance to be known inside a network only, such as http://192.168.1.5. */
export function isInsideOnly(address: string): boolean {
  const { hostname } = new URL(address);
  const ip = hostname.replace(/^\[|\]$/g, '');
  if (isIP(ip) !== 0) return INSIDE.check(ip, isIP(ip) === 6 ? 'ipv6' : 'ipv4');
  return !hostname.includes('.') || /\.(localhost|local|lan|home|internal|home\.arpa)$/.test(hostname);
}

/** Whether an API address leads to what listens on that port of 127.0.0.1. */
export function leadsTo(port: number, apiUrl: string): boolean {
  if (!URL.canParse(apiUrl)) return false;
  const url = new URL(apiUrl);
  const isLocal = url.hostname === 'localhost' || url.hostname === '127.0.0.1';
  return isLocal && url.protocol === 'http:' && Number(url.port || 80) === port;
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
