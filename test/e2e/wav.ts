/** WAV files that a flow wrote: 16-bit PCM with a header of 44 bytes; nothing is converted. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readWavInfo } from '../../lib/audio';

export interface Wav {
  channels: number;
  /** Hz */
  sampleRate: number;
  /** s16le, the channels in turn */
  pcm: Buffer;
  /** s16le of each channel */
  sides: Buffer[];
}

export function readWav(file: string): Wav {
  return parseWav(readFileSync(file));
}

export function parseWav(bytes: Buffer): Wav {
  const { channels, sampleRate } = readWavInfo(bytes);
  assert.equal(bytes.readUInt32LE(4), bytes.length - 8, 'the header tells the length of the file');
  assert.equal(bytes.readUInt16LE(34), 16, 'bits');
  assert.equal(bytes.readUInt32LE(40), bytes.length - 44, 'and that of its samples');
  const pcm = bytes.subarray(44);
  const sides = Array.from({ length: channels }, (_, channel) => {
    const side = Buffer.alloc(pcm.length / channels);
    for (let at = 0; at < side.length; at += 2)
      side.writeInt16LE(pcm.readInt16LE(at * channels + 2 * channel), at);
    return side;
  });
  return { channels, sampleRate, pcm, sides };
}
