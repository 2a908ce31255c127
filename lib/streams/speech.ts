/**
 * The way of a flow's audio into a playout: whole files and raw pieces of any form become PCM as the wire wants it.
 * Raw pieces of one source and form are one stream of samples: what is left of a piece waits for the next one. Another
 * source or form, a file, a mark or the end of an utterance brings that rest out at once, a short pause by itself.
 */
import {
  checkInputFormat,
  decodeMp3,
  detectFile,
  openWav,
  RawDecoder,
  refuseOtherFiles,
  type RawEncoding,
} from '../audio';
import { WavixError } from '../errors';
import type { FrameClock } from './frame-clock';
import { PcmBytes, type PcmSource } from './pcm-source';
import { TAIL_PAUSE_MS, type PlayedReport, type Playout } from './playout';
import { WIRE_BYTES_PER_MS } from './wire';

export interface SpokenAudio {
  /** A whole WAV or MP3 file, known by its header, or raw samples in the form below. */
  data: Buffer;
  encoding: string;
  /** Hz */
  sampleRate: number;
  /** Who speaks: raw pieces of different sources are never joined. */
  source: string;
  /** The utterance ends with it. */
  complete?: boolean;
  /** A mark of the flow's own to follow it. */
  mark?: string | undefined;
  /** Called exactly once, when it was heard or interrupted. Not called if this audio is refused with an error. */
  report?: ((report: PlayedReport) => void) | undefined;
  /** ms it may be sent ahead of the caller's ear */
  leadMs: number;
  /** ms of audio that may wait */
  queueMs: number;
}

const NOTHING = Buffer.alloc(0);

const BYTES_PER_SAMPLE: Record<RawEncoding, number> = { pcm: 2, float32: 4, mulaw: 1, alaw: 1 };

/** After a pause this long, in ms, a piece is taken to begin with a whole sample, whatever was left of the last one. */
const NEW_SAMPLE_MS = 30_000;

interface RawStream {
  encoding: string;
  sampleRate: number;
  source: string;
  decoder: RawDecoder;
  /** The beginning of a sample whose rest comes with the next piece. */
  part: Buffer;
  leadMs: number;
}

/** Audio or a mark that waits for the file before it to be decoded, or is that file. */
interface Waiting {
  mark?: string | undefined;
  report?: ((report: PlayedReport) => void) | undefined;
  go: () => void;
}

export class Speech {
  private raw: RawStream | undefined;
  private lastRaw = 0;
  private cancelTail: (() => void) | undefined;
  private decoding: Waiting | undefined;
  private line: Waiting[] = [];

  constructor(
    private readonly playout: Playout,
    private readonly clock: FrameClock,
  ) {}

  /**
   * Plays audio behind all that came before it. A file may have to be decoded first: then the answer is a promise.
   *
   * @throws WavixError `WAVIX_AUDIO` (it can't be understood), `WAVIX_INPUT` (raw samples in a form that there is not),
   *   `WAVIX_QUEUE_FULL`: none of it is queued
   */
  say(audio: SpokenAudio): Promise<void> | undefined {
    if (this.decoding) {
      return new Promise((resolve) => {
        // Runs at once when its turn comes; async only so that a throw becomes a rejection.
        const go = () => resolve((async () => this.say(audio))());
        this.line.push({ ...audio, go });
      });
    }
    const file = detectFile(audio.data);
    if (file === 'mp3') return this.sayMp3(audio);
    if (file === 'wav') this.sayWhole(audio, openWav(audio.data));
    else this.sayRaw(audio);
    return undefined;
  }

  /** Queues a mark behind all that came before it. */
  mark(name: string): void {
    if (this.decoding) {
      this.line.push({ mark: name, go: () => this.mark(name) });
      return;
    }
    this.endRaw();
    this.playout.mark(name);
  }

  /** Stops talking at once: everything that came before this is dropped, here and at Wavix. */
  clear(): void {
    this.drop();
    this.playout.clear();
  }

  /** The stream is over. */
  end(): void {
    this.drop();
    this.playout.end();
  }

  /** Calls back once the caller has heard all that came before this, or it was cleared, or the stream ended. */
  whenHeard(callback: () => void): void {
    if (this.decoding) {
      this.line.push({ report: callback, go: () => this.whenHeard(callback) });
      return;
    }
    this.endRaw();
    this.playout.whenHeard(callback);
  }

  private sayRaw(audio: SpokenAudio): void {
    const { data, sampleRate } = audio;
    const encoding = audio.encoding as RawEncoding;
    const isNew = !this.raw || !continues(this.raw, audio);
    if (isNew) checkInputFormat({ encoding, sampleRate });
    this.checkRoom(audio, (data.length / BYTES_PER_SAMPLE[encoding] / sampleRate) * 1000);
    const now = this.clock.now();
    const raw = isNew ? this.beginRaw(audio, encoding) : (this.raw as RawStream);
    if (!isNew && now - this.lastRaw > NEW_SAMPLE_MS) raw.part = NOTHING;
    this.lastRaw = now;
    const pcm = raw.decoder.push(wholeSamples(raw, data, BYTES_PER_SAMPLE[encoding]));
    if (audio.complete === true || audio.mark !== undefined) {
      const rest = raw.decoder.flush();
      if (audio.complete === true) raw.part = NOTHING;
      this.play(audio, new PcmBytes(rest.length > 0 ? Buffer.concat([pcm, rest]) : pcm));
      return;
    }
    this.play(audio, new PcmBytes(pcm));
    if (raw.decoder.holds) this.cancelTail ??= this.clock.after(TAIL_PAUSE_MS, () => this.checkTail());
  }

