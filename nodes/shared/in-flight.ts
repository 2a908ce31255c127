/**
 * Messages that are on a wire while flows are stopped. Node-RED delivers a message one turn of the event loop after it
 * was sent; if its receiver is closed in that very turn, the message is dropped without a word. What was sent in the turn
 * is remembered here, and handed to the receiver's successor.
 */
import type { Node, NodeAPI, NodeMessage } from 'node-red';

interface Sent {
  from: Node;
  outputs: (NodeMessage | null)[];
}

interface Rescued {
  to: string;
  /** The node that was to get it. */
  former: Node;
  msg: NodeMessage;
}

/** What was sent, the oldest first; up to `delivered` it has reached its receivers. */
let recent: Sent[] = [];
let delivered = 0;
let rescued: Rescued[] = [];

/**
 * Remembers what is going to be sent now, up to its delivery. To be called right before it is sent: so each is forgotten
 * right before Node-RED delivers it, and a deploy that begins between two deliveries finds the rest.
 */
export function remember(from: Node, outputs: (NodeMessage | null)[]): void {
  recent.push({ from, outputs });
  setImmediate(forgetOldest);
}

function forgetOldest(): void {
  if (++delivered < recent.length) return;
  recent = [];
  delivered = 0;
}

/** Nodes are going to be closed now: keeps what they might not get. */
export function rescue(RED: NodeAPI): void {
  for (const { from, outputs } of recent.slice(delivered)) {
    outputs.forEach((msg, output) => {
      if (!msg) return;
      for (const to of wiresOf(from)[output] ?? []) {
        const former = RED.nodes.getNode(to) as Node | null;
        if (former) rescued.push({ to, former, msg: RED.util.cloneMessage(msg) });
      }
    });
  }
  // Behind Node-RED's own delivery: a node that takes its time to close has got it, all others have not.
  setImmediate(() => (rescued = rescued.filter(({ former }) => !isListening(former))));
}

/** All nodes are there: hands over what was kept to those that are new. */
export function handOver(RED: NodeAPI): void {
  const kept = rescued;
  rescued = [];
  for (const { to, former, msg } of kept) {
    const successor = RED.nodes.getNode(to) as Node | null;
    if (successor && successor !== former) successor.receive(msg);
  }
}

/** Flows were stopped for good: there are no successors. */
export function giveUp(): void {
  rescued = [];
}

/** Not in Node-RED's types: where each output leads. */
function wiresOf(node: Node): string[][] {
  return (node as unknown as { wires?: string[][] }).wires ?? [];
}

/** Not in Node-RED's types either: a closed node has no input listener any more. */
function isListening(node: Node): boolean {
  const { _inputCallback, _inputCallbacks } = node as unknown as Record<string, unknown>;
  return Boolean(_inputCallback ?? _inputCallbacks);
}
