/** Audio formats: what may be played into a call, what can be had from it. Knows nothing of sockets or Node-RED. */

import { WavixError } from '../errors';
import { CALL_BYTES_PER_MS, type InputFormat, type OutputFormat } from './format';

export {
  CALL_BYTES_PER_MS,
  CALL_RATE,
  checkInputFormat,
  checkOutputFormat,
  MAX_RATE,
  MIN_RATE,
  OUTPUT_RATES,
  RAW_ENCODINGS,
  type InputFormat,
  type OutputFormat,
  type RawEncoding,
} from './format';
export { silence, tone, type ToneOptions } from './tone';
export { writeWav } from './wav-write';

export function audioReady(): Promise<void> {
  return Promise.resolve();
}

export function detectFile(data: Buffer): 'wav' | 'mp3' | undefined {
  if (data.subarray(0, 4).toString('latin1') === 'RIFF') return 'wav';
  return undefined;
}

export function decodeWav(data: Buffer): Buffer {
  const plain =
    data.length >= 44 &&
    data.readUInt16LE(20) === 1 &&
    data.readUInt16LE(22) === 1 &&
    data.readUInt32LE(24) === 24_000 &&
    data.readUInt16LE(34) === 16 &&
    data.subarray(36, 40).toString('latin1') === 'data';
  if (!plain) throw new WavixError('WAVIX_AUDIO', 'Only plain WAV files at 24 kHz can be read so far.');
  return data.subarray(44, 44 + data.readUInt32LE(40));
}

export class RawDecoder {
  #odd: Buffer = Buffer.alloc(0);
  constructor(readonly format: InputFormat) {}
  push(piece: Buffer): Buffer {
    const all = this.#odd.length > 0 ? Buffer.concat([this.#odd, piece]) : piece;
    const whole = all.length - (all.length % 2);
    this.#odd = Buffer.from(all.subarray(whole));
    return all.subarray(0, whole);
  }
  flush(): Buffer {
    this.#odd = Buffer.alloc(0);
    return Buffer.alloc(0);
  }
  close(): void {
    this.flush();
  }
}

export class Encoder {
  #rest: Buffer = Buffer.alloc(0);
  #position = 0;
  constructor(readonly format: OutputFormat) {}
  get position(): number {
    return this.#position;
  }
  push(pcm: Buffer): Buffer[] {
    let rest = Buffer.concat([this.#rest, pcm]);
    const pieces: Buffer[] = [];
    const bytes = this.format.pieceMs * CALL_BYTES_PER_MS;
    for (; rest.length >= bytes; rest = rest.subarray(bytes)) {
      pieces.push(Buffer.from(rest.subarray(0, bytes)));
      this.#position += this.format.pieceMs;
    }
    this.#rest = rest;
    return pieces;
  }
  flush(): Buffer[] {
    const last = this.#rest;
    this.#rest = Buffer.alloc(0);
    this.#position = 0;
    return last.length > 0 ? [Buffer.from(last)] : [];
  }
  close(): void {
    this.flush();
  }
}
