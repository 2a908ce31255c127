/** The line between the soak and the Node-RED it watches: JSON messages, one a line, over a local socket. */
import type { Socket } from 'node:net';

/** What the flow is told to do; `cmd` comes back with the outcome. */
export interface Command {
  cmd: number;
  /** which wire: `call a`, `say b`, … */
  to: string;
  /** what the message holds beside the audio */
  msg: Record<string, unknown>;
  /** audio to be made for it: part of an utterance */
  audio?: { number: number; bytes: number; from: number; to: number; wav: boolean } | undefined;
}

/** To Node-RED. */
export type ToProbe =
  | ({ t: 'do' } & Command)
  | { t: 'sync'; id: number }
  | { t: 'measure'; id: number }
  | { t: 'hold'; ms: number };

/** What Node-RED is like after a garbage collection. Sizes in bytes. */
export interface Measure {
  rss: number;
  /** JavaScript's and its buffers' memory together */
  used: number;
  /** things that keep the process alive, by kind */
  handles: Record<string, number>;
  /** live objects, those included that keep nothing alive */
  objects: Record<string, number>;
  /** listeners on the servers, on the runtime's events and on the process, by event */
  listeners: Record<string, number>;
  /** longest delay of its event loop since the last measure, ms */
  longestDelayMs: number;
}

/** A message of the flow: which probe, and what of it is wanted. */
export interface Told {
  name: string;
  msg: Record<string, unknown>;
}

/** From Node-RED. */
export type FromProbe =
  | ({ t: 'told' } & Told)
  /** per stream: chunk number and digest of each frame, in turns */
  | { t: 'heard'; frames: Record<string, number[]> }
  | { t: 'synced'; id: number }
  | { t: 'measured'; id: number; measure: Measure };

/** Sends and takes messages on a socket. @returns sends one */
export function link(socket: Socket, onMessage: (message: unknown) => void): (message: object) => void {
  let rest = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onMessage(JSON.parse(line));
  });
  return (message) => void socket.write(`${JSON.stringify(message)}\n`);
}
