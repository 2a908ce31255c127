/**
 * A WAV file as a source of the call's audio: its bytes are held once, and converted as they are asked for, so that a
 * long prompt costs neither memory nor time before it is played.
 */

import { Converter } from './converter';
import { CALL_RATE } from './format';
import { readWavInfo, type WavInfo } from './wav-header';

/** Audio for the call that is taken bit by bit: PCM s16le, mono, 24 kHz. */
export interface PcmFile {
  /** of the whole file, with fractions */
  readonly durationMs: number;
  /** bytes still to come, exact */
  readonly bytesLeft: number;
  /** nothing is left */
  readonly done: boolean;
  /** Takes the next `bytes`, fewer only where fewer are left. The answer is not changed afterwards. */
  pull(bytes: number): Buffer;
  /** Ends it here: nothing is left, and memory outside of JavaScript's is freed. Needless once `done`. */
  close(): void;
}

/**
 * Opens a WAV file of any kind that can be played. Needs `audioReady()` before the first `pull`, unless it is at 24 kHz.
 *
 * @param data the whole file; held until `done`, so not to be changed
 * @throws {WavixError} `WAVIX_AUDIO` if it can't be played, at once
 */
export function openWav(data: Buffer): PcmFile {
  return new WavFile(data, readWavInfo(data));
}

/**
 * Decodes a whole WAV file. For long ones `openWav` is kinder to the event loop: a minute takes 20 to 100 ms.
 *
 * @returns PCM s16le, mono, 24 kHz
 * @throws {WavixError} `WAVIX_AUDIO` if it can't be played
 */
export function decodeWav(data: Buffer): Buffer {
  const file = openWav(data);
  return file.pull(file.bytesLeft);
}

class WavFile implements PcmFile {
  readonly durationMs: number;
  bytesLeft: number;
  private readonly converter: Converter;
  private readonly frameBytes: number;
  /** of the file, for each that comes out */
  private readonly framesPerSample: number;
  private source: Buffer;
  /** Converted, but not asked for yet. */
  private ready: Buffer = Buffer.alloc(0);

  constructor(data: Buffer, info: WavInfo) {
    const { form, sampleRate, channels, dataOffset, dataBytes, frames } = info;
    this.durationMs = info.durationMs;
    this.bytesLeft = Math.ceil((frames * CALL_RATE) / sampleRate) * 2;
    this.converter = new Converter({ form, rate: sampleRate, channels }, { form: 's16', rate: CALL_RATE });
    this.frameBytes = frames > 0 ? dataBytes / frames : 1;
    this.framesPerSample = sampleRate / CALL_RATE;
    this.source = data.subarray(dataOffset, dataOffset + dataBytes);
  }

  get done(): boolean {
    return this.bytesLeft === 0;
  }

  pull(bytes: number): Buffer {
    const wanted = Math.min(Math.max(0, Math.floor(bytes)), this.bytesLeft);
    while (this.ready.length < wanted) {
      const ended = this.source.length === 0;
      const more = ended ? this.converter.flush() : this.convertNext(wanted - this.ready.length);
      this.ready = this.ready.length === 0 ? more : Buffer.concat([this.ready, more]);
      if (ended) break;
    }
    const taken = this.ready.subarray(0, wanted);
    this.ready = this.ready.subarray(wanted);
    this.bytesLeft -= wanted;
    return taken;
  }

  close(): void {
    this.bytesLeft = 0;
    this.ready = Buffer.alloc(0);
    this.source = this.ready;
    this.converter.close();
  }

  /** Converts about as much of the file as becomes `bytes`. */
  private convertNext(bytes: number): Buffer {
    const length = Math.ceil((bytes / 2) * this.framesPerSample) * this.frameBytes;
    const piece = this.source.subarray(0, length);
    this.source = this.source.subarray(length);
    return this.converter.push(piece);
  }
}
