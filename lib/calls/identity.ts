/** What makes two posts the same event: Wavix repeats a post that it got no answer to. */
import { createHash } from 'node:crypto';
import { eventPayload, type CallEvent } from './events';

/**
 * The same for an event and its repeat: call, type, time and `event_payload`; where the sender gives no time, call, type
 * and the whole body. The order of fields makes no difference.
 *
 * @returns 43 characters, whatever the size of the event
 */
export function identityOf(event: CallEvent): string {
  const what = event.time === undefined ? [event.payload] : [event.time, eventPayload(event) ?? null];
  return createHash('sha256')
    .update(ordered([event.callId, event.type, ...what]))
    .digest('base64url');
}

/** JSON with the fields of every object in one order. */
function ordered(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? // fromEntries defines __proto__ as a field, as JSON.parse did.
        Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
