/**
 * What the tests of the forms put into each field: a value that is kept, and where there is a rule, one that breaks it.
 * Fields are found by `type.property`, else by `property`. The good values are such that no field hides another.
 */
import { freePort } from '../e2e/node-red';
import type { FieldValue } from './form';

export interface FieldCase {
  good: FieldValue;
  /** What stands in the flow file then, if it is not the good value itself (a typed one's type is in `…Type`). */
  stored?: unknown;
  /** What the form complains of. */
  bad?: FieldValue;
}

const text = (good: string, bad?: string): FieldCase => ({ good, ...(bad === undefined ? {} : { bad }) });
const number = (good: number, bad: string): FieldCase => ({ good: String(good), stored: good, bad });
const numberChoice = (good: number): FieldCase => ({ good: String(good), stored: good });
const typed = (type: string, good: string, bad: FieldValue): FieldCase => ({
  good: { type, value: good },
  bad,
});

const PROPERTY = 'a b';
const URL_BAD = 'phone.example.com';

/** @param configId of the only wavix-config there is: a new node has it already */
export async function fieldCases(configId: string): Promise<Record<string, FieldCase>> {
  const json = '{"call_recording": true}';
  return {
    name: text('A name of its own'),
    config: { good: configId },
    callId: typed('flow', 'caller.call_id', { type: 'msg', value: PROPERTY }),
    streamId: typed('global', 'caller.stream_id', { type: 'msg', value: PROPERTY }),
    options: typed('json', json, { type: 'json', value: '{"call_recording": ' }),
    streamType: text('oneway'),
    streamChannel: text('both'),
    streamUrl: text('wss://audio.example.com/streams?room=4', 'https://audio.example.com'),

    'wavix-config.apiUrl': text('https://wavix.example.com', URL_BAD),
    'wavix-config.apiStyle': text('bearer'),
    'wavix-config.publicUrl': text('https://phone.example.com', URL_BAD),
    'wavix-config.path': text('/calls/wavix', 'wavix/'),
    'wavix-config.port': number(await freePort(), '70000'),
    'wavix-config.apiKey': text('key-of-the-form', ''),
    'wavix-config.secret': text('secret-of-the-form'),

    'wavix-event.events': { good: ['ringing', 'answered'] },
    'wavix-event.direction': text('inbound'),
    'wavix-event.number': text('+1 555 000 1000', 'reception'),

    'wavix-call.from': typed('env', 'CALLER_ID', { type: 'msg', value: PROPERTY }),
    'wavix-call.to': typed('str', '+1 (555) 000-2000', { type: 'str', value: 'reception' }),
    'wavix-call.wait': { good: true },
    'wavix-call.timeout': number(45, '0'),

    'wavix-answer.stream': { good: true },

    'wavix-hangup.when': text('played'),
    'wavix-hangup.timeout': number(12, 'soon'),

    'wavix-stream-in.encoding': text('float32'),
    'wavix-stream-in.sampleRate': numberChoice(16_000),
    'wavix-stream-in.frame': number(40, '5'),
    'wavix-stream-in.track': text('outbound'),

    'wavix-stream-out.encoding': text('float32'),
    'wavix-stream-out.sampleRate': numberChoice(16_000),
    'wavix-stream-out.lead': number(400, '-1'),
    'wavix-stream-out.queue': number(60, 'much'),

    'wavix-simulator.port': number(await freePort(), '0'),
    'wavix-simulator.from': text('+15550003000', '0'),
    'wavix-simulator.to': text('+15550001001', 'reception'),
    'wavix-simulator.speech': typed('json', '[{"silence": 500}, "hello"]', { type: 'json', value: '[' }),
  };
}
