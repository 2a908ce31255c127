/**
 * What is said to people at run time: keys of the catalogue and the values in them, so that it can be said in every
 * language. The English texts stand once, in the catalogue: `errors` of locales/en-US/wavix-config.json.
 */
import catalogue from '../locales/en-US/wavix-config.json';

type KeysOf<Group> = {
  [Name in keyof Group & string]: Group[Name] extends string ? Name : `${Name}.${KeysOf<Group[Name]>}`;
}[keyof Group & string];

/** Where a text stands below `errors`, such as `stream.none`. */
export type TextKey = KeysOf<typeof catalogue.errors>;

/** The keys of one group. */
export type KeyIn<Group extends string> = Extract<TextKey, `${Group}.${string}`>;

/** A text of the catalogue, a sentence or more. */
export interface Text {
  key: TextKey;
  /** What stands for each `__name__` in it. A value is never taken for a key, a name or HTML, whatever it holds. */
  values?: Record<string, string | number>;
}

/** Said one after the other. */
export type Texts = Text | readonly Text[];

/** The text of a key in some language, with its `__name__`s. */
export type Templates = (key: TextKey) => string;

export function say(texts: Texts, templateOf: Templates): string {
  const all = 'key' in texts ? [texts] : texts;
  return all.map((text) => fill(templateOf(text.key), text.values)).join(' ');
}

/** Both at once: what was put in is not looked at again. */
function fill(template: string, values: Text['values'] = {}): string {
  return template.replace(/__(\w+?)__/g, (name, inner: string) => String(values[inner] ?? name));
}

export const english: Templates = (key) => {
  const found = key
    .split('.')
    .reduce<unknown>((group, name) => (group as Record<string, unknown>)[name], catalogue.errors);
  return found as string;
};
