/**
 * The messages of a media stream as they stand on the wire (call-streaming-guide, "Call media streaming events"):
 * their types, reading them and writing them. Knows nothing of sockets or of what the messages are for.
 */

export type StreamType = 'oneway' | 'twoway';
export type StreamChannel = 'inbound' | 'outbound' | 'both';
export type Track = 'inbound' | 'outbound';

/** Audio on the wire: PCM, 16-bit signed little-endian, mono, in pieces of 20 ms. */
export const WIRE_RATE = 24_000; // Hz
export const WIRE_BYTES_PER_MS = 48;
export const FRAME_MS = 20;
export const FRAME_BYTES = FRAME_MS * WIRE_BYTES_PER_MS; // 960 bytes, 480 samples, 1 280 base64 characters

/** Far more than any id Wavix gives. */
const LONGEST_ID = 256; // characters

export interface ConnectedMessage {
  event: 'connected';
  event_time?: string;
}

export interface StartMessage {
  event: 'start';
  event_time?: string;
  call_id: string;
  stream_id: string;
  stream_type: StreamType;
  channel: StreamChannel;
  sequence_number: number;
}

export interface MediaMessage {
  event: 'media';
  event_time?: string;
  call_id: string;
  stream_id: string;
  sequence_number: number;
  media: {
    /** base64 of PCM s16le, mono, 24 kHz */
    payload: string;
    track: Track;
    /** ms from the stream's start */
    timestamp: number;
    /** number of the chunk on its track */
    chunk: number;
  };
}

export interface StopMessage {
  event: 'stop';
  event_time?: string;
  call_id: string;
  stream_id: string;
  sequence_number: number;
}

/** From Wavix: the mark of that name has been heard, or cleared. */
export interface MarkMessage {
  event: 'mark';
  event_time?: string;
  call_id: string;
  stream_id: string;
  sequence_number: number;
  mark: { name: string };
}

/** What Wavix sends to us. */
export type FromWavix = ConnectedMessage | StartMessage | MediaMessage | StopMessage | MarkMessage;

/** What we send to Wavix, on a two-way stream. */
export type ToWavix =
  | { event: 'media'; stream_id: string; media: { payload: string } }
  | { event: 'mark'; stream_id: string; mark: { name: string } }
  | { event: 'clear'; stream_id: string };

/** A message that is not the guide's; `problem` says why, in words that hold nothing of its content. */
export interface Malformed<Problem extends string = string> {
  problem: Problem;
}

/** What may be wrong with a message from Wavix; texts for people are in the catalogue, under these words. */
export type WireProblem =
  | 'not a JSON object'
  | 'unknown event'
  | 'no call_id'
  | 'no stream_id'
  | 'wrong sequence_number'
  | 'start with a wrong stream_type'
  | 'start with a wrong channel'
  | 'media without media'
  | 'media with a wrong payload'
  | 'media with a wrong track'
  | 'media with a wrong timestamp or chunk'
  | 'mark without a name';

/**
 * Reads one message from Wavix. Numbers may come as strings; they leave as numbers. Properties the guide does not
 * name are left out.
 *
 * @param text the text of one WebSocket message
 */
export function readFromWavix(text: string): FromWavix | Malformed<WireProblem> {
  const raw = parseObject(text);
  if (!raw) return { problem: 'not a JSON object' };
  const { event } = raw;
  switch (event) {
    case 'connected':
      return { event, ...eventTime(raw) };
    case 'start': {
      const ids = streamIds(raw);
      if ('problem' in ids) return ids;
      const { stream_type, channel } = raw;
      if (stream_type !== 'oneway' && stream_type !== 'twoway')
        return { problem: 'start with a wrong stream_type' };
      if (channel !== 'inbound' && channel !== 'outbound' && channel !== 'both') {
        return { problem: 'start with a wrong channel' };
      }
      return { event, ...ids, stream_type, channel };
    }
    case 'media': {
      const ids = streamIds(raw);
      if ('problem' in ids) return ids;
      const media = asObject(raw.media);
      if (!media) return { problem: 'media without media' };
      const { payload, track } = media;
      const timestamp = asNumber(media.timestamp);
      const chunk = asCount(media.chunk);
      if (typeof payload !== 'string') return { problem: 'media with a wrong payload' };
      if (track !== 'inbound' && track !== 'outbound') return { problem: 'media with a wrong track' };
      if (timestamp === undefined || chunk === undefined)
        return { problem: 'media with a wrong timestamp or chunk' };
      return { event, ...ids, media: { payload, track, timestamp, chunk } };
    }
    case 'stop': {
      const ids = streamIds(raw);
      return 'problem' in ids ? ids : { event, ...ids };
    }
    case 'mark': {
      const ids = streamIds(raw);
      if ('problem' in ids) return ids;
      const name = asObject(raw.mark)?.name;
      if (typeof name !== 'string') return { problem: 'mark without a name' };
      return { event, ...ids, mark: { name } };
    }
    default:
      return { problem: 'unknown event' };
  }
}

/** Reads one message to Wavix, for the side that plays Wavix. */
export function readToWavix(text: string): ToWavix | Malformed {
  const raw = parseObject(text);
  if (!raw) return { problem: 'not a JSON object' };
  const { event, stream_id } = raw;
  if (!isId(stream_id)) return { problem: 'no stream_id' };
  switch (event) {
    case 'media': {
      const payload = asObject(raw.media)?.payload;
      if (typeof payload !== 'string') return { problem: 'media without a payload' };
      return { event, stream_id, media: { payload } };
    }
    case 'mark': {
      const name = asObject(raw.mark)?.name;
      if (typeof name !== 'string') return { problem: 'mark without a name' };
      return { event, stream_id, mark: { name } };
    }
    case 'clear':
      return { event, stream_id };
    default:
      return { problem: 'unknown event' };
  }
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    return asObject(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function asObject(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

/** A number that came as a number or as a decimal string, not below 0 and small enough to be counted on. */
function asNumber(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^\d{1,20}(\.\d{1,20})?$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && number >= 0 && number <= Number.MAX_SAFE_INTEGER ? number : undefined;
}

/** The same for what is counted one by one. */
function asCount(value: unknown): number | undefined {
  const number = asNumber(value);
  return Number.isInteger(number) ? number : undefined;
}

/** Ids go back to Wavix with every frame, and into logs: they have a bound, and nothing that is not a character. */
function isId(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value !== '' &&
    value.length <= LONGEST_ID &&
    !/[\p{Cc}\u2028\u2029]/u.test(value)
  );
}

function eventTime(raw: Record<string, unknown>): { event_time?: string } {
  return typeof raw.event_time === 'string' ? { event_time: raw.event_time } : {};
}

interface Ids {
  event_time?: string;
  call_id: string;
  stream_id: string;
  sequence_number: number;
}

function streamIds(raw: Record<string, unknown>): Ids | Malformed<WireProblem> {
  const { call_id, stream_id } = raw;
  const sequence_number = asCount(raw.sequence_number);
  if (!isId(call_id)) return { problem: 'no call_id' };
  if (!isId(stream_id)) return { problem: 'no stream_id' };
  if (sequence_number === undefined) return { problem: 'wrong sequence_number' };
  return { ...eventTime(raw), call_id, stream_id, sequence_number };
}
