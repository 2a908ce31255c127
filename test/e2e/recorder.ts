/** What the flows under test hand over: messages by name, in the order they came, and waiting for the next. */

/** A message of a flow. */
export type Message = Record<string, unknown>;

export interface Recorded {
  name: string;
  msg: Message;
  /** ms since 1970, on Node-RED's side */
  at: number;
}

interface Waiting {
  name: string;
  matches: (msg: Message) => boolean;
  found: (recorded: Recorded) => void;
}

export class Recorder {
  /** All that came since the last `forget`. */
  all: Recorded[] = [];
  private waiting: Waiting[] = [];
  private read = new Set<Recorded>();

  add(recorded: Recorded): void {
    delete recorded.msg._msgid; // Node-RED's own
    this.all.push(recorded);
    const waiting = this.waiting.find((w) => w.name === recorded.name && w.matches(recorded.msg));
    if (!waiting) return;
    this.waiting = this.waiting.filter((w) => w !== waiting);
    waiting.found(recorded);
  }

  /** Messages under that name so far. */
  messages(name: string): Message[] {
    return this.all.filter((r) => r.name === name).map((r) => r.msg);
  }

  /** The first message under that name that no `next` has given yet and that matches; waits for it if need be. */
  async next(name: string, ms = 10_000, matches: (msg: Message) => boolean = () => true): Promise<Message> {
    return (await this.nextRecorded(name, ms, matches)).msg;
  }

  async nextRecorded(
    name: string,
    ms = 10_000,
    matches: (msg: Message) => boolean = () => true,
  ): Promise<Recorded> {
    const known = this.all.find((r) => r.name === name && !this.read.has(r) && matches(r.msg));
    const recorded = known ?? (await this.wait(name, ms, matches));
    this.read.add(recorded);
    return recorded;
  }

  forget(): void {
    this.all = [];
    this.read.clear();
  }

  private wait(name: string, ms: number, matches: Waiting['matches']): Promise<Recorded> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.waiting = this.waiting.filter((w) => w !== waiting);
        reject(new Error(`no message '${name}' within ${ms} ms; there were ${this.summary()}`));
      }, ms);
      const waiting: Waiting = {
        name,
        matches,
        found: (recorded) => {
          clearTimeout(timer);
          resolve(recorded);
        },
      };
      this.waiting.push(waiting);
    });
  }

  private summary(): string {
    const counts = new Map<string, number>();
    for (const { name } of this.all) counts.set(name, (counts.get(name) ?? 0) + 1);
    return [...counts].map(([name, count]) => `${count} × ${name}`).join(', ') || 'none';
  }
}
