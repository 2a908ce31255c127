/** Breaks the sockets of the local Wavix's streams off, as a network does: no `stop`, no WebSocket close. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import type { LocalWavix } from '../../simulator';

const CHANNEL = 'net.client.socket';

export class Drops {
  private readonly sockets = new Map<string, Socket>();
  /** The stream that dials just now: it opens its socket before it returns. */
  private dialling: string | undefined;

  constructor(wavix: LocalWavix) {
    subscribe(CHANNEL, this.onSocket);
    wavix.on('event', (event) => {
      if (event.type !== 'stream') return;
      if (event.what === 'dialled') this.dialling = event.stream_id;
      if (event.what === 'ended') this.sockets.delete(event.stream_id);
    });
  }

  /**
   * Drops a stream's socket. @returns false if it is gone already
   *
   * @param reset by a TCP reset, else by a plain end
   */
  drop(streamId: string, reset: boolean): boolean {
    const socket = this.sockets.get(streamId);
    if (!socket || socket.destroyed) return false;
    this.sockets.delete(streamId);
    if (reset) socket.resetAndDestroy();
    else socket.destroy();
    return true;
  }

  stop(): void {
    unsubscribe(CHANNEL, this.onSocket);
  }

  private readonly onSocket = (message: unknown): void => {
    if (this.dialling === undefined) return;
    this.sockets.set(this.dialling, (message as { socket: Socket }).socket);
    this.dialling = undefined;
  };
}
