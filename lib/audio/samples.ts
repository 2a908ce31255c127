/**
 * Samples as bytes and as numbers within ±1: every form that is read or written here. Reading mixes the channels down to
 * one (their mean, so that it can't clip). What is not a number counts as 0, what lies beyond ±1 is clipped. All is
 * little-endian.
 */

import { decodeTable, encodeTable } from './g711';

/** u8 is offset binary, as WAV has it; the others are signed, floating or G.711. */
export type SampleForm = 'u8' | 's16' | 's24' | 's32' | 'f32' | 'f64' | 'mulaw' | 'alaw';

/** The forms that can be written. */
export type OutputForm = 's16' | 'f32' | 'mulaw' | 'alaw';

export const SAMPLE_BYTES: Record<SampleForm, number> = {
  u8: 1,
  s16: 2,
  s24: 3,
  s32: 4,
  f32: 4,
  f64: 8,
  mulaw: 1,
  alaw: 1,
};

/** Reads frames into numbers. */
export type Reader = (bytes: Buffer, at: number, into: Float32Array, count: number) => void;

/** Writes numbers into bytes. */
export type Writer = (samples: Float32Array, bytes: Buffer, at: number) => void;

/**
 * @param channels interleaved in the bytes
 * @returns reads `count` frames from the byte `at` on
 */
export function readerOf(form: SampleForm, channels: number): Reader {
  const get = getterOf(form);
  if (channels === 1) return form === 's16' ? readS16 : readMono(get, SAMPLE_BYTES[form]);
  return readMixed(get, SAMPLE_BYTES[form], channels);
}

/** @returns writes all of `samples` from the byte `at` on */
export function writerOf(form: OutputForm): Writer {
  switch (form) {
    case 's16':
      return writeS16;
    case 'f32':
      return writeF32;
    case 'mulaw':
    case 'alaw':
      return writeCodes(encodeTable(form));
  }
}

/** A number within ±1 as s16: rounded, what lies beyond is clipped, what is no number is 0. */
export function toS16(value: number): number {
  const scaled = value * 32_768;
  if (scaled >= 32_767) return 32_767;
  if (scaled <= -32_768) return -32_768;
  return Math.round(scaled) || 0;
}

type Getter = (bytes: DataView, at: number) => number;

function getterOf(form: SampleForm): Getter {
  switch (form) {
    case 'u8':
      return (bytes, at) => (bytes.getUint8(at) - 128) / 128;
    case 's16':
      return (bytes, at) => bytes.getInt16(at, true) / 32_768;
    case 's24':
      return (bytes, at) => ((bytes.getInt8(at + 2) << 16) | bytes.getUint16(at, true)) / 8_388_608;
    case 's32':
      return (bytes, at) => bytes.getInt32(at, true) / 2_147_483_648;
    case 'f32':
      return (bytes, at) => withinOne(bytes.getFloat32(at, true));
    case 'f64':
      return (bytes, at) => withinOne(bytes.getFloat64(at, true));
    case 'mulaw':
    case 'alaw': {
      const table = decodeTable(form);
      return (bytes, at) => (table[bytes.getUint8(at)] ?? 0) / 32_768;
    }
  }
}

function withinOne(value: number): number {
  if (value >= -1 && value <= 1) return value;
  return value > 1 ? 1 : value < -1 ? -1 : 0;
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

// The form nearly all audio has: a loop of its own, without a call for each sample.
const readS16: Reader = (bytes, at, into, count) => {
  const view = viewOf(bytes);
  for (let i = 0; i < count; i++) into[i] = view.getInt16(at + i * 2, true) / 32_768;
};

function readMono(get: Getter, size: number): Reader {
  return (bytes, at, into, count) => {
    const view = viewOf(bytes);
    for (let i = 0; i < count; i++) into[i] = get(view, at + i * size);
  };
}

function readMixed(get: Getter, size: number, channels: number): Reader {
  return (bytes, at, into, count) => {
    const view = viewOf(bytes);
    let next = at;
    for (let i = 0; i < count; i++) {
      let sum = 0;
      for (let channel = 0; channel < channels; channel++, next += size) sum += get(view, next);
      into[i] = sum / channels;
    }
  };
}

const writeS16: Writer = (samples, bytes, at) => {
  const view = viewOf(bytes);
  for (let i = 0; i < samples.length; i++) view.setInt16(at + i * 2, toS16(samples[i] ?? 0), true);
};

const writeF32: Writer = (samples, bytes, at) => {
  const view = viewOf(bytes);
  for (let i = 0; i < samples.length; i++) view.setFloat32(at + i * 4, withinOne(samples[i] ?? 0), true);
};

function writeCodes(table: Uint8Array): Writer {
  return (samples, bytes, at) => {
    for (let i = 0; i < samples.length; i++) bytes[at + i] = table[toS16(samples[i] ?? 0) & 0xffff] ?? 0;
  };
}
