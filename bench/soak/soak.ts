/**
 * The soak: many calls at once through a real Node-RED in a process of its own, the local Wavix here, and everything
 * that goes wrong in a life of calls. See docs/soak.md.
 */
import { setMaxListeners } from 'node:events';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { NodeRed } from '../../test/e2e/node-red';
import { LocalWavix, type Call } from '../../simulator';
import { FRAME_MS } from '../../lib/streams/wire';
import { Caller, OURS, type World } from './caller';
import { Commands } from './commands';
import { Drops } from './drops';
import { FaultyProxy } from './faulty-proxy';
import { API_KEY, LINES, soakFlow } from './flow';
import { Ledger } from './ledger';
import { Random } from './random';
import { failuresOf, sumOf, Totals, type SoakResult } from './totals';

export interface SoakOptions {
  /** how long new calls are made */
  minutes: number;
  /** how many at once */
  calls: number;
  seed: number;
  /** by how much the memory in use may grow, MB */
  maxGrowthMb: number;
  /** the mean time between two deploys, s; 0: none */
  deployEvery: number;
  /** told of the progress */
  log?: (line: string) => void;
}

/** Idle connections are gone after this, in ms. */
const QUIET_MS = 7_000;

/** Beyond what both event loops were held: what a message takes on its way. ms */
const TOLERANCE_MS = 250;

/** What a dropped socket may take with it beside that. ms */
const DROP_MS = 1_000;

/** @throws Error if Node-RED, or what is around it, does not start or ends before its time */
export async function soak(options: SoakOptions): Promise<SoakResult> {
  const { log = () => undefined } = options;
  const random = new Random(options.seed);
  const totals = new Totals();
  const ledger = new Ledger(totals);
  const wavix = new LocalWavix({
    apiKey: API_KEY,
    defaults: { ringMs: 20, answerAfterMs: 300 },
    keepCalls: 0,
  });
  await wavix.start();
  const proxy = new FaultyProxy(wavix.url, random.fork());
  await proxy.start();
  const commands = await Commands.open(ledger);
  ledger.commands = commands;
  const drops = new Drops(wavix);
  log('Packing, installing and starting Node-RED …');
  let nodeRed: NodeRed | undefined;
  try {
    nodeRed = await NodeRed.start({
      script: join(__dirname, 'red.mjs'),
      env: { SOAK_PORT: String(commands.port) },
    });
    const placed = new Map<string, Call[]>();
    wavix.on('call', (call) => {
      if (call.direction === 'outbound') placed.set(call.to, [...(placed.get(call.to) ?? []), call]);
    });
    const synced = () => commands.synced();
    const world: World = { wavix, ledger, drops, totals, placed, synced };
    const site = new Site(nodeRed, commands, proxy, wavix, totals);
    await site.setUp();
    return await new Run(options, random, world, site, log).go();
  } catch (error) {
    if (nodeRed) log(`Node-RED's log:\n${nodeRed.log.slice(-20_000)}`);
    throw error;
  } finally {
    drops.stop();
    await nodeRed?.stop();
    commands.close();
    await proxy.stop();
    await wavix.stop();
  }
}

/** Node-RED and what is around it. */
class Site {
  private round = 0;

  constructor(
    readonly nodeRed: NodeRed,
    readonly commands: Commands,
    readonly proxy: FaultyProxy,
    private readonly wavix: LocalWavix,
    private readonly totals: Totals,
  ) {}

  async setUp(): Promise<void> {
    await this.nodeRed.deploy(soakFlow(this.proxy.url));
    for (const line of LINES) {
      const path = `/wavix/config/${encodeURIComponent(`config ${line}`)}/events-url`;
      const { url } = await this.nodeRed.adminJson<{ url: string }>(path);
      this.wavix.assignWebhook(OURS[line], url);
    }
  }

  async deploy(type: 'full' | 'flows' | 'nodes'): Promise<void> {
    this.totals.deploys[type] = (this.totals.deploys[type] ?? 0) + 1;
    const flow = soakFlow(this.proxy.url, ++this.round);
    await this.commands.without(() => this.nodeRed.deploy(flow, type));
  }
}

class Run {
  private serial = 0;
  private readonly stop = new AbortController();
  private failed: Error | undefined;

  constructor(
    private readonly options: SoakOptions,
    private readonly random: Random,
    private readonly world: World,
    private readonly site: Site,
    private readonly log: (line: string) => void,
  ) {}

