/** Where a playout takes its audio from: bytes at hand, or a file that is decoded as it is played. */

export interface PcmSource {
  /** bytes of PCM s16le, mono, 24 kHz still to come; exact, so that frames can be cut before they are taken */
  readonly bytesLeft: number;
  /** Takes the next `bytes` (fewer only where fewer are left). The answer is not changed afterwards. */
  pull(bytes: number): Buffer;
  /** What is left is not wanted: frees what it holds. */
  close?(): void;
}

/** PCM that is at hand; its bytes are held, not copied. */
export class PcmBytes implements PcmSource {
  private at = 0;

  constructor(private readonly pcm: Buffer) {}

  get bytesLeft(): number {
    return this.pcm.length - this.at;
  }

  pull(bytes: number): Buffer {
    if (this.at === 0 && bytes >= this.pcm.length) {
      this.at = this.pcm.length;
      return this.pcm; // the way of every frame that comes as one
    }
    const piece = this.pcm.subarray(this.at, this.at + bytes);
    this.at += piece.length;
    return piece;
  }
}
