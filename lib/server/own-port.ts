/** Listeners of our own, one a port, shared by the lines that name that port; they serve our addresses and nothing else. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WavixError } from '../errors';
import { answer, Gate } from './gate';

/** A webhook has this long to come in whole, in ms. */
const REQUEST_MS = 10_000;

interface Listener {
  server: Server;
  gate: Gate;
  listening: Promise<void>;
}

export class OwnPorts {
  private readonly listeners = new Map<number, Listener>();

  /** The gate of that port; its server is created, and begins to listen, when it is first asked for. */
  open(port: number): { gate: Gate; listening: Promise<void> } {
    let listener = this.listeners.get(port);
    if (!listener) this.listeners.set(port, (listener = listen(port)));
    return listener;
  }

  /** Stops listening if nobody uses the port any more. Sockets that became streams go on. */
  release(port: number): void {
    const listener = this.listeners.get(port);
    if (!listener?.gate.isEmpty) return;
    this.listeners.delete(port);
    listener.server.close();
    listener.server.closeIdleConnections();
  }

  /** The port really listened on: another one only for port 0. */
  portOf(port: number): number {
    return (this.listeners.get(port)?.server.address() as AddressInfo | null)?.port ?? port;
  }
}

function listen(port: number): Listener {
  const server = createServer({
    headersTimeout: REQUEST_MS,
    requestTimeout: REQUEST_MS,
    connectionsCheckingInterval: REQUEST_MS / 5,
  });
  const gate = new Gate(server, true);
  server.on('request', (request, response) => {
    if (!gate.request(request.url ?? '', request, response)) answer(response, 404);
  });
  const listening = new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(cannotListen(port, error)));
    server.listen(port, resolve);
  });
  return { server, gate, listening };
}

function cannotListen(port: number, { code }: NodeJS.ErrnoException): WavixError {
  const key =
    code === 'EADDRINUSE' ? 'config.portTaken' : code === 'EACCES' ? 'config.portForbidden' : 'config.port';
  return new WavixError('WAVIX_CONFIG', { key, values: { port, code: code ?? '?' } });
}