  async go(): Promise<SoakResult> {
    const { options, site, world } = this;
    const { totals } = world;
    const { commands, proxy } = site;
    setMaxListeners(0, this.stop.signal); // every call listens
    void site.nodeRed.ended.then((how) => this.fail(new Error(`Node-RED ended by itself: ${how}`)));
    await this.warmUp();
    const start = await commands.measure();
    const own = monitorEventLoopDelay({ resolution: 10 });
    own.enable();

    const ms = options.minutes * 60_000;
    const began = performance.now();
    const busy = [
      ...Array.from({ length: options.calls }, (_, index) => this.callAgain(index, began, ms)),
      this.deployAgain(),
      this.refuseAgain(),
      this.report(began, ms),
    ].map((work) => work.catch((error: unknown) => this.fail(error as Error)));
    await this.pause(ms / 2);
    const middle = await commands.measure();
    await this.pause(began + ms - performance.now());
    this.stop.abort();
    await Promise.all(busy);
    if (this.failed) throw this.failed;
    this.log('All calls are over; looking at what is left …');
    await sleep(QUIET_MS);
    const end = await commands.measure();
    own.disable();

    const longestDelayMs = Math.max(start.longestDelayMs, middle.longestDelayMs, end.longestDelayMs);
    const ownLongestDelayMs = own.max / 1e6;
    const tolerance = TOLERANCE_MS + longestDelayMs + ownLongestDelayMs;
    const more = totals.heardMoreMs.filter((one) => !(one <= tolerance));
    totals.fault('heardMore', more.length, `by ${more.map((one) => Math.round(one)).join(', ')} ms`);
    // A socket takes with it what was on its way, no more.
    const onItsWay = Math.ceil((tolerance + DROP_MS) / FRAME_MS);
    totals.fault(
      'lostFrames',
      totals.mostDropped - onItsWay,
      `${totals.mostDropped} frames went with one socket`,
    );
    const result = {
      options,
      totals,
      start,
      middle,
      end,
      longestDelayMs,
      ownLongestDelayMs,
      proxy: proxy.facts,
    };
    return { ...result, failures: failuresOf(result) };
  }

  /** What is loaded and made once is there before the first measure. */
  private async warmUp(): Promise<void> {
    const { proxy } = this.site;
    proxy.faulty = false;
    const first = LINES.map((line) => this.caller(line, 2_000));
    for (const type of ['nodes', 'flows', 'full'] as const) await this.site.deploy(type);
    await Promise.all(first.map((caller) => caller.run()));
    proxy.faulty = true;
    await sleep(1_000);
  }

  private caller(line: 'a' | 'b', lifeMs: number): Caller {
    return new Caller(this.world, line, this.random.fork(), ++this.serial, lifeMs, this.stop.signal);
  }

  /** One call after the other. A fifth of them are echoes. */
  private async callAgain(index: number, began: number, ms: number): Promise<void> {
    const random = this.random.fork();
    // Not all at the same moment.
    await this.pause(random.between(0, Math.min(ms / 6, this.options.calls * 60)));
    while (!this.stopped && began + ms - performance.now() > 2_000) {
      const lifeMs = random.between(4_000, 25_000);
      await this.caller(index % 5 === 4 ? 'b' : 'a', lifeMs).run();
    }
  }

  private async deployAgain(): Promise<void> {
    const random = this.random.fork();
    const meanMs = this.options.deployEvery * 1000;
    while (meanMs > 0) {
      await this.pause(random.between(0.4 * meanMs, 1.6 * meanMs));
      if (this.stopped) return;
      await this.site.deploy(random.pick({ full: 1, flows: 1, nodes: 1 }));
    }
  }

  private async refuseAgain(): Promise<void> {
    const random = this.random.fork();
    for (;;) {
      await this.pause(random.between(6_000, 14_000));
      if (this.stopped) return;
      await this.site.proxy.refuse();
    }
  }

  private async report(began: number, ms: number): Promise<void> {
    const { totals } = this.world;
    let shown = 0;
    for (;;) {
      await this.pause(10_000);
      if (this.stopped) return;
      const seconds = Math.round((performance.now() - began) / 1000);
      const faults = sumOf({ ...totals.faults });
      this.log(
        `${seconds} of ${Math.round(ms / 1000)} s: ${totals.calls} calls, ${totals.framesHeard} frames, ${faults} faults`,
      );
      for (const remark of totals.remarks.slice(shown)) this.log(`  ${remark}`);
      shown = totals.remarks.length;
    }
  }

  private get stopped(): boolean {
    return this.stop.signal.aborted;
  }

  private fail(error: Error): void {
    this.failed ??= error;
    this.stop.abort();
  }

  private async pause(ms: number): Promise<void> {
    if (ms > 0) await sleep(ms, undefined, { signal: this.stop.signal }).catch(() => undefined);
  }
}