  private beginRaw({ data, sampleRate, source, leadMs }: SpokenAudio, encoding: RawEncoding): RawStream {
    refuseOtherFiles(data);
    const decoder = new RawDecoder({ encoding, sampleRate });
    this.endRaw();
    return (this.raw = { encoding, sampleRate, source, decoder, part: NOTHING, leadMs });
  }

  private sayWhole(audio: SpokenAudio, source: PcmSource): void {
    this.checkRoom(audio, source.bytesLeft / WIRE_BYTES_PER_MS);
    this.endRaw();
    // Its first frames have to be decoded: a prompt for every one of many calls would take a while.
    this.play({ ...audio, complete: true }, source, true);
  }

  private sayMp3(audio: SpokenAudio): Promise<void> {
    this.endRaw();
    const file: Waiting = { ...audio, go: () => undefined };
    this.decoding = file;
    return decodeMp3(audio.data)
      .then((pcm) => {
        if (this.decoding === file) this.sayWhole(audio, new PcmBytes(pcm));
      })
      .finally(() => {
        if (this.decoding !== file) return; // dropped meanwhile
        this.decoding = undefined;
        this.release();
      });
  }

  /** Lets those go who waited, up to the next file that has to be decoded. */
  private release(): void {
    while (!this.decoding) {
      const next = this.line.shift();
      if (!next) return;
      next.go();
    }
  }

  private play({ complete, mark, report, leadMs }: SpokenAudio, source: PcmSource, canWait = false): void {
    this.playout.play({ source, complete, mark, report, leadMs, canWait });
  }

  private checkRoom({ queueMs, leadMs }: SpokenAudio, ms: number): void {
    if (ms <= queueMs && this.playout.queuedMs === 0) return; // the way of every frame of an echo
    // What may be ahead of the caller's ear is on its way, if not all of it in the first moment.
    const waiting = Math.max(0, Math.min(this.playout.queuedMs, this.playout.remainingMs - leadMs));
    if (waiting + ms <= queueMs) return;
    throw new WavixError('WAVIX_QUEUE_FULL', {
      key: 'stream.queueFull',
      values: { length: seconds(ms), waiting: seconds(waiting), queue: seconds(queueMs) },
    });
  }

  private checkTail(): void {
    this.cancelTail = undefined;
    if (!this.raw) return;
    // As long as the caller has more to hear, more may follow in time; ending the stream of samples early would click.
    const idle = this.lastRaw + TAIL_PAUSE_MS - this.clock.now();
    const left = Math.max(idle, this.playout.remainingMs - TAIL_PAUSE_MS);
    if (left > 0) this.cancelTail = this.clock.after(left, () => this.checkTail());
    else this.flushRaw(this.raw);
  }

  /** The next piece starts a new raw stream. */
  private endRaw(): void {
    if (!this.raw) return;
    this.flushRaw(this.raw);
    this.raw.decoder.close();
    this.raw = undefined;
  }

  /** What the raw stream still holds is played now. A part of a sample is no sound yet: it stays. */
  private flushRaw({ decoder, leadMs }: RawStream): void {
    this.playout.play({ source: new PcmBytes(decoder.flush()), complete: true, leadMs });
  }

  /** Drops what has not reached the playout; its marks and reports go there, so that they are told like all others. */
  private drop(): void {
    this.raw?.decoder.close();
    this.raw = undefined;
    this.cancelTail?.();
    this.cancelTail = undefined;
    const dropped = this.decoding ? [this.decoding, ...this.line] : [];
    this.decoding = undefined;
    this.line = [];
    for (const { mark, report } of dropped) {
      if (mark === undefined && !report) continue;
      this.playout.play({ source: new PcmBytes(NOTHING), mark, report, leadMs: 0 });
    }
  }
}

/** Whether a piece goes on with what came before it, without a seam. */
function continues(raw: RawStream, { encoding, sampleRate, source }: SpokenAudio): boolean {
  return raw.encoding === encoding && raw.sampleRate === sampleRate && raw.source === source;
}

/** The whole samples of a piece, the part that was left of the last one in front; what is left of it is kept. */
function wholeSamples(raw: RawStream, piece: Buffer, bytesPerSample: number): Buffer {
  const bytes = raw.part.length > 0 ? Buffer.concat([raw.part, piece]) : piece;
  const whole = bytes.length - (bytes.length % bytesPerSample);
  if (whole === bytes.length) {
    raw.part = NOTHING;
    return bytes;
  }
  raw.part = Buffer.from(bytes.subarray(whole));
  return bytes.subarray(0, whole);
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(1);
}
