/** base64 (RFC 4648) that is what it says it is: Node's own decoding passes over whatever else is in the text. */

/** Bytes of the longest text that `decodeBase64Into` takes; more than a stream's largest message has. */
const SCRATCH_BYTES = 64 * 1024;

const scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
/** The part of it that was used last: nearly always the next one is as long. */
let used = scratch.subarray(0, 0);

/**
 * @param text with or without padding, of either alphabet
 * @returns undefined if there is anything in it that is no base64
 */
export function decodeBase64(text: string): Buffer | undefined {
  const length = decodedLength(text);
  const bytes = Buffer.from(text, 'base64');
  // What was passed over is missing here.
  return bytes.length === length ? bytes : undefined;
}

/**
 * The same without memory of its own: the answer is only good until the next call. For the way of every frame, where it
 * is copied on at once.
 */
export function decodeBase64Into(text: string): Buffer | undefined {
  const length = decodedLength(text);
  if (length === undefined || length > SCRATCH_BYTES) return undefined;
  if (scratch.write(text, 'base64') !== length) return undefined;
  if (used.length !== length) used = scratch.subarray(0, length);
  return used;
}

/** How many bytes a text stands for, if it is base64; undefined if no base64 is that long. */
function decodedLength(text: string): number | undefined {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const digits = text.length - padding;
  return digits % 4 === 1 ? undefined : Math.floor((digits * 3) / 4);
}
