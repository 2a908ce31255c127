/** What `wavix-answer` and `wavix-stream-start` have in common: asking Wavix for a stream. */
import type { StreamParams } from '../../lib/api/client';
import type { Line } from '../../lib/line';
import type { Expected } from '../../lib/streams/expected';
import { choice, text } from './properties';

export interface StreamDef {
  streamType?: unknown;
  streamChannel?: unknown;
  streamUrl?: unknown;
}

export interface StreamRequest {
  params: StreamParams;
  /** Set where the stream comes to us and can be spoken to. */
  expected: Expected | undefined;
}

/**
 * The fields that ask Wavix for a stream of that call. Without a `streamUrl` it comes to this server, with an address
 * made for it.
 *
 * @throws WavixError `WAVIX_CONFIG`, or `WAVIX_LIMIT` if the call has as many streams as Wavix allows
 */
export function requestStream(line: Line, callId: string, def: StreamDef): StreamRequest {
  const type = choice(def.streamType, { name: 'streamType', choices: ['twoway', 'oneway'] });
  const channel = choice(def.streamChannel, {
    name: 'streamChannel',
    choices: ['inbound', 'outbound', 'both'],
  });
  const url = text(def.streamUrl);
  if (url === '') line.streams.checkLimit(callId, type);
  return {
    params: {
      // A two-way stream carries the inbound channel only, whatever was chosen before (the guide, "Bidirectional").
      stream_channel: type === 'twoway' ? 'inbound' : channel,
      stream_type: type,
      stream_url: url || line.streamUrl(callId),
    },
    expected: url === '' ? line.streams.expect(callId, type) : undefined,
  };
}
