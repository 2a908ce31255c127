/**
 * The one kind of error this package gives to a flow. Each says what is wrong and what to do about it, and carries a
 * `code` that a Catch node can switch on. No error ever holds an API key, a token or a signed URL: errors of other
 * libraries are never passed on, only what is known to be harmless is taken out of them.
 */
import { english, say, type Templates, type Texts } from './texts';

/** What kind of failure it is; part of the contract with flows. */
export type WavixErrorCode =
  /** The configuration is missing something or wrong. */
  | 'WAVIX_CONFIG'
  /** The message, or a field of the node, holds something that can't be used. */
  | 'WAVIX_INPUT'
  /** Wavix answered with a failure; see `status` and `body`. */
  | 'WAVIX_API'
  /** Wavix could not be reached. */
  | 'WAVIX_NETWORK'
  /** Nothing came back in time. */
  | 'WAVIX_TIMEOUT'
  /** A limit of Wavix would be passed, such as a second two-way stream on a call. */
  | 'WAVIX_LIMIT'
  /** There is no such live stream, or more than one it could be. */
  | 'WAVIX_NO_STREAM'
  /** More audio is waiting than the node's `queue` allows. */
  | 'WAVIX_QUEUE_FULL'
  /** The audio can't be understood. */
  | 'WAVIX_AUDIO';

export class WavixError extends Error {
  override readonly name = 'WavixError';
  /** HTTP status of Wavix's answer, with `WAVIX_API`. */
  declare readonly status?: number;
  /** Body of Wavix's answer (parsed JSON, or text), secrets taken out, with `WAVIX_API`. */
  declare readonly body?: unknown;
  readonly #texts: Texts;

  /**
   * @param texts what is wrong, and what to do; said in English until `sayIn` is called
   * @param details of Wavix's answer. They are the error's `cause` too: of an error's own properties, Node-RED hands a
   *   Catch node only `code` and `cause`.
   */
  constructor(
    readonly code: WavixErrorCode,
    texts: Texts,
    details: { status?: number; body?: unknown } = {},
  ) {
    super(say(texts, english), details.status === undefined ? undefined : { cause: details });
    this.#texts = texts;
    if (details.status !== undefined) this.status = details.status;
    if (details.body !== undefined) this.body = details.body;
  }

  /** Says it in another language from now on. */
  sayIn(templateOf: Templates): void {
    const message = say(this.#texts, templateOf);
    if (this.stack !== undefined) this.stack = this.stack.replace(this.message, () => message);
    this.message = message;
  }
}

/** What was thrown where only a WavixError should be: anything else is a fault of ours, and says so. */
export function asWavixError(error: unknown, code: WavixErrorCode): WavixError {
  if (error instanceof WavixError) return error;
  return new WavixError(code, { key: 'fault', values: { what: String(error) } });
}
