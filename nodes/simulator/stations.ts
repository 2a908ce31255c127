/**
 * The local Wavixes of this Node-RED: one for each port, shared by all nodes that name it. The first of them opens it,
 * the last one closes it; a deploy in between changes nothing. Knows nothing of messages.
 */
import { asWavixError, WavixError } from '../../lib/errors';
import {
  LocalWavix,
  type Call,
  type CallEvent,
  type InboundCall,
  type LocalWavixEvent,
} from '../../simulator';
import type { Speech } from '../../simulator';
import { linesAt } from '../shared/lines';

/** How many ended calls can be listened to, and how much of each, in ms: the memory of a Node-RED is not a recorder's. */
const KEEP_CALLS = 5;
const KEEP_MS = 5 * 60_000;

/** How long after a failed attempt to listen the next one is made, in ms. */
const RETRY_MS = 5_000;

/** A node, as the local Wavix that it uses sees it. */
export interface Phone {
  /** Its number, E.164. */
  readonly number: string;
  /** What it says where a call says nothing else. */
  speech(): Promise<Speech>;
  /** Told of each event of its calls; after the last one, of their end. */
  onEvent(call: Call, event: CallEvent): void;
  onStep(call: Call, step: LocalWavixEvent): void;
  onOver(call: Call): void;
  /** Told what keeps the phone of a call from speaking. */
  onMute(call: Call, error: unknown): void;
  /** Told whenever it was tried to listen: when that failed, why. */
  onProblem(problem: WavixError | undefined): void;
}

/** A local Wavix that listens, or is about to. */
interface Opening {
  wavix: LocalWavix;
  ready: Promise<LocalWavix>;
}

const stations = new Map<number, Station>();

export class Station {
  private readonly phones = new Set<Phone>();
  /** Who placed an inbound call; those placed by others, and outbound ones, have no owner. */
  private readonly owners = new WeakMap<Call, Phone>();
  private current: Opening | undefined;
  private retry: NodeJS.Timeout | undefined;
  private closed: Promise<unknown> = Promise.resolve();

  private constructor(readonly port: number) {}

  static at(port: number): Station {
    let station = stations.get(port);
    if (!station) stations.set(port, (station = new Station(port)));
    return station;
  }

