/** Headers of WebSocket frames (RFC 6455, 5.2), for what is read and written without the `ws` library. */

const FINAL = 0x80;
const OPCODE = 0x0f;
const TEXT = 0x1;
/** Opcodes from here on are no part of a message: close, ping, pong. */
const FIRST_CONTROL = 0x8;

/** First byte of a text message that is whole. */
export const FINAL_TEXT = FINAL | TEXT;

/** Bit of the second byte: the payload is masked, as from a client; the mask ends the header. */
export const MASKED = 0x80;
const LENGTH = 0x7f;
/** The second byte holds lengths up to 125; or one of these, which say that the next two or eight bytes hold it. */
const SHORT_LENGTH = 125;
export const LENGTH_IN_2 = 126;
const LENGTH_IN_8 = 127;
const LONGEST_IN_2 = 0xffff;

const MASK_BYTES = 4;
export const LONGEST_HEADER_BYTES = 2 + 8 + MASK_BYTES;

/** How many bytes the header has that begins like this; undefined while that can't be known. */
export function headerBytes([, second]: Buffer): number | undefined {
  if (second === undefined) return undefined;
  const length = second & LENGTH;
  const lengthBytes = length === LENGTH_IN_8 ? 8 : length === LENGTH_IN_2 ? 2 : 0;
  return 2 + lengthBytes + ((second & MASKED) === 0 ? 0 : MASK_BYTES);
}

/** How many bytes follow a whole header. */
export function payloadBytes(header: Buffer): number {
  const length = (header[1] as number) & LENGTH;
  if (length === LENGTH_IN_8) return Number(header.readBigUInt64BE(2));
  return length === LENGTH_IN_2 ? header.readUInt16BE(2) : length;
}

export function isControl([first = 0]: Buffer): boolean {
  return (first & OPCODE) >= FIRST_CONTROL;
}

/** Whether a frame is the last one of its message. */
export function endsMessage([first = 0]: Buffer): boolean {
  return (first & FINAL) !== 0;
}

/** How many bytes the header of a text message has that is whole and not masked, as from a server. */
export function textHeaderBytes(length: number): number {
  return length <= SHORT_LENGTH ? 2 : length <= LONGEST_IN_2 ? 4 : 10;
}

/** Writes that header. @returns where the message itself begins */
export function writeTextHeader(memory: Buffer, at: number, length: number): number {
  memory[at] = FINAL_TEXT;
  if (length <= SHORT_LENGTH) {
    memory[at + 1] = length;
    return at + 2;
  }
  if (length <= LONGEST_IN_2) {
    memory[at + 1] = LENGTH_IN_2;
    memory[at + 2] = length >>> 8;
    memory[at + 3] = length & 0xff;
    return at + 4;
  }
  memory[at + 1] = LENGTH_IN_8;
  memory.writeBigUInt64BE(BigInt(length), at + 2);
  return at + 10;
}
