/**
 * Finds the frames of an MP3 (MPEG 1, 2 and 2.5, layer III; ISO 11172-3 and 13818-3, 2.4.1 and 2.4.2) by their headers, without
 * decoding them: to know an MP3 from raw samples, to know how long it is, and to keep rubbish from the decoder.
 */

export interface Mp3Frame {
  /** bytes from the file's start */
  offset: number;
  /** bytes */
  length: number;
  /** per channel */
  samples: number;
  /** Hz */
  sampleRate: number;
  /** What all frames of one stream have in common: version, layer, rate, and whether it is mono. */
  kind: number;
}

const HEADER_BYTES = 4;
const BITRATES_1 = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320]; // kbit/s
const BITRATES_2 = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
const RATES_1 = [44_100, 48_000, 32_000]; // Hz; half of it in MPEG 2, a quarter in 2.5
/** Frames that must follow each other before they are believed, where there is room for so many. */
const ENOUGH = 3;
/** Bytes that are searched for frames in vain. Pictures lie inside of tags, which are skipped by their length. */
const MAX_RUBBISH = 256 * 1024;

/**
 * Whether these bytes begin an MP3 file: with an ID3v2 tag, or with three frames (two, if no more follows) that follow each
 * other without a gap, are of one kind and make sense inside. Raw samples do not: noise has one chance in 10^10, and sounds
 * that repeat themselves, as tones do, are seen by the header coming back inside its own frame.
 */
export function looksLikeMp3(data: Buffer): boolean {
  if (id3Bytes(data) > 0) return true;
  const first = startsAt(data, 0);
  if (!first) return false;
  const start = data.subarray(0, 8);
  const again = data.subarray(1, first.length + 7).indexOf(start);
  return again < 0;
}

/**
 * All frames of an MP3 in order. Tags and rubbish before, between and behind them are skipped, up to `MAX_RUBBISH` in all:
 * there the file ends.
 */
export function* mp3Frames(data: Buffer): Generator<Mp3Frame> {
  let rubbish = MAX_RUBBISH;
  let at = id3Bytes(data);
  let frame = nextStart(data, at, rubbish);
  while (frame) {
    yield frame;
    rubbish -= frame.offset - at;
    at = frame.offset + frame.length;
    // What stands where a frame is due is believed; after anything else, frames must show themselves anew.
    frame = readFrame(data, at) ?? nextStart(data, at, rubbish);
  }
}

/** Length of an ID3v2 tag at the start (ID3v2.4.0 structure, 3.1), 0 if there is none. */
function id3Bytes(data: Buffer): number {
  if (data.length < 10 || data.toString('latin1', 0, 3) !== 'ID3') return 0;
  const version = data.readUInt8(3);
  const sizes = [6, 7, 8, 9].map((at) => data.readUInt8(at));
  if (version < 2 || version > 4 || sizes.some((byte) => byte > 0x7f)) return 0;
  const footer = (data.readUInt8(5) & 0x10) !== 0 ? 10 : 0;
  return 10 + sizes.reduce((total, byte) => total * 128 + byte, 0) + footer;
}

function nextStart(data: Buffer, from: number, most: number): Mp3Frame | undefined {
  for (let at = data.indexOf(0xff, from); at >= 0 && at <= from + most; at = data.indexOf(0xff, at + 1)) {
    const frame = startsAt(data, at);
    if (frame) return frame;
  }
  return undefined;
}

/** The frame at that place, if others follow that confirm it. */
function startsAt(data: Buffer, at: number): Mp3Frame | undefined {
  const first = readFrame(data, at);
  if (!first) return undefined;
  let last = first;
  for (let count = 1; count < ENOUGH; count++) {
    const end = last.offset + last.length;
    if (count > 1 && end + HEADER_BYTES > data.length) break;
    const next = readFrame(data, end);
    if (next?.kind !== first.kind) return undefined;
    last = next;
  }
  return first;
}

/** One frame, whole or cut at the file's end; undefined if there is none at that place. */
function readFrame(data: Buffer, offset: number): Mp3Frame | undefined {
  if (offset + HEADER_BYTES > data.length) return undefined;
  const header = data.readUInt32BE(offset);
  if (header >>> 21 !== 0x7ff) return undefined;
  const version = (header >>> 19) & 3; // 3: MPEG 1, 2: MPEG 2, 0: MPEG 2.5
  const layer = (header >>> 17) & 3; // 1: layer III
  const emphasis = header & 3;
  if (version === 1 || layer !== 1 || emphasis === 2) return undefined;
  const mpeg1 = version === 3;
  const bitrate = (mpeg1 ? BITRATES_1 : BITRATES_2)[(header >>> 12) & 15] ?? 0; // 0: free format, not taken
  const fullRate = RATES_1[(header >>> 10) & 3] ?? 0;
  if (bitrate === 0 || fullRate === 0) return undefined;
  const sampleRate = fullRate / (mpeg1 ? 1 : version === 2 ? 2 : 4);
  const samples = mpeg1 ? 1152 : 576;
  const padding = (header >>> 9) & 1;
  const length = Math.floor((samples * 125 * bitrate) / sampleRate) + padding;
  const mono = ((header >>> 6) & 3) === 3;
  const frame = data.subarray(offset, offset + length);
  if (!sensibleInside(frame, mpeg1, mono, (header & 0x10000) === 0)) return undefined;
  const kind = (header & 0xfffe0c00) | (mono ? 1 : 0);
  return { offset, length, samples, sampleRate, kind };
}

/** Whether the frame's side information holds values that can be, as far as the frame is there. */
function sensibleInside(frame: Buffer, mpeg1: boolean, mono: boolean, hasCrc: boolean): boolean {
  const channels = mono ? 1 : 2;
  const common = mpeg1 ? (mono ? 18 : 20) : mono ? 9 : 10; // bits before the granules
  const granuleBits = mpeg1 ? 59 : 63;
  const granules = (mpeg1 ? 2 : 1) * channels;
  const start = (HEADER_BYTES + (hasCrc ? 2 : 0)) * 8 + common;
  if (start + granules * granuleBits > frame.length * 8) return true; // cut: nothing to see
  for (let granule = 0; granule < granules; granule++) {
    const at = start + granule * granuleBits;
    const bigValues = bits(frame, at + 12, 9);
    const switching = at + (mpeg1 ? 33 : 38);
    const blockType = bits(frame, switching + 1, 2);
    if (bigValues > 288 || (bits(frame, switching, 1) === 1 && blockType === 0)) return false;
  }
  return true;
}

/** Up to 9 bits from the bit `at` on. */
function bits(data: Buffer, at: number, count: number): number {
  const two = data.readUInt16BE(Math.min(at >>> 3, data.length - 2));
  const shift = 16 - (at & 7) - count;
  return (two >>> shift) & ((1 << count) - 1);
}
