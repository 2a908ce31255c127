/** One call of the load, as Wavix makes it: a WebSocket to the server under test, audio out, and what comes back. */
import { randomBytes } from 'node:crypto';
import http from 'node:http';
import type { Socket } from 'node:net';
import { clientFrame, isPayload, payload, ServerFrames } from './frames';

const PAYLOAD = Buffer.from('"payload":"');
const MEDIA = Buffer.from('"media"');

export interface Callers {
  /** A frame came back whole; `ms`: how long it took, if it was sent by `send`. */
  echoed(caller: Caller, ms: number): void;
  /** Any other message of the server's, as text; audio that was not sent among it. */
  told(caller: Caller, text: string): void;
}

export class Caller {
  readonly call_id: string;
  readonly stream_id: string;
  sent = 0;
  received = 0;
  /** frames that came back changed, or not in order */
  wrong = 0;
  /** The connection ended before we ended it. */
  lost = false;

  private socket: Socket | undefined;
  private readonly frames = new ServerFrames();
  private readonly sentAt: number[] = [];
  private sequence = 0;

  constructor(
    readonly index: number,
    private readonly owner: Callers,
  ) {
    this.call_id = `bench-${index}-${randomBytes(4).toString('hex')}`;
    this.stream_id = `stream-${this.call_id}`;
  }

  /** Connects, and says `connected` and `start`. */
  async open(url: string): Promise<void> {
    const { hostname, port, pathname } = new URL(url);
    const key = randomBytes(16).toString('base64');
    const headers = {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Key': key,
      'Sec-WebSocket-Version': '13',
    };
    const request = http.request({ hostname, port, path: pathname, headers, timeout: 500 });
    request.on('timeout', () => request.destroy(new Error('No answer to the handshake.')));
    const socket = await new Promise<Socket>((resolve, reject) => {
      request.on('upgrade', (_response, connection, head) => {
        this.take(head);
        resolve(connection);
      });
      request.on('response', (response) => reject(new Error(`The server answered ${response.statusCode}.`)));
      request.on('error', reject);
      request.end();
    });
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.take(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => (this.lost ||= this.socket !== undefined));
    const event_time = new Date().toISOString();
    this.write({ event: 'connected', event_time });
    const { call_id, stream_id } = this;
    this.write({
      event: 'start',
      event_time,
      call_id,
      stream_id,
      stream_type: 'twoway',
      channel: 'inbound',
      sequence_number: ++this.sequence,
    });
  }

  /** Sends the next frame. */
  send(): void {
    this.sentAt.push(performance.now());
    this.socket?.write(clientFrame(this.media(payload(this.index, this.sent++))));
  }

  /** The next `count` frames as they go on the wire, to be sent with `flood`. */
  prepare(count: number): Buffer {
    const frames = Array.from({ length: count }, () => {
      this.sentAt.push(NaN);
      return clientFrame(this.media(payload(this.index, this.sent++)));
    });
    return Buffer.concat(frames);
  }

  flood(frames: Buffer): void {
    this.socket?.write(frames);
  }

  /** Sends audio that is not the load's own: a word to the flow. */
  say(bytes: Buffer): void {
    this.socket?.write(clientFrame(this.media(bytes.toString('base64'))));
  }

  /** Ends the stream as Wavix does, and waits until the connection is closed. */
  async close(): Promise<void> {
    const { socket, call_id, stream_id } = this;
    this.socket = undefined;
    if (!socket || socket.destroyed) return;
    const closed = new Promise((resolve) => socket.once('close', resolve));
    const stop = { event: 'stop', call_id, stream_id, sequence_number: ++this.sequence };
    socket.write(clientFrame(JSON.stringify(stop)));
    socket.end(clientFrame('\x03\xe8', 8));
    setTimeout(() => socket.destroy(), 1_000).unref();
    await closed;
  }

  private media(audio: string): string {
    const { call_id, stream_id } = this;
    const number = ++this.sequence;
    return JSON.stringify({
      event: 'media',
      event_time: '2026-11-22T12:00:00.000Z',
      call_id,
      stream_id,
      sequence_number: number,
      media: { payload: audio, track: 'inbound', timestamp: (number - 2) * 20, chunk: number - 1 },
    });
  }

  private write(message: object): void {
    this.socket?.write(clientFrame(JSON.stringify(message)));
  }

  private take(chunk: Buffer): void {
    this.frames.push(chunk, (opcode, bytes, from, to) => {
      if (opcode !== 1) return;
      const at = bytes.indexOf(PAYLOAD, from);
      const isAudio = at >= 0 && at < to && bytes.indexOf(MEDIA, from) < to;
      if (!isAudio || this.received >= this.sent) {
        this.owner.told(this, bytes.toString('latin1', from, to));
        return;
      }
      const start = at + PAYLOAD.length;
      const number = this.received++;
      if (!isPayload(bytes, start, bytes.indexOf(0x22, start), this.index, number)) this.wrong++;
      this.owner.echoed(this, performance.now() - (this.sentAt[number] as number));
    });
  }
}
