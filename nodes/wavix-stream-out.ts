/** `wavix-stream-out`: audio, marks and clears into a call; says what the caller has heard of it. */
import type { Node, NodeAPI, NodeDef, NodeMessageInFlow } from 'node-red';
import { checkInputFormat, RAW_ENCODINGS, type RawEncoding } from '../lib/audio';
import { WavixError } from '../lib/errors';
import type { StreamTarget } from '../lib/streams/hub';
import type { PlayedReport } from '../lib/streams/playout';
import type { SpokenAudio } from '../lib/streams/speech';
import type { MediaStream } from '../lib/streams/stream';
import { WIRE_RATE } from '../lib/streams/wire';
import { audioBytes } from './shared/audio-payload';
import { PlayingStatus } from './shared/playing-status';
import { choice, evaluateNow, number, text } from './shared/properties';
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

/** What a message asks for, once its stream is there; a promise where a file has to be decoded first. */
type Action = (stream: MediaStream) => Promise<void> | void;

const G711_RATE = 8_000; // Hz; it has no other
const LONGEST_MARK = 1_024; // characters
const S = 1_000; // ms

export = (RED: NodeAPI): void => {
  function WavixStreamOut(this: Node, def: WavixStreamOutDef): void {
    RED.nodes.createNode(this, def);
    const seat = Seat.take(RED, this, def.config);
    const playing = new PlayingStatus(RED, seat);
    this.on('close', () => playing.stop());

    this.on('input', (msg, _send, done) => {
      const failed = (error: unknown) => {
        fail(seat, error, { node: this, msg, done });
      };
      const act = (stream: MediaStream, action: Action) => {
        const later = action(stream);
        playing.follow(stream);
        if (later) later.then(() => done(), failed);
        else done();
      };
      try {
        const action = actionOf(this, seat, def, msg);
        const use = (stream: MediaStream) => {
          try {
            act(stream, action);
          } catch (error) {
            failed(error);
          }
        };
        const { streams } = seat.line;
        const target = targetOf(this, def, msg);
        if (isEcho(msg) && target.streamId !== undefined && streams.hasJustEnded(target.streamId)) {
          // The last frames of an echo come when their stream is over: interrupted, as anything else it had to say.
          if (seat.isWired || markOf(msg.mark) !== undefined) tell(seat, msg, { played: false, playedMs: 0 });
          done();
          return;
        }
        streams.reach(target, use, failed);
      } catch (error) {
        failed(error);
      }
    });
  }

  /** By the node's own field, else by the message's stream, else by its call. */
  function targetOf(node: Node, def: WavixStreamOutDef, msg: NodeMessageInFlow): StreamTarget {
    const own = text(evaluateNow(RED, node, { value: def.streamId, type: def.streamIdType }, msg));
    const streamId = own || text(msg.stream_id) || undefined;
    return { streamId, callId: text(msg.call_id) || undefined };
  }

  /** @throws WavixError `WAVIX_INPUT`, `WAVIX_AUDIO`, `WAVIX_CONFIG` */
  function actionOf(node: Node, seat: Seat, def: WavixStreamOutDef, msg: NodeMessageInFlow): Action {
    switch (msg.event) {
      case undefined:
      case '':
      case 'media': {
        const audio = audioOf(node, seat, def, msg);
        return (stream) => stream.speech?.say(audio);
      }
      case 'mark': {
        const name = markOf(msg.mark ?? msg.payload);
        if (name === undefined) {
          throw new WavixError(
            'WAVIX_INPUT',
            'The mark has no name: set msg.mark, or msg.payload, to a text.',
          );
        }
        return (stream) => stream.speech?.mark(name);
      }
      case 'clear':
        return (stream) => stream.speech?.clear();
      default:
        throw new WavixError('WAVIX_INPUT', 'msg.event must be media, mark or clear, or not set for audio.');
    }
  }

  function audioOf(node: Node, seat: Seat, def: WavixStreamOutDef, msg: NodeMessageInFlow): SpokenAudio {
    const mark = markOf(msg.mark);
    const isReported = mark !== undefined || seat.isWired;
    return {
      data: audioBytes(msg.payload),
      ...formatOf(def, msg),
      source: node.id,
      complete: msg.complete === true,
      leadMs: number(def.lead, { name: 'lead', fallback: 1 * S, min: 0, max: 60 * S }),
      queueMs: number(def.queue, { name: 'queue', fallback: 300, min: 1, max: 86_400 }) * S,
      ...(mark !== undefined && { mark }),
      ...(isReported && { report: (report: PlayedReport) => tell(seat, msg, report) }),
    };
  }

  /** The form of raw samples: the message's own, else the node's. */
  function formatOf(
    def: WavixStreamOutDef,
    msg: NodeMessageInFlow,
  ): { encoding: RawEncoding; sampleRate: number } {
    const set = choice(def.encoding, { name: 'encoding', choices: ['auto', ...RAW_ENCODINGS] });
    const named = text(msg.encoding);
    // base64 is how the bytes are written, not what they are.
    const encoding = rawEncoding(named && named !== 'base64' && named !== 'auto' ? named : set);
    const isG711 = encoding === 'mulaw' || encoding === 'alaw';
    const ownRate = number(def.sampleRate, { name: 'sampleRate', fallback: WIRE_RATE, min: 1, max: 192_000 });
    const rate = msg.sample_rate === undefined ? undefined : Number(msg.sample_rate);
    const sampleRate = rate ?? (isG711 && encoding !== set ? G711_RATE : ownRate);
    checkInputFormat({ encoding, sampleRate });
    return { encoding, sampleRate };
  }

  function rawEncoding(name: string): RawEncoding {
    if (name === 'auto') return 'pcm';
    const found = RAW_ENCODINGS.find((one) => one === name);
    if (found) return found;
    throw new WavixError('WAVIX_INPUT', `msg.encoding must be one of ${RAW_ENCODINGS.join(', ')}.`);
  }

  /** @throws WavixError `WAVIX_INPUT` if it is longer than any name has to be: it goes to Wavix and back */
  function markOf(name: unknown): string | undefined {
    const given = typeof name === 'number' ? String(name) : name;
    if (typeof given !== 'string' || given === '') return undefined;
    if (given.length <= LONGEST_MARK) return given;
    throw new WavixError(
      'WAVIX_INPUT',
      `The mark's name is too long: give it ${LONGEST_MARK} characters at most.`,
    );
  }

  /** Audio just as it came from `wavix-stream-in`. */
  function isEcho(msg: NodeMessageInFlow): boolean {
    return msg.event === 'media' && msg.topic === 'media' && msg.sequence_number !== undefined;
  }

  function tell(seat: Seat, msg: NodeMessageInFlow, { played, playedMs }: PlayedReport): void {
    msg.played_ms = playedMs;
    seat.send(played ? [msg, null] : [null, msg]);
  }

  RED.nodes.registerType('wavix-stream-out', WavixStreamOut);
};
