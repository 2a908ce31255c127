/** `wavix-simulator`: the local Wavix in this Node-RED, and a phone that calls the flow. Its desk does all the work. */
import type { Node, NodeAPI, NodeDef } from 'node-red';
import { asWavixError, type WavixError } from '../lib/errors';
import { number, text } from './shared/properties';
import { fail } from './shared/steps';
import { serveAdmin } from './simulator/admin';
import { Desk, type DeskSettings } from './simulator/desk';
import { checkedNumber } from './simulator/orders';

interface WavixSimulatorDef extends NodeDef {
  port?: unknown;
  from?: unknown;
  to?: unknown;
  speech?: unknown;
  speechType?: unknown;
}

const PORT = 8787;
const CALLER = '+15550002000';
const CALLED = '+15550001000';

/** What is wrong with the settings is told at once, as there may never be a message to tell it with. */
function settingsOf(def: WavixSimulatorDef): DeskSettings | WavixError {
  try {
    return {
      port: number(def.port, { name: 'port', fallback: PORT, min: 1, max: 65_535 }),
      from: checkedNumber('from', text(def.from) || CALLER, 'WAVIX_CONFIG'),
      to: checkedNumber('to', text(def.to) || CALLED, 'WAVIX_CONFIG'),
      speech: { value: def.speech, type: def.speechType },
    };
  } catch (error) {
    return asWavixError(error, 'WAVIX_CONFIG');
  }
}

export = (RED: NodeAPI): void => {
  function WavixSimulator(this: Node, def: WavixSimulatorDef): void {
    RED.nodes.createNode(this, def);
    const desk = Desk.take(RED, this, settingsOf(def));
    this.on('input', (msg, _send, done) => {
      desk.do(msg).then(
        () => done(),
        (error: unknown) => {
          fail(desk.seat, error, { node: this, msg, done });
        },
      );
    });
  }

  RED.nodes.registerType('wavix-simulator', WavixSimulator);

  serveAdmin(RED);
};
