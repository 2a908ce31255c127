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

/** When a member wants to be asked again: never, at the next tick, or as soon as all others have had their turn. */
export type Again = 'never' | 'later' | 'soon';

export interface Ticking {
  /** Sends some of what is due. */
  tick(now: number): Again;
}

export class FrameClock {
  private readonly waiting = new Set<Ticking>();
  /** Who is to be served before the next tick, in order. */
  private readonly turn = new Set<Ticking>();
  private cancel: (() => void) | undefined;
  /** The turn is to be served after a break. */
  private cancelRest: (() => void) | undefined;
  private nextTick = 0;

  constructor(private readonly clock: Clock) {}

  now(): number {
    return this.clock.now();
  }

  after(ms: number, callback: () => void): () => void {
    return this.clock.after(ms, callback);
  }

  /** Asks `member` at every tick, and now and then between, until it answers that it wants no more. */
  add(member: Ticking, when: 'later' | 'soon' = 'later'): void {
    this.waiting.add(member);
    if (!this.cancel) {
      this.nextTick = this.clock.now() + TICK_MS;
      this.arm();
    }
    if (when === 'later') return;
    this.turn.add(member);
    if (!this.cancelRest) this.rest();
  }

  remove(member: Ticking): void {
    this.waiting.delete(member);
    this.turn.delete(member);
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
    for (const member of this.waiting) this.turn.add(member);
    // A turn that is still under way serves for this tick too.
    if (!this.cancelRest) this.serve();
  }

  /** Serves the turn; the rest of it after a break where that takes long. */
  private serve(): void {
    this.cancelRest = undefined;
    const from = this.clock.now();
    // Who is added meanwhile, as it wants more soon, comes behind all others.
    for (const member of this.turn) {
      const now = this.clock.now();
      if (now - from >= MOST_AT_ONCE_MS) {
        this.rest();
        return;
      }
      this.turn.delete(member);
      const again = member.tick(now);
      if (again === 'never') this.waiting.delete(member);
      else if (again === 'soon' && this.waiting.has(member)) this.turn.add(member);
    }
    if (this.waiting.size === 0) this.disarm();
  }

  private rest(): void {
    this.cancelRest = this.clock.after(0, () => this.serve());
  }
}
