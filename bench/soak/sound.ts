/**
 * Audio that says of every sample where it belongs. Each 20 ms frame begins with the number of its utterance and its
 * own number; noise fills the rest. No sample is ever zero, so that silence is known from sound wherever they meet.
 */
import { createHash } from 'node:crypto';
import { FRAME_BYTES } from '../../lib/streams/wire';
import { Random } from './random';

const FRAME_SAMPLES = FRAME_BYTES / 2;

/** Noise stays within ± this; what is louder is the number of an utterance. */
const LOUDEST = 16_384;
const NUMBERS = 32_767 - LOUDEST;

const NOISE = noise(65_536);

/** Utterances with numbers this far apart begin with the same sample; within one call there are fewer. */
export const DIFFERENT_UTTERANCES = 2 * NUMBERS;

/**
 * What the utterance of that number sounds like: PCM s16le, mono, 24 kHz.
 *
 * @param bytes length; even
 */
export function utterance(number: number, bytes: number): Buffer {
  const pcm = Buffer.alloc(bytes);
  const half = number % DIFFERENT_UTTERANCES;
  const name = half < NUMBERS ? LOUDEST + 1 + half : -(LOUDEST + 1 + half - NUMBERS);
  for (let frame = 0, start = 0; start < bytes; frame++, start += FRAME_BYTES) {
    const key = Math.imul(number * 1_031 + frame, 0x9e3779b1) >>> 0;
    const from = key % (NOISE.length - FRAME_SAMPLES);
    const salt = key >>> 18; // 14 bits: no two frames share a stretch of noise
    const end = Math.min(FRAME_BYTES, bytes - start);
    for (let at = 0; at < end; at += 2) {
      const raw = NOISE[from + at / 2] as number;
      const size = 1 + ((raw & 0x3fff) ^ salt);
      pcm.writeInt16LE(raw & 0x4000 ? size : -size, start + at);
    }
    pcm.writeInt16LE(name, start);
    if (end > 2) pcm.writeInt16LE(1 + (frame % LOUDEST), start + 2);
  }
  return pcm;
}

/** The same as a WAV file. */
export function wavOf(pcm: Buffer): Buffer {
  const header = Buffer.alloc(44);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(36 + pcm.length, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20); // PCM
  header.writeUInt16LE(1, 22); // mono
  header.writeUInt32LE(24_000, 24);
  header.writeUInt32LE(48_000, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(pcm.length, 40);
  return Buffer.concat([header, pcm]);
}

/** 48 bits that tell one frame's bytes from another's. */
export function digest(bytes: Buffer): number {
  return createHash('sha1').update(bytes).digest().readUIntLE(0, 6);
}

/** A copy as samples; every machine that Node-RED runs on is little-endian. */
export function samplesOf(pcm: Buffer): Int16Array {
  const copy = new Uint8Array(pcm.length);
  copy.set(pcm);
  return new Int16Array(copy.buffer);
}

/** The samples that are not silence, one after the other. */
export function withoutSilence(pcm: Buffer): Int16Array {
  const samples = samplesOf(pcm);
  let count = 0;
  for (const sample of samples) if (sample !== 0) samples[count++] = sample;
  return samples.subarray(0, count);
}

/** 15 random bits each. */
function noise(samples: number): Uint16Array {
  const random = new Random(24_000);
  return Uint16Array.from({ length: samples }, () => random.whole(0, 0x7fff));
}
