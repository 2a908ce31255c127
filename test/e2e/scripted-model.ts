/**
 * A realtime model's server as the test wants it: it says what it is told to say, and keeps in order what it was sent.
 * It speaks the events of the Realtime API that the example uses, and no more.
 */
import { EventEmitter, once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';

/** An event of either side. */
export interface ModelEvent {
  type: string;
  [property: string]: unknown;
}

/** A piece of the model's voice as its service sends it: much faster than it is spoken. */
const DELTA_BYTES = 9_600;

export class ScriptedModel {
  /** All that was sent to it but the audio, in order, of all connections. */
  readonly received: ModelEvent[] = [];
  /** `Authorization` of each connection, in order. */
  readonly keys: (string | undefined)[] = [];
  private socket: WebSocket | undefined;
  private heard: Buffer[] = [];
  private read = 0;
  private readonly arrived = new EventEmitter();

  private constructor(private readonly server: WebSocketServer) {
    server.on('connection', (socket, request) => {
      this.socket = socket;
      this.keys.push(request.headers.authorization);
      socket.on('message', (data: Buffer) => this.take(JSON.parse(data.toString()) as ModelEvent));
      this.send({ type: 'session.created', session: {} });
    });
  }

  static async listen(): Promise<ScriptedModel> {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await once(server, 'listening');
    return new ScriptedModel(server);
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.server.address() as AddressInfo).port}/v1/realtime?model=scripted`;
  }

  /** The audio it was sent since it was last asked: PCM s16le, mono, 24 kHz. */
  takeAudio(): Buffer {
    return Buffer.concat(this.heard.splice(0));
  }

  /** The next event but audio; it has to be of that type. */
  async next(type: string, ms = 20_000): Promise<ModelEvent> {
    const signal = AbortSignal.timeout(ms);
    while (this.read === this.received.length) {
      await once(this.arrived, 'event', { signal }).catch(() => {
        throw new Error(`the model was sent no '${type}' in ${ms} ms, but ${this.summary()}`);
      });
    }
    const event = this.received[this.read++]!;
    if (event.type !== type) throw new Error(`the model was to be sent '${type}', but got ${this.summary()}`);
    return event;
  }

  /** How many events it was sent that no `next` has given yet. */
  get unread(): number {
    return this.received.length - this.read;
  }

  send(...events: ModelEvent[]): void {
    for (const event of events) this.socket?.send(JSON.stringify(event));
  }

  /** Begins an answer with one item, and says its words at once, as services do. */
  answer(id: string, pcm: Buffer): void {
    this.send(
      { type: 'response.created', response: { id: `response ${id}` } },
      { type: 'conversation.item.added', item: { id: `item ${id}`, type: 'message', role: 'assistant' } },
    );
    this.say(id, pcm);
  }

  /** More words of an answer. */
  say(id: string, pcm: Buffer): void {
    for (let at = 0; at < pcm.length; at += DELTA_BYTES) {
      const delta = pcm.subarray(at, at + DELTA_BYTES).toString('base64');
      const ids = { response_id: `response ${id}`, item_id: `item ${id}`, output_index: 0, content_index: 0 };
      this.send({ type: 'response.output_audio.delta', ...ids, delta });
    }
  }

  /** The answer is complete, or was cut off. */
  done(id: string, status: 'completed' | 'cancelled' = 'completed'): void {
    this.send(
      { type: 'response.output_audio.done', response_id: `response ${id}`, item_id: `item ${id}` },
      { type: 'response.done', response: { id: `response ${id}`, status } },
    );
  }

  /** Drops the connection, as a service does when a session is over. */
  drop(): void {
    this.socket?.terminate();
  }

  async close(): Promise<void> {
    for (const client of this.server.clients) client.terminate();
    this.server.close();
    await once(this.server, 'close');
  }

  private take(event: ModelEvent): void {
    if (event.type === 'input_audio_buffer.append') {
      this.heard.push(Buffer.from(event.audio as string, 'base64'));
      return;
    }
    this.received.push(event);
    this.arrived.emit('event');
  }

  private summary(): string {
    return this.received.map(({ type }) => type).join(', ') || 'nothing';
  }
}
