/** Makes a URL fit to be shown: no token, key or password is left in it. */

/** Path segments from this length on are taken for a token. */
const TOKEN_LENGTH = 12;

/** Scheme, host and the short segments of the path stay; long segments, the query and user names go. */
export function maskUrl(url: string): string {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    return '(not a URL)';
  }
  const path = parsed.pathname
    .split('/')
    .map((segment) => (segment.length >= TOKEN_LENGTH ? '…' : segment))
    .join('/');
  return `${parsed.protocol}//${parsed.host}${path}${parsed.search === '' ? '' : '?…'}`;
}
