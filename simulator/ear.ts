/** What one side of a call hears: several sources of audio, each on its own timeline, mixed as a phone would. */

import { Timeline } from './timeline';

export class Ear {
  #sources: Timeline[] = [];

  addSource(): Timeline {
    const source = new Timeline();
    this.#sources.push(source);
    return source;
  }

  /** PCM s16le between two samples. Not to be written to. */
  read(from: number, to: number): Buffer {
    const audible = this.#sources.flatMap((source) => source.readIfAny(from, to) ?? []);
    const [first, ...others] = audible;
    if (!first) return new Timeline().read(from, to);
    if (others.length === 0) return first;
    const mixed = Buffer.from(first);
    for (const other of others) {
      for (let at = 0; at < mixed.length; at += 2) {
        const sum = mixed.readInt16LE(at) + other.readInt16LE(at);
        mixed.writeInt16LE(Math.max(-32_768, Math.min(32_767, sum)), at);
      }
    }
    return mixed;
  }

  forget(before: number): void {
    for (const source of this.#sources) source.forget(before);
  }
}
