/** What the REST client needs to know, checked before anything is sent. */
import { WavixError } from '../errors';
import type { TextKey } from '../texts';

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
    throw config('config.apiUrl');
  }
  // The parser would take it for part of a host's name.
  if (apiUrl.includes('${')) throw config('config.apiUrlVariable');
  if (url.username || url.password) throw config('config.apiUrlLogin');
  if (url.search || url.hash) throw config('config.apiUrlQuery');

  const style: unknown = apiStyle;
  if (style !== 'appid' && style !== 'bearer') throw config('config.apiStyle');

  const key = typeof apiKey === 'string' ? apiKey.trim() : '';
  if (key === '') throw config('config.noApiKey');
  // It goes into a header: anything else would be refused there, or end the header.
  if (!/^[\x21-\x7e]+$/.test(key)) throw config('config.apiKey');
  if (!Number.isFinite(timeoutMs) || timeoutMs <= 0) throw config('config.timeoutMs');

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

function config(key: TextKey): WavixError {
  return new WavixError('WAVIX_CONFIG', [{ key: 'config.unusable' }, { key }]);
}
