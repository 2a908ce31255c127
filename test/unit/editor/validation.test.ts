import assert from 'node:assert/strict';
import { complaint, definitions, newNode, types } from './editor';

interface Case {
  type: string;
  property: string;
  /** What else is set. */
  given?: Record<string, unknown>;
  good: unknown[];
  bad: unknown[];
}

const CASES: Case[] = [
  {
    type: 'wavix-config',
    property: 'apiUrl',
    good: ['https://api.wavix.com', 'http://127.0.0.1:8787/'],
    bad: [
      '',
      'api.wavix.com',
      'wss://api.wavix.com',
      'https://',
      'https://a.example/?appid=k',
      'https://u:p@a.example',
    ],
  },
  {
    type: 'wavix-config',
    property: 'publicUrl',
    good: ['', 'https://phone.example.com', 'https://example.com/nodered'],
    bad: ['phone.example.com', 'ftp://phone.example.com', 'https://phone.example.com#a'],
  },
  {
    type: 'wavix-config',
    property: 'path',
    good: ['/wavix', '/a/b-c_d.e~f'],
    bad: ['', 'wavix', '/wavix/', '/', '/a b', '/a?b'],
  },
  {
    type: 'wavix-config',
    property: 'port',
    good: ['', 1, '1881', 65535],
    bad: [0, 65536, '1e3', 'a', -1],
  },
  {
    type: 'wavix-event',
    property: 'number',
    good: ['', '+15551234567', '1 (555) 123-4567'],
    bad: ['reception', '+', '555x'],
  },
  {
    type: 'wavix-call',
    property: 'to',
    good: ['+15551234567', '15550111', '+1 (555) 123-4567'],
    bad: ['', '+', '0015551234567', 'msg.to', '+1234567890123456'],
  },
  {
    type: 'wavix-call',
    property: 'to',
    given: { toType: 'msg' },
    good: ['to', 'payload.number'],
    bad: ['', '+1555'],
  },
  { type: 'wavix-call', property: 'to', given: { toType: 'env' }, good: ['CALLEE'], bad: [''] },
  { type: 'wavix-call', property: 'from', good: ['+15557654321', 'Reception'], bad: [''] },
  { type: 'wavix-call', property: 'timeout', good: [1, '75', 86400], bad: [0, '', 86401, 'soon', 1.5] },
  { type: 'wavix-call', property: 'timeout', given: { wait: false }, good: [0, ''], bad: [] },
  {
    type: 'wavix-call',
    property: 'options',
    good: ['', '{}', '{"tag":"sales"}'],
    bad: ['[]', '{', '"text"', 'null'],
  },
  { type: 'wavix-call', property: 'options', given: { optionsType: 'msg' }, good: ['options'], bad: ['{}'] },
  { type: 'wavix-answer', property: 'callId', good: ['call_id'], bad: ['', 'call id'] },
  {
    type: 'wavix-answer',
    property: 'streamUrl',
    given: { stream: true },
    good: ['', 'wss://media.example.com/a?b=c', 'ws://127.0.0.1:1234'],
    bad: ['https://media.example.com', 'media'],
  },
  { type: 'wavix-answer', property: 'streamUrl', given: { stream: false }, good: ['media'], bad: [] },
  {
    type: 'wavix-hangup',
    property: 'timeout',
    given: { when: 'played' },
    good: [0, 30, 3600],
    bad: ['', 3601],
  },
  { type: 'wavix-hangup', property: 'timeout', given: { when: 'now' }, good: ['', 3601], bad: [] },
  {
    type: 'wavix-stream-start',
    property: 'streamUrl',
    good: ['', 'ws://a.example'],
    bad: ['http://a.example'],
  },
  {
    type: 'wavix-stream-stop',
    property: 'streamId',
    given: { streamIdType: 'str' },
    good: ['3f-1'],
    bad: [''],
  },
  { type: 'wavix-stream-in', property: 'frame', good: [20, '100', 1000], bad: [19, 1001, ''] },
  { type: 'wavix-stream-in', property: 'frame', given: { encoding: 'base64' }, good: [''], bad: [] },
  { type: 'wavix-stream-out', property: 'sampleRate', good: [8000, 22050, '96000'], bad: [7999, 96001, ''] },
  { type: 'wavix-stream-out', property: 'lead', good: [0, 60000], bad: [-1, 60001, ''] },
  { type: 'wavix-simulator', property: 'port', good: [1, '8788', 65535], bad: [0, '', 65536, 'any'] },
  {
    type: 'wavix-simulator',
    property: 'from',
    good: ['+15550002000', '15550002000', '+1 (555) 000-2000'],
    bad: ['', '+1', 'reception'],
  },
  { type: 'wavix-simulator', property: 'to', good: ['+15550001000'], bad: ['', 'msg.to'] },
  { type: 'wavix-stream-out', property: 'queue', good: [1, 86400], bad: [0, ''] },
];

describe('the validation of the forms', () => {
  for (const { type, property, given, good, bad } of CASES) {
    const where = given ? ` with ${JSON.stringify(given)}` : '';
    it(`${type}: ${property}${where} takes ${JSON.stringify(good)}, and not ${JSON.stringify(bad)}`, () => {
      for (const value of good) {
        assert.equal(
          complaint(newNode(type, { ...given, [property]: value }), property),
          undefined,
          String(value),
        );
      }
      for (const value of bad) {
        const words = complaint(newNode(type, { ...given, [property]: value }), property) ?? '';
        assert.ok(/[a-z]+ [a-z]+/i.test(words) && !words.includes('__'), `${String(value)}: ${words}`);
      }
    });
  }

  for (const type of types) {
    it(`${type}: every property may come from the environment`, () => {
      for (const property of Object.keys(definitions.get(type)!.defaults)) {
        assert.equal(
          complaint(newNode(type, { [property]: '${WAVIX_VALUE}' }), property),
          undefined,
          property,
        );
      }
    });

    it(`${type}: a new node lacks nothing but the number to call and to call from`, () => {
      const node = newNode(type);
      const wrong = Object.keys(node._def.defaults).filter(
        (property) => complaint(node, property) !== undefined,
      );
      assert.deepEqual(wrong, type === 'wavix-call' ? ['to', 'from'] : []);
    });
  }

  it('a validator takes two arguments, so that Node-RED shows its words', () => {
    for (const type of types) {
      for (const [property, { validate }] of Object.entries(definitions.get(type)!.defaults)) {
        if (validate) assert.equal(validate.length, 2, `${type}: ${property}`);
      }
    }
  });
});
