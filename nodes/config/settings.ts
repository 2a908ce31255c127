/** What the fields of a `wavix-config` mean for its line. */
import { WavixError } from '../../lib/errors';
import type { LineSettings } from '../../lib/line';
import { choice, number, text } from '../shared/properties';

export interface LineFields {
  apiUrl?: unknown;
  apiStyle?: unknown;
  publicUrl?: unknown;
  path?: unknown;
  port?: unknown;
}

export interface Credentials {
  apiKey?: unknown;
  secret?: unknown;
}

/** @throws WavixError `WAVIX_CONFIG` */
export function settingsOf(fields: LineFields, credentials: Credentials | undefined): LineSettings {
  const path = text(fields.path) || '/wavix';
  if (!/^[\w\-./~]+$/.test(path)) {
    throw new WavixError('WAVIX_CONFIG', { key: 'config.path' });
  }
  const port = number(fields.port, { name: 'port', fallback: -1, min: 0, max: 65_535 });
  return {
    apiUrl: text(fields.apiUrl) || 'https://api.wavix.com',
    apiStyle: choice(fields.apiStyle, { name: 'apiStyle', choices: ['appid', 'bearer'] }),
    apiKey: text(credentials?.apiKey),
    secret: text(credentials?.secret),
    publicUrl: text(fields.publicUrl),
    path,
    port: port === -1 ? undefined : port,
  };
}
