/** Decodes MP3 files. The decoder (`mpg123-decoder`, WASM) is loaded when the first one comes. */

import { WavixError } from '../errors';
import { Converter } from './converter';
import { CALL_RATE } from './format';
import { mp3Frames } from './mp3-frames';
import { audioReady } from './resampler';

export interface Mp3Options {
  /** ms; a longer file is refused before it is decoded. One hour if left out */
  maxMs?: number;
}

const HOUR_MS = 3_600_000;
/** Work done at a time, so that other calls' frames can leave on time between. */
const SLICE_MS = 4;
/** Frames given to the decoder at once: about half a second of audio, one or two ms of work. */
const FRAMES_AT_ONCE = 16;

/** One file at a time: each decoder takes some 30 MB while it works. */
let last: Promise<unknown> = Promise.resolve();

/**
 * Decodes a whole MP3 file. Gives way to other work every few ms. Frames that can't be decoded leave a gap or a few ms less.
 *
 * @returns PCM s16le, mono, 24 kHz
 * @throws {WavixError} `WAVIX_AUDIO` if it is no MP3 or longer than `maxMs`
 */
export function decodeMp3(data: Buffer, options: Mp3Options = {}): Promise<Buffer> {
  const { maxMs = HOUR_MS } = options;
  const result = last.then(() => decode(data, maxMs));
  last = result.catch(() => undefined);
  return result;
}

async function decode(data: Buffer, maxMs: number): Promise<Buffer> {
  const pace = new Pace();
  const runs = await findRuns(data, maxMs, pace);
  await audioReady();
  const { MPEGDecoder } = await import('mpg123-decoder');
  const decoder = new MPEGDecoder();
  await decoder.ready;
  const pcm: Buffer[] = [];
  let converter: Converter | undefined;
  let rate = 0;
  try {
    for (const { start, end } of runs) {
      const { channelData, samplesDecoded, sampleRate } = decoder.decode(data.subarray(start, end));
      if (samplesDecoded === 0) continue;
      if (!converter || sampleRate !== rate) {
        if (converter) pcm.push(converter.flush());
        rate = sampleRate;
        converter = new Converter({ form: 'f32', rate, channels: 1 }, { form: 's16', rate: CALL_RATE });
      }
      pcm.push(converter.push(mixDown(channelData, samplesDecoded)));
      await pace.giveWay();
    }
    if (converter) pcm.push(converter.flush());
  } finally {
    converter?.close();
    decoder.free();
  }
  return Buffer.concat(pcm);
}

/** Lets other work go on between, once enough time has been used. */
class Pace {
  private since = performance.now();

  async giveWay(): Promise<void> {
    if (performance.now() - this.since < SLICE_MS) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.since = performance.now();
  }
}

/** A stretch of the file: frames of one rate that follow each other, as bytes from the file's start. */
interface Run {
  start: number;
  end: number;
}

/** Cuts the file's frames into what is decoded at once; what is no frame is left out. */
async function findRuns(data: Buffer, maxMs: number, pace: Pace): Promise<Run[]> {
  const runs: Run[] = [];
  let frames = 0;
  let ms = 0;
  let rate = 0;
  for (const frame of mp3Frames(data)) {
    ms += (frame.samples * 1000) / frame.sampleRate;
    if (ms > maxMs) {
      throw new WavixError('WAVIX_AUDIO', {
        key: 'audio.longMp3',
        values: { seconds: Math.floor(maxMs / 1000) },
      });
    }
    const run = runs.at(-1);
    const end = Math.min(frame.offset + frame.length, data.length);
    if (run?.end === frame.offset && frame.sampleRate === rate && frames < FRAMES_AT_ONCE) {
      run.end = end;
      frames++;
    } else {
      runs.push({ start: frame.offset, end });
      frames = 1;
      await pace.giveWay();
    }
    rate = frame.sampleRate;
  }
  if (runs.length === 0) throw new WavixError('WAVIX_AUDIO', { key: 'audio.emptyMp3' });
  return runs;
}

/** The decoder gives two channels always, the same twice for mono. */
function mixDown([left, right = left]: Float32Array[], count: number): Buffer {
  const mixed = new Float32Array(count);
  for (let i = 0; i < count; i++) mixed[i] = ((left?.[i] ?? 0) + (right?.[i] ?? 0)) / 2;
  return Buffer.from(mixed.buffer);
}
