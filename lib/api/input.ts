/**
 * Checks what a flow hands over before Wavix is asked. The texts name the field, never its value: a secret may have been
 * put into the wrong one.
 */
import { WavixError } from '../errors';
import type { StreamChannel, StreamType } from '../streams/wire';
import type { TextKey } from '../texts';

/** What starts a stream; the guide's step 3, all mandatory. */
export interface StreamParams {
  stream_channel: StreamChannel;
  stream_type: StreamType;
  /** Starts with `ws://` or `wss://`. */
  stream_url: string;
}

/** What may go along with an answer; the guide's step 2, all optional. */
export interface AnswerBody extends Partial<StreamParams> {
  call_recording?: boolean;
  call_transcription?: boolean;
  [field: string]: unknown;
}

/** Far more than any id Wavix gives. */
const LONGEST_ID = 256; // characters

/** Fields a call's `options` may not set, in either style. */
const OWN_FIELDS = new Set(['from', 'to', 'status_callback', 'callback_url']);

/** An id that may stand in a path. */
export function checkId(field: 'call_id' | 'stream_id', value: unknown): string {
  if (typeof value !== 'string' || value.trim() === '') throw input('input.empty', field);
  const id = value.trim();
  // "." and ".." would name another path; a lone surrogate can't be encoded.
  if (id.length > LONGEST_ID || /^\.\.?$/.test(id) || /\p{Surrogate}/u.test(id)) {
    throw input('input.id', field);
  }
  return id;
}

/** The caller ID: a number or name that Wavix knows. */
export function checkFrom(value: unknown): string {
  if (typeof value !== 'string' || value.trim() === '') throw input('input.from');
  return value.trim();
}

/** The number to call, in E.164 form with or without +; spaces, dashes and brackets are taken out. */
export function checkTo(value: unknown): string {
  const number = typeof value === 'string' ? value.replace(/[\s()[\]\u2010-\u2015-]/g, '') : '';
  if (!/^\+?[1-9]\d{1,14}$/.test(number)) throw input('input.to');
  return number;
}

/** @throws WavixError `WAVIX_CONFIG`: it comes from the configuration, not from the flow. */
export function checkCallbackUrl(value: unknown): string {
  if (typeof value !== 'string' || !/^https?:\/\/./i.test(value)) {
    throw new WavixError('WAVIX_CONFIG', { key: 'config.callbackUrl' });
  }
  return value;
}

/** Further body fields of a call, without those that are set by the client itself. */
export function checkOptions(value: unknown): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(plainObject('options', value)).filter(([field]) => !OWN_FIELDS.has(field)),
  );
}

/** All three must be there. */
export function checkStream(value: StreamParams): StreamParams {
  const { stream_channel, stream_type, stream_url } = plainObject('stream', value);
  checkStreamFields({ stream_channel, stream_type, stream_url });
  return { stream_channel, stream_type, stream_url } as StreamParams;
}

/** Nothing must be there; what is there must be right. */
export function checkAnswerBody(value: unknown): Record<string, unknown> {
  const body = plainObject('body', value);
  const given = Object.fromEntries(
    Object.entries(body).filter(([field, content]) => field.startsWith('stream_') && content !== undefined),
  );
  checkStreamFields(given);
  return body;
}

/** Checks those of the three fields that are there, whatever they hold. */
function checkStreamFields(fields: Record<string, unknown>): void {
  const { stream_channel, stream_type, stream_url } = fields;
  if ('stream_channel' in fields && !['inbound', 'outbound', 'both'].includes(stream_channel as string)) {
    throw input('input.streamChannel');
  }
  if ('stream_type' in fields && !['oneway', 'twoway'].includes(stream_type as string)) {
    throw input('input.streamType');
  }
  if ('stream_url' in fields && !(typeof stream_url === 'string' && /^wss?:\/\/./i.test(stream_url))) {
    throw input('input.streamUrl');
  }
}

function plainObject(field: string, value: unknown): Record<string, unknown> {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value)) throw input('input.object', field);
  return value as Record<string, unknown>;
}

function input(key: TextKey, field = ''): WavixError {
  return new WavixError('WAVIX_INPUT', { key, values: { field } });
}
