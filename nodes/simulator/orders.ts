/** What a message to `wavix-simulator` asks for. */
import type { NodeMessage } from 'node-red';
import { WavixError, type WavixErrorCode } from '../../lib/errors';
import {
  normalizeNumber,
  problemWithSpeech,
  type InboundCall,
  type NumberPlan,
  type Speech,
} from '../../simulator';
import { text } from '../shared/properties';

export type Order =
  | { event: 'call'; inbound: InboundCall }
  | { event: 'say'; callId: string; speech: Speech }
  | { event: 'hangup'; callId: string }
  | { event: 'number'; number: string; plan: NumberPlan };

/** What a message may say of the calling phone, beside `from`, `to` and `speech`. */
const PLAN_FIELDS = [
  'speechAfterMs',
  'replies',
  'silenceMs',
  'hangUpAfterMs',
  'ringMs',
  'ringTimeoutMs',
] as const;

/** What the node says where the message does not. */
export interface Usual {
  from: string;
  to: string;
  speech: () => Promise<Speech>;
}

/** @throws WavixError `WAVIX_INPUT` */
export async function readOrder(msg: NodeMessage, usual: Usual): Promise<Order> {
  switch (msg.event) {
    case undefined:
    case '':
    case 'call':
      return { event: 'call', inbound: await readCall(msg, usual) };
    case 'say':
      return { event: 'say', callId: text(msg.call_id), speech: checkedSpeech(msg.speech) };
    case 'hangup':
      return { event: 'hangup', callId: text(msg.call_id) };
    case 'number':
      return {
        event: 'number',
        number: checkedNumber('number', msg.number),
        plan: msg.payload as NumberPlan, // the local Wavix checks it itself
      };
    default:
      throw new WavixError('WAVIX_INPUT', { key: 'simulator.event' });
  }
}

async function readCall(msg: NodeMessage, usual: Usual): Promise<InboundCall> {
  const plan = PLAN_FIELDS.flatMap((field) => (msg[field] === undefined ? [] : [[field, msg[field]]]));
  return {
    ...(Object.fromEntries(plan) as Partial<InboundCall>),
    from: checkedNumber('from', msg.from ?? usual.from),
    to: checkedNumber('to', msg.to ?? usual.to),
    speech: msg.speech === undefined ? await usual.speech() : checkedSpeech(msg.speech),
  };
}

/** @throws WavixError `WAVIX_INPUT` */
export function checkedSpeech(value: unknown): Speech {
  if (problemWithSpeech(value) === undefined) return value as Speech;
  throw new WavixError('WAVIX_INPUT', { key: 'simulator.speech' });
}

/** A number as people write it. @throws WavixError `WAVIX_INPUT`, or as told */
export function checkedNumber(name: string, value: unknown, code: WavixErrorCode = 'WAVIX_INPUT'): string {
  const number = normalizeNumber(text(value).replace(/[\s()-]/g, ''));
  if (number !== undefined) return number;
  throw new WavixError(code, { key: 'simulator.number', values: { field: name } });
}
