/**
 * Memory for small pieces of audio, many at a time. With an ArrayBuffer of its own for each 20 ms, collecting the rubbish
 * made a call cost a third more (bench/). What is taken is never given out again: it is free when nobody holds it.
 */

/** About this many bytes are taken from the system at once. */
const SLAB_BYTES = 8 * 1024;

/** Where a piece may begin, so that its samples, of any form, can be viewed as such. */
const ALIGNMENT = Float32Array.BYTES_PER_ELEMENT;

/** Gives out fresh memory. Each call has its own, so that one never shares an ArrayBuffer with another. */
export class Slab {
  private memory = Buffer.alloc(0);
  private used = 0;

  /** @returns `bytes` of memory with anything in it */
  take(bytes: number): Buffer {
    if (this.used + bytes > this.memory.length) {
      const aligned = Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
      this.memory = Buffer.allocUnsafeSlow(aligned * Math.max(1, Math.floor(SLAB_BYTES / aligned)));
      this.used = 0;
    }
    const piece = this.memory.subarray(this.used, this.used + bytes);
    this.used += Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
    return piece;
  }
}