  /**
   * A node begins to use it: it is opened, if it is not open yet.
   *
   * @throws WavixError `WAVIX_CONFIG` if the port can't be listened on
   */
  async enter(phone: Phone): Promise<void> {
    this.phones.add(phone);
    await this.running();
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** A node is gone, for good or to another port: without any, all calls end and nothing is left open. */
  leave(phone: Phone): void {
    this.phones.delete(phone);
    if (this.phones.size > 0) return;
    clearTimeout(this.retry);
    const { current } = this;
    this.current = undefined;
    if (current) this.closed = current.ready.then(() => current.wavix.stop()).catch(() => undefined);
  }

  /**
   * The local Wavix; tries again to open it if that failed before.
   *
   * @throws WavixError `WAVIX_CONFIG` if the port can't be listened on
   */
  running(): Promise<LocalWavix> {
    this.current ??= this.open();
    return this.current.ready;
  }

  /** The calls that a phone is told of, live ones and the last ended ones, in the order of their beginning. */
  callsOf(phone: Phone): Call[] {
    return [...(this.current?.wavix.calls.values() ?? [])].filter((call) =>
      this.phonesOf(call).includes(phone),
    );
  }

  /** The live calls that it takes part in itself: those it has placed, and those to its number. */
  liveCallsOf(phone: Phone): Call[] {
    return this.callsOf(phone).filter(
      (call) => call.state !== 'ended' && (this.owners.get(call) === phone || call.to === phone.number),
    );
  }

  /**
   * A phone calls the flow.
   *
   * @throws WavixError `WAVIX_CONFIG` if nobody would hear of it
   */
  async call(phone: Phone, inbound: InboundCall): Promise<Call> {
    const wavix = await this.running();
    this.checkWebhooks();
    return wavix.call(inbound, (call) => this.owners.set(call, phone));
  }

  private open(): Opening {
    clearTimeout(this.retry);
    const wavix = new LocalWavix({
      port: this.port,
      keepCalls: KEEP_CALLS,
      maxRecordingMs: KEEP_MS,
      findWebhooks: () => this.webhooks(),
    });
    wavix.on('call', (call) => this.begin(call));
    wavix.on('callEvent', (event, call) => {
      for (const phone of this.phonesOf(call)) phone.onEvent(call, event);
    });
    wavix.on('event', (step) => {
      const call = wavix.calls.get(step.call_id ?? '');
      if (call) for (const phone of this.phonesOf(call)) phone.onStep(call, step);
    });
    return { wavix, ready: this.listen(wavix) };
  }

  private async listen(wavix: LocalWavix): Promise<LocalWavix> {
    await this.closed;
    try {
      await wavix.start();
    } catch (error) {
      const problem = portProblem(this.port, error);
      if (this.current?.wavix === wavix) this.failed(problem);
      throw problem;
    }
    for (const phone of this.phones) phone.onProblem(undefined);
    return wavix;
  }

  /** Who has the port may end; then all is well again without a deploy. */
  private failed(problem: WavixError): void {
    this.current = undefined;
    for (const phone of this.phones) phone.onProblem(problem);
    this.retry = setTimeout(() => void this.running().catch(() => undefined), RETRY_MS).unref();
  }

  private begin(call: Call): void {
    if (!call.phone.hasSpeech) this.speak(call);
    void call.done.then(() => {
      for (const phone of this.phonesOf(call)) phone.onOver(call);
    });
  }

  /** The phone that is called speaks as its node says; a number that is no node's, as the first node. */
  private speak(call: Call): void {
    const number = call.direction === 'inbound' ? call.from : call.to;
    const phones = [...this.phones];
    const phone = phones.find((one) => one.number === number) ?? phones[0];
    const say = async () => {
      const speech = await phone?.speech();
      if (speech !== undefined) await call.phone.say([{ silence: 300 }, speech]);
    };
    say().catch((error: unknown) => {
      for (const one of this.phonesOf(call)) one.onMute(call, error);
    });
  }

  /** Those who are told of a call: who placed it, else those whose number is called, else all. */
  private phonesOf(call: Call): Phone[] {
    const phones = [...this.phones];
    const owner = this.owners.get(call);
    if (owner) return phones.filter((phone) => phone === owner);
    const called = phones.filter(({ number }) => number === call.to);
    return called.length > 0 ? called : phones;
  }

  /** Where events of inbound calls go; a line that has no address says why. */
  private addresses(): (string | WavixError)[] {
    return linesAt(this.port).map((line) => {
      try {
        return line.eventsUrl;
      } catch (error) {
        return asWavixError(error, 'WAVIX_CONFIG');
      }
    });
  }

  private webhooks(): string[] {
    return this.addresses().filter((address) => typeof address === 'string');
  }

  /** @throws WavixError `WAVIX_CONFIG` why events of inbound calls would reach nobody */
  private checkWebhooks(): void {
    const addresses = this.addresses();
    if (addresses.some((address) => typeof address === 'string')) return;
    const [problem] = addresses;
    if (problem instanceof WavixError) throw problem;
    throw new WavixError('WAVIX_CONFIG', { key: 'simulator.noFlow', values: { url: this.url } });
  }
}

function portProblem(port: number, error: unknown): WavixError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const key =
    code === 'EADDRINUSE'
      ? 'simulator.portTaken'
      : code === 'EACCES'
        ? 'simulator.portForbidden'
        : 'simulator.port';
  return new WavixError('WAVIX_CONFIG', { key, values: { port, code: code || String(error) } });
}
