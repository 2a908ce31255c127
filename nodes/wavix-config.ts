/** `wavix-config`: one Wavix account and the address under which Wavix reaches us. Its line does all the work. */
import type { Node, NodeAPI, NodeDef } from 'node-red';
import { asWavixError, WavixError } from '../lib/errors';
import type { LineSettings } from '../lib/line';
import { configureLine, findLine } from './shared/lines';
import { choice, number, text } from './shared/properties';
import { errorInWords } from './shared/words';

interface Credentials {
  apiKey?: unknown;
  secret?: unknown;
}

interface WavixConfigDef extends NodeDef {
  apiUrl?: unknown;
  apiStyle?: unknown;
  publicUrl?: unknown;
  path?: unknown;
  port?: unknown;
}

/** @throws WavixError `WAVIX_CONFIG` */
function settingsOf(def: WavixConfigDef, credentials: Credentials | undefined): LineSettings {
  const path = text(def.path) || '/wavix';
  if (!/^[\w\-./~]+$/.test(path)) {
    throw new WavixError('WAVIX_CONFIG', { key: 'config.path' });
  }
  const port = number(def.port, { name: 'port', fallback: -1, min: 0, max: 65_535 });
  return {
    apiUrl: text(def.apiUrl) || 'https://api.wavix.com',
    apiStyle: choice(def.apiStyle, { name: 'apiStyle', choices: ['appid', 'bearer'] }),
    apiKey: text(credentials?.apiKey),
    secret: text(credentials?.secret),
    publicUrl: text(def.publicUrl),
    path,
    port: port === -1 ? undefined : port,
  };
}

function tryOr<T>(make: () => T): T | WavixError {
  try {
    return make();
  } catch (error) {
    return asWavixError(error, 'WAVIX_CONFIG');
  }
}

export = (RED: NodeAPI): void => {
  function WavixConfig(this: Node<Credentials>, def: WavixConfigDef): void {
    RED.nodes.createNode(this, def);
    configureLine(
      RED,
      this,
      tryOr(() => settingsOf(def, this.credentials)),
    );
  }

  RED.nodes.registerType<Node<Credentials>, WavixConfigDef, object, Credentials>(
    'wavix-config',
    WavixConfig,
    {
      credentials: { apiKey: { type: 'password' }, secret: { type: 'password' } },
    },
  );

  // For the form only, where a person copies it into Wavix: it holds the events token.
  (RED.httpAdmin as NodeAPI['httpAdmin'] | undefined)?.get(
    '/wavix/config/:id/events-url',
    RED.auth.needsPermission('wavix-config.write'),
    (request, response) => {
      const id = text(request.params.id);
      if (!(RED.nodes.getNode(id) as Node | null)) {
        response.sendStatus(404);
        return;
      }
      const url = tryOr(() => findLine(id).eventsUrl);
      response
        .set('Cache-Control', 'no-store')
        .json(url instanceof WavixError ? { error: errorInWords(RED, url).message } : { url });
    },
  );
};
