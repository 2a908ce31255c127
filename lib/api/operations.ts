/**
 * The REST operations as one table, and the request that each makes in either API style (wavix-api.md, "Two API styles";
 * the appid style is call-streaming-guide's).
 */
import { WavixError } from '../errors';
import type { KeyIn } from '../texts';
import type { ApiStyle, CheckedSettings } from './settings';

/** What sets the two styles apart, once for all operations. */
export const STYLES = {
  appid: { calls: '/v1/call', keyIn: 'query', callbackField: 'status_callback' },
  bearer: { calls: '/v1/calls', keyIn: 'header', callbackField: 'callback_url' },
} as const satisfies Record<ApiStyle, { calls: string; keyIn: 'query' | 'header'; callbackField: string }>;

interface Operation {
  method: 'GET' | 'POST' | 'DELETE';
  /** Below the style's `calls`. */
  path: string;
  /** Where one style has another path; on a 404 the one above is tried once. */
  pathOf?: Partial<Record<ApiStyle, string>>;
  /** What is said where a request may have been carried out although no answer says so. */
  doubt?: KeyIn<'doubt'>;
}

export const OPERATIONS = {
  placeCall: {
    method: 'POST',
    path: '',
    doubt: 'doubt.placeCall',
  },
  answerCall: {
    method: 'POST',
    path: '/{call_id}/answer',
    doubt: 'doubt.answerCall',
  },
  hangUp: { method: 'DELETE', path: '/{call_id}' },
  startStream: {
    method: 'POST',
    path: '/{call_id}/streams',
    doubt: 'doubt.startStream',
  },
  stopStream: {
    method: 'DELETE',
    path: '/{call_id}/streams/{stream_id}',
    // As the guide has it, step 4; it may be a slip there.
    pathOf: { appid: '/answer/{call_id}/streams/{stream_id}' },
  },
  listCalls: { method: 'GET', path: '' },
  getCall: { method: 'GET', path: '/{call_id}' },
} as const satisfies Record<string, Operation>;

export type OperationName = keyof typeof OPERATIONS;
export type Ids = Partial<Record<'call_id' | 'stream_id', string>>;

/** A request ready to be sent. Its `url` and `headers` hold the API key: never show them. */
export interface ApiRequest {
  method: Operation['method'];
  url: string;
  headers: Record<string, string>;
  /** JSON text. */
  body?: string;
}

export function operation(name: OperationName): Operation {
  return OPERATIONS[name];
}

/** The paths to try for an operation, in this order, each one only if the one before is answered with 404. */
export function pathsOf(name: OperationName, style: ApiStyle): string[] {
  const { path, pathOf } = operation(name);
  const own = pathOf?.[style];
  return own === undefined ? [path] : [own, path];
}

/**
 * @param path one of `pathsOf`
 * @param ids what stands for the names in braces; each is encoded
 */
export function buildRequest(
  settings: CheckedSettings,
  name: OperationName,
  path: string,
  ids: Ids,
  body?: string,
): ApiRequest {
  const style = STYLES[settings.style];
  const filled = path.replace(/\{(call_id|stream_id)\}/g, (_, id: 'call_id' | 'stream_id') =>
    encodeURIComponent(ids[id] ?? ''),
  );
  const query = style.keyIn === 'query' ? `?appid=${encodeURIComponent(settings.apiKey)}` : '';
  return {
    method: operation(name).method,
    url: settings.baseUrl + style.calls + filled + query,
    headers: {
      Accept: 'application/json',
      'User-Agent': 'node-red-wavix',
      ...(style.keyIn === 'header' ? { Authorization: `Bearer ${settings.apiKey}` } : {}),
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body }),
  };
}

/** JSON text of a body. @throws WavixError `WAVIX_INPUT` when it holds what JSON has no form for. */
export function jsonOf(body: object): string {
  try {
    return JSON.stringify(body);
  } catch {
    throw new WavixError('WAVIX_INPUT', { key: 'input.plainJson' });
  }
}
