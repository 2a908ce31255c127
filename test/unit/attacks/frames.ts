/** WebSocket frames as they stand on the wire (RFC 6455 section 5.2), well made or not. */
import { randomBytes } from 'node:crypto';

export const TEXT = 1;
export const BINARY = 2;
export const CONTINUATION = 0;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

export interface FrameOptions {
  opcode?: number;
  /** false: more of the message follows */
  fin?: boolean;
  /** false: as a server sends, which a client must not */
  masked?: boolean;
  /** reserved bits, 0 to 7; 4 says that it is compressed */
  rsv?: number;
}

/** One frame of a client. */
export function frame(payload: Buffer | string, options: FrameOptions = {}): Buffer {
  const { opcode = TEXT, fin = true, masked = true, rsv = 0 } = options;
  const data = Buffer.from(payload as string);
  const first = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  const mask = masked ? 0x80 : 0;
  const head =
    data.length < 126
      ? Buffer.from([first, mask | data.length])
      : data.length < 65_536
        ? Buffer.from([first, mask | 126, data.length >> 8, data.length & 0xff])
        : Buffer.concat([Buffer.from([first, mask | 127, 0, 0, 0, 0]), uint32(data.length)]);
  if (!masked) return Buffer.concat([head, data]);
  const key = randomBytes(4);
  for (let at = 0; at < data.length; at++) data[at] = (data[at] as number) ^ (key[at & 3] as number);
  return Buffer.concat([head, key, data]);
}

/** One message in as many frames as there are cuts and one more; with a ping between the first two, if wanted. */
export function fragmented(data: Buffer | string, cuts: readonly number[], ping = false): Buffer {
  const bytes = Buffer.from(data as string);
  const opcode = typeof data === 'string' ? TEXT : BINARY;
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  const parts = ends.map((end, at) => bytes.subarray(ends[at - 1] ?? 0, end));
  const frames = parts.flatMap((part, at) => {
    const fin = at === parts.length - 1;
    const piece = frame(part, { opcode: at === 0 ? opcode : CONTINUATION, fin });
    return ping && at === 1 ? [frame('p', { opcode: PING }), piece] : [piece];
  });
  return Buffer.concat(frames);
}

/** Close codes of the frames a server sent; a close frame of ours has two bytes of code and no reason. */
export function closeCode(received: string): number | undefined {
  const bytes = Buffer.from(received, 'latin1');
  for (let at = bytes.indexOf('\r\n\r\n') + 4; at + 2 <= bytes.length;) {
    const length = bytes[at + 1] as number;
    const opcode = (bytes[at] as number) & 15;
    if (opcode === CLOSE) return length < 2 ? 1005 : bytes.readUInt16BE(at + 2);
    at += 2 + (length < 126 ? length : 2 + bytes.readUInt16BE(at + 2));
  }
  return undefined;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
