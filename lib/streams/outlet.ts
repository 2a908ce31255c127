/**
 * The way of our messages to Wavix. Each is written as one WebSocket frame (RFC 6455, 5.2) into the socket below the `ws`
 * library, header and text in one piece: `ws` copies the text once more and writes two pieces, which made the way out
 * cost half as much again (bench/). All else of the protocol stays with `ws`; both write whole frames only, so they
 * can't mix.
 *
 * What is due at once, as at the beginning of a prompt, leaves in one write. So does, a turn of the event loop later, what
 * follows before Wavix has sent anything more, as in a flood.
 */
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';

/** FIN, and the opcode of a text message. */
const FINAL_TEXT = 0x81;
/** Lengths up to here stand in the header's second byte; longer ones in two bytes or eight behind it. */
const SHORT_LENGTH = 125;
const LENGTH_IN_2 = 126;
const LENGTH_IN_8 = 127;
const LONGEST_IN_2 = 0xffff;

const AFTER_AUDIO = Buffer.from('"}}');

/** Writes the messages of one two-way stream. */
export class Outlet {
  private readonly id: string;
  private readonly beforeAudio: Buffer;
  /** Something has left since Wavix spoke last: what comes now may be one of many. */
  private hasWritten = false;
  private isHeld = false;
  /** To be written together. */
  private waiting: Buffer[] = [];
  private waitingBytes = 0;
  private flushing: NodeJS.Immediate | undefined;

  /** @param socket the one under `webSocket` */
  constructor(
    private readonly webSocket: WebSocket,
    private readonly socket: Duplex,
    streamId: string,
  ) {
    this.id = JSON.stringify(streamId);
    // The parts around the audio are the same every time, so they are made once.
    this.beforeAudio = Buffer.from(`{"event":"media","stream_id":${this.id},"media":{"payload":"`);
  }

  /** bytes that the network has not taken yet */
  get backlog(): number {
    return this.socket.writableLength + this.waitingBytes;
  }

  /** @param pcm PCM s16le, mono, 24 kHz */
  media(pcm: Buffer): void {
    const { beforeAudio } = this;
    const audio = pcm.toString('base64');
    const frame = emptyFrame(beforeAudio.length + audio.length + AFTER_AUDIO.length);
    const afterAudio = frame.length - AFTER_AUDIO.length;
    frame.set(beforeAudio, afterAudio - audio.length - beforeAudio.length);
    frame.write(audio, afterAudio - audio.length, 'latin1');
    frame.set(AFTER_AUDIO, afterAudio);
    this.send(frame);
  }

  mark(name: string): void {
    this.send(frameOf(`{"event":"mark","stream_id":${this.id},"mark":{"name":${JSON.stringify(name)}}}`));
  }

  clear(): void {
    this.send(frameOf(`{"event":"clear","stream_id":${this.id}}`));
    this.flush();
  }

  /** Several messages may follow: they leave together at the `release`. */
  hold(): void {
    this.isHeld = true;
  }

  release(): void {
    this.isHeld = false;
    if (this.waiting.length > 0) this.leave();
  }

  /** Wavix has sent a message: an answer to it should leave at once. */
  heard(): void {
    this.hasWritten = false;
  }

  /** Writes what waits; to be called before anybody else writes into the socket. */
  flush(): void {
    clearImmediate(this.flushing);
    this.flushing = undefined;
    this.hasWritten = false;
    const { waiting } = this;
    if (waiting.length === 0) return;
    this.waiting = [];
    this.waitingBytes = 0;
    if (this.isOpen) this.socket.write(waiting.length === 1 ? waiting[0] : Buffer.concat(waiting));
  }

  private send(frame: Buffer): void {
    if (!this.isOpen) return;
    if (!this.isHeld && !this.hasWritten && this.waiting.length === 0) {
      this.hasWritten = true;
      this.socket.write(frame);
      return;
    }
    this.waiting.push(frame);
    this.waitingBytes += frame.length;
    if (!this.isHeld) this.leave();
  }

  private leave(): void {
    if (this.hasWritten) {
      this.flushing ??= setImmediate(() => this.flush());
      return;
    }
    this.flush();
    this.hasWritten = true;
  }

  private get isOpen(): boolean {
    return this.webSocket.readyState === this.webSocket.OPEN && this.socket.writable;
  }
}

function frameOf(text: string): Buffer {
  const length = Buffer.byteLength(text);
  const frame = emptyFrame(length);
  frame.write(text, frame.length - length);
  return frame;
}

/** A text message of a server, not masked and not cut: its header, and room for `length` bytes behind it. */
function emptyFrame(length: number): Buffer {
  if (length <= SHORT_LENGTH) {
    const frame = Buffer.allocUnsafe(2 + length);
    frame[1] = length;
    frame[0] = FINAL_TEXT;
    return frame;
  }
  if (length <= LONGEST_IN_2) {
    const frame = Buffer.allocUnsafe(4 + length);
    frame[0] = FINAL_TEXT;
    frame[1] = LENGTH_IN_2;
    frame[2] = length >>> 8;
    frame[3] = length & 0xff;
    return frame;
  }
  const frame = Buffer.allocUnsafe(10 + length);
  frame[0] = FINAL_TEXT;
  frame[1] = LENGTH_IN_8;
  frame.writeBigUInt64BE(BigInt(length), 2);
  return frame;
}
