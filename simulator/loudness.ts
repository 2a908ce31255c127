/** Whether there is anything to be heard in a piece of audio: PCM s16le, mono, 24 kHz. */

import { FRAME_BYTES, FRAME_MS } from '../lib/streams/wire';

/** A frame counts as sound from this root mean square on: about −40 dB of full scale. */
const SOUND_RMS = 300;

/** @param frame some ms of audio, not empty */
export function isSound(frame: Buffer): boolean {
  let sum = 0;
  for (let at = 0; at < frame.length; at += 2) sum += frame.readInt16LE(at) ** 2;
  return sum / (frame.length / 2) >= SOUND_RMS ** 2;
}

/** How much of it is sound, in ms. */
export function soundMs(pcm: Buffer): number {
  let ms = 0;
  for (let at = 0; at + FRAME_BYTES <= pcm.length; at += FRAME_BYTES) {
    if (isSound(pcm.subarray(at, at + FRAME_BYTES))) ms += FRAME_MS;
  }
  return ms;
}
