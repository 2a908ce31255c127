/** What the servers are put under: calls in real time, a flood, and silence. */
import { Caller, type Callers } from './caller';
import { FRAME_MS } from './frames';
import type { Server } from './server';

export interface EchoResult {
  /** CPU of the server per frame that came and went, in µs */
  cpuPerFrame: number;
  /** from a frame's leaving to its coming back, in ms */
  p50: number;
  p99: number;
  max: number;
  lost: number;
  wrong: number;
}

export interface FloodResult {
  framesPerSecond: number;
  cpuPerFrame: number;
  lost: number;
  wrong: number;
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export async function openCalls(server: Server, count: number, owner: Callers): Promise<Caller[]> {
  const callers = Array.from({ length: count }, (_unused, index) => new Caller(index, owner));
  for (const caller of callers) await open(server, caller);
  return callers;
}

/** Node-RED says that its flows have started a moment before our routes are open. */
async function open(server: Server, caller: Caller): Promise<void> {
  const giveUp = performance.now() + 5_000;
  for (;;) {
    try {
      await caller.open(server.urlFor(caller.call_id));
      return;
    } catch (error) {
      if (performance.now() > giveUp) throw error;
    }
    await sleep(50);
  }
}

export async function closeCalls(callers: Caller[]): Promise<void> {
  await Promise.all(callers.map((caller) => caller.close()));
}

/** Lets each caller send a frame every 20 ms, evenly spread over these, for `ms`; late ones are caught up. */
export async function talk(callers: Caller[], ms: number): Promise<void> {
  const start = performance.now();
  const due = callers.map((_caller, index) => start + (index * FRAME_MS) / callers.length);
  for (;;) {
    const now = performance.now();
    for (const [index, caller] of callers.entries()) {
      while ((due[index] as number) <= now) {
        caller.send();
        due[index] = (due[index] as number) + FRAME_MS;
      }
    }
    if (now - start >= ms) return;
    await sleep(1);
  }
}

/**
 * Waits until all that was sent has come back, or nothing has come for a second.
 *
 * @returns when the last frame was seen to have come, in ms
 */
async function settle(callers: Caller[]): Promise<number> {
  let received = -1;
  let since = performance.now();
  while (performance.now() - since < 1_000) {
    const now = callers.reduce((sum, caller) => sum + caller.received, 0);
    if (now !== received) since = performance.now();
    received = now;
    if (callers.every((caller) => caller.received === caller.sent)) break;
    await sleep(1);
  }
  return since;
}

function faults(callers: Caller[]): { lost: number; wrong: number } {
  return {
    lost: callers.reduce((sum, { sent, received }) => sum + sent - received, 0),
    wrong: callers.reduce((sum, { wrong, lost }) => sum + wrong + Number(lost), 0),
  };
}

/** Two-way calls in real time: each frame comes back. */
export async function echo(server: Server, calls: number, warmUpMs: number, ms: number): Promise<EchoResult> {
  let times: number[] = [];
  const owner: Callers = {
    echoed: (_caller, took) => void times.push(took),
    told: () => undefined,
  };
  const callers = await openCalls(server, calls, owner);
  await talk(callers, warmUpMs);
  await settle(callers);
  times = [];
  const cpu = await server.ask('cpu');
  await talk(callers, ms);
  await settle(callers);
  const spent = (await server.ask('cpu')) - cpu;
  await closeCalls(callers);
  const sorted = Float64Array.from(times).sort();
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
  return {
    cpuPerFrame: spent / sorted.length,
    p50: at(0.5),
    p99: at(0.99),
    max: at(1),
    ...faults(callers),
  };
}

/** As many frames as the server takes: `frames` from each of `calls`, a window's worth of each on the way. */
export async function flood(server: Server, calls: number, frames: number): Promise<FloodResult> {
  const WINDOW = 50; // frames; a second of audio
  const parts = new Map<Caller, Buffer[]>();
  const owner: Callers = {
    echoed: (caller) => {
      if (caller.received % WINDOW === 0) caller.flood(parts.get(caller)?.shift() ?? Buffer.alloc(0));
    },
    told: () => undefined,
  };
  const callers = await openCalls(server, calls, owner);
  for (const caller of callers) {
    parts.set(
      caller,
      Array.from({ length: frames / WINDOW }, () => caller.prepare(WINDOW)),
    );
  }
  const cpu = await server.ask('cpu');
  const from = performance.now();
  // Two windows each: while one comes back, the other is on its way.
  for (const caller of callers) {
    for (let window = 0; window < 2; window++) caller.flood(parts.get(caller)?.shift() ?? Buffer.alloc(0));
  }
  const ended = await settle(callers);
  const spent = (await server.ask('cpu')) - cpu;
  await closeCalls(callers);
  const received = callers.reduce((sum, caller) => sum + caller.received, 0);
  return {
    framesPerSecond: received / ((ended - from) / 1_000),
    cpuPerFrame: spent / received,
    ...faults(callers),
  };
}
