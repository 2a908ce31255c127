/** The forms audio can have here, and which of them can be turned into which. */

import { WavixError } from '../errors';
import type { Text } from '../texts';
import type { OutputForm } from './samples';

/** The call's audio: PCM s16le, mono, 24 kHz (as on the wire). */
export const CALL_RATE = 24_000; // Hz
export const CALL_BYTES_PER_MS = 48;

/** Rates that can be converted to and from the call's. */
export const MIN_RATE = 8_000; // Hz
export const MAX_RATE = 96_000; // Hz
export const MAX_CHANNELS = 32;

/** Raw samples, named as flows name them. `pcm` is s16le, `float32` is little-endian within ±1, the others are G.711. */
export type RawEncoding = 'pcm' | 'float32' | 'mulaw' | 'alaw';

export const RAW_ENCODINGS: readonly RawEncoding[] = ['pcm', 'float32', 'mulaw', 'alaw'];

/** What the samples of a raw encoding look like as bytes. */
export const SAMPLE_FORMS = {
  pcm: 's16',
  float32: 'f32',
  mulaw: 'mulaw',
  alaw: 'alaw',
} as const satisfies Record<RawEncoding, OutputForm>;

/** G.711 has one rate (ITU-T G.711). */
export const G711_RATE = 8_000; // Hz

/** Rates (Hz) in which audio from the call can be had. */
export const OUTPUT_RATES: Record<RawEncoding, readonly number[]> = {
  pcm: [24_000, 16_000, 8_000],
  float32: [24_000, 16_000, 8_000],
  mulaw: [G711_RATE],
  alaw: [G711_RATE],
};

export const MIN_PIECE_MS = 20;
export const MAX_PIECE_MS = 1_000;

/** What somebody sends towards the call. */
export interface InputFormat {
  encoding: RawEncoding;
  /** Hz */
  sampleRate: number;
  /** interleaved channels, mixed down; 1 if left out */
  channels?: number;
}

/** What somebody wants from the call. */
export interface OutputFormat {
  encoding: RawEncoding;
  /** Hz */
  sampleRate: number;
  /** length of a piece in ms, a whole number */
  pieceMs: number;
}

const NO_SUCH_ENCODING: Text = {
  key: 'audio.encoding',
  values: { encodings: RAW_ENCODINGS.join(', ') },
};

/** Fails with `WAVIX_INPUT` if raw audio of this form can't be played into a call. */
export function checkInputFormat(format: InputFormat): void {
  const { encoding, sampleRate, channels = 1 } = format;
  if (!RAW_ENCODINGS.includes(encoding)) {
    throw new WavixError('WAVIX_INPUT', NO_SUCH_ENCODING);
  }
  if (!isWholeWithin(sampleRate, MIN_RATE, MAX_RATE)) {
    throw new WavixError('WAVIX_INPUT', {
      key: 'audio.rate',
      values: { rate: shown(sampleRate), min: MIN_RATE, max: MAX_RATE },
    });
  }
  if (!isWholeWithin(channels, 1, MAX_CHANNELS)) {
    throw new WavixError('WAVIX_INPUT', {
      key: 'audio.channels',
      values: { channels: shown(channels), max: MAX_CHANNELS },
    });
  }
}

/** Fails with `WAVIX_CONFIG` if audio from a call can't be given in this form. */
export function checkOutputFormat(format: OutputFormat): void {
  const { encoding, sampleRate, pieceMs } = format;
  if (!RAW_ENCODINGS.includes(encoding)) {
    throw new WavixError('WAVIX_CONFIG', NO_SUCH_ENCODING);
  }
  const rates = OUTPUT_RATES[encoding];
  if (!rates.includes(sampleRate)) {
    throw new WavixError('WAVIX_CONFIG', {
      key: 'audio.outputRate',
      values: { encoding, rate: shown(sampleRate), rates: rates.join(', ') },
    });
  }
  if (!isWholeWithin(pieceMs, MIN_PIECE_MS, MAX_PIECE_MS)) {
    throw new WavixError('WAVIX_CONFIG', {
      key: 'audio.piece',
      values: { length: shown(pieceMs), min: MIN_PIECE_MS, max: MAX_PIECE_MS },
    });
  }
}

function isWholeWithin(value: number, min: number, max: number): boolean {
  return Number.isInteger(value) && value >= min && value <= max;
}

/** Values come from flows, and may be anything: only numbers are shown again. */
function shown(value: unknown): number {
  return typeof value === 'number' ? value : NaN;
}
