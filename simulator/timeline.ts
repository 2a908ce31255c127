/**
 * Audio laid out in time: pieces at their places, silence everywhere else. Places and lengths are in samples at 24 kHz,
 * audio is PCM s16le mono.
 */

import { FRAME_BYTES } from '../lib/streams/wire';

interface Piece {
  at: number;
  /** samples; more than `pcm` holds (it then starts over), or Infinity */
  length: number;
  pcm: Buffer;
}

/** One frame of silence; a whole frame that is silent is this very Buffer. Never written to. */
export const SILENT_FRAME: Buffer = Buffer.alloc(FRAME_BYTES);

export class Timeline {
  /** in order of time, none overlapping another */
  #pieces: Piece[] = [];

  /** Lays a piece at `at`, which must not be before the end of the last one. An `endless` one starts over and over. */
  add(at: number, pcm: Buffer, endless = false): void {
    if (pcm.length === 0) return;
    this.#pieces.push({ at, pcm, length: endless ? Infinity : pcm.length / 2 });
  }

  /** Takes away all from `at` on. */
  cut(at: number): void {
    while (this.#pieces.length > 0) {
      const last = this.#pieces[this.#pieces.length - 1];
      if (!last || last.at < at) break;
      this.#pieces.pop();
    }
    const last = this.#pieces.at(-1);
    if (last) last.length = Math.min(last.length, at - last.at);
  }

  /** Takes away the pieces that end before `before`, to give their memory back. */
  forget(before: number): void {
    const first = this.#pieces.findIndex(({ at, length }) => at + length > before);
    this.#pieces.splice(0, first === -1 ? this.#pieces.length : first);
  }

  /** The audio between two places. Not to be written to: it may be the very memory that was laid down. */
  read(from: number, to: number): Buffer {
    return this.readIfAny(from, to) ?? silent(to - from);
  }

  /** The same; undefined if there is nothing but silence between the two. */
  readIfAny(from: number, to: number): Buffer | undefined {
    let index = this.#firstEndingAfter(from);
    let piece = this.#pieces[index];
    if (!piece || piece.at >= to) return undefined;
    const whole = piece.at <= from && piece.at + piece.length >= to;
    if (whole && to - piece.at <= piece.pcm.length / 2) {
      return piece.pcm.subarray((from - piece.at) * 2, (to - piece.at) * 2);
    }
    const result = Buffer.alloc((to - from) * 2);
    for (; piece && piece.at < to; piece = this.#pieces[++index]) {
      const end = Math.min(to, piece.at + piece.length);
      const samples = piece.pcm.length / 2;
      for (let at = Math.max(from, piece.at); at < end;) {
        const start = (at - piece.at) % samples;
        const count = Math.min(samples - start, end - at);
        piece.pcm.copy(result, (at - from) * 2, start * 2, (start + count) * 2);
        at += count;
      }
    }
    return result;
  }

  #firstEndingAfter(place: number): number {
    let low = 0;
    let high = this.#pieces.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const piece = this.#pieces[middle];
      if (piece && piece.at + piece.length <= place) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function silent(samples: number): Buffer {
  return samples * 2 === FRAME_BYTES ? SILENT_FRAME : Buffer.alloc(Math.max(0, samples * 2));
}
