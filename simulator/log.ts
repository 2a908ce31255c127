/**
 * What the local Wavix tells of its work while it goes on, for a person or a program to follow. No key or token is in
 * it: URLs are masked before they get here.
 */

import type { Direction, EventType } from './call-event';

/** One step. `at` is monotonic time in ms (`performance.now()`). */
export type LocalWavixEvent = { at: number; call_id?: string } & (
  | { type: 'request'; method: string; path: string; status: number; message?: string }
  | { type: 'call'; direction: Direction; from: string; to: string }
  | {
      type: 'webhook';
      event_type: EventType;
      url: string;
      attempt: number;
      status?: number;
      problem?: string;
    }
  | {
      type: 'stream';
      what: 'dialled' | 'connected' | 'first-audio' | 'ended' | 'problem';
      stream_id: string;
      url: string;
      reason?: string;
    }
  | { type: 'mark'; what: 'received' | 'played' | 'cleared'; stream_id: string; name: string }
  | { type: 'clear'; stream_id: string; droppedMs: number }
  | { type: 'phone'; what: 'answered' | 'says' | 'heard-audio' | 'silence' | 'hangs-up' }
  | { type: 'ended'; event_type: EventType; by: string }
  | { type: 'recorded'; files: string[] }
  | { type: 'problem'; message: string }
);

/** Distributes over the union, which plain Omit does not. */
type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/** A step as the one who reports it gives it: the time is put in later. */
export type Told = Without<LocalWavixEvent, 'at'>;

export type Tell = (told: Told) => void;

/** One line of text, without the time. */
export function describe(event: Told): string {
  const call = event.call_id === undefined ? '' : `[${event.call_id.slice(0, 8)}] `;
  return call + words(event);
}

function words(event: Told): string {
  switch (event.type) {
    case 'request':
      return `${event.method} ${event.path} → ${event.status}${event.message === undefined ? '' : ` ${event.message}`}`;
    case 'call':
      return `${event.direction} call from ${event.from} to ${event.to}`;
    case 'webhook': {
      const outcome = event.problem ?? String(event.status);
      const attempt = event.attempt > 1 ? ` (attempt ${event.attempt})` : '';
      return `event ${event.event_type} → ${event.url}: ${outcome}${attempt}`;
    }
    case 'stream':
      return `stream ${event.what} ${event.url}${event.reason === undefined ? '' : `: ${event.reason}`}`;
    case 'mark':
      return `mark "${event.name}" ${event.what}`;
    case 'clear':
      return `clear: ${Math.round(event.droppedMs)} ms dropped`;
    case 'phone':
      return `the phone ${PHONE_WORDS[event.what]}`;
    case 'ended':
      return `${event.event_type}, by ${event.by}`;
    case 'recorded':
      return `recorded: ${event.files.join(', ')}`;
    case 'problem':
      return event.message;
  }
}

const PHONE_WORDS = {
  answered: 'is off the hook',
  says: 'speaks',
  'heard-audio': 'hears somebody',
  silence: 'hears nobody any more',
  'hangs-up': 'hangs up',
};
