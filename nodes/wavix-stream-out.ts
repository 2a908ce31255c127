/** `wavix-stream-out`: audio, marks and clears into a call; says what the caller has heard of it. */
import type { Node, NodeAPI, NodeDef, NodeMessageInFlow } from 'node-red';
import { G711_RATE, RAW_ENCODINGS, type RawEncoding } from '../lib/audio';
import { WavixError } from '../lib/errors';
import type { StreamHub, StreamTarget } from '../lib/streams/hub';
import type { PlayedReport } from '../lib/streams/playout';
import type { SpokenAudio } from '../lib/streams/speech';
import { MediaStream } from '../lib/streams/stream';
import { WIRE_RATE } from '../lib/streams/wire';
import { audioBytes } from './shared/audio-payload';
import { PlayingStatus } from './shared/playing-status';
import { choice, number, reader, text } from './shared/properties';
import { Seat } from './shared/seat';
import { fail } from './shared/steps';

interface WavixStreamOutDef extends NodeDef {
  config?: unknown;
  streamId?: unknown;
  streamIdType?: unknown;
  encoding?: unknown;
  sampleRate?: unknown;
  lead?: unknown;
  queue?: unknown;
}

type Done = (error?: Error) => void;

/** What a message asks for: audio to say, a mark to send, or to stop talking. */
type Command = { say: SpokenAudio } | { mark: string } | 'clear';

/** `base64` is how `wavix-stream-in` writes the wire's own PCM. */
const PCM_NAMES = new Set(['pcm', 'auto', 'base64']);
const LONGEST_MARK = 1_024; // characters
const S = 1_000; // ms

/** How raw samples are taken where the message does not say it, and how far ahead they may wait. */
interface Settings {
  encoding: 'auto' | RawEncoding;
  sampleRate: number;
  leadMs: number;
  queueMs: number;
}

/** @throws WavixError `WAVIX_CONFIG` */
function settingsOf(def: WavixStreamOutDef): Settings {
  return {
    encoding: choice(def.encoding, { name: 'encoding', choices: ['auto', ...RAW_ENCODINGS] }),
    sampleRate: number(def.sampleRate, { name: 'sampleRate', fallback: WIRE_RATE, min: 1, max: 192_000 }),
    leadMs: number(def.lead, { name: 'lead', fallback: 1 * S, min: 0, max: 60 * S }),
    queueMs: number(def.queue, { name: 'queue', fallback: 300, min: 1, max: 86_400 }) * S,
  };
}

