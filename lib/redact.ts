/**
 * Takes secrets out of text and JSON before anybody sees it: the secrets named, in whatever way they are URL-encoded, and
 * whatever stands where a secret usually does (`appid=…`, an Authorization header, the token in a signed URL's path).
 */

const HIDDEN = '***';

/** Shorter ones are no secret, and hiding them would blank out ordinary words. */
const SHORTEST_SECRET = 4; // characters
/** From this length a secret is hidden inside longer words too; a shorter one ("demo") only where it stands alone. */
const SHORTEST_ANYWHERE = 8; // characters

/** Deeper JSON is cut off: what comes from outside must not be able to overflow the stack. */
const DEEPEST = 64;

/** Places where a secret stands, whichever it is. The first group stays. */
const PLACES = [
  /(appid(?:=|%3D))[^&\s"'<>#\\]+/gi,
  /(\bauthorization["']?\s*[:=]\s*["']?(?:(?:bearer|basic|digest|token)\s+)?)[^\s"',;<>]+/gi,
  // With a digit in it, so that "Bearer authentication required" can still be read.
  /(\bbearer\s+)(?=[^\s"']*\d)[^\s"',;<>]+/gi,
  /((?:\\?\/|%2F)(?:streams|events)(?:\\?\/|%2F))[^/\\\s?#"'<>&]+/gi,
];

/** Names of JSON fields whose text is a secret, whatever it says. */
const SECRET_FIELD = /^(?:appid|api_?key|authorization)$/i;

/**
 * The same text or JSON value with `***` in the place of every secret. The value given is not changed.
 *
 * Objects and arrays are walked (names of fields too), other objects reduced to their own fields; JSON deeper than 64
 * levels is cut off there. Secrets under 4 characters are left alone.
 *
 * @param secrets what must not be seen, as it stands in the configuration; empty ones are allowed
 */
export function redact(value: string, secrets: readonly string[]): string;
export function redact(value: unknown, secrets: readonly string[]): unknown;
export function redact(value: unknown, secrets: readonly string[]): unknown {
  const patterns = secrets.filter((secret) => secret.length >= SHORTEST_SECRET).map(patternOf);
  const inText = (text: string): string => {
    let clean = text;
    for (const pattern of patterns) clean = clean.replace(pattern, HIDDEN);
    for (const place of PLACES) clean = clean.replace(place, `$1${HIDDEN}`);
    return clean;
  };
  const walk = (part: unknown, depth: number): unknown => {
    if (typeof part === 'string') return inText(part);
    if (typeof part !== 'object' || part === null) return part;
    if (depth >= DEEPEST) return HIDDEN;
    if (part instanceof Error) return inText(String(part));
    if (ArrayBuffer.isView(part)) return HIDDEN;
    if (Array.isArray(part)) return part.map((item) => walk(item, depth + 1));
    // fromEntries defines a field named __proto__ as a field; assigning it would set the prototype.
    return Object.fromEntries(
      Object.entries(part).map(([name, field]) => [
        inText(name),
        typeof field === 'string' && SECRET_FIELD.test(name) ? HIDDEN : walk(field, depth + 1),
      ]),
    );
  };
  return walk(value, 0);
}

/** Matches the secret with any of its characters percent-encoded, or escaped as JSON escapes them. */
function patternOf(secret: string): RegExp {
  const characters = Array.from(secret, (character) => {
    const encoded = Array.from(Buffer.from(character), (byte) => `%${hexOf(byte)}`).join('');
    const ways = [escaped(character), encoded];
    if (character === ' ') ways.push('\\+');
    if (/["/\\]/.test(character)) ways.push(`\\\\${escaped(character)}`);
    return `(?:${ways.join('|')})`;
  });
  const whole = characters.join('');
  return new RegExp(
    secret.length < SHORTEST_ANYWHERE ? `(?<![A-Za-z0-9])${whole}(?![A-Za-z0-9])` : whole,
    'g',
  );
}

function hexOf(byte: number): string {
  return byte
    .toString(16)
    .padStart(2, '0')
    .replace(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`);
}

function escaped(character: string): string {
  return character.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}
