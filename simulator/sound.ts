/** What a phone can say, and how it becomes PCM: a WAV, raw samples, a tone, silence, or several in a row. */

import { readFile } from 'node:fs/promises';
import { audioReady, decodeWav, silence, tone } from '../lib/audio';
import { soundFile } from './sounds';

/**
 * - a Buffer: a WAV file's bytes, or PCM s16le mono 24 kHz if it has no WAV header
 * - a string: the path of a WAV file, or the name of a sound that comes with the package (`hello`)
 * - `wav`: the same two, with `endless` to start over until the phone hangs up or is hushed
 * - `tone`: a sine in whole Hz; without `ms`, endless
 * - `silence`: ms
 * - a list of these: one after the other
 */
export type Speech =
  | Buffer
  | string
  | { wav: Buffer | string; endless?: boolean }
  | { tone: number; ms?: number }
  | { silence: number }
  | readonly Speech[];

/** PCM s16le, mono, 24 kHz. */
export interface Sound {
  pcm: Buffer;
  /** starts over and over */
  endless: boolean;
}

/** Longest tone or silence that can be asked for: 10 minutes. */
const MAX_MS = 600_000;

/** Makes it ready to be said. Fails with what is wrong with the file. */
export async function loadSpeech(speech: Speech): Promise<Sound[]> {
  if (Buffer.isBuffer(speech) || typeof speech === 'string')
    return [{ pcm: await pcmOf(speech), endless: false }];
  if (isList(speech)) return (await Promise.all(speech.map(loadSpeech))).flat();
  if ('wav' in speech) return [{ pcm: await pcmOf(speech.wav), endless: speech.endless ?? false }];
  if ('silence' in speech) return [{ pcm: silence(speech.silence), endless: false }];
  // A second of a whole number of Hz ends where it began, so that it can start over without a click.
  if (speech.ms === undefined) return [{ pcm: tone(speech.tone, 1_000), endless: true }];
  return [{ pcm: tone(speech.tone, speech.ms), endless: false }];
}

/**
 * Checks what came from outside, such as a request's body.
 *
 * @returns what is wrong with it, or undefined
 */
export function problemWithSpeech(value: unknown): string | undefined {
  if (Buffer.isBuffer(value)) return value.length > 0 ? undefined : 'is empty';
  if (typeof value === 'string')
    return value === '' ? 'needs the name of a sound or the path of a WAV file' : undefined;
  if (Array.isArray(value)) return value.map(problemWithSpeech).find((problem) => problem !== undefined);
  if (typeof value !== 'object' || value === null)
    return 'must be the name of a sound, a path, {wav}, {tone, ms}, {silence} or a list';
  const { wav, endless, tone: hz, ms, silence: quiet } = value as Record<string, unknown>;
  if (wav !== undefined) {
    if (typeof wav !== 'string' && !Buffer.isBuffer(wav)) return 'wav must be a name or a path';
    if (endless !== undefined && typeof endless !== 'boolean') return 'endless must be true or false';
    return problemWithSpeech(wav);
  }
  if (hz !== undefined) {
    if (typeof hz !== 'number' || !Number.isInteger(hz) || hz < 20 || hz > 12_000)
      return 'tone must be a whole number of Hz, 20 to 12000';
    return ms === undefined ? undefined : problemWithMs(ms, 'ms');
  }
  if (quiet !== undefined) return problemWithMs(quiet, 'silence');
  return 'must have one of wav, tone, silence';
}

function problemWithMs(value: unknown, name: string): string | undefined {
  const fine = typeof value === 'number' && value > 0 && value <= MAX_MS;
  return fine ? undefined : `${name} must be a number of ms up to ${MAX_MS}`;
}

async function pcmOf(source: Buffer | string): Promise<Buffer> {
  await audioReady();
  const bytes = typeof source === 'string' ? await readFile(soundFile(source)) : source;
  const isWav = bytes.subarray(0, 4).toString('latin1') === 'RIFF';
  if (isWav || typeof source === 'string') return decodeWav(bytes);
  return bytes.subarray(0, bytes.length - (bytes.length % 2));
}

function isList(speech: Exclude<Speech, Buffer | string>): speech is readonly Speech[] {
  return Array.isArray(speech);
}
