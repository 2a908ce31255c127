/** A `wavix-simulator` as it stays when a deploy replaces its node: its phone, and what it tells of its calls. */
import type { Node, NodeAPI, NodeMessage, NodeStatus } from 'node-red';
import { WavixError } from '../../lib/errors';
import {
  DEFAULT_SOUND,
  soundMs,
  type Call,
  type CallEvent,
  type LocalWavixEvent,
  type Speech,
} from '../../simulator';
import { evaluate, type TypedInput } from '../shared/properties';
import { Seat } from '../shared/seat';
import { shown } from '../shared/steps';
import { errorInWords } from '../shared/words';
import { checkedSpeech, readOrder } from './orders';
import { Station, type Phone } from './stations';

export interface DeskSettings {
  port: number;
  from: string;
  to: string;
  speech: TypedInput;
}

const desks = new Map<string, Desk>();

export class Desk implements Phone {
  private station: Station | undefined;
  private settings: DeskSettings | undefined;
  private problem: WavixError | undefined;
  private readonly live = new Set<Call>();
  private shown: NodeStatus | undefined;

  private constructor(
    private readonly RED: NodeAPI,
    readonly seat: Seat,
    private node: Node,
  ) {}

  /** The desk of a node, its predecessor's if it had one. */
  static take(RED: NodeAPI, node: Node, settings: DeskSettings | WavixError): Desk {
    const seat = Seat.takeAlone(RED, node);
    let desk = desks.get(node.id);
    if (desk) desk.node = node;
    else {
      desks.set(node.id, (desk = new Desk(RED, seat, node)));
      const left = desk;
      seat.signal.addEventListener('abort', () => {
        desks.delete(node.id);
        left.station?.leave(left);
      });
    }
    desk.configure(settings);
    return desk;
  }

  static of(id: string): Desk | undefined {
    return desks.get(id);
  }

  /** Its calls, live ones and the last ended ones, in the order of their beginning. */
  get calls(): Call[] {
    return this.station?.callsOf(this) ?? [];
  }

  /** Somebody takes the phone: it calls, or hangs up if it is in a call. @throws WavixError */
  async press(): Promise<'call' | 'hangup'> {
    const calls = this.station?.liveCallsOf(this) ?? [];
    for (const call of calls) call.phone.hangUp();
    if (calls.length > 0) return 'hangup';
    await this.do({});
    return 'call';
  }

  /** Does what a message asks for. @throws WavixError */
  async do(msg: NodeMessage): Promise<void> {
    const { settings, station } = this;
    if (!settings || !station) throw this.problem ?? new Error('The node is not configured.');
    const wavix = await station.running();
    const { from, to } = settings;
    const order = await readOrder(msg, {
      ...{ from, to },
      speech: () => this.speech(msg),
    });
    try {
      switch (order.event) {
        case 'call':
          await station.call(this, order.inbound);
          break;
        case 'say':
          await this.callOf(order.callId).phone.say(order.speech);
          break;
        case 'hangup':
          this.callOf(order.callId).phone.hangUp();
          break;
        case 'number':
          await wavix.setNumber(order.number, order.plan);
      }
    } catch (error) {
      // What the local Wavix refuses is what the message said.
      throw error instanceof WavixError ? error : refused(error);
    }
  }

  // Phone: what the local Wavix asks and tells

  get number(): string {
    return this.settings?.from ?? '';
  }

  async speech(msg: NodeMessage = {}): Promise<Speech> {
    const { settings } = this;
    const value = settings && (await evaluate(this.RED, this.node, settings.speech, msg));
    return value === undefined || value === '' ? DEFAULT_SOUND : checkedSpeech(value);
  }

  onEvent(call: Call, event: CallEvent): void {
    const type = event.event_type;
    this.tell(call, type, structuredClone(event));
    if (type === 'on_call_event') return;
    if (call.state === 'ended') this.live.delete(call);
    else this.live.add(call);
    if (this.live.size > 1) this.showLive();
    else if (call.state === 'ended') this.show('grey', 'ring', type);
    else this.show(call.state === 'answered' ? 'green' : 'yellow', 'dot', type);
  }

