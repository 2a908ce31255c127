/** The first moments of a stream's socket: from Wavix's connect to its `start`, which must name the token's call. */
import type { WebSocket } from 'ws';
import type { Clock } from '../clock';
import type { Text } from '../texts';
import { readFromWavix, type ConnectedMessage, type StartMessage } from './wire';

/** A socket that sends no `start` for this long is closed, in ms. */
export const START_TIMEOUT_MS = 10_000;

/** WebSocket close codes (RFC 6455 section 7.4.1). */
export const CLOSE_NORMAL = 1000;
export const CLOSE_GOING_AWAY = 1001;
export const CLOSE_POLICY = 1008;

export interface Handshake {
  connected(message: ConnectedMessage): void;
  /** Why this stream may not start, if it may not; the text holds nothing of what was sent. */
  refuse(message: StartMessage): Text | undefined;
  /** The socket's messages from here on are the stream's; `malformed` came before that were not the guide's. */
  started(message: StartMessage, malformed: number): void;
  /** No stream came of it; `problem` holds nothing of what was sent. */
  failed(problem: Text): void;
}

/**
 * Waits for `start`.
 *
 * @returns closes the socket, if it is still waiting, with the given close code
 */
export function awaitStart(socket: WebSocket, clock: Clock, handshake: Handshake): (code: number) => void {
  let isConnected = false;
  let malformed = 0;
  const fail = (problem: Text, code: number) => {
    leave();
    socket.on('error', () => undefined);
    socket.close(code);
    handshake.failed(problem);
  };
  const onMessage = (data: Buffer, isBinary: boolean) => {
    const message = isBinary ? { problem: 'a binary message' } : readFromWavix(data.toString());
    if (!('problem' in message) && message.event === 'connected' && !isConnected) {
      isConnected = true;
      handshake.connected(message);
      return;
    }
    if ('problem' in message || message.event !== 'start') {
      malformed++;
      return;
    }
    const refused = handshake.refuse(message);
    if (refused !== undefined) {
      fail(refused, CLOSE_POLICY);
      return;
    }
    leave();
    handshake.started(message, malformed);
  };
  const onClose = () => {
    leave();
    handshake.failed({ key: 'start.closed' });
  };
  const onError = () => undefined; // 'close' follows
  const leave = () => {
    cancel();
    socket.off('message', onMessage).off('close', onClose).off('error', onError);
  };
  const cancel = clock.after(START_TIMEOUT_MS, () => {
    fail({ key: 'start.late', values: { seconds: START_TIMEOUT_MS / 1000 } }, CLOSE_POLICY);
  });
  socket.on('message', onMessage).on('close', onClose).on('error', onError);
  return (code) => {
    if (socket.readyState === socket.OPEN) fail({ key: 'start.lineClosed' }, code);
  };
}
