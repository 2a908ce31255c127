// Turns what the local Wavix and the flow's debug nodes tell into the lines that the demo shows.

const seconds = (ms) => `${(Number(ms) / 1000).toFixed(1)} s`;

/** What a debug node of the flow shows; nodes that are not here say nothing new. */
const DEBUG = {
  'Heard a sentence (s)': (value) => `has heard a sentence of ${Number(value).toFixed(1)} s: greets`,
  'Weather interrupted (ms)': (value) => `knows that ${seconds(value)} of the weather were heard`,
  'Weather heard (ms)': (value) => `weather heard to its end (${seconds(value)})`,
  'Not answered': (value) => `the call was not answered: ${value}`,
  Problem: (value) => `problem: ${problem(value)}`,
};

export function fromDebug(name, value) {
  const text = DEBUG[name]?.(value);
  return text && ['flow', text];
}

/** What a Catch node's `msg.error`, as the debug sidebar gets it, says. */
export function problem(value) {
  try {
    return JSON.parse(value).message;
  } catch {
    return String(value);
  }
}

/** What the flow does when a mark comes back. */
const NEXT = {
  greeting: 'says the sentence back',
  echo: 'reads the weather',
  weather: 'says goodbye',
  goodbye: 'hangs up',
};

/** A mark as the flow gets it. */
export function fromMark({ payload, cleared }) {
  const next = NEXT[payload] ? `: ${NEXT[payload]}` : '';
  return ['flow', `mark "${payload}" is back, ${cleared ? 'cleared' : 'heard'}${next}`];
}

/** A step of the local Wavix (see its README). */
export function fromWavix(event) {
  switch (event.type) {
    case 'request':
      return [
        'flow',
        `${event.method} ${shortenIds(event.path)} → ${event.status} ${event.message ?? ''}`.trimEnd(),
      ];
    case 'webhook':
      return ['Wavix', `event ${event.event_type} → ${event.problem ?? event.status}`];
    case 'stream':
      if (event.what === 'connected') return ['Wavix', 'two-way stream connected'];
      if (event.what === 'ended') return ['Wavix', `stream ended: ${event.reason ?? ''}`];
      return event.what === 'problem' ? ['Wavix', `stream: ${event.reason ?? 'problem'}`] : undefined;
    case 'clear':
      return [
        'flow',
        `hears that it is interrupted: clear, ${seconds(event.droppedMs)} of sent audio dropped`,
      ];
    case 'phone':
      return event.what === 'answered' ? ['callee', 'picks up'] : undefined;
    case 'problem':
      return ['Wavix', event.message];
    default:
      return undefined;
  }
}

const shortenIds = (path) => path.replace(/([0-9a-f]{8})-[0-9a-f-]{27}/g, '$1…');
