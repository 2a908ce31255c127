/** `wavix-event`: a message for each call event that Wavix posts. */
import type { Node, NodeAPI, NodeDef } from 'node-red';
import type { CallEvent } from '../lib/calls/events';
import { matches, type EventFilter } from '../lib/calls/filter';
import { choice, text } from './shared/properties';
import { Seat } from './shared/seat';
import { shown, tryToListen } from './shared/steps';

interface WavixEventDef extends NodeDef {
  config?: unknown;
  events?: unknown;
  direction?: unknown;
  number?: unknown;
}

function filterOf(def: WavixEventDef): EventFilter {
  const list = typeof def.events === 'string' ? def.events.split(',') : def.events;
  return {
    events: Array.isArray(list) ? list.map(text).filter(Boolean) : [],
    direction: choice(def.direction, { name: 'direction', choices: ['any', 'inbound', 'outbound'] }),
    number: text(def.number),
  };
}

export = (RED: NodeAPI): void => {
  function WavixEvent(this: Node, def: WavixEventDef): void {
    RED.nodes.createNode(this, def);
    const seat = Seat.take(RED, this, def.config);
    tryToListen(this, seat, () => {
      const filter = filterOf(def);
      seat.listen((line) =>
        line.calls.subscribe((event: CallEvent) => {
          if (!matches(event, filter)) return;
          seat.status(shown('green', 'dot', event.type));
          seat.send([
            {
              topic: event.type,
              // Its own: other nodes tell of the same event.
              payload: structuredClone(event.payload),
              call_id: event.callId,
              direction: event.direction,
              from: event.from,
              to: event.to,
            },
          ]);
        }),
      );
    });
  }

  RED.nodes.registerType('wavix-event', WavixEvent);
};
