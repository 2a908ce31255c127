/** What a call came to, in one object that can be sent as JSON. */

import type { EventType } from './call-event';
import type { Call, CallState } from './calls';
import type { MediaStream } from './media-stream';

export interface StreamSummary {
  stream_id: string;
  stream_type: string;
  channel: string;
  live: boolean;
  /** why it ended */
  end: string | undefined;
  problem: string | undefined;
  frames_sent: number;
  media_received: number;
  marks_received: number;
  marks_sent: number;
  clears_received: number;
  unusable: number;
  underruns: number;
  max_buffered_ms: number;
}

export interface CallSummary {
  call_id: string;
  direction: string;
  /** E.164 with `+`, as is `to` */
  from: string;
  to: string;
  state: CallState;
  tag: string;
  events: EventType[];
  /** ms from the answer to now, or to the end */
  answered_ms: number;
  streams: StreamSummary[];
  /** paths of the WAV files, once they are written */
  recordings: string[];
}

export function summarize(call: Call): CallSummary {
  const { call_id, direction, from, to, state, tag } = call;
  return {
    ...{ call_id, direction, from, to, state, tag },
    events: call.events.map(({ event }) => event.event_type),
    answered_ms: Math.round(call.answeredMs),
    streams: call.streams.map(summarizeStream),
    recordings: [...call.recordings],
  };
}

function summarizeStream({ stream_id, stream_type, channel, live, facts }: MediaStream): StreamSummary {
  return {
    ...{ stream_id, stream_type, channel, live },
    end: facts.end,
    problem: facts.problem,
    frames_sent: facts.framesSent.inbound + facts.framesSent.outbound,
    media_received: facts.mediaReceived,
    marks_received: facts.marksReceived,
    marks_sent: facts.marksSent,
    clears_received: facts.clearsReceived,
    unusable: facts.unusable,
    underruns: facts.playout.underruns,
    max_buffered_ms: Math.round(facts.playout.maxBufferedMs),
  };
}
