/** base64 (RFC 4648) that is what it says it is: Node's own decoding passes over whatever else is in the text. */
import type { Slab } from '../audio/slab';

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

/** The same into memory of `slab`. */
export function decodeBase64Into(slab: Slab, text: string): Buffer | undefined {
  const length = decodedLength(text);
  if (length === undefined) return undefined;
  const bytes = slab.take(length);
  return bytes.write(text, 'base64') === length ? bytes : undefined;
}

/** How many bytes a text stands for, if it is base64; undefined if no base64 is that long. */
function decodedLength(text: string): number | undefined {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const digits = text.length - padding;
  return digits % 4 === 1 ? undefined : Math.floor((digits * 3) / 4);
}
