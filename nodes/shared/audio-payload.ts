/** The bytes of an audio payload, however a flow brings them. */
import { WavixError } from '../../lib/errors';
import { decodeBase64 } from '../../lib/streams/base64';

/**
 * @param payload a Buffer or another view of bytes, or base64
 * @throws WavixError `WAVIX_INPUT` (neither of them), `WAVIX_AUDIO` (a text that is no base64)
 */
export function audioBytes(payload: unknown): Buffer {
  if (Buffer.isBuffer(payload)) return payload;
  if (typeof payload === 'string') return fromBase64(payload);
  if (ArrayBuffer.isView(payload)) return Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  if (payload instanceof ArrayBuffer) return Buffer.from(payload);
  throw new WavixError('WAVIX_INPUT', { key: 'message.noAudio' });
}

function fromBase64(payload: string): Buffer {
  // Some writers break their lines.
  const bytes = decodeBase64(payload) ?? decodeBase64(payload.replace(/\s+/g, ''));
  if (bytes) return bytes;
  throw new WavixError('WAVIX_AUDIO', { key: 'message.base64' });
}
