/**
 * The flow under test, twice, each on a line (a `wavix-config`) of its own: `a` answers and places calls and talks, `b`
 * is an echo, its audio wired straight back. Every outcome is handed to the probe.
 */
import type { FlowNode } from '../../test/e2e/node-red';

export type LineName = 'a' | 'b';
export const LINES: readonly LineName[] = ['a', 'b'];

export const API_KEY = 'key-of-the-soak-9d2e';

/** What can be done on a line: the nodes that commands go to. */
const STEPS = ['call', 'answer', 'start', 'stop', 'hangup', 'hangup played', 'say'] as const;
export type Step = (typeof STEPS)[number];

/** @param round changes what each deploy changes */
export function soakFlow(apiUrl: string, round = 0): FlowNode[] {
  return LINES.flatMap((line) => [
    { id: line, type: 'tab', label: `line ${line}` },
    {
      id: `config ${line}`,
      type: 'wavix-config',
      name: `line ${line}`,
      apiUrl,
      apiStyle: line === 'a' ? 'appid' : 'bearer',
      publicUrl: '',
      path: `/wavix-${line}`,
      port: '',
      credentials: { apiKey: API_KEY },
    },
    ...nodesOf(line).map((node) => ({ z: line, x: 0, y: 0, ...node })),
  ]).map((node, index, all) =>
    // One node after the other is changed, so that partial deploys have something to do.
    index === round % all.length && node.type !== 'tab' ? { ...node, name: `changed ${round}` } : node,
  );
}

function nodesOf(line: LineName): FlowNode[] {
  const id = (name: string) => `${name} ${line}`;
  const config = id('config');
  const call = { config, callId: 'call_id', callIdType: 'msg' };
  const stream = { streamType: 'twoway', streamChannel: 'inbound', streamUrl: '' };
  const tell = (name: string): FlowNode => ({
    id: id(name),
    type: 'function',
    name,
    func: `global.get('record')('${id(name)}', msg);`,
    outputs: 0,
    wires: [],
  });
  const mouth = (step: Step): FlowNode => ({
    id: id(`to ${step}`),
    type: 'function',
    name: step,
    func: '',
    outputs: 1,
    initialize: `global.get('record')('mouth', { to: '${id(step)}', send: (msg) => node.send(msg) });`,
    finalize: `global.get('record')('no mouth', { to: '${id(step)}' });`,
    wires: [[id(step)]],
  });
  return [
    ...STEPS.map(mouth),
    {
      id: id('call'),
      type: 'wavix-call',
      config,
      from: 'from',
      fromType: 'msg',
      to: 'to',
      toType: 'msg',
      wait: true,
      timeout: 20,
      options: '{}',
      optionsType: 'json',
      wires: [[id('answered')], [id('not answered')]],
    },
    {
      id: id('answer'),
      type: 'wavix-answer',
      ...call,
      ...stream,
      stream: true,
      options: '{}',
      optionsType: 'json',
      wires: [[id('answer sent')]],
    },
    { id: id('start'), type: 'wavix-stream-start', ...call, ...stream, wires: [[id('started')]] },
    {
      id: id('stop'),
      type: 'wavix-stream-stop',
      ...call,
      streamId: 'stream_id',
      streamIdType: 'msg',
      wires: [[id('stopped')]],
    },
    { id: id('hangup'), type: 'wavix-hangup', ...call, when: 'now', timeout: 30, wires: [[id('hung up')]] },
    {
      id: id('hangup played'),
      type: 'wavix-hangup',
      ...call,
      when: 'played',
      timeout: 10,
      wires: [[id('hung up')]],
    },
    {
      id: id('say'),
      type: 'wavix-stream-out',
      config,
      streamId: 'stream_id',
      streamIdType: 'msg',
      encoding: 'auto',
      sampleRate: 24_000,
      lead: 1_000,
      queue: 300,
      wires: [[id('played')], [id('interrupted')]],
    },
    {
      id: id('in'),
      type: 'wavix-stream-in',
      config,
      encoding: 'pcm',
      sampleRate: 24_000,
      frame: 20,
      track: 'any',
      wires: [line === 'b' ? [id('hear'), id('echo')] : [id('hear')], [id('mark')], [id('stream')]],
    },
    {
      id: id('hear'),
      type: 'function',
      name: 'hear',
      func: `global.get('record')('heard', msg);`,
      outputs: 0,
      wires: [],
    },
    ...(line === 'b' ? [echo(config)] : []),
    {
      id: id('event'),
      type: 'wavix-event',
      config,
      events: ['call_setup'],
      direction: 'inbound',
      number: '',
      wires: [[id('incoming')]],
    },
    { id: id('catch'), type: 'catch', scope: null, uncaught: false, wires: [[id('error')]] },
    { id: id('done'), type: 'complete', scope: [id('say')], uncaught: false, wires: [[id('taken')]] },
    ...['answered', 'not answered', 'answer sent', 'started', 'stopped', 'hung up'].map(tell),
    ...['played', 'interrupted', 'mark', 'stream', 'incoming', 'error', 'taken'].map(tell),
  ];
}

/** Nothing is wired to it: an echo of a call needs no reports. */
function echo(config: string): FlowNode {
  return {
    id: 'echo b',
    type: 'wavix-stream-out',
    config,
    streamId: 'stream_id',
    streamIdType: 'msg',
    encoding: 'auto',
    sampleRate: 24_000,
    lead: 1_000,
    queue: 300,
    wires: [[], []],
  };
}
