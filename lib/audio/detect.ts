/** What file a message's bytes are, known by their first ones alone, whatever anybody says they are. */

import { WavixError } from '../errors';
import { looksLikeMp3 } from './mp3-frames';
import { looksLikeWav } from './wav-header';

const FIRST_OF_RIFF = 0x52; // and of RF64 and RIFX
const FIRST_OF_BW64 = 0x42;
const FIRST_OF_ID3 = 0x49;
const FIRST_OF_MP3_FRAME = 0xff;

/**
 * Which kind of file these bytes are. Strict, as raw samples may be anything: a WAV begins with RIFF … WAVE (or is cut off
 * before that can be seen), an MP3 with an ID3v2 tag or frames that follow each other (see `looksLikeMp3`).
 *
 * @param data the whole file
 * @returns undefined if it is neither: raw samples, or a file that `refuseOtherFiles` knows
 */
export function detectFile(data: Buffer): 'wav' | 'mp3' | undefined {
  // Every piece of raw samples comes by here; the first byte tells of nearly all of them that they are no file.
  switch (data[0]) {
    case FIRST_OF_RIFF:
    case FIRST_OF_BW64:
      return looksLikeWav(data) ? 'wav' : undefined;
    case FIRST_OF_ID3:
    case FIRST_OF_MP3_FRAME:
      return looksLikeMp3(data) ? 'mp3' : undefined;
    default:
      return undefined;
  }
}

/**
 * Fails if these bytes are an audio file of a kind that can't be decoded here and that would be noise if it were played
 * as raw samples: what text-to-speech services and browsers give unless they are asked for something else.
 *
 * @throws {WavixError} `WAVIX_AUDIO`
 */
export function refuseOtherFiles(data: Buffer): void {
  const kind = otherFile(data);
  if (!kind) return;
  throw new WavixError('WAVIX_AUDIO', { key: 'audio.otherFile', values: { kind } });
}

/** Six bytes or more are looked at each time: raw samples do not hold them by chance. */
function otherFile(data: Buffer): string | undefined {
  if (data.length < 12) return undefined;
  const text = (from: number, to: number): string => data.toString('latin1', from, to);
  if (text(0, 6) === 'OggS\0\x02') return 'Ogg (Opus, Vorbis)';
  if (text(0, 8) === 'fLaC\0\0\0\x22') return 'FLAC';
  if (text(0, 4) === 'FORM' && /^AIF[FC]$/.test(text(8, 12))) return 'AIFF';
  if (text(0, 8) === 'riff.\x91\xcf\x11') return 'Wave64';
  if (text(0, 4) === '.snd' && data.readUInt32BE(4) < 0x1_0000) return 'AU';
  if (text(4, 8) === 'ftyp' && data.readUInt32BE(0) < 0x1_0000) return 'MP4 (AAC)';
  if (data.readUInt32BE(0) === 0x1a45dfa3 && data.subarray(4, 64).includes('webm')) return 'WebM';
  if (text(0, 6) === 'caff\0\x01') return 'CAF';
  if (text(0, 6) === '#!AMR\n') return 'AMR';
  return isAdts(data) ? 'AAC' : undefined;
}

/** Three ADTS headers (ISO 13818-7, 6.2) that follow each other and say the same. */
function isAdts(data: Buffer): boolean {
  let at = 0;
  for (let count = 0; count < 3; count++) {
    if (at + 6 > data.length) return false;
    // sync, layer 0; and what stays the same all through a stream: profile, rate, channels
    if ((data.readUInt16BE(at) & 0xfff6) !== 0xfff0) return false;
    if ((data.readUInt16BE(at + 2) & 0xfdc0) !== (data.readUInt16BE(2) & 0xfdc0)) return false;
    const length = (data.readUIntBE(at + 3, 3) >>> 5) & 0x1fff;
    if (length < 7) return false;
    at += length;
  }
  return true;
}
