/** Says what `lib` has to say in the language of the server, as Node-RED is set to it. */
import type { NodeAPI } from 'node-red';
import { WavixError } from '../../lib/errors';
import { english, say, type Templates, type Texts } from '../../lib/texts';

/** Node-RED keeps a catalogue for each node file; that of `wavix-config` holds what all have in common. */
const CATALOGUE = '@wavix-flows/node-red-wavix/wavix-config:';

export function inWords(RED: NodeAPI, texts: Texts): string {
  return say(texts, templates(RED));
}

/** An error fit to be told: in the server's language if it is one of ours. */
export function errorInWords(RED: NodeAPI, error: unknown): Error {
  if (error instanceof WavixError) error.sayIn(templates(RED));
  return error instanceof Error ? error : new Error(String(error));
}

/** The values are put in here: i18next would look for further keys and names in what was put in. */
function templates(RED: NodeAPI): Templates {
  return (key) => {
    const name = `errors.${key}`;
    const lookUp = RED._ as (key: string, options: object) => string;
    const template = lookUp(CATALOGUE + name, { skipInterpolation: true });
    // A text that there is not comes back as its name.
    return template.endsWith(name) ? english(key) : template;
  };
}
