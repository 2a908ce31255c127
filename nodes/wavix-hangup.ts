/** `wavix-hangup`: ends a call, now or when the caller has heard the last word. */
import type { Node, NodeAPI, NodeDef } from 'node-red';
import type { StreamHub } from '../lib/streams/hub';
import { callIdOf, choice, number } from './shared/properties';
import { runSteps, shown } from './shared/steps';

interface WavixHangupDef extends NodeDef {
  config?: unknown;
  callId?: unknown;
  callIdType?: unknown;
  when?: unknown;
  timeout?: unknown;
}

/** Resolves when the caller has heard all that is queued, when the stream ends, or after `ms`. */
function lastWordHeard(streams: StreamHub, callId: string, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms).unref();
    const heard = () => {
      clearTimeout(timer);
      resolve();
    };
    // A call without a stream has no last word to wait for.
    streams.reach({ callId }, (stream) => stream.speech?.whenHeard(heard), heard);
  });
}

export = (RED: NodeAPI): void => {
  function WavixHangup(this: Node, def: WavixHangupDef): void {
    RED.nodes.createNode(this, def);

    runSteps(RED, this, def, async ({ msg, seat }) => {
      const when = choice(def.when, { name: 'when', choices: ['now', 'played'] });
      const timeoutS = number(def.timeout, { name: 'timeout', fallback: 30, min: 0, max: 3_600 });
      const callId = await callIdOf(RED, this, def, msg);
      const { line } = seat;
      if (when === 'played') {
        seat.status(shown('yellow', 'dot', 'wavix-hangup.status.waiting'));
        await lastWordHeard(line.streams, callId, timeoutS * 1000);
      }
      await line.api.hangUp(callId);
      seat.status(shown('grey', 'dot', 'wavix-hangup.status.done'));
      msg.call_id = callId;
      return [msg];
    });
  }

  RED.nodes.registerType('wavix-hangup', WavixHangup);
};
