/**
 * Control endpoints, which Wavix does not have: a person, or a program in another process, uses them to place calls
 * into a flow, to assign webhooks and to see and hear what became of a call.
 */

import type { IncomingMessage } from 'node:http';
import { writeWav } from '../lib/audio';
import { WIRE_RATE } from '../lib/streams/wire';
import type { Call } from './calls';
import { isHttpUrl, type Exchange, type InboundCall } from './exchange';
import { HttpError, isLoopback, matchPath, readJson, type Answer } from './http';
import { maskUrl } from './mask';
import { normalizeNumber, readPlan, type NumberPlan } from './numbers';
import { callWav } from './recordings';
import { loadSpeech, problemWithSpeech, type Speech } from './sound';

export const CONTROL_BASE = '/local';

interface Context {
  exchange: Exchange;
  params: Record<string, string>;
  body: Record<string, unknown>;
}

interface Route {
  method: string;
  path: string;
  does: string;
  handle: (context: Context) => Answer | Promise<Answer>;
}

const ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/calls',
    does: 'all calls, the last ended ones too',
    handle: ({ exchange }) => ({
      body: { calls: [...exchange.calls.values()].map((call) => call.summary()) },
    }),
  },
  {
    method: 'POST',
    path: '/calls',
    does: 'places an inbound call: {from, to, speech, …}',
    handle: placeInbound,
  },
  {
    method: 'GET',
    path: '/calls/:call_id',
    does: 'one call',
    handle: (context) => ({ body: findCall(context).summary() }),
  },
  {
    method: 'DELETE',
    path: '/calls/:call_id',
    does: 'the phone hangs up',
    handle: (context) => {
      findCall(context).phone.hangUp();
      return { body: { success: true } };
    },
  },
  {
    method: 'POST',
    path: '/calls/:call_id/say',
    does: 'the phone says something: {speech}',
    handle: say,
  },
  {
    method: 'GET',
    path: '/calls/:call_id/heard.wav',
    does: 'what the phone heard',
    handle: (context) => ({ body: writeWav(findCall(context).heard(), WIRE_RATE) }),
  },
  {
    method: 'GET',
    path: '/calls/:call_id/said.wav',
    does: 'what the phone said',
    handle: (context) => ({ body: writeWav(findCall(context).said(), WIRE_RATE) }),
  },
  {
    method: 'GET',
    path: '/calls/:call_id/call.wav',
    does: 'both: said on the left, heard on the right',
    handle: (context) => ({ body: callWav(findCall(context)) }),
  },
  {
    method: 'GET',
    path: '/numbers',
    does: 'what was set for numbers',
    handle: ({ exchange }) => ({
      body: { numbers: exchange.numbers.own, webhooks: maskedWebhooks(exchange) },
    }),
  },
  {
    method: 'PUT',
    path: '/numbers/:number',
    does: 'sets a number: {callback_url, behaviour, speech, …}',
    handle: setNumber,
  },
];

/** The endpoints in lines of text, for `--help`. */
export const CONTROL_HELP: readonly string[] = ROUTES.map(
  ({ method, path, does }) =>
    `${method.padEnd(6)} ${`${CONTROL_BASE}${path.replace(/:(\w+)/g, '{$1}')}`.padEnd(33)} ${does}`,
);

/**
 * Answers a request to a control endpoint. Fails with `HttpError`.
 *
 * @param key needed as `Authorization: Bearer KEY`; undefined: none is
 */
export async function answerControl(
  exchange: Exchange,
  key: string | undefined,
  request: IncomingMessage,
  url: URL,
): Promise<Answer> {
  // A page in the user's browser could send some of these without being asked; only then is there an Origin, or the name
  // of a host that a stranger has made to mean this machine.
  if (request.headers.origin !== undefined || (key === undefined && !namesLoopback(request.headers.host)))
    throw new HttpError(403, 'The control endpoints are not for web pages.');
  if (key !== undefined && request.headers.authorization !== `Bearer ${key}`)
    throw new HttpError(401, 'The API key is missing or wrong; send it as the header Authorization: Bearer.');
  const path = url.pathname.slice(CONTROL_BASE.length);
  for (const route of ROUTES) {
    // A player may ask what there is before it gets it; Node.js leaves the body of the answer out by itself.
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    const params = route.method === method ? matchPath(route.path, path) : undefined;
    if (params) return await route.handle({ exchange, params, body: await readJson(request) });
  }
  throw new HttpError(404, 'There is nothing at this path. See wavix-simulator --help.');
}

function namesLoopback(host = ''): boolean {
  return URL.canParse(`http://${host}`) && isLoopback(new URL(`http://${host}`).hostname);
}

async function placeInbound({ exchange, body }: Context): Promise<Answer> {
  const { from, to, ...rest } = body;
  const plan = checkedPlan(rest);
  const inbound: InboundCall = { ...plan, from: String(from), to: String(to) };
  const call = await trying(() => exchange.placeInbound(inbound));
  return { status: 201, body: { success: true, call_id: call.call_id } };
}

async function say(context: Context): Promise<Answer> {
  const call = findCall(context);
  const { speech } = context.body;
  const problem = problemWithSpeech(speech);
  if (problem) throw new HttpError(400, "The speech can't be said.", { speech: problem });
  if (call.state !== 'answered') throw new HttpError(409, 'The call is not answered.');
  const sounds = await trying(() => loadSpeech(speech as Speech));
  void call.phone.sayLoaded(sounds);
  return { body: { success: true } };
}

async function setNumber({ exchange, params, body }: Context): Promise<Answer> {
  const { callback_url, ...rest } = body;
  const { number = '' } = params;
  if (callback_url !== undefined && !isHttpUrl(callback_url)) {
    throw new HttpError(400, 'The number was not set.', {
      callback_url: 'must start with http:// or https://',
    });
  }
  const plan = checkedPlan(rest);
  const hasPlan = Object.keys(plan).length > 0;
  const key = number === '*' && !hasPlan ? '*' : normalizeNumber(number);
  if (key === undefined)
    throw new HttpError(400, 'The number was not set.', {
      number: 'must be in E.164 form, or * with a callback_url',
    });
  if (hasPlan) await trying(() => exchange.numbers.set(key, plan));
  if (callback_url !== undefined) exchange.assignWebhook(key, callback_url);
  return { body: { success: true } };
}

/** In this world a call can be looked at after its end. */
function findCall({ exchange, params }: Context): Call {
  const call = exchange.calls.get(params.call_id ?? '');
  if (!call) throw new HttpError(404, 'There is no such call.');
  return call;
}

function checkedPlan(value: Record<string, unknown>): NumberPlan {
  const plan = readPlan(value);
  if ('problem' in plan)
    throw new HttpError(400, `The request can't be done: see ${plan.field}.`, { [plan.field]: plan.problem });
  return plan;
}

/** What the library fails with is what the one who asks can put right. */
async function trying<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw new HttpError(400, error instanceof Error ? error.message : String(error));
  }
}

function maskedWebhooks({ webhooks }: Exchange): Record<string, string> {
  return Object.fromEntries(Object.entries(webhooks).map(([number, url]) => [number, maskUrl(url)]));
}
