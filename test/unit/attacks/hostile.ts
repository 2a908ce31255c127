/** Messages of a stream, good and hostile, for fast-check. Half of all are good media. */
import fc from 'fast-check';
import { CALL_ID, STREAM_ID } from './guide';

/** One message, made when its turn comes: `sequence` is the next number. */
export type Step = (sequence: number) => string | Buffer;

/** A message as an object, to be spoiled. */
type Message = Record<string, unknown> & { media: Record<string, unknown> };

const ids = { call_id: CALL_ID, stream_id: STREAM_ID };

function media(sequence_number: unknown, payload: unknown = 'AAAA', more: object = {}): Message {
  return {
    event: 'media',
    event_time: '2026-01-02T03:04:05Z',
    ...ids,
    sequence_number,
    media: { payload, track: 'inbound', timestamp: 20, chunk: 1, ...more },
  };
}

const timestamps = fc.oneof(
  { weight: 4, arbitrary: fc.nat(1_000_000) },
  { weight: 1, arbitrary: fc.constantFrom<unknown>(0, 0, 0.5, '140', '139.5', 2 ** 53 - 1, '1e'.length) },
);

/** Sizes in bytes: a frame, none, a part of a sample, much. */
const sizes = fc.oneof(
  { weight: 6, arbitrary: fc.constant(960) },
  { weight: 2, arbitrary: fc.nat(100) },
  { weight: 1, arbitrary: fc.nat(20_000) },
);

const goodMedia: fc.Arbitrary<Step> = fc
  .record({
    size: sizes,
    fill: fc.nat(0xffffff),
    timestamp: timestamps,
    skip: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(500) }),
    asText: fc.boolean(),
    padded: fc.boolean(),
  })
  .map(({ size, fill, timestamp, skip, asText, padded }) => (sequence) => {
    const bytes = Buffer.alloc(size, Buffer.from([fill >> 16, fill >> 8, fill, size]));
    const payload = bytes.toString(padded ? 'base64' : 'base64url');
    const number = sequence + skip;
    return JSON.stringify(media(asText ? String(number) : number, payload, { timestamp }));
  });

/** Values that belong nowhere. */
const strange = fc.constantFrom<unknown>(
  ...[
    null,
    true,
    false,
    [],
    {},
    [[]],
    '',
    ' ',
    'NaN',
    'Infinity',
    '0x7',
    '1e3',
    ' 7',
    '7 ',
    '+7',
    '٧',
    '7,0',
  ],
  ...[
    -1,
    0.5,
    -0.5,
    1e300,
    -1e300,
    2 ** 53,
    '-1',
    '9'.repeat(400),
    `0.${'3'.repeat(400)}`,
    ['7'],
    { valueOf: 7 },
  ],
  ...[
    '__proto__',
    'constructor',
    'toString',
    'media',
    { toString: 'x' },
    { length: 4 },
    '\u0000',
    '\ud800',
    '🙂',
  ],
);

/** One property is missing, or holds what does not belong there. */
const spoiled: fc.Arbitrary<Step> = fc
  .record({
    property: fc.constantFrom(...['event', 'call_id', 'stream_id', 'sequence_number', 'media']),
    inner: fc.constantFrom(...['payload', 'track', 'timestamp', 'chunk']),
    where: fc.boolean(),
    value: fc.option(strange, { nil: undefined }),
  })
  .map(({ property, inner, where, value }) => (sequence) => {
    const message = media(sequence);
    if (where) message[property] = value;
    else message.media[inner] = value;
    return JSON.stringify(message);
  });

const otherIds: fc.Arbitrary<Step> = fc
  .record({
    which: fc.constantFrom('call_id', 'stream_id'),
    id: fc.string({ unit: 'binary', maxLength: 40 }),
  })
  .map(
    ({ which, id }) =>
      (sequence) =>
        JSON.stringify({ ...media(sequence), [which]: `${id}.` }),
  );

const badBase64: fc.Arbitrary<Step> = fc
  .oneof(
    fc.constantFrom(
      ...['A', '=', '==', 'AAAAA', 'AAAA\n', ' AAAA', 'AA=A', 'A===', '====', 'AA==AA==', 'AAA*'],
    ),
    fc.string({ unit: 'binary', maxLength: 60 }).map((text) => `${text}!`),
    fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => `AAAA${text}é`),
  )
  .map((payload) => (sequence) => JSON.stringify(media(sequence, payload)));

/** Not the guide's at this place: what begins a stream, what only we send, what does not exist. */
const otherEvents: fc.Arbitrary<Step> = fc
  .oneof(
    fc.constantFrom<unknown>(
      'connected',
      'start',
      'clear',
      'dtmf',
      'MEDIA',
      'media ',
      '',
      'toString',
      '__proto__',
    ),
    fc.string({ unit: 'binary', maxLength: 30 }).map((text) => `.${text}`),
  )
  .map(
    (event) => (sequence_number) =>
      JSON.stringify({ ...ids, event, sequence_number, stream_type: 'twoway', channel: 'inbound' }),
  );

const marks: fc.Arbitrary<Step> = fc
  .oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.constantFrom('', '__proto__', 'constructor', 'x'.repeat(10_000), '\u2028\u0000', '\ud800'),
  )
  .map(
    (name) => (sequence_number) => JSON.stringify({ event: 'mark', ...ids, sequence_number, mark: { name } }),
  );