  onStep(call: Call, step: LocalWavixEvent): void {
    const what: Partial<LocalWavixEvent> = { ...step };
    delete what.at;
    delete what.call_id;
    if (step.type === 'stream' && (step.what === 'connected' || step.what === 'ended'))
      this.tell(call, 'stream', what);
    const failed =
      step.type === 'problem' ||
      (step.type === 'stream' && step.what === 'problem') ||
      (step.type === 'webhook' && step.attempt === 1 && !(Number(step.status) < 300));
    if (failed) this.tell(call, 'problem', what);
  }

  onMute(call: Call, error: unknown): void {
    const { message } = errorInWords(this.RED, error instanceof WavixError ? error : refused(error));
    this.tell(call, 'problem', { type: 'problem', message });
  }

  onOver(call: Call): void {
    if (call.answeredMs === 0) return;
    const heard_ms = soundMs(call.heard());
    const said_ms = soundMs(call.said());
    const base = `${this.station?.url ?? ''}/local/calls/${call.call_id}`;
    this.tell(call, 'recording', {
      call: `${base}/call.wav`,
      heard: `${base}/heard.wav`,
      said: `${base}/said.wav`,
      ...{ heard_ms, said_ms },
    });
    if (this.live.size === 0) this.show('grey', 'dot', 'heard', { seconds: (heard_ms / 1000).toFixed(1) });
  }

  onProblem(problem: WavixError | undefined): void {
    this.problem = problem;
    const port = this.settings?.port ?? '';
    if (problem) this.show('red', 'ring', 'port', { port });
    else if (this.live.size === 0) this.show('grey', 'dot', 'idle', { port });
    else if (this.shown) this.seat.status(this.shown); // a new node shows nothing by itself
  }

  private configure(settings: DeskSettings | WavixError): void {
    const former = this.station;
    if (settings instanceof WavixError) {
      this.settings = undefined;
      this.station = undefined;
      this.problem = settings;
      this.node.error(errorInWords(this.RED, settings).message);
      this.seat.status(shown('red', 'ring', settings.code));
    } else {
      this.settings = settings;
      this.station = Station.at(settings.port);
      this.station.enter(this).then(
        () => this.onProblem(undefined),
        (problem: unknown) => this.node.error(errorInWords(this.RED, problem).message),
      );
    }
    if (former && former !== this.station) {
      former.leave(this);
      this.live.clear();
    }
  }

  /** @throws WavixError `WAVIX_INPUT` if there is no such live call, or none that is meant for sure */
  private callOf(callId: string): Call {
    const live = this.calls.filter(({ state }) => state !== 'ended');
    const own = this.station?.liveCallsOf(this) ?? [];
    const unnamed = own.length > 0 ? own : live;
    const meant = callId === '' ? unnamed : live.filter(({ call_id }) => call_id === callId);
    const [call] = meant;
    if (call && meant.length === 1) return call;
    const key = meant.length > 1 ? 'simulator.severalCalls' : 'simulator.noCall';
    throw new WavixError('WAVIX_INPUT', { key });
  }

  private tell(call: Call, event: string, payload: unknown): void {
    const { call_id, direction, from, to } = call;
    this.seat.send([{ topic: event, event, payload, call_id, direction, from, to }]);
  }

  private showLive(): void {
    this.show('green', 'dot', 'calls', { count: this.live.size });
  }

  private show(
    fill: 'red' | 'green' | 'yellow' | 'grey',
    shape: 'dot' | 'ring',
    key: string,
    values?: Record<string, string | number>,
  ): void {
    const name = `wavix-simulator.status.${key}`;
    this.shown = shown(fill, shape, values ? this.RED._(name, values) : name);
    this.seat.status(this.shown);
  }
}

function refused(error: unknown): WavixError {
  const what = error instanceof Error ? error.message : String(error);
  return new WavixError('WAVIX_INPUT', { key: 'simulator.refused', values: { what } });
}
