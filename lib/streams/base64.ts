/** base64 (RFC 4648) that is what it says it is: Node's own decoding passes over whatever else is in the text. */

/**
 * @param text with or without padding, of either alphabet
 * @returns undefined if there is anything in it that is no base64
 */
export function decodeBase64(text: string): Buffer | undefined {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const digits = text.length - padding;
  if (digits % 4 === 1) return undefined;
  const bytes = Buffer.from(text, 'base64');
  // What was passed over is missing here.
  return bytes.length === Math.floor((digits * 3) / 4) ? bytes : undefined;
}
