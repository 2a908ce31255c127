/** What the REST client needs to know, checked before anything is sent. */
import { WavixError } from '../errors';

/** Which of Wavix's two REST APIs to speak; see `operations.ts`. */
export type ApiStyle = 'appid' | 'bearer';

export interface ApiSettings {
  /** Where the API lives, e.g. `https://api.wavix.com`; a base path and a trailing slash are allowed. */
  apiUrl: string;
  apiStyle: ApiStyle;
  apiKey: string;
  /** How long one try may take, connecting included, ms; 10 000 if left out. */
  timeoutMs?: number;
}

/** The settings in the form the client uses. */
export interface CheckedSettings {
  /** With its base path, without a trailing slash. */
  baseUrl: string;
  /** Host and port, fit to be shown. */
  host: string;
  style: ApiStyle;
  apiKey: string;
  timeoutMs: number;
}

const DEFAULT_TIMEOUT_MS = 10_000;

/**
 * @throws WavixError `WAVIX_CONFIG` when one of them can't be used. The text never repeats a value: a secret may have been
 * put into the wrong field.
 */
export function checkSettings(settings: ApiSettings): CheckedSettings {
  const { apiUrl, apiStyle, apiKey, timeoutMs = DEFAULT_TIMEOUT_MS } = settings;

  const url = typeof apiUrl === 'string' ? parseUrl(apiUrl.trim()) : undefined;
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw config('apiUrl must be a whole address that starts with https:// (or http://)');
  }
  // The parser would take it for part of a host's name.
  if (apiUrl.includes('${')) throw config('apiUrl names an environment variable that has no value');
  if (url.username || url.password) throw config('apiUrl must hold no user name or password');
  if (url.search || url.hash) throw config('apiUrl must end with its path: no ? or # in it');

  const style: unknown = apiStyle;
  if (style !== 'appid' && style !== 'bearer') throw config('apiStyle must be appid or bearer');

  const key = typeof apiKey === 'string' ? apiKey.trim() : '';
  if (key === '') throw config('no API key is set');
  // It goes into a header: anything else would be refused there, or end the header.
  if (!/^[\x21-\x7e]+$/.test(key)) {
    throw config('the API key holds a space or another character that no key has: copy it again');
  }
  if (!Number.isFinite(timeoutMs) || timeoutMs <= 0) throw config('timeoutMs must be more than 0');

  return {
    baseUrl: url.origin + url.pathname.replace(/\/+$/, ''),
    host: url.host,
    style,
    apiKey: key,
    timeoutMs,
  };
}

function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}

function config(problem: string): WavixError {
  return new WavixError('WAVIX_CONFIG', `The Wavix configuration can't be used: ${problem}.`);
}
