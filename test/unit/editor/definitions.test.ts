import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { configs, definitions, form, html, newNode, read, root, types } from './editor';

const CALL = { callId: 'call_id', callIdType: 'msg' };
const STREAM_ID = { streamId: 'stream_id', streamIdType: 'msg' };
const STREAM = { streamType: 'twoway', streamChannel: 'inbound', streamUrl: '' };
const OPTIONS = { options: '{}', optionsType: 'json' };
const NODE = { name: '', config: '' };

/** The contract: what each node has, and what it is at first. */
const DEFAULTS: Record<string, Record<string, unknown>> = {
  'wavix-config': {
    name: '',
    apiUrl: 'https://api.wavix.com',
    apiStyle: 'appid',
    publicUrl: '',
    path: '/wavix',
    port: '',
  },
  'wavix-event': { ...NODE, events: [], direction: 'any', number: '' },
  'wavix-call': {
    ...NODE,
    from: '',
    fromType: 'str',
    to: '',
    toType: 'str',
    wait: true,
    timeout: 60,
    ...OPTIONS,
  },
  'wavix-answer': { ...NODE, ...CALL, stream: false, ...STREAM, ...OPTIONS },
  'wavix-hangup': { ...NODE, ...CALL, when: 'now', timeout: 30 },
  'wavix-stream-start': { ...NODE, ...CALL, ...STREAM },
  'wavix-stream-stop': { ...NODE, ...CALL, ...STREAM_ID },
  'wavix-stream-in': { ...NODE, encoding: 'pcm', sampleRate: 24000, frame: 20, track: 'any' },
  'wavix-stream-out': { ...NODE, ...STREAM_ID, encoding: 'auto', sampleRate: 24000, lead: 1000, queue: 300 },
  'wavix-simulator': {
    name: '',
    port: 8787,
    from: '+15550002000',
    to: '+15550001000',
    speech: '',
    speechType: 'str',
  },
};

/** The contract: inputs, and outputs by their names. */
const PORTS: Record<string, [inputs: number, outputs: string[]]> = {
  'wavix-event': [0, ['event']],
  'wavix-call': [1, ['answered', 'not answered']],
  'wavix-answer': [1, ['answered']],
  'wavix-hangup': [1, ['hung up']],
  'wavix-stream-start': [1, ['started']],
  'wavix-stream-stop': [1, ['stopped']],
  'wavix-stream-in': [0, ['audio', 'mark', 'event']],
  'wavix-stream-out': [1, ['played', 'interrupted']],
  'wavix-simulator': [1, ['step of a call']],
};

/** The contract: what a choice offers. */
const CHOICES: [type: string, property: string, values: string[]][] = [
  ['wavix-config', 'apiStyle', ['appid', 'bearer']],
  ['wavix-event', 'direction', ['any', 'inbound', 'outbound']],
  ['wavix-hangup', 'when', ['now', 'played']],
  ['wavix-answer', 'streamType', ['twoway', 'oneway']],
  ['wavix-answer', 'streamChannel', ['inbound', 'outbound', 'both']],
  ['wavix-stream-start', 'streamType', ['twoway', 'oneway']],
  ['wavix-stream-start', 'streamChannel', ['inbound', 'outbound', 'both']],
  ['wavix-stream-in', 'encoding', ['pcm', 'float32', 'mulaw', 'alaw', 'base64']],
  ['wavix-stream-in', 'sampleRate', ['24000', '16000', '8000']],
  ['wavix-stream-in', 'track', ['any', 'inbound', 'outbound']],
  ['wavix-stream-out', 'encoding', ['auto', 'pcm', 'float32', 'mulaw', 'alaw']],
];

