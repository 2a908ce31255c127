/** `wavix-stream-in`: the caller's audio, and all else that streams tell, as messages. */
import type { Node, NodeAPI, NodeDef } from 'node-red';
import { checkOutputFormat, G711_RATE, type OutputFormat } from '../lib/audio';
import type { Line } from '../lib/line';
import type { StreamListener } from '../lib/streams/hub';
import type { ListenFormat } from '../lib/streams/tap';
import { WIRE_RATE } from '../lib/streams/wire';
import { messageId } from './shared/message-id';
import { choice, number } from './shared/properties';
import { Seat } from './shared/seat';
import { shown, tryToListen } from './shared/steps';

interface WavixStreamInDef extends NodeDef {
  config?: unknown;
  encoding?: unknown;
  sampleRate?: unknown;
  frame?: unknown;
  track?: unknown;
}

/** @throws WavixError `WAVIX_CONFIG` */
function formatOf(def: WavixStreamInDef): ListenFormat {
  const track = choice(def.track, { name: 'track', choices: ['any', 'inbound', 'outbound'] });
  const encoding = choice(def.encoding, {
    name: 'encoding',
    choices: ['pcm', 'float32', 'mulaw', 'alaw', 'base64'],
  });
  if (encoding === 'base64') return { track, encoding };
  const isG711 = encoding === 'mulaw' || encoding === 'alaw';
  const rate = number(def.sampleRate, { name: 'sampleRate', fallback: WIRE_RATE, min: 1, max: 192_000 });
  const format: OutputFormat = {
    encoding,
    // G.711 has one rate: the node's default means that one.
    sampleRate: isG711 && rate === WIRE_RATE ? G711_RATE : rate,
    pieceMs: number(def.frame, { name: 'frame', fallback: 20, min: 20, max: 1_000 }),
  };
  checkOutputFormat(format);
  return { track, ...format };
}

export = (RED: NodeAPI): void => {
  function WavixStreamIn(this: Node, def: WavixStreamInDef): void {
    RED.nodes.createNode(this, def);
    const seat = Seat.take(RED, this, def.config);
    tryToListen(this, seat, () => {
      const format = formatOf(def);
      seat.listen((line) => line.streams.listen(listener(seat, line, format), format));
      showLive(seat, seat.line);
    });
  }

  function listener(seat: Seat, line: Line, format: ListenFormat): StreamListener {
    const { encoding } = format;
    const sample_rate = 'sampleRate' in format ? format.sampleRate : WIRE_RATE;
    return {
      audio: ({ payload, track, timestamp, chunk, sequence_number }, { callId, streamId }) =>
        seat.send([
          {
            _msgid: messageId(),
            topic: 'media',
            event: 'media',
            payload,
            call_id: callId,
            stream_id: streamId,
            track,
            timestamp,
            chunk,
            sequence_number,
            encoding,
            sample_rate,
          },
        ]),
      mark: ({ mark, call_id, stream_id, sequence_number }, { cleared }) =>
        seat.send([
          null,
          { topic: 'mark', event: 'mark', payload: mark.name, call_id, stream_id, sequence_number, cleared },
        ]),
      event: (message) => {
        const { event, call_id } = message;
        const stream_id = 'stream_id' in message ? message.stream_id : undefined;
        // Its own: other nodes tell of the same stream.
        const payload = structuredClone(message);
        seat.send([null, null, { topic: event, event, payload, call_id, stream_id }]);
        showLive(seat, line);
      },
    };
  }

  function showLive(seat: Seat, { streams }: Line): void {
    seat.status(() => {
      const count = streams.liveCount;
      return count > 0
        ? shown('green', 'dot', RED._('wavix-stream-in.status.live', { count }))
        : shown('grey', 'ring', 'wavix-stream-in.status.none');
    });
  }

  RED.nodes.registerType('wavix-stream-in', WavixStreamIn);
};
