/** `wavix-call`: places a call, and goes on when it is answered, or when it is clear that it won't be. */
import type { Node, NodeAPI, NodeDef, NodeMessage } from 'node-red';
import type { Outcome } from '../lib/calls/book';
import { evaluateOptions, evaluateText, flag, number, text } from './shared/properties';
import type { Seat } from './shared/seat';
import { runSteps, shown } from './shared/steps';

interface WavixCallDef extends NodeDef {
  config?: unknown;
  from?: unknown;
  fromType?: unknown;
  to?: unknown;
  toType?: unknown;
  wait?: unknown;
  timeout?: unknown;
  options?: unknown;
  optionsType?: unknown;
}

export = (RED: NodeAPI): void => {
  function WavixCall(this: Node, def: WavixCallDef): void {
    RED.nodes.createNode(this, def);

    runSteps(RED, this, def, async ({ msg, seat }) => {
      const timeoutS = number(def.timeout, { name: 'timeout', fallback: 60, min: 1, max: 86_400 });
      const from = await evaluateText(RED, this, { value: def.from, type: def.fromType }, msg);
      const to = await evaluateText(RED, this, { value: def.to, type: def.toType }, msg);
      const options = await evaluateOptions(RED, this, def, msg);
      const { line } = seat;

      seat.status(shown('blue', 'ring', 'wavix-call.status.placing'));
      const { callId, answer } = await line.api.placeCall({
        from: from ?? text(msg.from),
        to: to ?? text(msg.to),
        callbackUrl: line.eventsUrl,
        options,
      });
      msg.call_id = callId;
      if (!flag(def.wait, true)) {
        seat.status(shown('green', 'dot', 'wavix-call.status.placed'));
        msg.payload = answer;
        return [msg, null];
      }

      seat.status(shown('yellow', 'dot', 'wavix-call.status.ringing'));
      const outcome = await line.calls.outcome(callId, { timeoutMs: timeoutS * 1000, signal: seat.signal });
      show(seat, outcome);
      if (!outcome.answered && outcome.why === 'timeout') await giveUp(seat, callId);
      return result(msg, outcome);
    });
  }

  function show(seat: Seat, outcome: Outcome): void {
    if (outcome.answered) seat.status(shown('green', 'dot', 'wavix-call.status.answered'));
    else seat.status(shown('grey', 'ring', `wavix-call.status.${outcome.why}`));
  }

  /** Nobody waits for the answer any more: a call that is answered now would cost money and say nothing. */
  async function giveUp(seat: Seat, callId: string): Promise<void> {
    try {
      await seat.line.api.hangUp(callId);
    } catch {
      // It may have ended by itself just now; that it was not answered in time stands either way.
    }
  }

  function result(msg: NodeMessage, outcome: Outcome): (NodeMessage | null)[] {
    if (outcome.event) msg.payload = structuredClone(outcome.event.payload);
    if (outcome.answered) return [msg, null];
    msg.topic = outcome.why;
    return [null, msg];
  }

  RED.nodes.registerType('wavix-call', WavixCall);
};
