/** Finds API keys, signing secrets, tokens and signed URLs in whatever a run has left. */

/** A token in an address of ours, hidden ones (`***`) aside. */
const SIGNED_URL = /\/(?:streams|events)\/(?!\*\*\*)[\w.~-]{16,}/;
/** A stream's token, wherever it stands: call, expiry, nonce and signature. */
const STREAM_TOKEN = /[\w-]+\.[0-9a-z]{6,}\.[\w-]{16}\.[\w-]{43}/;

/**
 * Looks through messages, errors, log lines and statuses, however deep.
 *
 * @returns where the first secret stands, and in what; undefined if there is none
 */
export function findSecret(found: unknown, secrets: readonly string[]): string | undefined {
  const seen = new Set<object>();
  const forms = secrets.flatMap((secret) => [secret, encodeURIComponent(secret)]);
  const inText = (text: string, where: string): string | undefined => {
    const isSecret =
      forms.some((form) => text.includes(form)) || SIGNED_URL.test(text) || STREAM_TOKEN.test(text);
    return isSecret ? `${where}: ${text.slice(0, 500)}` : undefined;
  };
  const walk = (value: unknown, where: string): string | undefined => {
    if (typeof value === 'string') return inText(value, where);
    if (typeof value !== 'object' || value === null || seen.has(value)) return undefined;
    seen.add(value);
    if (value instanceof Uint8Array) return inText(Buffer.from(value).toString('latin1'), where);
    // An error's text and stack are no enumerable fields.
    for (const name of new Set([...Object.keys(value), ...Object.getOwnPropertyNames(value)])) {
      const problem =
        inText(name, where) ?? walk((value as Record<string, unknown>)[name], `${where}.${name}`);
      if (problem) return problem;
    }
    return undefined;
  };
  return walk(found, 'here');
}
