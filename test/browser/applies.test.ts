/** A form shows the fields that apply, and no others; and what is not shown is kept such that it can't be wrong. */
import assert from 'node:assert/strict';
import { configNode, onTab } from '../e2e/flows';
import type { FieldValue } from './form';
import { itInBrowser, Stage } from './harness';

interface Case {
  type: string;
  /** What is filled in, in this order: [property, value]. */
  fill: [property: string, value: FieldValue][];
  shown?: string[];
  hidden?: string[];
  /** What the flow file says then. */
  kept?: Record<string, unknown>;
}

const CASES: Case[] = [
  { type: 'wavix-call', fill: [['wait', true]], shown: ['timeout'] },
  {
    type: 'wavix-call',
    fill: [
      ['timeout', '0'],
      ['wait', false],
    ],
    hidden: ['timeout'],
  },
  { type: 'wavix-hangup', fill: [['when', 'now']], hidden: ['timeout'] },
  { type: 'wavix-hangup', fill: [['when', 'played']], shown: ['timeout'] },
  { type: 'wavix-answer', fill: [['stream', false]], hidden: ['streamType', 'streamChannel', 'streamUrl'] },
  {
    type: 'wavix-answer',
    fill: [
      ['stream', true],
      ['streamType', 'oneway'],
    ],
    shown: ['streamType', 'streamChannel', 'streamUrl'],
  },
  {
    type: 'wavix-stream-start',
    fill: [
      ['streamType', 'oneway'],
      ['streamChannel', 'both'],
    ],
    shown: ['streamChannel'],
    kept: { streamType: 'oneway', streamChannel: 'both' },
  },
  {
    // The guide's rule: with bidirectional streaming only the inbound audio can be received.
    type: 'wavix-stream-start',
    fill: [
      ['streamType', 'oneway'],
      ['streamChannel', 'both'],
      ['streamType', 'twoway'],
    ],
    hidden: ['streamChannel'],
    kept: { streamType: 'twoway', streamChannel: 'inbound' },
  },
  {
    type: 'wavix-stream-in',
    fill: [
      ['sampleRate', '16000'],
      ['encoding', 'mulaw'],
    ],
    shown: ['frame'],
    hidden: ['sampleRate'],
    kept: { encoding: 'mulaw', sampleRate: 8000 },
  },
  {
    type: 'wavix-stream-in',
    fill: [
      ['sampleRate', '16000'],
      ['encoding', 'mulaw'],
      ['encoding', 'float32'],
    ],
    shown: ['sampleRate', 'frame'],
    kept: { encoding: 'float32', sampleRate: 16000 },
  },
  {
    type: 'wavix-stream-in',
    fill: [
      ['frame', 'x'],
      ['encoding', 'base64'],
    ],
    hidden: ['sampleRate', 'frame'],
  },
  {
    type: 'wavix-stream-out',
    fill: [['encoding', 'alaw']],
    hidden: ['sampleRate'],
    kept: { encoding: 'alaw', sampleRate: 8000 },
  },
  {
    type: 'wavix-stream-out',
    fill: [
      ['encoding', 'alaw'],
      ['encoding', 'auto'],
    ],
    shown: ['sampleRate'],
    kept: { encoding: 'auto', sampleRate: 24000 },
  },
];

describe('Fields that do not apply', function () {
  this.timeout(60_000);
  const stage = Stage.for(onTab('forms', [configNode('http://127.0.0.1:1')]));

  for (const { type, fill, shown = [], hidden = [], kept = {} } of CASES) {
    const filled = fill.map(([property, value]) => `${property} ${JSON.stringify(value)}`);
    itInBrowser(`${type}: ${filled.join(', then ')}`, async () => {
      const editor = await stage.editor();
      await editor.clear();
      const id = await editor.drag(type, { x: 300, y: 200 });
      const form = await editor.edit(id);
      for (const [property, value] of fill) await form.fill(property, value);
      for (const property of shown) assert.equal(await form.isShown(property), true, `${property} is shown`);
      for (const property of hidden) {
        assert.equal(await form.isShown(property), false, `${property} is not shown`);
      }
      await form.done();
      assert.equal(await editor.isMarkedWrong(id), type === 'wavix-call', 'only numbers are missing');
      const node = await editor.stored(id);
      for (const [property, value] of Object.entries(kept)) assert.equal(node[property], value, property);
    });
  }
});
