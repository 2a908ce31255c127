/**
 * The way of our messages to Wavix. Each is written as one WebSocket frame (RFC 6455, 5.2) into the socket below the `ws`
 * library, header and text in one piece: `ws` copies the text once more and writes two pieces, which made the way out
 * cost half as much again (bench/). All else of the protocol stays with `ws`; both write whole frames only, so they
 * can't mix.
 *
 * The first message in a turn of the event loop leaves at once. More of them, as at the beginning of a prompt or in a
 * flood, leave together when the turn is over.
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

const AFTER_AUDIO = '"}}';

/** Those that have written in this turn of the event loop. */
const turn: Outlet[] = [];

/** Writes the messages of one two-way stream. */
export class Outlet {
  private readonly id: string;
  private readonly beforeAudio: Buffer;
  private hasWritten = false;
  /** To be written when the turn is over. */
  private waiting: Buffer[] = [];
  private waitingBytes = 0;

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
    frame.write(AFTER_AUDIO, frame.length - AFTER_AUDIO.length, 'latin1');
    const at = frame.length - AFTER_AUDIO.length - audio.length;
    frame.write(audio, at, 'latin1');
    beforeAudio.copy(frame, at - beforeAudio.length);
    this.send(frame);
  }

  mark(name: string): void {
    this.send(frameOf(`{"event":"mark","stream_id":${this.id},"mark":{"name":${JSON.stringify(name)}}}`));
  }

  clear(): void {
    this.send(frameOf(`{"event":"clear","stream_id":${this.id}}`));
    this.flush();
  }

  /** Writes what waits; to be called before anybody else writes into the socket. */
  flush(): void {
    const { waiting } = this;
    if (waiting.length === 0) return;
    this.waiting = [];
    this.waitingBytes = 0;
    if (this.isOpen) this.socket.write(waiting.length === 1 ? waiting[0] : Buffer.concat(waiting));
  }

  /** The turn is over: the next message leaves at once. */
  endTurn(): void {
    this.hasWritten = false;
    this.flush();
  }

  private send(frame: Buffer): void {
    if (!this.isOpen) return;
    if (this.hasWritten) {
      this.waiting.push(frame);
      this.waitingBytes += frame.length;
      return;
    }
    this.hasWritten = true;
    if (turn.push(this) === 1) setImmediate(endTurn);
    this.socket.write(frame);
  }

  private get isOpen(): boolean {
    return this.webSocket.readyState === this.webSocket.OPEN && this.socket.writable;
  }
}

function endTurn(): void {
  for (const outlet of turn.splice(0)) outlet.endTurn();
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
    frame.writeUInt16BE(length, 2);
    return frame;
  }
  const frame = Buffer.allocUnsafe(10 + length);
  frame[0] = FINAL_TEXT;
  frame[1] = LENGTH_IN_8;
  frame.writeBigUInt64BE(BigInt(length), 2);
  return frame;
}
