/** Waiting that can be given up: what a caller gets who gave up, and a wait that ends with it. */
import type { Clock } from '../clock';

/** What a promise given up on rejects with: its `name` is `AbortError`, as everywhere in Node. */
export function abortError(): Error {
  return new DOMException('Given up by the caller.', 'AbortError');
}

/** Calls `listener` when the signal is aborted, at once if it is already. The answer takes the listener off again. */
export function onAbort(signal: AbortSignal | undefined, listener: () => void): () => void {
  if (!signal) return () => undefined;
  if (signal.aborted) {
    listener();
    return () => undefined;
  }
  signal.addEventListener('abort', listener, { once: true });
  return () => signal.removeEventListener('abort', listener);
}

/** Resolves after `ms`, or rejects with an AbortError; leaves neither a timer nor a listener. */
export function sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    let leave = (): void => undefined;
    const cancel = clock.after(ms, () => {
      leave();
      resolve();
    });
    leave = onAbort(signal, () => {
      cancel();
      reject(abortError());
    });
  });
}
