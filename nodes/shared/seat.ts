/**
 * A node's seat: what stays when a deploy replaces the node by its successor of the same id. Whatever happens on a
 * call in the meantime is held here, and reaches the new flow once, in order.
 */
import type { Node, NodeAPI, NodeMessage, NodeStatus } from 'node-red';
import type { Line } from '../../lib/line';
import { followDeploys, forget, keep, orphan, type Survivor } from './deploys';
import { remember } from './in-flight';
import { useLine, type LineUse } from './lines';

/** Statuses reach every open editor: not more often than this, in ms. */
const STATUS_INTERVAL_MS = 1_000;

type Outputs = (NodeMessage | null)[];

/** What is to be told by the node that is there then. */
type Telling = (node: Node) => void;

const seats = new Map<string, Seat>();

export class Seat implements Survivor {
  private held: Telling[] | undefined = [];
  private use: LineUse | undefined;
  private subscribe: ((line: Line) => () => void) | undefined;
  private unsubscribe: (() => void) | undefined;
  private readonly gone = new AbortController();
  private shownAt = -Infinity;
  private nextStatus: NodeStatus | (() => NodeStatus) | undefined;
  private statusTimer: NodeJS.Timeout | undefined;

  private constructor(
    readonly RED: NodeAPI,
    private readonly id: string,
    private node: Node | undefined,
  ) {}

  /**
   * Seats a node, in its predecessor's seat if it had one.
   *
   * @param configId id of its `wavix-config`
   */
  static take(RED: NodeAPI, node: Node, configId: unknown): Seat {
    const seat = Seat.takeAlone(RED, node);
    const formerUse = seat.use;
    seat.subscribe = undefined;
    seat.use = useLine(configId, {
      onProblem: (problem) => seat.status({ fill: 'red', shape: 'ring', text: problem.code }),
      onLine: () => {
        if (seat.subscribe) seat.listen(seat.subscribe);
      },
    });
    formerUse?.end();
    return seat;
  }

  /** The same for a node that has no config. */
  static takeAlone(RED: NodeAPI, node: Node): Seat {
    followDeploys(RED);
    let seat = seats.get(node.id);
    if (seat) seat.node = node;
    else {
      seats.set(node.id, (seat = new Seat(RED, node.id, node)));
      keep(seat);
    }
    const taken = seat;
    node.on('close', (removed: boolean, done: () => void) => {
      taken.leave(node, removed);
      done();
    });
    return seat;
  }

  /** @throws WavixError `WAVIX_CONFIG` if the node has no config that can be used */
  get line(): Line {
    if (!this.use) throw new Error('The seat has been given up.');
    return this.use.line;
  }

  /** Aborted when the node is gone and has no successor. */
  get signal(): AbortSignal {
    return this.gone.signal;
  }

  get attached(): boolean {
    return this.node !== undefined;
  }

  /** Whether something is wired to any of the node's outputs just now; a deploy can change it without a new node. */
  get isWired(): boolean {
    const node = this.node as { wires?: unknown[][] } | undefined;
    return node?.wires?.some((output) => output.length > 0) ?? false;
  }

  /**
   * Listens to something of the line; a predecessor's listening ends only now, so that nothing is missed between. Begins
   * anew with each new line of the config.
   */
  listen(subscribe: (line: Line) => () => void): void {
    this.subscribe = subscribe;
    const former = this.unsubscribe;
    this.unsubscribe = undefined;
    try {
      this.unsubscribe = subscribe(this.line);
    } finally {
      former?.();
    }
  }

  /** Sends one message, or one for each output; held while the flows are being replaced. */
  send(outputs: Outputs): void {
    const { node } = this;
    // The way of every frame: no closure is made for it.
    if (node && !this.held) deliver(node, outputs);
    else this.held?.push((next) => deliver(next, outputs));
  }

  /**
   * Tells of a message that failed. `done` belongs to the node that got the message: if a deploy has replaced that one,
   * its Catch nodes may be gone with it, and its successor tells.
   */
  fail(receiver: Node, error: Error, msg: NodeMessage, done: (error?: Error) => void): void {
    this.tell((node) => {
      if (node === receiver) done(error);
      else node.error(error, msg);
    });
  }

  /** Shows a status, soon: the latest one counts. A function is asked when it is shown. */
  status(status: NodeStatus | (() => NodeStatus)): void {
    this.nextStatus = status;
    if (this.statusTimer) return;
    const wait = this.shownAt + STATUS_INTERVAL_MS - performance.now();
    if (wait <= 0) this.showStatus();
    else this.statusTimer = setTimeout(() => this.showStatus(), wait).unref();
  }

  stopping(): void {
    this.held ??= [];
  }

  started(): void {
    const { held, node } = this;
    this.held = undefined;
    if (node) for (const tell of held ?? []) tell(node);
  }

  expire(): void {
    seats.delete(this.id);
    this.held = [];
    this.gone.abort();
    this.unsubscribe?.();
    this.unsubscribe = undefined;
    this.use?.end();
    this.use = undefined;
    clearTimeout(this.statusTimer);
  }

  private tell(what: Telling): void {
    if (this.held) this.held.push(what);
    else if (this.node) what(this.node);
  }

  private leave(node: Node, removed: boolean): void {
    if (this.node !== node) return;
    this.node = undefined;
    this.held ??= [];
    if (removed) {
      forget(this);
      this.expire();
    } else {
      orphan();
    }
  }

  private showStatus(): void {
    this.statusTimer = undefined;
    this.shownAt = performance.now();
    const { nextStatus } = this;
    if (nextStatus) this.node?.status(typeof nextStatus === 'function' ? nextStatus() : nextStatus);
  }
}

function deliver(node: Node, outputs: Outputs): void {
  remember(node, outputs);
  node.send(outputs);
}
