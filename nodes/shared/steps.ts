/** The course of a node that turns a message into a request to Wavix and passes the message on. */
import type { Node, NodeAPI, NodeDef, NodeMessage, NodeMessageInFlow, NodeStatus } from 'node-red';
import { Seat } from './seat';
import { errorInWords } from './words';

/** What a step is given for one message. */
export interface Step {
  msg: NodeMessageInFlow;
  seat: Seat;
  node: Node;
}

/**
 * Makes a node take part in its line and run `step` for each message. What `step` answers is sent; what it throws goes
 * to `done`, and under the node.
 *
 * @param step answers the message for each output
 */
export function runSteps(
  RED: NodeAPI,
  node: Node,
  def: NodeDef & { config?: unknown },
  step: (given: Step) => Promise<(NodeMessage | null)[]>,
): Seat {
  const seat = Seat.take(RED, node, def.config);
  node.on('input', (msg, _send, done) => {
    step({ msg, seat, node }).then(
      (outputs) => {
        seat.send(outputs);
        done();
      },
      (error: unknown) => {
        fail(seat, error, { node, msg, done });
      },
    );
  });
  return seat;
}

/** A message that a node got. */
export interface Received {
  node: Node;
  msg: NodeMessage;
  done: (error?: Error) => void;
}

/** Tells a failure to the flow and under the node; a node that is gone for good has nobody to tell. */
export function fail(seat: Seat, error: unknown, { node, msg, done }: Received): void {
  if (seat.signal.aborted) {
    done();
    return;
  }
  const known = showFailure(seat, error);
  seat.fail(node, known, msg, done);
}

function showFailure(seat: Seat, error: unknown): Error {
  const known = errorInWords(seat.RED, error);
  const code = 'code' in known && typeof known.code === 'string' ? known.code : known.name;
  seat.status(shown('red', 'ring', code));
  return known;
}

/**
 * @param text a key of the node's catalogue, which each editor says in its own language; where a value stands in it, it
 *   has to be the text, in the server's language
 */
export function shown(
  fill: NonNullable<NodeStatus['fill']>,
  shape: NonNullable<NodeStatus['shape']>,
  text: string,
): NodeStatus {
  return { fill, shape, text };
}

/** Begins to listen; a node that can't says so at once, as there is no message to say it with. */
export function tryToListen(node: Node, seat: Seat, listen: () => void): void {
  try {
    listen();
  } catch (error) {
    node.error(showFailure(seat, error).message);
  }
}
