/** What is measured of this package alone: memory, silence, deploys, prompts, and how soon a clear is silence. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { tone, writeWav } from '../../lib/audio';
import type { Caller } from './caller';
import { type Callers } from './caller';
import { CLEAR, COMMAND, echoFlow, PLAY, talkingFlow } from './flows';
import { closeCalls, openCalls, talk } from './loads';
import type { Server } from './server';

const CALLS = 200;
const PROMPT_S = 10;
/** What text-to-speech gives most often: it has to be converted as it is played. */
const PROMPT_RATE = 16_000; // Hz
const BASE64_PER_MS = 64; // characters of PCM s16le, 24 kHz

export interface Moments {
  /** bytes of a live two-way call with nothing queued; the hand-written server's beside it */
  memoryPerCall: number;
  memoryPerCallPlain: number;
  /** share of a core that 200 streams take on which nothing is said */
  idleCpu: number;
  /** with 100 live calls: how long Node-RED took, and the longest that a frame was on its way meanwhile, in ms */
  deployMs: number;
  deployLongestMs: number;
  /** 200 calls play 10 s at once, as often as there are rounds */
  prompts: Prompts[];
  /** 1 000 prompts of 10 s queued at once: the CPU time of taking one, in ms; the longest hold, in ms; and the memory of one, in bytes */
  queueCpuMs: number;
  queueHeldMs: number;
  queueMemory: number;
  /** from the word that makes the flow clear until the call is silent, in ms: half of them, and the longest */
  clearMs: number;
  clearLongestMs: number;
}

export interface Prompts {
  /** how late the latest frame was for the caller's ear (below 0: ahead of it), in ms */
  latestMs: number;
  /** how long the event loop was held at most, in ms */
  heldMs: number;
  /** CPU time of one call's prompt, in ms */
  cpuMs: number;
}

const nobody: Callers = { echoed: () => undefined, told: () => undefined };

