/** The catalogues as they stand in locales/: one folder a language, one JSON of words and one help a node. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const LOCALES = join(__dirname, '../../../locales');
export const ENGLISH = 'en-US';

export interface Catalogue {
  [key: string]: string | Catalogue;
}

/** Every key of a catalogue, such as `wavix-call.label.to`, with its text. */
export function flatten(catalogue: Catalogue, prefix = ''): [key: string, text: string][] {
  return Object.entries(catalogue).flatMap(([key, value]) =>
    typeof value === 'string'
      ? [[prefix + key, value] as [string, string]]
      : flatten(value, `${prefix}${key}.`),
  );
}

/** The names of a language's files. */
export function filesOf(language: string): string[] {
  return readdirSync(join(LOCALES, language)).sort();
}

/** key → text of one node's catalogue. */
export function wordsOf(language: string, file: string): Map<string, string> {
  return new Map(flatten(JSON.parse(textOf(language, file)) as Catalogue));
}

export function textOf(language: string, file: string): string {
  return readFileSync(join(LOCALES, language, file), 'utf8');
}

/** The names that values are put in for: `__min__`. */
export function placeholders(text: string): string[] {
  return [...new Set([...text.matchAll(/__(\w+?)__/g)].map(([, name = '']) => name))].sort();
}

/** i18next chooses among the forms of a number by itself: `live_one` is a form of `live`. */
export function withoutForm(key: string): string {
  return key.replace(/_(zero|one|two|few|many|other)$/, '');
}
