/** `wavix-config`: one Wavix account and the address under which Wavix reaches us. Its line does all the work. */
import type { Node, NodeAPI, NodeDef } from 'node-red';
import { asWavixError, type WavixError } from '../lib/errors';
import type { LineSettings } from '../lib/line';
import { serveForm } from './config/routes';
import { settingsOf, type Credentials, type LineFields } from './config/settings';
import { configureLine } from './shared/lines';

type WavixConfigDef = NodeDef & LineFields;

function settingsOrProblem(def: LineFields, credentials: Credentials | undefined): LineSettings | WavixError {
  try {
    return settingsOf(def, credentials);
  } catch (error) {
    return asWavixError(error, 'WAVIX_CONFIG');
  }
}

export = (RED: NodeAPI): void => {
  function WavixConfig(this: Node<Credentials>, def: WavixConfigDef): void {
    RED.nodes.createNode(this, def);
    configureLine(RED, this, settingsOrProblem(def, this.credentials));
  }

  RED.nodes.registerType<Node<Credentials>, WavixConfigDef, object, Credentials>(
    'wavix-config',
    WavixConfig,
    {
      credentials: { apiKey: { type: 'password' }, secret: { type: 'password' } },
    },
  );
  serveForm(RED);
};