export async function measureMoments(plain: Server, wavix: Server, rounds: number): Promise<Moments> {
  await wavix.deploy(echoFlow(1_000));
  const memoryPerCall = await memory(wavix);
  const memoryPerCallPlain = await memory(plain);
  const idleCpu = await idle(wavix);
  const deploy = await deployUnder(wavix);
  const folder = mkdtempSync(join(tmpdir(), 'wavix-bench-'));
  try {
    const file = join(folder, 'prompt.wav');
    const samples = tone(440, PROMPT_S * 1_000, { sampleRate: PROMPT_RATE });
    writeFileSync(file, writeWav(samples, PROMPT_RATE));
    await wavix.deploy(talkingFlow(file));
    const prompts: Prompts[] = [];
    for (let round = 0; round < rounds; round++) prompts.push(await playAtOnce(wavix));
    const queue = await queueMany(wavix);
    const clear = await clearSome(wavix);
    return { memoryPerCall, memoryPerCallPlain, idleCpu, ...deploy, prompts, ...queue, ...clear };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Of calls that have talked and are silent now. The first calls of all are not counted: they fill what all share. */
async function memory(server: Server): Promise<number> {
  await closeCalls(await talked(server));
  const before = await server.ask('memory');
  const callers = await talked(server);
  const after = await server.ask('memory');
  await closeCalls(callers);
  return (after.used - before.used) / CALLS;
}

async function talked(server: Server): Promise<Caller[]> {
  const callers = await openCalls(server, CALLS, nobody);
  await talk(callers, 1_000);
  await sleep(500);
  return callers;
}

async function idle(server: Server): Promise<number> {
  const callers = await openCalls(server, CALLS, nobody);
  await sleep(1_000);
  const ms = 5_000;
  const cpu = await server.ask('cpu');
  await sleep(ms);
  const spent = (await server.ask('cpu')) - cpu;
  await closeCalls(callers);
  return spent / 1_000 / ms;
}

async function deployUnder(server: Server): Promise<Pick<Moments, 'deployMs' | 'deployLongestMs'>> {
  let deployLongestMs = 0;
  const callers = await openCalls(server, 100, {
    echoed: (_caller, took) => (deployLongestMs = Math.max(deployLongestMs, took)),
    told: () => undefined,
  });
  const talking = talk(callers, 4_000);
  await sleep(2_000);
  deployLongestMs = 0;
  const deployMs = await server.deploy(echoFlow(1_000));
  await talking;
  await sleep(500);
  await closeCalls(callers);
  return { deployMs, deployLongestMs };
}

/** Says a word to the flow: a frame of audio that it knows. */
function tell(caller: Caller, command: number): void {
  caller.say(Buffer.concat([COMMAND, Buffer.alloc(960 - COMMAND.length, command)]));
}

/** How long a media message sounds, in ms; 0 for any other. */
function soundOf(text: string): number {
  const from = text.indexOf('"payload":"');
  return from < 0 ? 0 : (text.indexOf('"', from + 11) - from - 11) / BASE64_PER_MS;
}

async function playAtOnce(server: Server): Promise<Prompts> {
  const heardUntil = new Map<Caller, number>();
  const heard = new Map<Caller, number>();
  let latestMs = -Infinity;
  const callers = await openCalls(server, CALLS, {
    echoed: () => undefined,
    told: (caller, text) => {
      const ms = soundOf(text);
      if (ms === 0) return;
      const now = performance.now();
      const due = heardUntil.get(caller) ?? now;
      latestMs = Math.max(latestMs, heardUntil.has(caller) ? now - due : -Infinity);
      heardUntil.set(caller, Math.max(due, now) + ms);
      heard.set(caller, (heard.get(caller) ?? 0) + ms);
    },
  });
  const cpu = await server.ask('cpu');
  await server.ask('watch');
  for (const caller of callers) tell(caller, PLAY);
  await sleep(PROMPT_S * 1_000 + 500);
  const heldMs = await server.ask('held');
  const spent = (await server.ask('cpu')) - cpu;
  await closeCalls(callers);
  for (const caller of callers) {
    const ms = heard.get(caller) ?? 0;
    if (Math.abs(ms - PROMPT_S * 1_000) > 1) throw new Error(`A call heard ${ms} ms of its prompt.`);
  }
  return { latestMs, heldMs, cpuMs: spent / 1_000 / CALLS };
}

async function queueMany(
  server: Server,
): Promise<Pick<Moments, 'queueCpuMs' | 'queueHeldMs' | 'queueMemory'>> {
  const PROMPTS = 1_000;
  const callers = await openCalls(server, CALLS, nobody);
  // The first prompt of each plays while the others are queued: so they are all that is added.
  for (const caller of callers) tell(caller, PLAY);
  await sleep(2_000);
  const before = await server.ask('memory');
  const cpu = await server.ask('cpu');
  await server.ask('watch');
  for (let prompt = 0; prompt < PROMPTS / CALLS; prompt++) for (const caller of callers) tell(caller, PLAY);
  await sleep(500);
  const queueHeldMs = await server.ask('held');
  const spent = (await server.ask('cpu')) - cpu;
  const after = await server.ask('memory');
  await closeCalls(callers);
  return {
    queueCpuMs: spent / 1_000 / PROMPTS,
    queueHeldMs,
    queueMemory: (after.used - before.used) / PROMPTS,
  };
}

async function clearSome(server: Server): Promise<Pick<Moments, 'clearMs' | 'clearLongestMs'>> {
  const silentAt = new Map<Caller, number>();
  const cleared = new Set<Caller>();
  const callers = await openCalls(server, 50, {
    echoed: () => undefined,
    told: (caller, text) => {
      const isClear = text.includes('"event":"clear"');
      if (isClear) cleared.add(caller);
      if (isClear || soundOf(text) > 0) silentAt.set(caller, performance.now());
    },
  });
  for (const caller of callers) tell(caller, PLAY);
  await sleep(1_500);
  const took: number[] = [];
  for (const caller of callers) {
    const from = performance.now();
    tell(caller, CLEAR);
    await sleep(60);
    if (!cleared.has(caller)) throw new Error('A call was not cleared.');
    took.push((silentAt.get(caller) ?? NaN) - from);
  }
  await closeCalls(callers);
  took.sort((one, other) => one - other);
  return { clearMs: took[Math.floor(took.length / 2)] as number, clearLongestMs: took.at(-1) as number };
}
