/** Streams that were asked for and have not started yet: Wavix's WebSocket comes a little after its answer. */
import type { Clock } from '../clock';
import type { StreamType } from './wire';

/** How long somebody who wants to speak waits for a stream that was asked for but has not started yet, in ms. */
export const EXPECT_MS = 10_000;

/** A stream that was asked for, in the hands of who asked. */
export interface Expected {
  /** Wavix has told the stream's id. */
  named(streamId: string): void;
  /** It won't come: Wavix refused. */
  cancel(): void;
}

interface Expectation {
  callId: string;
  type: StreamType;
  streamId?: string;
  until: number;
}

export class ExpectedStreams {
  private list: Expectation[] = [];
  private cancelExpiry: (() => void) | undefined;

  /** @param fewer called when one is no longer expected, whether it came or not */
  constructor(
    private readonly clock: Clock,
    private readonly fewer: () => void,
  ) {}

  add(callId: string, type: StreamType): Expected {
    const expectation: Expectation = { callId, type, until: this.clock.now() + EXPECT_MS };
    this.list.push(expectation);
    this.armExpiry();
    return {
      named: (streamId) => {
        expectation.streamId = streamId;
        // Wavix has only now begun to connect.
        expectation.until = this.clock.now() + EXPECT_MS;
        this.armExpiry();
      },
      cancel: () => this.keep((one) => one !== expectation),
    };
  }

  count(callId: string, type: StreamType): number {
    return this.list.filter((one) => one.callId === callId && one.type === type).length;
  }

  /** How many two-way ones it could be that are meant so. */
  countTwoway({ streamId, callId }: { streamId?: string | undefined; callId?: string | undefined }): number {
    return this.list.filter(
      (one) =>
        one.type === 'twoway' &&
        (streamId === undefined || one.streamId === streamId) &&
        (streamId !== undefined || callId === undefined || one.callId === callId),
    ).length;
  }

  /** One has started: it is expected no more, or one of its call and type whose id is not known yet. */
  started(stream: { streamId: string; callId: string; type: StreamType }): void {
    const came =
      this.list.find(({ streamId }) => streamId === stream.streamId) ??
      this.list.find(({ callId, type }) => callId === stream.callId && type === stream.type);
    if (came) this.keep((one) => one !== came);
  }

  /** That call is over: none of its streams will come. */
  callOver(callId: string): void {
    if (this.list.some((one) => one.callId === callId)) this.keep((one) => one.callId !== callId);
  }

  clear(): void {
    this.keep(() => false);
  }

  private keep(which: (expectation: Expectation) => boolean): void {
    this.list = this.list.filter(which);
    this.armExpiry();
    this.fewer();
  }

  private armExpiry(): void {
    this.cancelExpiry?.();
    this.cancelExpiry = undefined;
    if (this.list.length === 0) return;
    const next = Math.min(...this.list.map(({ until }) => until));
    this.cancelExpiry = this.clock.after(next - this.clock.now(), () => {
      this.keep(({ until }) => until > this.clock.now());
    });
  }
}
