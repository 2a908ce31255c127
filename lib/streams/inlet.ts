/**
 * The way of Wavix's messages to us. Its audio comes in one kind of WebSocket frame (RFC 6455, 5.2): a text message of some
 * kilobytes, masked and whole, and nearly always whole in what the connection brings at once. Such frames are read here,
 * from the connection's bytes; everything else goes on to the `ws` library as it came, and so all else of the protocol
 * stays with `ws`.
 *
 * What `ws` does for a frame - a stream's write, a state machine, unmasking byte by byte, two events - took 4 µs
 * more at 200 calls than this does (bench/RESULTS.md).
 */
import { endianness } from 'node:os';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import {
  endsMessage,
  FINAL_TEXT,
  headerBytes,
  isControl,
  LENGTH_IN_2,
  LONGEST_HEADER_BYTES,
  MASKED,
  payloadBytes,
} from './websocket-frame';

/** Second byte of a frame from a client whose length stands in the next two bytes: masked, and 126. */
const MASKED_LENGTH_IN_2 = MASKED | LENGTH_IN_2;
/** Its header: two bytes, the length, the mask. */
const HEADER_BYTES = 8;
const MASK_AT = 4;

/** A message while it is read, unmasked a word at a time. Nobody keeps it: one is enough for all connections. */
const words = new Int32Array(0x10000 / Int32Array.BYTES_PER_ELEMENT);
const unmasked = Buffer.from(words.buffer);
const isLittleEndian = endianness() === 'LE';

/**
 * Takes a text message: the first `length` of `bytes`, good for the time of the call only.
 *
 * @returns false to leave the message to `ws`
 */
export type TakeText = (bytes: Buffer, length: number) => boolean;

type OnData = (this: Duplex, chunk: Buffer) => void;

/** Reads one connection, from its first frame on. */
export class Inlet {
  /** Who takes messages before `ws` sees them. */
  take: TakeText | undefined;

  /** Bytes still to come of the frame that `ws` has begun to read. */
  private left = 0;
  /** The beginning of a header whose rest is still to come. */
  private header: Buffer | undefined;
  /** Some of the pieces of a message have come; only control frames may be between them. */
  private isFragmented = false;

  private constructor(
    private readonly connection: Duplex,
    /** `ws`'s own listener to the connection. */
    private readonly pass: OnData,
  ) {}

  /**
   * @param webSocket just opened: nothing may have been read yet
   * @param connection what it speaks through
   * @returns undefined where `ws` does not listen to the connection as it is known to do; then it goes on alone
   */
  static of(webSocket: WebSocket, connection: Duplex): Inlet | undefined {
    const listeners = connection.listeners('data') as OnData[];
    const [pass] = listeners;
    if (!pass || listeners.length > 1) return undefined;
    const inlet = new Inlet(connection, pass);
    connection.off('data', pass).on('data', inlet.onData);
    // Here `ws` would take its listener away: after a violation of the protocol, and to read the rest at the end itself.
    const leave = () => void connection.off('data', inlet.onData);
    webSocket.once('error', leave);
    connection.prependOnceListener('close', leave);
    return inlet;
  }

  private readonly onData = (chunk: Buffer): void => {
    for (let at = 0; at < chunk.length;) {
      const end = this.readFrame(chunk, at);
      if (end > 0) {
        at = end;
        continue;
      }
      const next = this.endOfFrame(chunk, at);
      this.pass.call(this.connection, at === 0 && next === chunk.length ? chunk : chunk.subarray(at, next));
      at = next;
    }
  };

  /** Where the frame that begins at `at` ends, if it was of the usual kind, is all there, and was taken; else 0. */
  private readFrame(chunk: Buffer, at: number): number {
    if (!this.take || this.left > 0 || this.header || this.isFragmented) return 0;
    const start = at + HEADER_BYTES;
    if (start > chunk.length || chunk[at] !== FINAL_TEXT || chunk[at + 1] !== MASKED_LENGTH_IN_2) return 0;
    const end = start + (((chunk[at + 2] as number) << 8) | (chunk[at + 3] as number));
    if (end > chunk.length) return 0;
    unmask(chunk, start, end);
    return this.take(unmasked, end - start) ? end : 0;
  }

  /** Follows the frames that `ws` reads: where the one ends that begins or goes on at `at`, or the chunk. */
  private endOfFrame(chunk: Buffer, at: number): number {
    let from = at;
    if (this.left === 0) {
      const known = this.header?.length ?? 0;
      const piece = chunk.subarray(at, at + LONGEST_HEADER_BYTES - known);
      const header = this.header ? Buffer.concat([this.header, piece]) : piece;
      const length = headerBytes(header);
      if (length === undefined || header.length < length) {
        this.header = Buffer.from(header);
        return chunk.length;
      }
      this.header = undefined;
      this.left = payloadBytes(header);
      from += length - known;
      if (!isControl(header)) this.isFragmented = !endsMessage(header);
    }
    const end = Math.min(chunk.length, from + this.left);
    this.left -= end - from;
    return end;
  }
}

/** Brings the payload of a frame, before which its mask stands, to `unmasked`. */
function unmask(chunk: Buffer, start: number, end: number): void {
  const maskAt = start - HEADER_BYTES + MASK_AT;
  const mask = isLittleEndian ? chunk.readInt32LE(maskAt) : chunk.readInt32BE(maskAt);
  chunk.copy(unmasked, 0, start, end);
  const count = Math.ceil((end - start) / Int32Array.BYTES_PER_ELEMENT);
  for (let index = 0; index < count; index++) words[index] = (words[index] as number) ^ mask;
}