export = (RED: NodeAPI): void => {
  function WavixStreamOut(this: Node, def: WavixStreamOutDef): void {
    RED.nodes.createNode(this, def);
    const seat = Seat.take(RED, this, def.config);
    const playing = new PlayingStatus(RED, seat);
    this.on('close', () => playing.stop());
    const ownStreamId = reader(RED, this, { value: def.streamId, type: def.streamIdType });
    let settings: Settings | undefined;

    const failed = (error: unknown, msg: NodeMessageInFlow, done: Done): void => {
      fail(seat, error, { node: this, msg, done });
    };
    const follow = (stream: MediaStream, command: Command, msg: NodeMessageInFlow, done: Done): void => {
      try {
        const decoding = obey(stream, command);
        playing.follow(stream);
        if (!decoding) done();
        else
          decoding.then(
            () => done(),
            (error: unknown) => failed(error, msg, done),
          );
      } catch (error) {
        failed(error, msg, done);
      }
    };

    this.on('input', (msg, _send, done) => {
      try {
        // What is wrong with the message is told before its stream is looked for.
        const command = commandOf(this, seat, (settings ??= settingsOf(def)), msg);
        const { streams } = seat.line;
        const target = targetOf(ownStreamId(msg), msg);
        const stream = streams.find(target);
        if (stream instanceof MediaStream) {
          follow(stream, command, msg, done);
        } else if (isLateEcho(msg, target, streams)) {
          endLate(seat, msg, done);
        } else {
          streams.reach(
            target,
            (started) => follow(started, command, msg, done),
            (problem) => failed(problem, msg, done),
          );
        }
      } catch (error) {
        failed(error, msg, done);
      }
    });
  }

  /** @returns a promise where a file has to be decoded first */
  function obey({ speech }: MediaStream, command: Command): Promise<void> | undefined {
    if (command === 'clear') speech?.clear();
    else if ('say' in command) return speech?.say(command.say);
    else speech?.mark(command.mark);
    return undefined;
  }

  /** By the node's own field, else by the message's stream, else by its call. */
  function targetOf(own: unknown, msg: NodeMessageInFlow): StreamTarget {
    const streamId = text(own) || text(msg.stream_id) || undefined;
    return { streamId, callId: text(msg.call_id) || undefined };
  }

  /** @throws WavixError `WAVIX_INPUT`, `WAVIX_AUDIO` */
  function commandOf(node: Node, seat: Seat, settings: Settings, msg: NodeMessageInFlow): Command {
    switch (msg.event) {
      case undefined:
      case '':
      case 'media':
        return { say: audioOf(node, seat, settings, msg) };
      case 'mark': {
        const name = markOf(msg.mark ?? msg.payload);
        if (name === undefined) {
          throw new WavixError('WAVIX_INPUT', { key: 'message.noMark' });
        }
        return { mark: name };
      }
      case 'clear':
        return 'clear';
      default:
        throw new WavixError('WAVIX_INPUT', { key: 'message.event' });
    }
  }

  function audioOf(node: Node, seat: Seat, settings: Settings, msg: NodeMessageInFlow): SpokenAudio {
    const { encoding, sampleRate } = formOf(settings, msg);
    const mark = markOf(msg.mark);
    const isReported = mark !== undefined || seat.isWired;
    return {
      data: audioBytes(msg.payload),
      encoding,
      sampleRate,
      source: node.id,
      complete: msg.complete === true,
      leadMs: settings.leadMs,
      queueMs: settings.queueMs,
      mark,
      report: isReported ? (report) => tell(seat, msg, report) : undefined,
    };
  }

  /** The form of raw samples: the message's own, else the node's. A file has its own, so nothing is refused here. */
  function formOf(settings: Settings, msg: NodeMessageInFlow): { encoding: string; sampleRate: number } {
    const named = text(msg.encoding);
    const encoding = PCM_NAMES.has(named || settings.encoding) ? 'pcm' : named || settings.encoding;
    const isG711 = encoding === 'mulaw' || encoding === 'alaw';
    const otherRate = isG711 && encoding !== settings.encoding ? G711_RATE : settings.sampleRate;
    return { encoding, sampleRate: msg.sample_rate === undefined ? otherRate : Number(msg.sample_rate) };
  }

  /** @throws WavixError `WAVIX_INPUT` if it is longer than any name has to be: it goes to Wavix and back */
  function markOf(name: unknown): string | undefined {
    const given = typeof name === 'number' ? String(name) : name;
    if (typeof given !== 'string' || given === '') return undefined;
    if (given.length <= LONGEST_MARK) return given;
    throw new WavixError('WAVIX_INPUT', { key: 'message.longMark', values: { most: LONGEST_MARK } });
  }

  /** The last frames of an echo come when their stream is over: no mistake, but interrupted like all it had to say. */
  function isLateEcho(msg: NodeMessageInFlow, { streamId }: StreamTarget, streams: StreamHub): boolean {
    const isEcho = msg.event === 'media' && msg.topic === 'media' && msg.sequence_number !== undefined;
    return isEcho && streamId !== undefined && streams.hasJustEnded(streamId);
  }

  function endLate(seat: Seat, msg: NodeMessageInFlow, done: () => void): void {
    if (seat.isWired || markOf(msg.mark) !== undefined) tell(seat, msg, { played: false, playedMs: 0 });
    done();
  }

  function tell(seat: Seat, msg: NodeMessageInFlow, { played, playedMs }: PlayedReport): void {
    msg.played_ms = playedMs;
    seat.send(played ? [msg, null] : [null, msg]);
  }

  RED.nodes.registerType('wavix-stream-out', WavixStreamOut);
};
