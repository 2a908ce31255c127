/** Call events as Wavix posts them (wavix-api, "Call events"): their types and nothing else. */

export type Direction = 'inbound' | 'outbound';

export const EVENT_TYPES = [
  'call_setup',
  'ringing',
  'early_media',
  'answered',
  'completed',
  'busy',
  'cancelled',
  'rejected',
  'failed',
  'transfer',
  'on_call_event',
] as const;

export type EventType = (typeof EVENT_TYPES)[number];

/** The events after which there is no call any more. */
export type FinalEvent = 'completed' | 'busy' | 'cancelled' | 'rejected' | 'failed';

/** What an `on_call_event` tells. */
export interface OnCallPayload {
  type: 'audio';
  payload: { status: 'started' | 'completed'; playback_id: string };
}

/** One event; also the form in which the API answers with a call. Times are ISO 8601, UTC. */
export interface CallEvent {
  uuid: string;
  direction: Direction;
  event_type: EventType;
  event_time: string;
  event_payload: OnCallPayload | null;
  /** E.164 with `+` */
  from: string;
  /** E.164 without `+` */
  to: string;
  call_started: string;
  call_answered: string | null;
  call_completed: string | null;
  machine_detected: boolean;
  tag: string;
}
