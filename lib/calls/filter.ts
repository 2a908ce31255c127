/** Which call events a flow wants to hear of. */
import type { CallEvent } from './events';

export interface EventFilter {
  /** Types of events; empty: all. */
  events: readonly string[];
  direction: 'any' | 'inbound' | 'outbound';
  /** The number called (`to`), written in any way; empty: all. */
  number: string;
}

/** Whether the event is one of those. An event that does not say its direction or number passes only where none is asked for. */
export function matches(event: CallEvent, filter: EventFilter): boolean {
  return (
    (filter.events.length === 0 || filter.events.includes(event.type)) &&
    (filter.direction === 'any' || filter.direction === event.direction) &&
    (filter.number.trim() === '' || sameNumber(filter.number, event.to))
  );
}

/** By their digits: Wavix writes the same number with and without +, people with spaces and dashes too. */
function sameNumber(wanted: string, number: string | undefined): boolean {
  const digits = digitsOf(wanted);
  // A name without digits is no number, and must not match every other one.
  return digits !== '' && number !== undefined && digits === digitsOf(number);
}

function digitsOf(number: string): string {
  return number.replace(/\D/g, '');
}
