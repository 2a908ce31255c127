/**
 * The audio of the measured calls, and the WebSocket frames (RFC 6455) that carry it: made so that every echoed byte can be
 * checked at little cost, because the load must not be what is measured.
 */
import { randomBytes } from 'node:crypto';

/** One message of audio: 20 ms of PCM s16le, mono, 24 kHz. */
export const FRAME_MS = 20;
export const FRAME_BYTES = 960;
/** Its first bytes tell its number, the rest is noise. */
const NUMBER_BYTES = 12;
const NUMBER_CHARACTERS = (NUMBER_BYTES / 3) * 4;
const POOL = 64;

const noise = Array.from({ length: POOL }, () => randomBytes(FRAME_BYTES - NUMBER_BYTES).toString('base64'));
const noiseBytes = noise.map((text) => Buffer.from(text, 'latin1'));

/** base64 of frame `number` of call `call`. */
export function payload(call: number, number: number): string {
  return (
    Buffer.from(String(number).padStart(NUMBER_BYTES, '0')).toString('base64') +
    (noise[poolIndex(call, number)] as string)
  );
}

/** Whether these bytes, base64 as it stands on the wire, are frame `number` of call `call`, whole and unchanged. */
export function isPayload(bytes: Buffer, from: number, to: number, call: number, number: number): boolean {
  const expected = noiseBytes[poolIndex(call, number)] as Buffer;
  if (to - from !== NUMBER_CHARACTERS + expected.length) return false;
  const said = Buffer.from(bytes.toString('latin1', from, from + NUMBER_CHARACTERS), 'base64');
  if (Number(said.toString('latin1')) !== number) return false;
  return expected.compare(bytes, from + NUMBER_CHARACTERS, to) === 0;
}

function poolIndex(call: number, number: number): number {
  return (call * 7 + number) % POOL;
}

/** A text message of a client, of ASCII alone: masked, as a client's must be. The mask is not zero, which servers could skip. */
export function clientFrame(text: string, opcode = 1): Buffer {
  const { length } = text;
  const header = length < 126 ? 6 : 8;
  const frame = Buffer.allocUnsafe(header + length);
  frame[0] = 0x80 | opcode;
  if (length < 126) frame[1] = 0x80 | length;
  else {
    frame[1] = 0x80 | 126;
    frame.writeUInt16BE(length, 2);
  }
  const mask = [0x5a, 0xc3, 0x17, 0x99] as const;
  frame.set(mask, header - 4);
  frame.write(text, header, 'latin1');
  for (let at = 0; at < length; at++)
    frame[header + at] = (frame[header + at] as number) ^ (mask[at & 3] as number);
  return frame;
}

/** Cuts what a server sends into messages. `take` is given the bytes of each, which it must not keep. */
export class ServerFrames {
  private rest: Buffer = Buffer.alloc(0);

  push(chunk: Buffer, take: (opcode: number, bytes: Buffer, from: number, to: number) => void): void {
    const bytes = this.rest.length > 0 ? Buffer.concat([this.rest, chunk]) : chunk;
    let at = 0;
    for (;;) {
      if (bytes.length - at < 2) break;
      let length = (bytes[at + 1] as number) & 0x7f;
      let header = 2;
      if (length === 126) {
        if (bytes.length - at < 4) break;
        length = bytes.readUInt16BE(at + 2);
        header = 4;
      } else if (length === 127) throw new Error('A message of more than 64 KB came back.');
      const end = at + header + length;
      if (end > bytes.length) break;
      take((bytes[at] as number) & 0x0f, bytes, at + header, end);
      at = end;
    }
    this.rest = bytes.subarray(at);
  }
}
