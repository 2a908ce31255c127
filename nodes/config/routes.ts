/**
 * What the form of `wavix-config` asks the server, below `wavix/config` of the admin API: the events URL, a test of the
 * key and of the public address, and who is let in to this Node-RED. Answers are kept by no cache and written to no log.
 */
import type { Request, Response } from 'express';
import type { Node, NodeAPI } from 'node-red';
import { systemClock } from '../../lib/clock';
import { WavixError } from '../../lib/errors';
import { checkPublicUrl, isInsideOnly, isOnThisMachine, joinPath } from '../../lib/server/addresses';
import { newSecret, probeHttp, type Finding } from '../../lib/server/reachable';
import type { LineSettings } from '../../lib/line';
import { deployedSettings, findLine, trialLine } from '../shared/lines';
import { text } from '../shared/properties';
import { errorInWords } from '../shared/words';
import { settingsOfForm, type FormValues } from './trial';

const BASE = '/wavix/config';
const MAY_CHANGE = 'wavix-config.write';
const MAY_SEE = 'wavix-config.read';
/** Who may do that can do all that Node-RED can. */
const MAY_DEPLOY = 'flows.write';

/** Problems that may only be there for those inside: some routers let them not reach their own public address. */
const MAYBE_INSIDE = new Set(['refused', 'timeout', 'unreachable', 'certificate']);

/** Adds the routes; without an admin API there is no form either. */
export function serveForm(RED: NodeAPI): void {
  const admin = RED.httpAdmin as NodeAPI['httpAdmin'] | undefined;
  if (!admin) return;
  const may = (what: string) => RED.auth.needsPermission(what);

  // For a person to copy it into Wavix: it holds the events token.
  admin.get(`${BASE}/:id/events-url`, may(MAY_CHANGE), (request, response) => {
    const id = idOf(request);
    if (!(RED.nodes.getNode(id) as Node | null)) {
      response.sendStatus(404);
      return;
    }
    give(RED, response, () => ({ url: findLine(id).eventsUrl }));
  });

  admin.post(`${BASE}/:id/check-key`, may(MAY_CHANGE), (request, response) => {
    give(RED, response, () => checkKey(RED, idOf(request), formOf(request)));
  });

  const editor = new EditorProbe(RED);
  admin.post(`${BASE}/:id/check-address`, may(MAY_CHANGE), (request, response) => {
    give(RED, response, () => checkAddress({ RED, editor }, idOf(request), formOf(request)));
  });
  admin.get(`${BASE}/probe/:token`, may(MAY_DEPLOY), (request, response) => {
    const proof = editor.proofOf(text(request.params.token));
    if (proof === undefined) response.sendStatus(404);
    else response.set('Cache-Control', 'no-store').type('text/plain').send(proof);
  });

  admin.get(`${BASE}/exposure`, may(MAY_SEE), (_request, response) => {
    give(RED, response, () => exposure(RED));
  });
}

function idOf(request: Request): string {
  return text(request.params.id);
}

function formOf({ body }: Request): FormValues {
  return typeof body === 'object' && body !== null ? (body as FormValues) : {};
}

/** Answers with what is made, or with `{error}` in words. */
function give(RED: NodeAPI, response: Response, make: () => object | Promise<object>): void {
  response.set('Cache-Control', 'no-store');
  new Promise<object>((resolve) => resolve(make())).then(
    (answer) => response.json(answer),
    (error: unknown) => {
      if (!(error instanceof WavixError)) RED.log.error(error);
      response.json({ error: errorInWords(RED, error).message });
    },
  );
}

/** Asks Wavix something that changes nothing, with the key and the address of the form. */
async function checkKey(RED: NodeAPI, id: string, form: FormValues): Promise<object> {
  const settings = settingsOfForm({ RED, id, form }, { deployed: deployedSettings(id), what: 'key' });
  if (typeof settings === 'string') return { said: settings };
  const line = trialLine(RED, settings);
  try {
    await line.api.checkKey();
    return {};
  } catch (error) {
    const isDown = error instanceof WavixError && error.code === 'WAVIX_NETWORK';
    if (isDown && isOnThisMachine(settings.apiUrl)) return { said: 'localDown' };
    throw error;
  } finally {
    line.close();
  }
}

/** Asks this server for its own addresses, as Wavix would; and for its editor, as anybody could. */
async function checkAddress(
  { RED, editor }: { RED: NodeAPI; editor: EditorProbe },
  id: string,
  form: FormValues,
): Promise<object> {
  const settings = settingsOfForm({ RED, id, form }, { deployed: deployedSettings(id), what: 'address' });
  if (typeof settings === 'string') return { said: settings };
  const line = trialLine(RED, settings);
  try {
    const { events, streams, address, port } = await line.reach();
    const isGood = !events.problem && !streams.problem;
    const say = (finding: Finding) => ({
      host: new URL(address).host,
      port,
      ...finding,
      ...(finding.problem === 'login' && isLoginOurs(RED, settings) && { problem: 'httpNodeAuth' }),
    });
    const isLocal = settings.publicUrl === '';
    return {
      address,
      events: say(events),
      streams: say(streams),
      maybeInside: !isLocal && [events, streams].some(({ problem }) => problem && MAYBE_INSIDE.has(problem)),
      warning: isLocal || isOnThisMachine(settings.apiUrl) ? undefined : warningOf(address),
      editor: isGood && !isLocal && (await editor.isOpen(settings)) ? 'open' : undefined,
    };
  } finally {
    line.close();
  }
}

function isLoginOurs({ settings }: NodeAPI, { port }: LineSettings): boolean {
  return port === undefined && Boolean((settings as { httpNodeAuth?: unknown }).httpNodeAuth);
}

function warningOf(address: string): 'private' | 'plain' | undefined {
  if (isInsideOnly(address)) return 'private';
  return address.startsWith('http:') ? 'plain' : undefined;
}

/** Who is asked for a login here: only what the form needs to warn. */
function exposure({ settings }: NodeAPI): object {
  const { adminAuth, httpNodeAuth, httpAdminRoot } = settings as unknown as Record<string, unknown>;
  return { editor: httpAdminRoot !== false && !adminAuth, nodeLogin: Boolean(httpNodeAuth) };
}

/** Finds out whether the admin API lets everybody deploy who comes by the public address. */
class EditorProbe {
  private readonly proofs = new Map<string, string>();

  constructor(private readonly RED: NodeAPI) {}

  proofOf(token: string): string | undefined {
    return this.proofs.get(token);
  }

  /** A port of its own serves no editor, and neither does what stands before it. */
  async isOpen({ publicUrl, port }: LineSettings): Promise<boolean> {
    const { httpAdminRoot: root } = this.RED.settings as { httpAdminRoot?: unknown };
    if (port !== undefined || root === false) return false;
    const [token, proof] = [newSecret(), newSecret()];
    this.proofs.set(token, proof);
    try {
      const path = joinPath(typeof root === 'string' ? root : '', BASE, 'probe', token);
      const request = { method: 'GET' as const, url: checkPublicUrl(publicUrl) + path, headers: {} };
      const { problem } = await probeHttp(request, proof, { clock: systemClock });
      return problem === undefined;
    } finally {
      this.proofs.delete(token);
    }
  }
}
