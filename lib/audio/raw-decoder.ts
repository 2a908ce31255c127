/** Raw samples towards the call: a stream of pieces of any size becomes PCM s16le, mono, 24 kHz. */

import { Converter } from './converter';
import { CALL_RATE, checkInputFormat, SAMPLE_FORMS, type InputFormat } from './format';

/**
 * Decodes one stream of raw samples. One source in one form needs one of its own, as the end of a piece and the start of
 * the next belong together.
 *
 * Who makes it calls `flush()` when the source pauses or ends, or `close()` when the rest is not wanted; after either
 * it holds no memory outside of JavaScript's and can be used afresh.
 */
export class RawDecoder {
  private readonly converter: Converter;

  /**
   * Needs `audioReady()` unless the rate is 24 kHz.
   *
   * @throws {WavixError} `WAVIX_INPUT` if raw audio of this form can't be played into a call
   */
  constructor(format: InputFormat) {
    checkInputFormat(format);
    const { encoding, sampleRate, channels = 1 } = format;
    this.converter = new Converter(
      { form: SAMPLE_FORMS[encoding], rate: sampleRate, channels },
      { form: 's16', rate: CALL_RATE },
    );
  }

  /**
   * What can go now, whole samples; a few ms stay behind until more follows where the rate is changed. PCM that is the
   * call's already is passed on as it is, not copied.
   */
  push(piece: Buffer): Buffer {
    return this.converter.push(piece);
  }

  /** Whether something has stayed behind that only `flush()` brings out. */
  get holds(): boolean {
    return this.converter.holds;
  }

  /** The last samples. Half a sample that nothing followed is dropped. */
  flush(): Buffer {
    return this.converter.flush();
  }

  /** Drops what has not come out yet. */
  close(): void {
    this.converter.close();
  }
}
