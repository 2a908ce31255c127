/**
 * The caller's audio in one form, for all who ask for that form: decoded and converted once per stream, however many
 * nodes listen.
 */
import { Encoder, type OutputFormat } from '../audio';
import type { MediaFrame } from './media-reader';
import { WIRE_BYTES_PER_MS, type Track } from './wire';

/** The form a listener wants the audio in; `base64` is the wire's own string, untouched. */
export type ListenFormat = { track: Track | 'any' } & (OutputFormat | { encoding: 'base64' });

/** A piece of the caller's audio. */
export interface AudioPiece {
  payload: Buffer | string;
  track: Track;
  /** ms from the stream's start to its first sample */
  timestamp: number;
  /** Wavix's numbers of the message its first sample came in */
  chunk: number;
  sequence_number: number;
}

/** Names a form, so that equal ones share one tap. */
export function formatKey(format: ListenFormat): string {
  return 'sampleRate' in format
    ? `${format.track} ${format.encoding} ${format.sampleRate} ${format.pieceMs}`
    : `${format.track} base64`;
}

export class Tap {
  private tracks: Partial<Record<Track, TrackTap>> = {};

  constructor(private readonly format: ListenFormat) {}

  /**
   * What this frame completes: the pieces that can go on now.
   *
   * @param mayKeep nobody else needs the frame's bytes
   */
  push(frame: MediaFrame, mayKeep: boolean): AudioPiece[] {
    const { track, payload, timestamp, chunk, sequence_number } = frame;
    if (this.format.track !== 'any' && this.format.track !== track) return [];
    if (!('sampleRate' in this.format)) return [{ payload, track, timestamp, chunk, sequence_number }];
    const tap = (this.tracks[track] ??= new TrackTap(track, this.format));
    return tap.push(frame, mayKeep);
  }

  /** The last, shorter pieces: nothing follows any more. */
  end(): AudioPiece[] {
    const pieces = Object.values(this.tracks).flatMap((track) => track.end());
    this.tracks = {};
    return pieces;
  }
}

/** Where a wire message's samples begin in time, for pieces that start in the middle of one. */
interface Origin {
  timestamp: number;
  chunk: number;
  sequence_number: number;
}

class TrackTap {
  private readonly encoder: Encoder;
  /** Messages whose samples are not all in a piece yet, the oldest first; the newest one always. */
  private origins: Origin[] = [];
  /** ms from the stream's start up to which audio came in, and up to which it went out */
  private inUntil = 0;
  private outUntil = 0;

  constructor(
    private readonly track: Track,
    private readonly format: OutputFormat,
  ) {
    this.encoder = new Encoder(format);
  }

  push({ timestamp, chunk, sequence_number, pcm }: MediaFrame, mayKeep: boolean): AudioPiece[] {
    // Where messages are missing, time goes on: what is held here is moved up to the new message.
    if (timestamp > this.inUntil) this.outUntil += timestamp - this.inUntil;
    this.inUntil = timestamp + pcm.length / WIRE_BYTES_PER_MS;
    const origin = { timestamp, chunk, sequence_number };
    if (this.outUntil >= timestamp) this.origins = [origin];
    else this.origins.push(origin);
    const pieces = this.encoder.push(pcm, mayKeep);
    return pieces.length === 1
      ? [this.piece(pieces[0] as Buffer)]
      : pieces.map((payload) => this.piece(payload));
  }

  end(): AudioPiece[] {
    const pieces = this.encoder.flush().map((payload) => this.piece(payload));
    this.encoder.close();
    return pieces;
  }

  private piece(payload: Buffer): AudioPiece {
    while (this.origins.length > 1 && (this.origins[1] as Origin).timestamp <= this.outUntil)
      this.origins.shift();
    const { chunk, sequence_number } = this.origins[0] as Origin;
    const piece = { payload, track: this.track, timestamp: this.outUntil, chunk, sequence_number };
    this.outUntil += this.format.pieceMs;
    return piece;
  }
}
