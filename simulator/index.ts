/**
 * The local Wavix as a library: `import { LocalWavix } from '@wavix-flows/node-red-wavix/simulator'`. See simulator/README.md
 * in the repository.
 */

export type { CallEvent, Direction, EventType, FinalEvent, OnCallPayload } from './call-event';
export type { CallSummary, StreamSummary } from './call-summary';
export type { Call, CallState } from './calls';
export type { CallFilter, InboundCall } from './exchange';
export { DEFAULT_API_KEY, LocalWavix, type LocalWavixEvents, type LocalWavixOptions } from './local-wavix';
export { describe, type LocalWavixEvent } from './log';
export { soundMs } from './loudness';
export { maskUrl } from './mask';
export type { MarkFact, MediaStream, StreamEnd, StreamFacts } from './media-stream';
export { DEFAULT_PLAN, LAST_DIGITS, normalizeNumber, type Behaviour, type NumberPlan } from './numbers';
export type { Phone, PhoneEvents } from './phone';
export type { Gap, PlayoutFacts } from './playout';
export { problemWithSpeech, type Speech } from './sound';
export { DEFAULT_SOUND, soundNames } from './sounds';
export { callWav } from './recordings';
export type { PostedEvent } from './webhooks';
