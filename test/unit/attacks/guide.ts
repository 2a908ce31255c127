/**
 * What the guide allows on a live stream, written down a second time and as plainly as can be: the judge of the fuzz.
 * It shares nothing with lib/streams/wire.ts.
 */

export const CALL_ID = 'c';
export const STREAM_ID = 's';

/** What became of a stream, as it should have. */
export interface Verdict {
  frames_in: number;
  bytes_in: number;
  missing: number;
  malformed: number;
  gaps: number;
  /** names of the marks, in order */
  marks: string[];
  /** decoded payloads, in order */
  audio: Buffer[];
}

/** Follows one stream from its `start` (`sequence_number` 1) on. */
export class Judge {
  readonly verdict: Verdict = {
    frames_in: 0,
    bytes_in: 0,
    missing: 0,
    malformed: 0,
    gaps: 0,
    marks: [],
    audio: [],
  };
  /** the highest number so far */
  sequence = 1;

  take(data: string | Buffer): void {
    const isGood = typeof data === 'string' && this.takeText(data);
    if (!isGood) this.verdict.malformed++;
  }

  private takeText(text: string): boolean {
    const { verdict } = this;
    const message = objectOf(text);
    if (!message) return false;
    const { event, call_id, stream_id, media, mark } = message;
    if (event !== 'media' && event !== 'mark') return false;
    const sequence = numberOf(message.sequence_number);
    if (call_id !== CALL_ID || stream_id !== STREAM_ID || !isCount(sequence)) return false;
    if (event === 'mark') {
      const name = isObject(mark) ? mark.name : undefined;
      if (typeof name !== 'string') return false;
      this.follow(sequence);
      verdict.marks.push(name);
      return true;
    }
    if (!isObject(media)) return false;
    const { payload, track } = media;
    const timestamp = numberOf(media.timestamp);
    if (typeof payload !== 'string' || (track !== 'inbound' && track !== 'outbound')) return false;
    if (!isCount(numberOf(media.chunk)) || timestamp === undefined) return false;
    // It has come, whatever is in it.
    this.follow(sequence);
    const bytes = Buffer.from(payload, 'base64');
    if (!isBase64(payload) || bytes.length === 0) return false;
    verdict.frames_in++;
    verdict.bytes_in += bytes.length;
    verdict.audio.push(bytes);
    return true;
  }

  private follow(sequence: number): void {
    if (sequence > this.sequence + 1) {
      this.verdict.missing += sequence - this.sequence - 1;
      this.verdict.gaps++;
    }
    this.sequence = Math.max(this.sequence, sequence);
  }
}

/** base64 or base64url, with or without padding. */
function isBase64(text: string): boolean {
  const [, digits] = /^([A-Za-z0-9+/_-]*)={0,2}$/.exec(text) ?? [];
  return digits !== undefined && digits.length % 4 !== 1;
}

function isCount(number: number | undefined): number is number {
  return Number.isInteger(number);
}

function numberOf(value: unknown): number | undefined {
  if (typeof value === 'string' && !/^[0-9]{1,20}(\.[0-9]{1,20})?$/.test(value)) return undefined;
  const number = typeof value === 'string' ? Number(value) : value;
  return typeof number === 'number' && number >= 0 && number <= Number.MAX_SAFE_INTEGER ? number : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Its own properties only: what stands in `__proto__` counts for nothing. */
function objectOf(text: string): Record<string, unknown> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isObject(value) ? Object.assign(Object.create(null) as object, value) : undefined;
}
