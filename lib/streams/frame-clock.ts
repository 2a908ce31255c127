/**
 * One clock for all playouts: while any of them has audio waiting, each is asked every few milliseconds to send what
 * has come due. One timer for hundreds of calls costs less than one timer a frame, and an idle line costs nothing.
 */
import type { Clock } from '../clock';

/** How often waiting playouts are looked at, in ms: half a frame, so that a `lead` of one frame still holds. */
export const TICK_MS = 10;

/**
 * How long waiting playouts are served without a break, in ms. Then whatever else is to be done has its turn: Node-RED,
 * and what callers say.
 */
const MOST_AT_ONCE_MS = 3;

export interface Ticking {
  /** Sends what is due. Answers whether it wants to be asked again. */
  tick(now: number): boolean;
}

export class FrameClock {
  private readonly waiting = new Set<Ticking>();
  private cancel: (() => void) | undefined;
  /** The rest of a turn is to be served after a break. */
  private cancelRest: (() => void) | undefined;
  private nextTick = 0;

  constructor(private readonly clock: Clock) {}

  now(): number {
    return this.clock.now();
  }

  after(ms: number, callback: () => void): () => void {
    return this.clock.after(ms, callback);
  }

  /** Asks `member` at every tick until it answers false. */
  add(member: Ticking): void {
    this.waiting.add(member);
    if (this.cancel) return;
    this.nextTick = this.clock.now() + TICK_MS;
    this.arm();
  }

  remove(member: Ticking): void {
    this.waiting.delete(member);
    if (this.waiting.size === 0) this.disarm();
  }

  private arm(): void {
    this.cancel = this.clock.after(Math.max(0, this.nextTick - this.clock.now()), () => this.tick());
  }

  private disarm(): void {
    this.cancel?.();
    this.cancel = undefined;
    this.cancelRest?.();
    this.cancelRest = undefined;
  }

  private tick(): void {
    // Armed first: a member that is removed in its own tick may disarm.
    this.nextTick = Math.max(this.nextTick + TICK_MS, this.clock.now());
    this.arm();
    // A turn that is still under way serves for this tick too.
    if (!this.cancelRest) this.serve([...this.waiting], 0);
  }

  /** Serves the members of a turn from `at` on; after a break where that takes long. */
  private serve(turn: readonly Ticking[], at: number): void {
    this.cancelRest = undefined;
    const from = this.clock.now();
    for (let index = at, now = from; index < turn.length; index++, now = this.clock.now()) {
      if (now - from >= MOST_AT_ONCE_MS) {
        this.cancelRest = this.clock.after(0, () => this.serve(turn, index));
        return;
      }
      const member = turn[index] as Ticking;
      if (this.waiting.has(member) && !member.tick(now)) this.waiting.delete(member);
    }
    if (this.waiting.size === 0) this.disarm();
  }
}
