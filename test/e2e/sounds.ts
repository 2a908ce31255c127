/** Audio for the tests, known again sample for sample: PCM s16le, mono, 24 kHz. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './package';

export const BYTES_PER_MS = 48;

/** Noise that is never the same twice within it, nor with another seed; some −20 dB of full scale. */
export function noise(ms: number, seed: number): Buffer {
  const pcm = Buffer.alloc(ms * BYTES_PER_MS);
  let state = seed * 2_654_435_761 + 1;
  for (let at = 0; at < pcm.length; at += 2) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    pcm.writeInt16LE((state >> 16) / 6, at);
  }
  return pcm;
}

/** The samples of a WAV file in resources/sounds/ that has the form of the wire. */
export function wirePcm(name: string): Buffer {
  const file = readFileSync(join(ROOT, 'resources/sounds', name));
  const data = file.indexOf('data', 12, 'latin1');
  return file.subarray(data + 8, data + 8 + file.readUInt32LE(data + 4));
}

/** From the first to the last loud sample: what is left of speech when the silence around it is cut off. */
export function core(pcm: Buffer): Buffer {
  const loud = (at: number) => Math.abs(pcm.readInt16LE(at)) > 1_000;
  let from = 0;
  let to = pcm.length;
  while (from < to && !loud(from)) from += 2;
  while (to > from && !loud(to - 2)) to -= 2;
  return pcm.subarray(from, to);
}

/** Where a piece of audio begins in what was heard, in ms; undefined: it is not there, sample for sample. */
export function heardAt(heard: Buffer, piece: Buffer, fromMs = 0): number | undefined {
  let at = heard.indexOf(piece, Math.round(fromMs * 24) * 2);
  while (at >= 0 && at % 2 === 1) at = heard.indexOf(piece, at + 1);
  return at < 0 ? undefined : at / BYTES_PER_MS;
}

/**
 * Without the samples that are 0. What is played as it comes has a breath of silence wherever a frame came late: with
 * those gone on both sides, the rest can be compared.
 */
export function sounding(pcm: Buffer): Buffer {
  const out = Buffer.alloc(pcm.length);
  let length = 0;
  for (let at = 0; at < pcm.length; at += 2) {
    if (pcm.readInt16LE(at) !== 0) length = out.writeInt16LE(pcm.readInt16LE(at), length);
  }
  return out.subarray(0, length);
}

/** How much of a piece was heard before it was cut off, in ms: the longest beginning of it that is there. */
export function heardOf(heard: Buffer, piece: Buffer): number {
  const start = heardAt(heard, piece.subarray(0, 2 * 240));
  if (start === undefined) return 0;
  const from = start * BYTES_PER_MS;
  let length = 0;
  while (length < piece.length && heard[from + length] === piece[length]) length++;
  return length / BYTES_PER_MS;
}

/** Two sides' notions of how much was heard differ by what a message takes on its way on a busy machine. */
export function assertNear(told: unknown, heardMs: number, what: string): void {
  assert.ok(Math.abs(Number(told) - heardMs) <= 200, `${what}: ${String(told)} ms told, ${heardMs} ms heard`);
}

/** The beginning and end of all that is not digital silence, in ms. */
export function audible(heard: Buffer): { fromMs: number; toMs: number } {
  let from = 0;
  let to = heard.length;
  while (from < to && heard[from] === 0) from++;
  while (to > from && heard[to - 1] === 0) to--;
  return { fromMs: from / BYTES_PER_MS, toMs: to / BYTES_PER_MS };
}
