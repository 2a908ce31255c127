/** `wavix-stream-start`: starts a media stream of an answered call. */
import type { Node, NodeAPI, NodeDef } from 'node-red';
import { callIdOf } from './shared/properties';
import { runSteps, shown } from './shared/steps';
import { requestStream, type StreamDef } from './shared/stream-request';

interface WavixStreamStartDef extends NodeDef, StreamDef {
  config?: unknown;
  callId?: unknown;
  callIdType?: unknown;
}

export = (RED: NodeAPI): void => {
  function WavixStreamStart(this: Node, def: WavixStreamStartDef): void {
    RED.nodes.createNode(this, def);

    runSteps(RED, this, def, async ({ msg, seat }) => {
      const callId = await callIdOf(RED, this, def, msg);
      const { line } = seat;
      const { params, expected } = requestStream(line, callId, def);
      try {
        const { streamId } = await line.api.startStream(callId, params);
        expected?.named(streamId);
        msg.call_id = callId;
        msg.stream_id = streamId;
      } catch (error) {
        expected?.cancel();
        throw error;
      }
      seat.status(shown('green', 'dot', 'wavix-stream-start.status.started'));
      return [msg];
    });
  }

  RED.nodes.registerType('wavix-stream-start', WavixStreamStart);
};
