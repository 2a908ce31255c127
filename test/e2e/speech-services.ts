/** A speech recogniser and text-to-speech over HTTP as the test wants them: known answers, and what they were asked. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { writeWav } from '../../lib/audio';

export interface Asked {
  path: string;
  method: string | undefined;
  contentType: string | undefined;
  authorization: string | undefined;
  body: Buffer;
}

export class SpeechServices {
  /** Every request, in order. */
  readonly asked: Asked[] = [];
  /** What is understood of a WAV file; a number is the status of a failure. */
  recognise: (wav: Buffer) => string | number = () => '';
  /** How a text sounds: PCM s16le, mono, 24 kHz. */
  speak: (text: string) => Buffer = () => Buffer.alloc(0);

  private constructor(private readonly server: Server) {
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      void this.answer(request, response);
    });
  }

  static async listen(): Promise<SpeechServices> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new SpeechServices(server);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, 'close');
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { url: path = '', method, headers } = request;
    const body = await buffer(request);
    const { 'content-type': contentType, authorization } = headers;
    this.asked.push({ path, method, contentType, authorization, body });
    if (path === '/speech') {
      const { text } = JSON.parse(body.toString()) as { text: string };
      response.setHeader('Content-Type', 'audio/wav').end(writeWav(this.speak(text), 24_000));
      return;
    }
    const understood = this.recognise(body);
    if (typeof understood === 'number') response.writeHead(understood).end('no');
    else response.setHeader('Content-Type', 'application/json').end(JSON.stringify({ text: understood }));
  }
}
