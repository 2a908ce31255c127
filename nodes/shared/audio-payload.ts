/** The bytes of an audio payload, however a flow brings them. */
import { WavixError } from '../../lib/errors';

/**
 * @param payload a Buffer or another view of bytes, or base64
 * @throws WavixError `WAVIX_INPUT` (neither of them), `WAVIX_AUDIO` (a text that is no base64)
 */
export function audioBytes(payload: unknown): Buffer {
  if (Buffer.isBuffer(payload)) return payload;
  if (typeof payload === 'string') return decodeBase64(payload);
  if (ArrayBuffer.isView(payload)) return Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  if (payload instanceof ArrayBuffer) return Buffer.from(payload);
  throw new WavixError(
    'WAVIX_INPUT',
    'msg.payload holds no audio: it must be a Buffer, or a string of base64. For a mark or a clear set msg.event.',
  );
}

function decodeBase64(payload: string): Buffer {
  const bytes = Buffer.from(payload, 'base64');
  // Node skips what is not base64: text that was no audio would become noise.
  const digits = payload.replace(/[\s=]+/g, '');
  if (bytes.length === Math.floor((digits.length * 3) / 4) && /^[\w+/-]*$/.test(digits)) return bytes;
  throw new WavixError(
    'WAVIX_AUDIO',
    'msg.payload is a text that is no base64: send audio as a Buffer or as base64.',
  );
}
