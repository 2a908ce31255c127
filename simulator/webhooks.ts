/**
 * Posts call events. Those of one call go out in order and one at a time: the next only after the one before was
 * answered, timed out or given up.
 */

import { setMaxListeners } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import axios from 'axios';
import type { Clock } from '../lib/clock';
import type { CallEvent } from './call-event';
import { deferred } from './deferred';
import type { Tell } from './log';
import { maskUrl } from './mask';

/** How often a failed post is made again. */
const RETRIES = 2;
const RETRY_DELAY_MS = 250;

/** An event and what became of its post. Times are monotonic, in ms. */
export interface PostedEvent {
  event: CallEvent;
  /** when it happened */
  at: number;
  /** when the first attempt began; undefined: not yet, or there is no URL to post to */
  postedAt: number | undefined;
  /** when the receiver's last answer came */
  answeredAt: number | undefined;
  /** HTTP status of the receiver's last answer */
  status: number | undefined;
  attempts: number;
  /** the receiver, and if there are several each of them, answered with 2xx */
  delivered: boolean;
}

export interface PosterOptions {
  clock: Clock;
  /** how long an answer may take, in ms */
  timeoutMs: number;
  /** posts every event twice, as a sender does that missed the first answer */
  repeat: boolean;
}

/** The sockets over which all posts go. */
export class Poster {
  #agents = { http: new http.Agent({ keepAlive: true }), https: new https.Agent({ keepAlive: true }) };
  #stopped = new AbortController();

  constructor(readonly options: PosterOptions) {
    setMaxListeners(0, this.#stopped.signal); // one for each post under way
  }

  /** One post. @returns the HTTP status, or what went wrong, in words that hold no URL */
  async post(url: string, event: CallEvent): Promise<number | string> {
    try {
      const { status } = await axios.post(url, event, {
        httpAgent: this.#agents.http,
        httpsAgent: this.#agents.https,
        timeout: this.options.timeoutMs,
        signal: this.#stopped.signal,
        maxRedirects: 0,
        maxContentLength: 1_000_000,
        proxy: false,
        responseType: 'text',
        validateStatus: () => true,
      });
      return status;
    } catch (error) {
      return axios.isAxiosError(error) ? (error.code ?? 'failed') : 'failed';
    }
  }

  /** Waits, or until all is stopped. */
  async pause(ms: number): Promise<void> {
    const { signal } = this.#stopped;
    if (signal.aborted) return;
    const over = deferred<undefined>();
    const end = () => over.resolve(undefined);
    const cancel = this.options.clock.after(ms, end);
    signal.addEventListener('abort', end);
    await over.promise;
    signal.removeEventListener('abort', end);
    cancel();
  }

  isStopped(): boolean {
    return this.#stopped.signal.aborted;
  }

  /** Breaks off every post under way; none is made after it. */
  stop(): void {
    this.#stopped.abort();
    this.#agents.http.destroy();
    this.#agents.https.destroy();
  }
}

/** The events of one call. */
export class EventQueue {
  /** All events of the call so far, in order. */
  readonly events: PostedEvent[] = [];
  #last: Promise<void> = Promise.resolve();

  /** @param urls where to post, asked for each event; with none, the events are kept, but not posted */
  constructor(
    readonly poster: Poster,
    readonly urls: () => readonly string[],
    readonly tell: Tell,
  ) {}

  /** @returns when the post is over, well or not */
  add(event: CallEvent): Promise<void> {
    const { clock } = this.poster.options;
    const posted: PostedEvent = {
      event,
      at: clock.now(),
      postedAt: undefined,
      answeredAt: undefined,
      status: undefined,
      attempts: 0,
      delivered: false,
    };
    this.events.push(posted);
    this.#last = this.#last.then(() => this.#deliver(posted));
    return this.#last;
  }

  /** When all that was added so far has been posted or given up. */
  get idle(): Promise<void> {
    return this.#last;
  }

  async #deliver(posted: PostedEvent): Promise<void> {
    const urls = this.urls();
    const postToAll = () => Promise.all(urls.map((url) => this.#attempts(posted, url)));
    let taken = await postToAll();
    if (this.poster.options.repeat) taken = await postToAll();
    posted.delivered = taken.length > 0 && !taken.includes(false);
  }

  /** @returns whether it was taken */
  async #attempts(posted: PostedEvent, url: string): Promise<boolean> {
    const { poster } = this;
    const { clock } = poster.options;
    for (let attempt = 1; attempt <= RETRIES + 1 && !poster.isStopped(); attempt++) {
      posted.attempts += 1;
      posted.postedAt ??= clock.now();
      const outcome = await poster.post(url, posted.event);
      if (poster.isStopped()) return false;
      if (typeof outcome === 'number') {
        posted.answeredAt = clock.now();
        posted.status = outcome;
      }
      const { event_type, uuid } = posted.event;
      this.tell({
        type: 'webhook',
        call_id: uuid,
        event_type,
        url: maskUrl(url),
        attempt,
        ...(typeof outcome === 'number' ? { status: outcome } : { problem: outcome }),
      });
      if (typeof outcome === 'number' && outcome >= 200 && outcome < 300) return true;
      if (attempt <= RETRIES) await poster.pause(RETRY_DELAY_MS);
    }
    return false;
  }
}
