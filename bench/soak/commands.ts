/** The soak's side of the line to Node-RED: gives commands to the flow, and sorts what it tells. */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { link, type Command, type FromProbe, type Measure, type Told, type ToProbe } from './link';

/** What became of a command, as the flow told it. */
export type Outcome = Told;

export interface Listener {
  /** Anything that the flow tells. */
  told(told: Told): void;
  /** Frames that the flow heard on a stream: chunk number and digest in turns. */
  heard(streamId: string, frames: number[]): void;
}

const ANSWER_MS = 60_000;

export class Commands {
  private send: ((message: ToProbe) => void) | undefined;
  private held: Command[] | undefined;
  private lastId = 0;
  private readonly answers = new Map<number, (message: FromProbe) => void>();

  private constructor(
    private readonly server: Server,
    private readonly listener: Listener,
  ) {}

  static async open(listener: Listener): Promise<Commands> {
    const server = createServer();
    const commands = new Commands(server, listener);
    server.on('connection', (socket) => {
      socket.on('error', () => undefined); // Node-RED is gone; who waits for it fails in time
      commands.send = link(socket, (message) => commands.take(message as FromProbe));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return commands;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** A number that no command had before. */
  number(): number {
    return ++this.lastId;
  }

  give(command: Command): void {
    if (this.held) this.held.push(command);
    else this.send?.({ t: 'do', ...command });
  }

  /** Holds commands back while `what` replaces flows: on a wire of the old flow they'd be lost, as Node-RED has it. */
  async without(what: () => Promise<void>): Promise<void> {
    this.held ??= [];
    await this.synced();
    try {
      await what();
      await this.synced();
    } finally {
      const now = this.held;
      this.held = undefined;
      for (const command of now) this.give(command);
    }
  }

  /** When all that was given has reached its node. */
  async synced(): Promise<void> {
    await this.ask('sync');
  }

  async measure(): Promise<Measure> {
    const answer = await this.ask('measure');
    if (answer.t !== 'measured') throw new Error('The probe answered something else.');
    return answer.measure;
  }

  /** Holds Node-RED's event loop. */
  hold(ms: number): void {
    this.send?.({ t: 'hold', ms });
  }

  close(): void {
    this.server.close();
  }

  private ask(t: 'sync' | 'measure'): Promise<FromProbe> {
    const id = ++this.lastId;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.answers.delete(id);
        reject(new Error(`Node-RED did not answer '${t}' in ${ANSWER_MS} ms.`));
      }, ANSWER_MS);
      this.answers.set(id, (message) => {
        clearTimeout(timer);
        resolve(message);
      });
      this.send?.({ t, id });
    });
  }

  private take(message: FromProbe): void {
    switch (message.t) {
      case 'told':
        this.listener.told(message);
        break;
      case 'heard':
        for (const [id, frames] of Object.entries(message.frames)) this.listener.heard(id, frames);
        break;
      case 'synced':
      case 'measured':
        this.answers.get(message.id)?.(message);
        this.answers.delete(message.id);
        break;
    }
  }
}
