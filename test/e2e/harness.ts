/**
 * What every end-to-end test starts from: one Node-RED that the tests share, more where a test needs its own, and
 * their end. If a test fails, what Node-RED logged during it is shown.
 */
import { LocalWavix, type Call, type LocalWavixOptions } from '../../simulator';
import { API_KEY } from './flows';
import { NodeRed, type NodeRedOptions } from './node-red';
import { cleanUp } from './package';

/** Packing, installing and the first start may take this long, in ms. */
export const SET_UP_MS = 240_000;

/** A number of ours, and one that answers. */
export const OURS = '+15550001000';
export const CALLEE = '+15550002000';

const running = new Set<NodeRed>();
const wavixes: LocalWavix[] = [];
let shared: Promise<NodeRed> | undefined;
let logStart = new Map<NodeRed, number>();

/** The Node-RED that tests share: each deploys its own flows into it. */
export function sharedNodeRed(): Promise<NodeRed> {
  shared ??= startNodeRed();
  return shared;
}

/** A Node-RED of a test's own; it is stopped at the latest when all tests are done. */
export async function startNodeRed(options?: NodeRedOptions): Promise<NodeRed> {
  const nodeRed = await NodeRed.start(options);
  running.add(nodeRed);
  void nodeRed.ended.then(() => running.delete(nodeRed));
  return nodeRed;
}

/** A local Wavix of one test's own: it ends with the test. Its ring times are short. */
export async function localWavix(options: LocalWavixOptions = {}): Promise<LocalWavix> {
  const { defaults, ...rest } = options;
  const quick = { ringMs: 20, answerAfterMs: 100, ...defaults };
  const wavix = new LocalWavix({ apiKey: API_KEY, defaults: quick, ...rest });
  await wavix.start();
  wavixes.push(wavix);
  return wavix;
}

/** A call of the flow's, answered and with its two-way stream live. */
export interface LiveCall {
  call: Call;
  call_id: string;
  stream_id: string;
}

/** Lets the switchboard call a number and start a two-way stream. */
export async function liveCall(nodeRed: NodeRed, wavix: LocalWavix, to = CALLEE): Promise<LiveCall> {
  await nodeRed.inject('call', { from: OURS, to });
  const call = await wavix.waitForCall({ to });
  const { call_id } = call;
  await nodeRed.recorder.next('answered', 5_000, (msg) => msg.call_id === call_id);
  await nodeRed.inject('start', { call_id });
  const { stream_id } = await call.waitForStream();
  await nodeRed.recorder.next('started', 5_000, (msg) => msg.stream_id === stream_id);
  return { call, call_id, stream_id };
}

/** The address that the editor shows for pasting into Wavix. */
export async function eventsUrl(nodeRed: NodeRed, configId = 'config'): Promise<string> {
  return (await nodeRed.adminJson<{ url: string }>(`/wavix/config/${configId}/events-url`)).url;
}

beforeEach(() => {
  logStart = new Map([...running].map((nodeRed) => [nodeRed, nodeRed.log.length]));
});

afterEach(async function () {
  await Promise.all(wavixes.splice(0).map((wavix) => wavix.stop()));
  // Without their config, what is left of the test's streams is over before the next test begins.
  const logs = [...running].map((nodeRed) => nodeRed.log.slice(logStart.get(nodeRed) ?? 0));
  for (const nodeRed of running) {
    await nodeRed.deploy([]);
    nodeRed.recorder.forget();
  }
  if (this.currentTest?.state !== 'failed') return;
  for (const log of logs) process.stderr.write(`\nNode-RED's log of it:\n${log}\n`);
});

after(async function () {
  this.timeout(60_000);
  await Promise.all([...running].map((nodeRed) => nodeRed.stop()));
  await cleanUp();
});
