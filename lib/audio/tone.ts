/** Sounds made here: a tone and silence, as PCM s16le, mono, 24 kHz. */

import { CALL_BYTES_PER_MS, CALL_RATE } from './format';

export interface ToneOptions {
  /** loudest sample, as a part of full scale; 0.5 if left out */
  amplitude?: number;
  /** Hz; the call's 24 000 if left out */
  sampleRate?: number;
}

/**
 * A sine tone, from its zero crossing on.
 *
 * @param hz frequency
 * @param ms length
 * @returns PCM s16le, mono
 */
export function tone(hz: number, ms: number, options: ToneOptions = {}): Buffer {
  const { amplitude = 0.5, sampleRate = CALL_RATE } = options;
  const samples = Math.round((ms * sampleRate) / 1000);
  const pcm = Buffer.alloc(samples * 2);
  for (let i = 0; i < samples; i++) {
    const value = amplitude * Math.sin((2 * Math.PI * hz * i) / sampleRate);
    pcm.writeInt16LE(Math.round(value * 32_767), i * 2);
  }
  return pcm;
}

/** Digital silence of that length: PCM s16le, mono, 24 kHz. */
export function silence(ms: number): Buffer {
  return Buffer.alloc(Math.round(ms * (CALL_BYTES_PER_MS / 2)) * 2);
}
