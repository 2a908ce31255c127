/** `wavix-answer`: answers an inbound call, with a stream from the first moment if wanted. */
import type { Node, NodeAPI, NodeDef } from 'node-red';
import { callIdOf, evaluateOptions, flag } from './shared/properties';
import { runSteps, shown } from './shared/steps';
import { requestStream, type StreamDef } from './shared/stream-request';

interface WavixAnswerDef extends NodeDef, StreamDef {
  config?: unknown;
  callId?: unknown;
  callIdType?: unknown;
  stream?: unknown;
  options?: unknown;
  optionsType?: unknown;
}

export = (RED: NodeAPI): void => {
  function WavixAnswer(this: Node, def: WavixAnswerDef): void {
    RED.nodes.createNode(this, def);

    runSteps(RED, this, def, async ({ msg, seat }) => {
      const callId = await callIdOf(RED, this, def, msg);
      const options = await evaluateOptions(RED, this, def, msg);
      const { line } = seat;
      const stream = flag(def.stream, false) ? requestStream(line, callId, def) : undefined;
      try {
        await line.api.answerCall(callId, { ...options, ...stream?.params });
      } catch (error) {
        stream?.expected?.cancel();
        throw error;
      }
      seat.status(shown('green', 'dot', 'wavix-answer.status.answered'));
      msg.call_id = callId;
      return [msg];
    });
  }

  RED.nodes.registerType('wavix-answer', WavixAnswer);
};
