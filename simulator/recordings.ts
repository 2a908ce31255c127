/** Writes what each side of a call heard as WAV files: PCM s16le, mono, 24 kHz. */

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeWav } from '../lib/audio';
import { WIRE_RATE } from '../lib/streams/wire';
import type { MediaStream } from './media-stream';

interface Recorded {
  call_id: string;
  heard(): Buffer;
  readonly streams: readonly MediaStream[];
}

/** A whole call as a WAV file: what the phone said on the left, what it heard on the right. */
export function callWav(call: { said(): Buffer; heard(): Buffer }): Buffer {
  const sides = [call.said(), call.heard()];
  const stereo = Buffer.alloc(Math.max(...sides.map(({ length }) => length)) * 2);
  for (const [channel, pcm] of sides.entries()) {
    // Byte by byte, which takes a third of the time that numbers would: calls may be live meanwhile.
    for (let from = 0, to = channel * 2; from < pcm.length; from += 2, to += 4) {
      stereo[to] = pcm[from] ?? 0;
      stereo[to + 1] = pcm[from + 1] ?? 0;
    }
  }
  return writeWav(stereo, WIRE_RATE, 2);
}

/**
 * - `<call_id>.phone-heard.wav`: what the phone at the far end heard
 * - `<call_id>.stream-<n>-<track>.wav`: what the application heard, by stream (from 1 on) and track
 *
 * @returns the files' paths
 */
export async function writeRecordings(folder: string, call: Recorded): Promise<string[]> {
  const files = new Map([[`${call.call_id}.phone-heard.wav`, call.heard()]]);
  for (const [index, stream] of call.streams.entries()) {
    if (stream.facts.startedAt === undefined) continue;
    for (const track of stream.tracks) {
      files.set(`${call.call_id}.stream-${index + 1}-${track}.wav`, stream.streamed(track));
    }
  }
  await mkdir(folder, { recursive: true });
  return Promise.all(
    [...files].map(async ([name, pcm]) => {
      const path = join(folder, name);
      await writeFile(path, writeWav(pcm, WIRE_RATE));
      return path;
    }),
  );
}
