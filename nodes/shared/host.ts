/** Node-RED's own server, as a line sees it. */
import { Server as HttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { NodeAPI } from 'node-red';
import { WavixError } from '../../lib/errors';
import type { HostServer } from '../../lib/line';
import { joinPath } from '../../lib/server/addresses';
import { Gate } from '../../lib/server/gate';

const hosts = new WeakMap<object, HostServer>();

/**
 * The same for all lines: HTTP routes can't be taken back, so only one is ever added.
 *
 * @throws WavixError `WAVIX_CONFIG` if this Node-RED serves no HTTP nodes
 */
export function hostOf(RED: NodeAPI): HostServer {
  const { settings } = RED;
  const server = RED.server as NodeAPI['server'] | undefined;
  if (!server || (settings.httpNodeRoot as unknown) === false) {
    throw new WavixError('WAVIX_CONFIG', { key: 'config.noHttpNodes' });
  }
  let host = hosts.get(server);
  if (!host) hosts.set(server, (host = newHost(RED)));
  return host;
}

function newHost({ server, settings, httpNode }: NodeAPI): HostServer {
  const gate = new Gate(server, false);
  httpNode.use((request, response, next) => {
    if (!gate.request(request.originalUrl, request, response)) next();
  });
  return {
    gate,
    root: joinPath(typeof settings.httpNodeRoot === 'string' ? settings.httpNodeRoot : ''),
    localUrl: () => {
      const address = server.address() as AddressInfo | null;
      return address ? urlOf(address, server instanceof HttpsServer) : undefined;
    },
  };
}

/** How a listener is reached from this machine. */
function urlOf({ address, family, port }: AddressInfo, isTls: boolean): string {
  const isWildcard = address === '::' || address === '0.0.0.0';
  const name = isWildcard ? '127.0.0.1' : family === 'IPv6' ? `[${address}]` : address;
  return `${isTls ? 'https' : 'http'}://${name}:${port}`;
}
