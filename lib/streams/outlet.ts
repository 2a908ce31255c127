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
import { textHeaderBytes, writeTextHeader } from './websocket-frame';

const AFTER_AUDIO = Buffer.from('"}}');

/** What leaves in the turn in which it is made is made here, by one outlet after the other. */
const PAGE_BYTES = 64 * 1024;
let page = Buffer.allocUnsafeSlow(PAGE_BYTES);

/** Writes the messages of one two-way stream. */
export class Outlet {
  private static onPageLast: Outlet | undefined;

  private readonly id: string;
  private readonly beforeAudio: Buffer;
  /** Something has left since Wavix spoke last: what comes now may be one of many. */
  private hasWritten = false;
  private isHeld = false;
  /** bytes at the beginning of the page that wait for the release */
  private onPage = 0;
  /** The socket gives what it is given to the network at once, so that the page can be used again. */
  private takesAtOnce = false;
  /** To be written together, in a later turn. */
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
    return this.socket.writableLength + this.waitingBytes + this.onPage;
  }

  /** @param pcm PCM s16le, mono, 24 kHz */
  media(pcm: Buffer): void {
    if (!this.isOpen) return;
    const { beforeAudio } = this;
    const audio = pcm.toString('base64');
    const length = beforeAudio.length + audio.length + AFTER_AUDIO.length;
    const bytes = textHeaderBytes(length) + length;
    const memory = this.room(bytes);
    let at = writeTextHeader(memory, this.onPage, length);
    memory.set(beforeAudio, at);
    at += beforeAudio.length;
    memory.write(audio, at, 'latin1');
    memory.set(AFTER_AUDIO, at + audio.length);
    this.made(memory, bytes);
  }

  mark(name: string): void {
    this.put(`{"event":"mark","stream_id":${this.id},"mark":{"name":${JSON.stringify(name)}}}`);
  }

  clear(): void {
    this.put(`{"event":"clear","stream_id":${this.id}}`);
    this.flush();
  }

  /** Several messages may follow: they leave together at the `release`, which is to come in the same turn. */
  hold(): void {
    this.isHeld = true;
  }

  release(): void {
    this.isHeld = false;
    if (this.onPage > 0 || this.waiting.length > 0) this.leave();
  }

  /** Wavix has sent a message: an answer to it should leave at once. */
  heard(): void {
    this.hasWritten = false;
  }

  /** Writes what waits; to be called before anybody else writes into the socket. */
  flush(): void {
    if (this.flushing) clearImmediate(this.flushing);
    this.flushing = undefined;
    this.hasWritten = false;
    if (this.waiting.length === 0) {
      this.writePage();
      return;
    }
    this.keep();
    const { waiting } = this;
    this.waiting = [];
    this.waitingBytes = 0;
    if (this.isOpen) this.socket.write(waiting.length === 1 ? waiting[0] : Buffer.concat(waiting));
  }

  private put(text: string): void {
    if (!this.isOpen) return;
    const length = Buffer.byteLength(text);
    const bytes = textHeaderBytes(length) + length;
    const memory = this.room(bytes);
    memory.write(text, writeTextHeader(memory, this.onPage, length));
    this.made(memory, bytes);
  }

  /** Who has used the page before takes along what is still there. */
  private static lendPage(to: Outlet): void {
    if (Outlet.onPageLast === to) return;
    Outlet.onPageLast?.keep();
    Outlet.onPageLast = to;
  }

  /** Memory for the next message, which begins at `onPage`. */
  private room(bytes: number): Buffer {
    Outlet.lendPage(this);
    if (this.onPage + bytes > PAGE_BYTES) this.keep();
    return bytes > PAGE_BYTES ? Buffer.allocUnsafeSlow(bytes) : page;
  }

  /** The next message stands in `memory`. */
  private made(memory: Buffer, bytes: number): void {
    if (memory === page) this.onPage += bytes;
    else this.wait(memory);
    if (!this.isHeld) this.leave();
  }

  private leave(): void {
    if (this.hasWritten) {
      this.keep();
      this.flushing ??= setImmediate(() => this.flush());
      return;
    }
    this.flush();
    this.hasWritten = true;
  }

  /** Lets go of the page: what is on it waits elsewhere. */
  private keep(): void {
    if (this.onPage > 0) this.wait(Buffer.from(page.subarray(0, this.onPage)));
    this.onPage = 0;
  }

  private wait(bytes: Buffer): void {
    this.waiting.push(bytes);
    this.waitingBytes += bytes.length;
  }

  private writePage(): void {
    if (this.onPage === 0) return;
    const bytes = page.subarray(0, this.onPage);
    this.onPage = 0;
    if (!this.isOpen) return;
    const { socket, takesAtOnce } = this;
    socket.write(takesAtOnce ? bytes : Buffer.from(bytes));
    this.takesAtOnce = socket.writableLength === 0;
    // It has kept the page until the network takes more.
    if (takesAtOnce && !this.takesAtOnce) page = Buffer.allocUnsafeSlow(PAGE_BYTES);
  }

  private get isOpen(): boolean {
    return this.webSocket.readyState === this.webSocket.OPEN && this.socket.writable;
  }
}
