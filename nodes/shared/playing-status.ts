/** Shows under a node how long what it said will still be heard, counting down. */
import type { NodeAPI } from 'node-red';
import type { MediaStream } from '../../lib/streams/stream';
import type { Seat } from './seat';
import { shown } from './steps';

const COUNT_DOWN_MS = 1_000;

export class PlayingStatus {
  private readonly streams = new Set<MediaStream>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly RED: NodeAPI,
    private readonly seat: Seat,
  ) {}

  /** The node has said something on that stream, or cleared it. */
  follow(stream: MediaStream): void {
    this.streams.add(stream);
    if (this.timer) return;
    this.timer = setInterval(() => this.show(), COUNT_DOWN_MS).unref();
    // Behind the message that is being handled: what it queues is counted.
    setImmediate(() => this.show());
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    this.streams.clear();
  }

  private show(): void {
    let longest = 0;
    for (const stream of this.streams) {
      const remaining = stream.playout?.remainingMs ?? 0;
      if (remaining <= 0) this.streams.delete(stream);
      longest = Math.max(longest, remaining);
    }
    const { RED, seat } = this;
    if (longest > 0) {
      const text = RED._('wavix-stream-out.status.playing', { seconds: Math.ceil(longest / 1000) });
      seat.status(shown('green', 'dot', text));
    } else {
      this.stop();
      seat.status(shown('grey', 'ring', 'wavix-stream-out.status.idle'));
    }
  }
}
