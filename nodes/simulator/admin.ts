/** What the editor asks of a `wavix-simulator`: to place a call, and to hear what became of the last ones. */
import type { NodeAPI } from 'node-red';
import type { Request, Response } from 'express';
import { callWav, soundNames, type Call } from '../../simulator';
import { text } from '../shared/properties';
import { errorInWords } from '../shared/words';
import { Desk } from './desk';

type Admin = NodeAPI['httpAdmin'] | undefined;

const BASE = '/wavix/simulator';

export function serveAdmin(RED: NodeAPI): void {
  const admin = RED.httpAdmin as Admin;
  const write = RED.auth.needsPermission('wavix-simulator.write');
  const read = RED.auth.needsPermission('wavix-simulator.read');

  // The button: the answer tells what it has done, or why that was not possible.
  admin?.post(`${BASE}/:id/call`, write, (request, response) => {
    const desk = deskOf(request);
    if (!desk) {
      response.sendStatus(404);
      return;
    }
    desk.press().then(
      (did) => response.json({ did }),
      (error: unknown) => response.json({ error: errorInWords(RED, error).message }),
    );
  });

  // A node that is not deployed yet has no calls; that is no failure.
  admin?.get(`${BASE}/:id/calls`, read, (request, response) => {
    const calls = deskOf(request)?.calls ?? [];
    uncached(response).json(calls.map(summaryOf).reverse());
  });

  admin?.get(`${BASE}/:id/calls/:call_id/call.wav`, read, (request, response) => {
    const call = deskOf(request)?.calls.find(({ call_id }) => call_id === request.params.call_id);
    if (call) uncached(response).type('audio/wav').send(callWav(call));
    else response.sendStatus(404);
  });

  admin?.get(`${BASE}/sounds`, read, (_request, response) => {
    response.json(soundNames());
  });
}

function deskOf(request: Request): Desk | undefined {
  return Desk.of(text(request.params.id));
}

function uncached(response: Response): Response {
  return response.set('Cache-Control', 'no-store');
}

function summaryOf(call: Call): object {
  const { call_id, direction, from, to, answeredMs } = call;
  const { call_started, event_type } = call.view();
  return { ...{ call_id, direction, from, to }, began: call_started, event: event_type, ms: answeredMs };
}
