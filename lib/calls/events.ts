/** Call events as Wavix posts them (wavix-api.md, "Call events"), and as older senders do. */
import { WavixError } from '../errors';
import type { TextKey } from '../texts';
import { firstIn, isObject } from './fields';

/** An event of a call. */
export interface CallEvent {
  /** Wavix's `event_type`, such as `answered`. */
  type: string;
  callId: string;
  /** `inbound` or `outbound`, where the sender says it. */
  direction: string | undefined;
  from: string | undefined;
  to: string | undefined;
  /** Wavix's `event_time`, as it came. */
  time?: string;
  /** The event as it was posted. */
  payload: Record<string, unknown>;
}

/** Far more than Wavix uses; what is kept of events must have a bound. */
const LONGEST_ID = 256; // characters
const LONGEST_TYPE = 64; // characters
/** Node-RED clones messages by recursion, and so do we hash them. */
const DEEPEST = 64;

/**
 * Reads the parsed body of a webhook. Fields may stand in `data`; the id may be called `call_id` or `id`, and the type
 * `event` or `type`.
 *
 * @throws WavixError `WAVIX_INPUT` when it is no JSON object, or names no call or no event
 */
export function readCallEvent(body: unknown): CallEvent {
  if (!isObject(body)) throw input('callEvent.noObject');
  if (isDeeperThan(DEEPEST, body)) throw input('callEvent.tooDeep');
  const places = placesOf(body);
  const callId = textOf(firstIn(places, ['uuid', 'call_id', 'id']));
  const type = textOf(firstIn(places, ['event_type', 'event', 'type']));
  if (callId === undefined || callId.length > LONGEST_ID) throw input('callEvent.noCall');
  if (type === undefined || type.length > LONGEST_TYPE) throw input('callEvent.noType');
  const time = textOf(firstIn(places, ['event_time']));
  return {
    type,
    callId,
    direction: textOf(firstIn(places, ['direction'])),
    from: textOf(firstIn(places, ['from'])),
    to: textOf(firstIn(places, ['to'])),
    ...(time === undefined ? {} : { time }),
    payload: body,
  };
}

/** Events after which a call is over. */
export const FINAL_EVENTS = ['busy', 'rejected', 'cancelled', 'failed', 'completed'] as const;

export type FinalEvent = (typeof FINAL_EVENTS)[number];

/** Whether the call is over with this event. */
export function isFinal<E extends { type: string }>(event: E): event is E & { type: FinalEvent } {
  return (FINAL_EVENTS as readonly string[]).includes(event.type);
}

/** Wavix's `event_payload` of an event, wherever it stands. */
export function eventPayload(event: CallEvent): unknown {
  return firstIn(placesOf(event.payload), ['event_payload']);
}

function placesOf(body: Record<string, unknown>): unknown[] {
  return [body, body.data];
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' ? value.trim() || undefined : undefined;
}

/** Looks level by level: recursion is what it is to keep others from. */
function isDeeperThan(levels: number, value: object): boolean {
  let level: object[] = [value];
  for (let depth = 0; depth < levels; depth++) {
    const next: object[] = [];
    for (const part of level) {
      for (const inner of Object.values(part) as unknown[]) {
        if (typeof inner === 'object' && inner !== null) next.push(inner);
      }
    }
    if (next.length === 0) return false;
    level = next;
  }
  return true;
}

function input(key: TextKey): WavixError {
  return new WavixError('WAVIX_INPUT', { key });
}
