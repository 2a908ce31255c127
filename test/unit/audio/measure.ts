/** Test signals and what is measured on them. Knows nothing of lib/audio, so that it can't share a mistake with it. */

/** Numbers within ±1 of a sine tone that begins at its zero crossing. */
export function sine(hz: number, rate: number, ms: number, amplitude = 0.5): Float64Array {
  const length = Math.round((rate * ms) / 1000);
  return Float64Array.from({ length }, (_, i) => amplitude * Math.sin((2 * Math.PI * hz * i) / rate));
}

/** A tone whose pitch rises evenly from one frequency to another. */
export function sweep(fromHz: number, toHz: number, rate: number, ms: number, amplitude = 0.5): Float64Array {
  const length = Math.round((rate * ms) / 1000);
  const seconds = ms / 1000;
  return Float64Array.from({ length }, (_, i) => {
    const t = i / rate;
    return amplitude * Math.sin(2 * Math.PI * (fromHz * t + ((toHz - fromHz) * t * t) / (2 * seconds)));
  });
}

/** The same numbers on each run: for signals that should hold a bit of everything. */
export function noise(length: number, seed = 1, amplitude = 0.5): Float64Array {
  let state = seed >>> 0;
  return Float64Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return amplitude * (state / 2 ** 31 - 1);
  });
}

export function s16(samples: Float64Array): Buffer {
  const bytes = Buffer.alloc(samples.length * 2);
  samples.forEach((value, i) => bytes.writeInt16LE(Math.round(value * 32_767), i * 2));
  return bytes;
}

export function fromS16(bytes: Buffer): Float64Array {
  return Float64Array.from({ length: bytes.length / 2 }, (_, i) => bytes.readInt16LE(i * 2) / 32_767);
}

export function fromF32(bytes: Buffer): Float64Array {
  return Float64Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(i * 4));
}

/** Without the first and last `ms`, where a filter has only half of its samples. */
export function middle(samples: Float64Array, rate: number, ms = 50): Float64Array {
  const edge = Math.round((rate * ms) / 1000);
  return samples.subarray(edge, samples.length - edge);
}

export function rms(samples: Float64Array): number {
  return Math.sqrt(samples.reduce((sum, value) => sum + value * value, 0) / samples.length);
}

/** dB of one amplitude over another */
export function dB(part: number, whole: number): number {
  return 20 * Math.log10(part / whole);
}

/** How far (dB) all that is not the tone lies below the tone; the tone's loudness and phase are found. */
export function toneOverRest(samples: Float64Array, hz: number, rate: number): number {
  const step = (2 * Math.PI * hz) / rate;
  let [cc, ss, cs, c, s] = [0, 0, 0, 0, 0];
  samples.forEach((value, i) => {
    const cos = Math.cos(step * i);
    const sin = Math.sin(step * i);
    cc += cos * cos;
    ss += sin * sin;
    cs += cos * sin;
    c += value * cos;
    s += value * sin;
  });
  const det = cc * ss - cs * cs;
  const a = (c * ss - s * cs) / det;
  const b = (s * cc - c * cs) / det;
  const tone = samples.map((_, i) => a * Math.cos(step * i) + b * Math.sin(step * i));
  return dB(rms(tone), rms(difference(samples, tone)));
}

/** How far (dB) what differs from the wanted signal lies below it, also in time and loudness. */
export function wantedOverError(samples: Float64Array, wanted: Float64Array): number {
  return dB(rms(wanted), rms(difference(samples, wanted)));
}

function difference(one: Float64Array, other: Float64Array): Float64Array {
  return one.map((value, i) => value - (other[i] ?? 0));
}

/** Cuts at the given places (in any order, each within 0 to 1 of the whole length). */
export function cutAt(bytes: Buffer, places: number[]): Buffer[] {
  const at = places.map((place) => Math.floor(place * bytes.length)).sort((a, b) => a - b);
  return [0, ...at].map((start, i) => bytes.subarray(start, at[i] ?? bytes.length));
}
