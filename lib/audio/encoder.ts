/** Audio from the call: PCM s16le, mono, 24 kHz becomes pieces of a fixed length in another form. */

import { Converter } from './converter';
import { CALL_RATE, checkOutputFormat, SAMPLE_FORMS, type OutputFormat } from './format';
import { SAMPLE_BYTES } from './samples';
import { Slab } from './slab';

/**
 * Encodes one track of one stream. Every Buffer it gives is fresh: its bytes are never used again here. A few that follow
 * each other may be parts of one ArrayBuffer, which nothing else is in.
 *
 * Who makes it calls `flush()` at the end of the track, or `close()` when the rest is not wanted; after either it holds no
 * memory outside of JavaScript's and can be used afresh.
 */
export class Encoder {
  private readonly converter: Converter;
  private readonly pieceBytes: number;
  private readonly pieceMs: number;
  private readonly slab = new Slab();
  private piece: Buffer | undefined;
  private filled = 0;
  private pieces = 0;

  /**
   * Needs `audioReady()` unless the rate is 24 kHz.
   *
   * @throws {WavixError} `WAVIX_CONFIG` if audio can't be given in this form
   */
  constructor(format: OutputFormat) {
    checkOutputFormat(format);
    const form = SAMPLE_FORMS[format.encoding];
    this.pieceMs = format.pieceMs;
    this.pieceBytes = (format.pieceMs * format.sampleRate * SAMPLE_BYTES[form]) / 1000;
    this.converter = new Converter(
      { form: 's16', rate: CALL_RATE, channels: 1 },
      { form, rate: format.sampleRate },
    );
  }

  /**
   * How many ms of what went in lie before the first sample of the next piece to come, counted from the first push (or
   * the first since a flush). So a piece's time is known before it is pushed out: the time of the first input plus this.
   */
  get position(): number {
    return this.pieces * this.pieceMs;
  }

  /**
   * @param pcm s16le, mono, 24 kHz, of any length
   * @param mayKeep nobody else has these bytes: where they are a piece already they are given on, not copied
   * @returns the pieces that are whole now, each `pieceMs` long
   */
  push(pcm: Buffer, mayKeep = false): Buffer[] {
    const bytes = this.converter.push(pcm);
    if (mayKeep && bytes === pcm && this.filled === 0 && bytes.length === this.pieceBytes) {
      this.pieces++;
      return [bytes];
    }
    return this.cut(bytes);
  }

  /** What is left: at most one whole piece and a shorter one. Starts afresh. */
  flush(): Buffer[] {
    const pieces = this.cut(this.converter.flush());
    if (this.piece && this.filled > 0) pieces.push(this.piece.subarray(0, this.filled));
    this.reset();
    return pieces;
  }

  /** Drops what has not come out yet. Starts afresh. */
  close(): void {
    this.converter.close();
    this.reset();
  }

  private cut(bytes: Buffer): Buffer[] {
    const whole: Buffer[] = [];
    for (let at = 0; at < bytes.length;) {
      this.piece ??= this.slab.take(this.pieceBytes);
      const copied = bytes.copy(this.piece, this.filled, at);
      at += copied;
      this.filled += copied;
      if (this.filled < this.pieceBytes) continue;
      whole.push(this.piece);
      this.piece = undefined;
      this.filled = 0;
      this.pieces++;
    }
    return whole;
  }

  private reset(): void {
    this.piece = undefined;
    this.filled = 0;
    this.pieces = 0;
  }
}
