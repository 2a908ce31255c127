/**
 * Reads a WAV file's header: what samples it holds and where they lie. Takes nothing on trust: a header that contradicts
 * itself or asks for what can't be played is refused at once, whatever sizes it states; of these only what is really
 * there counts. (RIFF: Multimedia Programming Interface and Data Specifications 1.0; RF64: EBU Tech 3306; extensible
 * formats: Microsoft's WAVEFORMATEXTENSIBLE.)
 */

import { WavixError } from '../errors';
import type { Text } from '../texts';
import { MAX_CHANNELS, MAX_RATE, MIN_RATE } from './format';
import { SAMPLE_BYTES, type SampleForm } from './samples';

/** What a WAV file says of itself, checked. */
export interface WavInfo {
  form: SampleForm;
  /** Hz */
  sampleRate: number;
  channels: number;
  /** of one sample, as stated */
  bitsPerSample: number;
  /** where the samples begin, in bytes from the file's start */
  dataOffset: number;
  /** bytes of samples that are really there, whole frames only */
  dataBytes: number;
  /** how many samples of each channel that is */
  frames: number;
  durationMs: number;
}

/** More chunks than this before the samples: nobody writes such a file in good faith. */
const MAX_CHUNKS = 1_000;
/** Stands for "not known" in sizes, and in RF64 for "see ds64". */
const UNKNOWN_SIZE = 0xffff_ffff;
/** The last 14 bytes of an extensible format's GUID; the first two are the plain format. */
const GUID_TAIL = Buffer.from('000000001000800000aa00389b71', 'hex');

const PCM = 1;
const FLOAT = 3;
const ALAW = 6;
const MULAW = 7;
const EXTENSIBLE = 0xfffe;

/** What is found inside of WAV files and can't be played from there. */
const FOREIGN_FORMATS: Record<number, string> = {
  0x0002: 'Microsoft ADPCM',
  0x0011: 'IMA ADPCM',
  0x0031: 'GSM 6.10',
  0x0042: 'G.723.1',
  0x0045: 'G.726',
  0x0050: 'MPEG audio (layer I/II)',
  0x0055: 'MP3',
  0x0064: 'G.726',
  0x0065: 'G.722',
  0x0083: 'G.729',
  0x00ff: 'AAC',
  0x0160: 'Windows Media Audio',
  0x0161: 'Windows Media Audio',
  0x0162: 'Windows Media Audio',
  0x0163: 'Windows Media Audio',
  0x1600: 'AAC',
  0x1610: 'AAC',
  0x674f: 'Ogg Vorbis',
  0x6771: 'Ogg Vorbis',
  0x704f: 'Opus',
  0xf1ac: 'FLAC',
};

/** Whether it begins as a WAV does, also where it ends before its header does. */
export function looksLikeWav(data: Buffer): boolean {
  const id = fourCc(data, 0);
  if (!['RIFF', 'RF64', 'BW64', 'RIFX'].includes(id)) return false;
  return data.length < 12 || fourCc(data, 8) === 'WAVE';
}

/**
 * @param data a whole WAV file, or one that was cut
 * @throws {WavixError} `WAVIX_AUDIO` if it can't be played
 */
export function readWavInfo(data: Buffer): WavInfo {
  const id = fourCc(data, 0);
  if (id === 'RIFX') throw bad({ key: 'wav.bigEndian' }, PLAIN);
  if (!looksLikeWav(data)) throw bad({ key: 'wav.none' }, PLAIN);

  let format: Format | undefined;
  let longData: number | undefined;
  let at = 12;
  for (let chunks = 0; at + 8 <= data.length; chunks++) {
    if (chunks === MAX_CHUNKS) throw bad({ key: 'wav.endless' }, PLAIN);
    const name = fourCc(data, at);
    const size = data.readUInt32LE(at + 4);
    const body = data.subarray(at + 8, at + 8 + size);
    if (name === 'data') {
      if (!format) throw bad({ key: 'wav.noFormat' }, PLAIN);
      return locate(data, format, at + 8, size === UNKNOWN_SIZE ? longData : size);
    }
    if (name === 'fmt ') format ??= readFormat(body);
    if (name === 'ds64' && body.length >= 16) longData = Number(body.readBigUInt64LE(8));
    at = nextChunk(data, at + 8 + size, size);
  }
  if (at > 12 && format) throw bad({ key: 'wav.noData' }, WHOLE);
  throw bad({ key: 'wav.cut' }, WHOLE);
}

