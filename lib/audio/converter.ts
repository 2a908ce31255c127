/**
 * Turns a stream of bytes in one form into another: pieces of any size and alignment go in, what is ready comes out, and
 * nothing is lost or doubled where two pieces meet. Everything that decodes or encodes raw samples is made of this.
 */

import { BLOCK, Resampler } from './resampler';
import {
  readerOf,
  SAMPLE_BYTES,
  writerOf,
  type OutputForm,
  type Reader,
  type SampleForm,
  type Writer,
} from './samples';

export interface FromForm {
  form: SampleForm;
  /** Hz */
  rate: number;
  channels: number;
}

/** One channel always. */
export interface ToForm {
  form: OutputForm;
  /** Hz */
  rate: number;
}

const NOTHING = Buffer.alloc(0);

export class Converter {
  /** bytes of one frame (one sample of each channel) that goes in */
  private readonly frameBytes: number;
  private readonly outBytes: number;
  private readonly straight: boolean;
  private readonly read: Reader;
  private readonly write: Writer;
  /** The start of a frame whose end has not come yet. */
  private odd = NOTHING;
  /** Made when first needed, given back at the end. */
  private resampler: Resampler | undefined;
  private readonly scratch: Float32Array | undefined;

  constructor(
    private readonly from: FromForm,
    private readonly to: ToForm,
  ) {
    this.frameBytes = SAMPLE_BYTES[from.form] * from.channels;
    this.outBytes = SAMPLE_BYTES[to.form];
    this.straight = from.form === to.form && from.channels === 1 && from.rate === to.rate;
    this.read = readerOf(from.form, from.channels);
    this.write = writerOf(to.form);
    if (from.rate === to.rate) this.scratch = new Float32Array(BLOCK);
  }

  /**
   * What has come of this piece and of what was left of earlier ones. Where nothing is to be converted this is the
   * piece itself or a part of it, not a copy.
   */
  push(piece: Buffer): Buffer {
    const bytes = this.odd.length > 0 ? Buffer.concat([this.odd, piece]) : piece;
    const whole = bytes.length - (bytes.length % this.frameBytes);
    if (this.straight && whole === bytes.length) {
      this.odd = NOTHING;
      return bytes; // nothing to do, and nothing made: the usual case on the way of every frame
    }
    this.odd = whole < bytes.length ? Buffer.from(bytes.subarray(whole)) : NOTHING;
    if (whole === 0) return NOTHING;
    return this.straight ? bytes.subarray(0, whole) : this.convert(bytes, whole / this.frameBytes);
  }

  /** Whether something of what went in can be brought out by `flush()` alone. */
  get holds(): boolean {
    return this.resampler !== undefined;
  }

  /** The last samples; half a frame that nothing followed is dropped. It can be used afresh afterwards. */
  flush(): Buffer {
    this.odd = NOTHING;
    const { resampler } = this;
    if (!resampler) return NOTHING;
    this.resampler = undefined;
    const samples = resampler.end();
    const out = Buffer.allocUnsafe(samples.length * this.outBytes);
    this.write(samples, out, 0);
    return out;
  }

  /** Drops what has not come out yet, and frees the resampler's memory. It can be used afresh afterwards. */
  close(): void {
    this.odd = NOTHING;
    this.resampler?.close();
    this.resampler = undefined;
  }

  private convert(bytes: Buffer, frames: number): Buffer {
    const { from, to, read, write, frameBytes, outBytes } = this;
    const most = Math.ceil((frames * to.rate) / from.rate) + 1;
    const out = Buffer.allocUnsafe(most * outBytes);
    let length = 0;
    for (let done = 0; done < frames; done += BLOCK) {
      const count = Math.min(BLOCK, frames - done);
      const samples = this.resample(count, (into) => read(bytes, done * frameBytes, into, count));
      write(samples, out, length);
      length += samples.length * outBytes;
    }
    return out.subarray(0, length);
  }

  /** Lets `fill` write `count` samples where they are needed, and gives those of the new rate, for the moment. */
  private resample(count: number, fill: (into: Float32Array) => void): Float32Array {
    if (this.scratch) {
      fill(this.scratch);
      return this.scratch.subarray(0, count);
    }
    this.resampler ??= new Resampler(this.from.rate, this.to.rate);
    fill(this.resampler.input());
    return this.resampler.run(count);
  }
}
