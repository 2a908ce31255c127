/** The first moments of a stream's socket: from Wavix's connect to its `start`, which must name the token's call. */
import type { WebSocket } from 'ws';
import type { Clock } from '../clock';
import { readFromWavix, type ConnectedMessage, type StartMessage } from './wire';

/** A socket that sends no `start` for this long is closed, in ms. */
export const START_TIMEOUT_MS = 10_000;

/** WebSocket close codes (RFC 6455 section 7.4.1). */
export const CLOSE_NORMAL = 1000;
export const CLOSE_GOING_AWAY = 1001;
export const CLOSE_POLICY = 1008;

export interface Handshake {
  connected(message: ConnectedMessage): void;
  /** The socket's messages from here on are the stream's. */
  started(message: StartMessage): void;
  /** No stream came of it; `problem` holds nothing of what was sent. */
  failed(problem: string): void;
}

/**
 * Waits for `start`.
 *
 * @param callId the call the socket's token was made for
 * @returns closes the socket, if it is still waiting, with the given close code
 */
export function awaitStart(
  socket: WebSocket,
  callId: string,
  clock: Clock,
  handshake: Handshake,
): (code: number) => void {
  const fail = (problem: string, code: number) => {
    leave();
    socket.on('error', () => undefined);
    socket.close(code);
    handshake.failed(problem);
  };
  const onMessage = (data: Buffer, isBinary: boolean) => {
    const message = isBinary ? { problem: 'binary message' } : readFromWavix(data.toString());
    if ('problem' in message) return;
    if (message.event === 'connected') handshake.connected(message);
    if (message.event !== 'start') return;
    if (message.call_id !== callId) {
      fail('its start names another call than its address', CLOSE_POLICY);
      return;
    }
    leave();
    handshake.started(message);
  };
  const onClose = () => {
    leave();
    handshake.failed('it was closed before its start');
  };
  const onError = () => undefined; // 'close' follows
  const leave = () => {
    cancel();
    socket.off('message', onMessage).off('close', onClose).off('error', onError);
  };
  const cancel = clock.after(START_TIMEOUT_MS, () => {
    fail(`no start came in ${START_TIMEOUT_MS / 1000} s`, CLOSE_POLICY);
  });
  socket.on('message', onMessage).on('close', onClose).on('error', onError);
  return (code) => {
    if (socket.readyState === socket.OPEN) fail('the line was closed', code);
  };
}
