/**
 * The tokens in our addresses. Wavix documents no signature on its webhooks or streams, so the address itself is the
 * only place for a secret. Tokens are checked by computation alone: any server with the same secret can check them.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** How long Wavix has to connect to a stream's address, in ms. */
export const STREAM_TOKEN_LIFE_MS = 120_000;

const MAX_TOKEN_LENGTH = 1_024;
const NONCE_BYTES = 12;
const MAC_BYTES = 32;

/** What a good stream token says. */
export interface StreamClaim {
  callId: string;
  /** Wall-clock ms after which nobody may connect with it. */
  expiresAt: number;
  /** Different in every token; what makes it good for one connection. */
  nonce: string;
}

/**
 * A token for one stream of one call: `<call id>.<expiry>.<nonce>.<HMAC-SHA256 of these>`, each base64url.
 *
 * @param expiresAt wall-clock ms
 */
export function signStreamToken(secret: string, callId: string, expiresAt: number): string {
  const body = [
    Buffer.from(callId).toString('base64url'),
    Math.floor(expiresAt).toString(36),
    randomBytes(NONCE_BYTES).toString('base64url'),
  ].join('.');
  return `${body}.${mac(secret, 'stream', body).toString('base64url')}`;
}

/**
 * What a stream token says, if it was signed with `secret`; the expiry is the caller's to judge. Takes the same time
 * whatever is wrong with the signature.
 */
export function readStreamToken(secret: string, token: string): StreamClaim | undefined {
  if (token.length > MAX_TOKEN_LENGTH) return undefined;
  const end = token.lastIndexOf('.');
  if (end < 0) return undefined;
  const body = token.slice(0, end);
  if (!sameMac(mac(secret, 'stream', body), token.slice(end + 1))) return undefined;
  const [callId, expiry, nonce] = body.split('.');
  if (callId === undefined || expiry === undefined || nonce === undefined) return undefined;
  return { callId: Buffer.from(callId, 'base64url').toString(), expiresAt: parseInt(expiry, 36), nonce };
}

/** The long-lived token of a webhook address: an HMAC of its path. */
export function signEventsToken(secret: string, path: string): string {
  return mac(secret, 'events', path).toString('base64url');
}

/** Whether `token` is the webhook token of `path`; takes the same time for every wrong one. */
export function isEventsToken(secret: string, path: string, token: string): boolean {
  return sameMac(mac(secret, 'events', path), token);
}

/** The signing secret of a config that names none: derived, so that the API key itself never signs anything. */
export function secretFromApiKey(apiKey: string): string {
  return createHmac('sha256', apiKey).update('wavix signed urls').digest('base64url');
}

/** `purpose` keeps a token of one kind from passing as another. */
function mac(secret: string, purpose: 'stream' | 'events', text: string): Buffer {
  return createHmac('sha256', secret).update(`${purpose}\n${text}`).digest();
}

function sameMac(expected: Buffer, given: string): boolean {
  const bytes = Buffer.alloc(MAC_BYTES);
  const decoded = Buffer.from(given, 'base64url');
  decoded.copy(bytes);
  const same = timingSafeEqual(expected, bytes);
  // Re-encoding refuses the other spellings that base64url decoding would let through as the same bytes.
  return same && decoded.length === MAC_BYTES && decoded.toString('base64url') === given;
}