describe('the definitions of the nodes', () => {
  it('are all there', () => assert.deepEqual([...definitions.keys()].sort(), Object.keys(DEFAULTS).sort()));

  for (const type of types) {
    const definition = definitions.get(type)!;
    const isConfig = type === 'wavix-config';

    it(`${type}: is registered by a literal type and category, as the Flow Library reads it`, () => {
      const category = isConfig ? 'config' : 'wavix';
      assert.match(
        html(type),
        new RegExp(`RED\\.nodes\\.registerType\\('${type}', \\{\\s+category: '${category}',`),
      );
    });

    it(`${type}: has the contract's properties and defaults`, () => {
      const values = Object.entries(definition.defaults).map(([name, { value }]) => [name, value]);
      // Through JSON: the definitions come from another realm, whose lists are not ours.
      assert.deepEqual(JSON.parse(JSON.stringify(Object.fromEntries(values))), DEFAULTS[type]);
    });

    it(`${type}: each property has a field of its name`, () => {
      const prefix = isConfig ? 'node-config-input' : 'node-input';
      const properties = [...Object.keys(definition.defaults), ...Object.keys(definition.credentials ?? {})];
      // A list has a field of its own kind.
      const missing = properties.filter(
        (name) => name !== 'events' && !form(type).includes(`id="${prefix}-${name}"`),
      );
      assert.deepEqual(missing, []);
    });

    it(`${type}: has an icon, drawn in white`, () => {
      assert.equal(definition.icon, `${type}.svg`);
      assert.ok(existsSync(join(root, 'icons', definition.icon)));
      const svg = read('icons', definition.icon);
      assert.match(svg, /viewBox="0 0 40 60"/);
      const colours = new Set([...svg.matchAll(/(?:fill|stroke)="([^"]+)"/g)].map(([, colour]) => colour));
      assert.deepEqual(
        [...colours].filter((colour) => colour !== '#fff' && colour !== 'none'),
        [],
      );
    });

    it(`${type}: has a colour on which the dark label and the white icon can be read`, () => {
      assert.ok(contrast(definition.color, '#333333') >= 4.5, 'label');
      assert.ok(contrast(definition.color, '#ffffff') >= 2.2, 'icon');
    });

    it(`${type}: has a name in the palette`, () => {
      assert.ok(definition.paletteLabel.call(newNode(type)).length > 0);
    });

    it(`${type}: is called as its user calls it`, () => {
      assert.equal(definition.label.call(newNode(type, { name: 'Reception' })), 'Reception');
    });

    if (isConfig) {
      it('wavix-config: keeps its key and secret as passwords', () => {
        const kinds = Object.entries(definition.credentials ?? {}).map(([name, { type: kind }]) => [
          name,
          kind,
        ]);
        assert.deepEqual(kinds, [
          ['apiKey', 'password'],
          ['secret', 'password'],
        ]);
      });
      continue;
    }

    it(`${type}: has the contract's inputs and outputs, each output with a label`, () => {
      const [inputs, outputs] = PORTS[type]!;
      const node = newNode(type);
      const labels = outputs.map((_label, index) => definition.outputLabels?.call(node, index));
      assert.deepEqual([definition.inputs, definition.outputs, labels], [inputs, outputs.length, outputs]);
      assert.equal(definition.outputLabels?.call(node, outputs.length), undefined);
    });

    if (type === 'wavix-simulator') continue; // It is no user of Wavix, it is Wavix.

    it(`${type}: needs a config, and says so`, () => {
      const { config } = definition.defaults;
      assert.equal(config?.type, 'wavix-config');
      assert.equal(config.required, true);
      assert.equal(config.label, 'Wavix');
    });

    it(`${type}: takes the only config there is, and leaves the choice among several`, () => {
      const added = (known: typeof configs, z = 'tab'): unknown => {
        configs.splice(0, Infinity, ...known);
        const node = newNode(type, { z });
        definition.onadd?.call(node);
        return node.config;
      };
      const one = { id: 'one', type: 'wavix-config' };
      assert.equal(added([]), '');
      assert.equal(added([{ id: 'other', type: 'mqtt-broker' }, one]), 'one');
      assert.equal(added([one, { id: 'two', type: 'wavix-config' }]), '');
      assert.equal(added([{ ...one, z: 'elsewhere' }]), '');
    });
  }

  for (const [type, property, values] of CHOICES) {
    it(`${type}: ${property} offers ${values.join(', ')}`, () => {
      const select = new RegExp(`<select id="node-(?:config-)?input-${property}">(.*?)</select>`, 's');
      const offered = [...(select.exec(form(type))?.[1] ?? '').matchAll(/value="([^"]+)"/g)];
      assert.deepEqual(
        offered.map(([, value]) => value),
        values,
      );
    });
  }

  it('without waiting, the first output of a call is the placed call', () => {
    const labels = definitions.get('wavix-call')?.outputLabels;
    assert.equal(labels?.call(newNode('wavix-call', { wait: false }), 0), 'placed');
  });
});

describe('the labels on the canvas', () => {
  const label = (type: string, properties: Record<string, unknown> = {}) =>
    definitions.get(type)?.label.call(newNode(type, properties));

  const EXPECTED: [type: string, properties: Record<string, unknown>, label: string][] = [
    ['wavix-config', {}, 'Wavix at api.wavix.com'],
    ['wavix-config', { apiUrl: 'http://127.0.0.1:8787' }, 'Wavix at 127.0.0.1:8787'],
    ['wavix-config', { apiUrl: '${WAVIX_URL}' }, 'Wavix at ${WAVIX_URL}'],
    ['wavix-event', {}, 'call events'],
    ['wavix-event', { events: ['answered', 'completed'] }, 'answered, completed'],
    [
      'wavix-event',
      { events: ['busy', 'failed', 'rejected'], direction: 'outbound' },
      'outbound: 3 call events',
    ],
    ['wavix-call', {}, 'call'],
    ['wavix-call', { to: '+15551234567' }, 'call → +15551234567'],
    ['wavix-call', { to: 'payload', toType: 'msg' }, 'call → msg.payload'],
    ['wavix-answer', { stream: true }, 'answer + stream'],
    ['wavix-hangup', { when: 'played' }, 'hang up when heard'],
    ['wavix-stream-start', { streamChannel: 'both' }, 'start stream · two-way'],
    ['wavix-stream-start', { streamType: 'oneway', streamChannel: 'both' }, 'start stream · both'],
    ['wavix-stream-start', { streamType: '${TYPE}', streamChannel: '${CHANNEL}' }, 'start stream'],
    ['wavix-stream-in', { sampleRate: 16000 }, 'stream in · 16 kHz'],
    ['wavix-stream-in', { encoding: 'mulaw', sampleRate: 8000 }, 'stream in · µ-law · 8 kHz'],
    ['wavix-stream-in', { encoding: 'base64', sampleRate: 8000 }, 'stream in · base64 · 24 kHz'],
    ['wavix-stream-in', { sampleRate: '${RATE}' }, 'stream in · ${RATE}'],
    ['wavix-stream-out', {}, 'stream out'],
    ['wavix-stream-out', { encoding: 'pcm', sampleRate: 22050 }, 'stream out · 22.05 kHz'],
    ['wavix-simulator', {}, 'local Wavix · 8787'],
  ];
  for (const [type, properties, expected] of EXPECTED) {
    it(`${type} ${JSON.stringify(properties)} is "${expected}"`, () => {
      assert.equal(label(type, properties), expected);
    });
  }
});

/** Contrast of two colours (#rrggbb) as WCAG 2 has it, 1 to 21. */
function contrast(one: string, two: string): number {
  const [dark, light] = [luminance(one), luminance(two)].sort((a, b) => a - b) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

function luminance(colour: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const part = parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
