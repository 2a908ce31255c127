/** `wavix-stream-stop`: stops a media stream; its call goes on. */
import type { Node, NodeAPI, NodeDef, NodeMessage } from 'node-red';
import { WavixError } from '../lib/errors';
import type { StreamHub } from '../lib/streams/hub';
import { evaluateText, text } from './shared/properties';
import { runSteps, shown } from './shared/steps';

interface WavixStreamStopDef extends NodeDef {
  config?: unknown;
  callId?: unknown;
  callIdType?: unknown;
  streamId?: unknown;
  streamIdType?: unknown;
}

export = (RED: NodeAPI): void => {
  function WavixStreamStop(this: Node, def: WavixStreamStopDef): void {
    RED.nodes.createNode(this, def);

    runSteps(RED, this, def, async ({ msg, seat }) => {
      const { line } = seat;
      const { callId, streamId } = await namedStream(this, def, msg, line.streams);
      await line.api.stopStream(callId, streamId);
      line.streams.stopping(streamId);
      seat.status(shown('grey', 'dot', 'wavix-stream-stop.status.stopped'));
      msg.call_id = callId;
      msg.stream_id = streamId;
      return [msg];
    });
  }

  /** Wavix wants both ids; where the message has one of them, our live streams may know the other. */
  async function namedStream(node: Node, def: WavixStreamStopDef, msg: NodeMessage, streams: StreamHub) {
    const givenCall =
      (await evaluateText(RED, node, { value: def.callId, type: def.callIdType }, msg)) ?? text(msg.call_id);
    const givenStream =
      (await evaluateText(RED, node, { value: def.streamId, type: def.streamIdType }, msg)) ??
      text(msg.stream_id);
    const known = streams.live.filter(
      (stream) =>
        (givenStream === '' || stream.streamId === givenStream) &&
        (givenCall === '' || stream.callId === givenCall),
    );
    const only = known.length === 1 ? known[0] : undefined;
    const callId = givenCall || only?.callId;
    const streamId = givenStream || only?.streamId;
    if (!callId) throw new WavixError('WAVIX_INPUT', { key: 'message.noCall' });
    if (!streamId) throw new WavixError('WAVIX_INPUT', { key: 'message.noStream' });
    return { callId, streamId };
  }

  RED.nodes.registerType('wavix-stream-stop', WavixStreamStop);
};
