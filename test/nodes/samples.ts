/** Looks at audio, as bytes and as numbers. Its failures are short: a whole buffer in an assertion's text helps nobody. */
import assert from 'node:assert/strict';

/** Fails unless both hold the same bytes. */
export function sameBytes(actual: Buffer | undefined, expected: Buffer, what = 'audio'): void {
  if (actual?.equals(expected)) return;
  const at = actual ? expected.findIndex((byte, n) => actual[n] !== byte) : 0;
  assert.fail(
    `${what}: ${actual?.length ?? 'no'} bytes, ${expected.length} expected; they differ from byte ${at} on`,
  );
}

/** Fails unless `part` was heard, whole and once. @returns where it begins, in ms */
export function heardOnce(heard: Buffer, part: Buffer, what = 'audio'): number {
  const at = heard.indexOf(part);
  const times = at < 0 ? 0 : heard.indexOf(part, at + 1) < 0 ? 1 : 2;
  assert.equal(times, 1, `${what} of ${part.length} bytes was heard ${times === 2 ? 'again' : 'never'}`);
  return at / 48;
}

/** Without the silence before and after, whole samples. */
export function trimmed(pcm: Buffer): Buffer {
  const first = pcm.findIndex((byte) => byte !== 0);
  const last = pcm.findLastIndex((byte) => byte !== 0);
  return first < 0 ? Buffer.alloc(0) : pcm.subarray(first - (first % 2), last + 2 - (last % 2));
}

/** Without any sample that is 0: what is left is the same however late a piece of it came. */
export function sounds(pcm: Buffer): Buffer {
  const kept = Buffer.alloc(pcm.length);
  let length = 0;
  for (let at = 0; at < pcm.length; at += 2) {
    const value = pcm.readInt16LE(at);
    if (value !== 0) length = kept.writeInt16LE(value, length);
  }
  return kept.subarray(0, length);
}

/** PCM in which no stretch, shifted or with bytes swapped, is like another, and no sample is 0. */
export function speech(ms: number, seed = 0): Buffer {
  const pcm = Buffer.alloc(Math.round(ms * 24) * 2);
  for (let n = 0, value = seed * 2_654_435_761 + 1; n < pcm.length / 2; n++) {
    value = (Math.imul(value, 1_664_525) + 1_013_904_223) >>> 0;
    pcm.writeInt16LE(((value >>> 8) % 30_000) + 1 - (value & 0x8000_0000 ? 30_001 : 0) || 1, n * 2);
  }
  return pcm;
}

/** PCM s16le within ±1. */
export function fromPcm(pcm: Buffer): number[] {
  return Array.from({ length: pcm.length / 2 }, (_, i) => pcm.readInt16LE(i * 2) / 32_768);
}

/** float32, little-endian. */
export function fromFloat32(bytes: Buffer): number[] {
  return Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(i * 4));
}

/** Fails unless a signal is one sine of `hz`, but for noise of less than `limit` dB of its power. Its ends are left out. */
export function isTone(samples: number[], hz: number, rate: number, limit: number): void {
  const noise = noiseDb(samples, hz, rate);
  assert.ok(noise < limit, `noise of ${noise.toFixed(1)} dB in a tone of ${hz} Hz`);
}

function noiseDb(samples: number[], hz: number, rate: number): number {
  const edge = Math.round(rate / 100);
  const middle = samples.slice(edge, samples.length - edge);
  let sin = 0;
  let cos = 0;
  middle.forEach((value, i) => {
    sin += value * Math.sin((2 * Math.PI * hz * i) / rate);
    cos += value * Math.cos((2 * Math.PI * hz * i) / rate);
  });
  const [a, b] = [(2 * sin) / middle.length, (2 * cos) / middle.length];
  let noise = 0;
  let signal = 0;
  middle.forEach((value, i) => {
    const phase = (2 * Math.PI * hz * i) / rate;
    const sine = a * Math.sin(phase) + b * Math.cos(phase);
    signal += sine ** 2;
    noise += (value - sine) ** 2;
  });
  return 10 * Math.log10(noise / signal);
}
