/**
 * Tells what outlives a deploy when the deploy is over. Node-RED closes nodes and makes new ones of the same id; only
 * when all are there is it clear which of the old ones have no successor.
 */
import type { NodeAPI } from 'node-red';
import { giveUp, handOver, rescue } from './in-flight';

/** Should neither a start nor a stop be told after nodes were closed, it is settled all the same, in ms. */
const FALLBACK_MS = 20_000;

/** Something that stays while its node is replaced. */
export interface Survivor {
  /** Nodes are about to be closed: what is sent from now on may reach nobody. */
  stopping?(): void;
  /** All nodes of the flows are there: messages reach them. */
  started(): void;
  /** Its node is gone for good. */
  expire(): void;
  /** Whether a node has it now. */
  readonly attached: boolean;
}

const survivors = new Set<Survivor>();
const heard = new WeakSet<NodeAPI['events']>();
let fallback: NodeJS.Timeout | undefined;

/** Follows the deploys of that Node-RED, for all that is kept. */
export function followDeploys(RED: NodeAPI): void {
  if (heard.has(RED.events)) return;
  heard.add(RED.events);
  RED.events.on('flows:stopping', () => {
    for (const survivor of survivors) survivor.stopping?.();
    rescue(RED);
    orphan();
  });
  RED.events.on('flows:started', () => {
    handOver(RED);
    settle();
  });
  RED.events.on(
    'runtime-event',
    (event: { id?: unknown; payload?: { state?: unknown; deploy?: unknown } }) => {
      // Nodes are closed by a deploy, which starts others, or for good.
      const stopped =
        event.id === 'runtime-state' && event.payload?.state === 'stop' && !event.payload.deploy;
      if (!stopped) return;
      giveUp();
      settle();
    },
  );
}

/** Keeps something until it expires. */
export function keep(survivor: Survivor): void {
  survivors.add(survivor);
}

/** Something has no node, or may soon have none: it expires unless it has one by the end of the deploy. */
export function orphan(): void {
  fallback ??= setTimeout(settle, FALLBACK_MS).unref();
}

/** Its end was told otherwise. */
export function forget(survivor: Survivor): void {
  survivors.delete(survivor);
}

function settle(): void {
  clearTimeout(fallback);
  fallback = undefined;
  for (const survivor of [...survivors]) {
    if (survivor.attached) {
      survivor.started();
    } else {
      survivors.delete(survivor);
      survivor.expire();
    }
  }
}