const notJson: fc.Arbitrary<Step> = fc
  .oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.json({ maxDepth: 3 }),
    fc.constantFrom(
      ...[
        '',
        '[]',
        '{',
        'null',
        '0',
        '""',
        '\ufeff{}',
        '{}{}',
        'undefined',
        '[object Object]',
        '{"a":1e999}',
      ],
    ),
  )
  .map((text) => () => Buffer.from(text).toString());

/** A good message, cut, with one character changed, doubled, or wrapped. */
const mangled: fc.Arbitrary<Step> = fc
  .record({
    how: fc.nat(6),
    at: fc.nat(200),
    by: fc.constantFrom('"', '{', '}', '[', ']', ':', ',', '\\', '0', 'e', '-', '9', ' ', '\u0000', 'é'),
  })
  .map(({ how, at, by }) => (sequence) => {
    const text = JSON.stringify(media(sequence));
    switch (how) {
      case 0:
        return text.slice(0, at);
      case 1:
        return text.slice(at);
      case 2:
        return text.slice(0, at) + by + text.slice(at + 1);
      case 3:
        return text.slice(0, at) + by + text.slice(at);
      case 4:
        return `[${text}]`;
      case 5:
        return JSON.stringify(text);
      default:
        return text + text;
    }
  });

const prototypes: fc.Arbitrary<Step> = fc
  .constantFrom(
    '{"event":"media","__proto__":{"call_id":"c","stream_id":"s","sequence_number":2,"media":{"payload":"AAAA"}}}',
    '{"__proto__":{"event":"media"},"call_id":"c","stream_id":"s","sequence_number":N}',
    '{"event":"media","call_id":"c","stream_id":"s","sequence_number":N,"media":{"__proto__":{"payload":"AAAA","track":"inbound"}}}',
    '{"event":"media","call_id":"c","stream_id":"s","sequence_number":N,"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"media":{"payload":"AAAA","track":"inbound","timestamp":0,"chunk":1,"__proto__":null}}',
    '{"event":"mark","call_id":"c","stream_id":"s","sequence_number":N,"mark":{"__proto__":{"name":"x"}}}',
    '{"event":"mark","call_id":"c","stream_id":"s","sequence_number":N,"mark":"toString"}',
    '{"event":{"toString":"media"},"toJSON":1,"hasOwnProperty":1}',
    '{"event":"dtmf","event":"media","call_id":"x","call_id":"c","stream_id":"s","sequence_number":N,"media":[]}',
  )
  .map((text) => (sequence) => text.replaceAll('N', String(sequence)));

const deep: fc.Arbitrary<Step> = fc
  .record({ depth: fc.oneof(fc.nat(60), fc.nat(6_000)), kind: fc.nat(2) })
  .map(({ depth, kind }) => (sequence) => {
    if (kind === 0) return '['.repeat(depth);
    const nest =
      kind === 1 ? '['.repeat(depth) + ']'.repeat(depth) : '{"a":'.repeat(depth) + '0' + '}'.repeat(depth);
    // As something the guide does not name it does no harm, as media it is none.
    return JSON.stringify(media(sequence)).replace(
      depth % 2 === 0 ? '"event_time":"2026-01-02T03:04:05Z"' : /"media":\{.*\}/,
      depth % 2 === 0 ? `"event_time":${nest}` : `"media":${nest}}`,
    );
  });

const binary: fc.Arbitrary<Step> = fc
  .oneof(
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    fc.constant(Buffer.from(JSON.stringify(media(2)))),
    fc.nat(3_000).map((size) => Buffer.alloc(size)),
  )
  .map((bytes) => () => bytes);

export const step: fc.Arbitrary<Step> = fc
  .oneof(
    { weight: 20, arbitrary: goodMedia },
    { weight: 6, arbitrary: spoiled },
    { weight: 3, arbitrary: mangled },
    { weight: 2, arbitrary: badBase64 },
    { weight: 2, arbitrary: otherIds },
    { weight: 2, arbitrary: otherEvents },
    { weight: 2, arbitrary: marks },
    { weight: 2, arbitrary: notJson },
    { weight: 1, arbitrary: prototypes },
    { weight: 1, arbitrary: binary },
    { weight: 1, arbitrary: deep },
  )
  .map((make) =>
    Object.assign((sequence: number) => make(sequence), { [fc.toStringMethod]: () => shown(make(2)) }),
  );

/** A step as a failure shows it. */
function shown(data: string | Buffer): string {
  const text = typeof data === 'string' ? data : `binary ${data.toString('hex')}`;
  return text.length > 300 ? `${text.slice(0, 300)}… (${text.length})` : text;
}

export const script = (maxLength: number): fc.Arbitrary<Step[]> =>
  fc.array(step, { minLength: 1, maxLength, size: 'max' });

export const START = JSON.stringify({
  event: 'start',
  ...ids,
  stream_type: 'twoway',
  channel: 'inbound',
  sequence_number: 1,
});

export const stop = (sequence_number: number): string =>
  JSON.stringify({ event: 'stop', ...ids, sequence_number });
