/** Reads the JSON that Wavix posts, and answers what can't be read with the status that says why. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import getRawBody from 'raw-body';
import { answer } from './gate';

/** A webhook's body may not be larger, in bytes. */
export const MAX_WEBHOOK_BYTES = 256 * 1024;

/**
 * Calls `accept` with the posted JSON and answers 200. Where `accept` throws, the body was not an event: 400. Too
 * large: 413; no JSON by its content type: 415.
 */
export function receiveWebhook(
  request: IncomingMessage & { body?: unknown },
  response: ServerResponse,
  accept: (body: unknown) => void,
): void {
  if (!/^application\/(.+\+)?json\s*(;|$)/i.test(request.headers['content-type'] ?? '')) {
    refuse(request, response, 415);
    return;
  }
  readBody(request).then(
    (body) => {
      try {
        accept(typeof body === 'string' ? JSON.parse(body) : body);
      } catch {
        answer(response, 400);
        return;
      }
      answer(response, 200);
    },
    (error: unknown) => refuse(request, response, (error as { status?: number }).status ?? 400),
  );
}

/**
 * The body's text; or what a body parser in front of us made of it: with its editor at the root, Node-RED itself has one,
 * and a larger limit.
 */
async function readBody(request: IncomingMessage & { body?: unknown }): Promise<unknown> {
  const { body } = request;
  const length = request.headers['content-length'];
  if (!request.readableEnded || body === undefined) {
    return getRawBody(request, { limit: MAX_WEBHOOK_BYTES, encoding: 'utf8', ...(length && { length }) });
  }
  // What was packed is larger than it says.
  const isPlain = request.headers['content-encoding'] === undefined;
  const bytes = isPlain && length !== undefined ? Number(length) : Buffer.byteLength(JSON.stringify(body));
  if (bytes > MAX_WEBHOOK_BYTES) throw Object.assign(new Error('too large'), { status: 413 });
  return body;
}

/** Answers before the body was read: what is left of it is not waited for. */
function refuse(request: IncomingMessage, response: ServerResponse, status: number): void {
  if (response.destroyed) return;
  answer(response, status, { Connection: 'close' });
  request.resume();
}
