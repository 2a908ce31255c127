/**
 * The lines of this Node-RED, one for each `wavix-config`, and who uses them. The first user opens a line's addresses,
 * the last one closes them; its streams live until the config is gone.
 */
import type { Node, NodeAPI } from 'node-red';
import { systemClock } from '../../lib/clock';
import { asWavixError, WavixError } from '../../lib/errors';
import { Line, type LineDeps, type LineSettings } from '../../lib/line';
import { leadsTo } from '../../lib/server/addresses';
import { OwnPorts } from '../../lib/server/own-port';
import { followDeploys, forget, keep, orphan, type Survivor } from './deploys';
import { hostOf } from './host';
import { errorInWords, inWords } from './words';

/** A node's use of a line. */
export interface LineUse {
  /** @throws WavixError `WAVIX_CONFIG` if there is no line, or it can't be used */
  readonly line: Line;
  end(): void;
}

interface User {
  /** Told when the line can't be used. */
  onProblem: (problem: WavixError) => void;
  /** Told when there is a new line: the config came, or came back, after its user. */
  onLine: () => void;
}

const entries = new Map<string, LineEntry>();
const ownPorts = new OwnPorts();

/** What is known of one config's id. Users may come before their config, and stay while it is replaced. */
class LineEntry implements Survivor {
  private node: Node | undefined;
  private RED: NodeAPI | undefined;
  private line: Line | undefined;
  private problem: WavixError | undefined;
  private readonly users = new Set<User>();
  /** As deployed. */
  settings: LineSettings | undefined;

  constructor(private readonly id: string) {}

  get attached(): boolean {
    return this.node !== undefined;
  }

  /** @throws WavixError `WAVIX_CONFIG` */
  get usable(): Line {
    if (this.problem) throw this.problem;
    if (!this.line) throw noConfig();
    return this.line;
  }

  /** The line, if nodes use it and its API is what listens on that port of 127.0.0.1. */
  lineAt(port: number): Line | undefined {
    const { line, users } = this;
    return users.size > 0 && line && leadsTo(port, line.apiUrl) ? line : undefined;
  }

  configure(RED: NodeAPI, node: Node, settings: LineSettings | WavixError): void {
    this.node = node;
    this.RED = RED;
    this.settings = settings instanceof WavixError ? undefined : settings;
    if (settings instanceof WavixError) {
      this.complain(settings);
      return;
    }
    this.problem = undefined;
    if (this.line) {
      this.watch(this.line.configure(settings));
    } else {
      this.line = newLine(RED, settings, (texts) => this.node?.warn(inWords(RED, texts)));
      for (const user of this.users) user.onLine();
    }
    if (this.users.size > 0) this.watch(this.line.open());
  }

  add(user: User): void {
    this.users.add(user);
    if (this.problem) user.onProblem(this.problem);
    else if (this.line && this.users.size === 1) this.watch(this.line.open());
  }

  remove(user: User): void {
    if (this.users.delete(user) && this.users.size === 0) this.line?.shut();
  }

  leave(node: Node, removed: boolean): void {
    if (this.node !== node) return;
    this.node = undefined;
    if (removed) {
      forget(this);
      this.expire();
    } else {
      orphan();
    }
  }

  started(): void {
    // The line has gone on all the time.
  }

  expire(): void {
    this.line?.close();
    this.line = undefined;
    this.problem = undefined;
    if (this.users.size === 0) entries.delete(this.id);
  }

  private watch(opening: Promise<void>): void {
    opening.catch((error: unknown) => {
      this.complain(asWavixError(error, 'WAVIX_CONFIG'));
    });
  }

  private complain(problem: WavixError): void {
    this.problem = problem;
    if (this.RED) this.node?.error(errorInWords(this.RED, problem).message);
    for (const user of this.users) user.onProblem(problem);
  }
}

/** Called by a `wavix-config` for itself: its line is made, or goes on with new settings. */
export function configureLine(RED: NodeAPI, node: Node, settings: LineSettings | WavixError): void {
  followDeploys(RED);
  const entry = entryOf(node.id);
  keep(entry);
  entry.configure(RED, node, settings);
  node.on('close', (removed: boolean, done: () => void) => {
    entry.leave(node, removed);
    done();
  });
}

/** A line of its own to try settings with; it is to be closed. */
export function trialLine(RED: NodeAPI, settings: LineSettings): Line {
  return newLine(RED, settings, () => undefined);
}

function newLine(RED: NodeAPI, settings: LineSettings, log: LineDeps['log']): Line {
  return new Line(settings, {
    // Looked up when it is needed: with a port of its own, a line needs no host.
    get host() {
      return hostOf(RED);
    },
    ownPorts,
    clock: systemClock,
    log,
  });
}

/** What a config was deployed with, the API key too; undefined if it is not there, or can't be used. */
export function deployedSettings(configId: string): LineSettings | undefined {
  const entry = entries.get(configId);
  return entry?.attached ? entry.settings : undefined;
}

/** The line of a deployed config. @throws WavixError `WAVIX_CONFIG` */
export function findLine(configId: string): Line {
  const entry = entries.get(configId);
  if (!entry) throw noConfig();
  return entry.usable;
}

/** The lines that nodes use and whose API is what listens on that port of 127.0.0.1. */
export function linesAt(port: number): Line[] {
  return [...entries.values()].flatMap((entry) => entry.lineAt(port) ?? []);
}

/** Called by a node for the config it names. */
export function useLine(configId: unknown, user: User): LineUse {
  if (typeof configId !== 'string' || configId === '') {
    user.onProblem(noConfig());
    return {
      get line(): Line {
        throw noConfig();
      },
      end: () => undefined,
    };
  }
  const entry = entryOf(configId);
  entry.add(user);
  return {
    get line() {
      return entry.usable;
    },
    end: () => entry.remove(user),
  };
}

function entryOf(id: string): LineEntry {
  let entry = entries.get(id);
  if (!entry) entries.set(id, (entry = new LineEntry(id)));
  return entry;
}

function noConfig(): WavixError {
  return new WavixError('WAVIX_CONFIG', { key: 'config.missing' });
}