const PLAIN: Text = { key: 'wav.sendPlain' };
const WHOLE: Text = { key: 'wav.sendWhole' };

interface Format {
  form: SampleForm;
  sampleRate: number;
  channels: number;
  bitsPerSample: number;
}

function readFormat(body: Buffer): Format {
  if (body.length < 16) throw bad({ key: 'wav.cut' }, WHOLE);
  const channels = body.readUInt16LE(2);
  const sampleRate = body.readUInt32LE(4);
  const blockAlign = body.readUInt16LE(12);
  const bitsPerSample = body.readUInt16LE(14);
  const form = formOf(formatTag(body), bitsPerSample);
  if (channels < 1 || channels > MAX_CHANNELS) {
    throw bad({ key: 'wav.channels', values: { channels, max: MAX_CHANNELS } }, PLAIN);
  }
  if (sampleRate < MIN_RATE || sampleRate > MAX_RATE) {
    throw bad({ key: 'wav.rate', values: { rate: sampleRate, min: MIN_RATE, max: MAX_RATE } });
  }
  // Writers that do not care leave 0; anything else that is not the frame's size would be read as noise.
  const frameBytes = SAMPLE_BYTES[form] * channels;
  if (blockAlign !== 0 && blockAlign !== frameBytes) {
    throw bad({ key: 'wav.blocks', values: { channels, bits: bitsPerSample, bytes: blockAlign } }, PLAIN);
  }
  return { form, sampleRate, channels, bitsPerSample };
}

/** The plain format's number, also where the format is written the extensible way. */
function formatTag(body: Buffer): number {
  const tag = body.readUInt16LE(0);
  if (tag !== EXTENSIBLE) return tag;
  if (body.length < 40) throw bad({ key: 'wav.cut' }, WHOLE);
  if (!body.subarray(26, 40).equals(GUID_TAIL)) {
    throw bad({ key: 'wav.unknown' }, PLAIN);
  }
  return body.readUInt16LE(24);
}

function formOf(tag: number, bits: number): SampleForm {
  switch (tag) {
    case PCM:
      // 12 bits, say, lie at the top of two bytes.
      if (bits >= 1 && bits <= 8) return 'u8';
      if (bits > 8 && bits <= 16) return 's16';
      if (bits > 16 && bits <= 24) return 's24';
      if (bits > 24 && bits <= 32) return 's32';
      throw bad({ key: 'wav.bits', values: { bits } }, PLAIN);
    case FLOAT:
      if (bits === 32) return 'f32';
      if (bits === 64) return 'f64';
      throw bad({ key: 'wav.floatBits', values: { bits } }, PLAIN);
    case ALAW:
    case MULAW:
      if (bits === 8) return tag === ALAW ? 'alaw' : 'mulaw';
      throw bad({ key: 'wav.g711Bits', values: { bits } }, PLAIN);
    case 0x0055:
      throw bad({ key: 'wav.mp3' });
    default: {
      const kind = FOREIGN_FORMATS[tag] ?? `0x${tag.toString(16).padStart(4, '0')}`;
      throw bad({ key: 'wav.foreign', values: { kind } }, PLAIN);
    }
  }
}

/**
 * How much of the file is samples. A size that is not known, or reaches past the end, means all that is there. 0 is what
 * streaming writers leave as well, unless the file's own size agrees with it.
 */
function locate(data: Buffer, format: Format, dataOffset: number, stated: number | undefined): WavInfo {
  const there = data.length - dataOffset;
  const empty = stated === 0 && data.readUInt32LE(4) + 8 === data.length;
  const bytes = stated === undefined || (stated === 0 && !empty) ? there : Math.min(stated, there);
  const frameBytes = SAMPLE_BYTES[format.form] * format.channels;
  const frames = Math.floor(bytes / frameBytes);
  return {
    ...format,
    dataOffset,
    dataBytes: frames * frameBytes,
    frames,
    durationMs: (frames * 1000) / format.sampleRate,
  };
}

/** Chunks begin at even places. Some writers forget the byte between: then the next name lies right here. */
function nextChunk(data: Buffer, end: number, size: number): number {
  if (size % 2 === 0) return end;
  const name = fourCc(data, end);
  return name === 'data' || name === 'fmt ' ? end : end + 1;
}

function fourCc(data: Buffer, at: number): string {
  return data.toString('latin1', at, at + 4);
}

function bad(...texts: Text[]): WavixError {
  return new WavixError('WAVIX_AUDIO', texts);
}
