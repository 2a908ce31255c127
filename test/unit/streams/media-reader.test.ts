import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Slab } from '../../../lib/audio/slab';
import { decodeBase64 } from '../../../lib/streams/base64';
import { MediaReader } from '../../../lib/streams/media-reader';
import { readFromWavix } from '../../../lib/streams/wire';

const CALL_ID = 'a3f1c0de-0000-4000-8000-00000000c411';
const STREAM_ID = 'stream-1';

const MEDIA = {
  event: 'media',
  event_time: '2026-11-22T12:00:00.000Z',
  call_id: CALL_ID,
  stream_id: STREAM_ID,
  sequence_number: 7,
  media: {
    payload: Buffer.from('hello, it is me').toString('base64'),
    track: 'inbound',
    timestamp: 100,
    chunk: 6,
  },
};

/** What JSON.parse and the checks of `readFromWavix` make of a message, in the reader's own form. */
function judged(bytes: Buffer, callId = CALL_ID, streamId = STREAM_ID): object | undefined {
  const message = readFromWavix(bytes.toString());
  if ('problem' in message || message.event !== 'media') return undefined;
  if (message.call_id !== callId || message.stream_id !== streamId) return undefined;
  const pcm = decodeBase64(message.media.payload);
  return pcm && { ...message.media, sequence_number: message.sequence_number, pcm };
}

/** The reader may leave a message to the judge; what it reads, it must read just so. */
function agrees(bytes: Buffer, callId = CALL_ID, streamId = STREAM_ID): boolean {
  const read = new MediaReader(callId, streamId, new Slab()).read(bytes);
  // What stands behind it is not of this message, whatever it is.
  const behind = Buffer.concat([bytes, Buffer.from('0","chunk":1}}'), bytes]);
  assert.deepEqual(new MediaReader(callId, streamId, new Slab()).read(behind, bytes.length), read);
  if (!read) return false;
  assert.deepEqual(
    { ...read, pcm: Buffer.from(read.pcm) },
    judged(bytes, callId, streamId),
    bytes.toString(),
  );
  return true;
}

const read = (text: string) => new MediaReader(CALL_ID, STREAM_ID, new Slab()).read(Buffer.from(text));

describe('MediaReader', () => {
  it("reads a message of audio, in the guide's order of its members or another, with spaces or without", () => {
    const { media, ...rest } = MEDIA;
    const shapes = [
      JSON.stringify(MEDIA),
      JSON.stringify({ media: Object.fromEntries(Object.entries(media).reverse()), ...rest }),
      JSON.stringify(MEDIA).replace(/([:,])(?=["\d{])/g, '$1 '),
      JSON.stringify({ ...rest, event_time: undefined, media }),
      JSON.stringify({ ...rest, sequence_number: '7', media: { ...media, timestamp: '100', chunk: '6' } }),
    ];
    for (const shape of shapes) {
      assert.ok(agrees(Buffer.from(shape)), `not read: ${shape}`);
    }
    const frame = read(shapes[0] as string);
    assert.equal(frame?.sequence_number, 7);
    assert.equal(frame.pcm.toString(), 'hello, it is me');
  });

  const left: [string, string | object][] = [
    ['another event', { ...MEDIA, event: 'mark' }],
    ['another call', { ...MEDIA, call_id: 'other' }],
    ['another stream', { ...MEDIA, stream_id: `${STREAM_ID}0` }],
    ['a member that it does not know', { ...MEDIA, more: 1 }],
    ['a member that is missing', { ...MEDIA, sequence_number: undefined }],
    ['a member that comes twice', JSON.stringify(MEDIA).replace('{', '{"sequence_number":1,')],
    ['something behind its end', `${JSON.stringify(MEDIA)} {}`],
    ['a message cut off', JSON.stringify(MEDIA).slice(0, -1)],
    ['a track that there is not', { ...MEDIA, media: { ...MEDIA.media, track: 'both' } }],
    ['a fraction', { ...MEDIA, media: { ...MEDIA.media, timestamp: 1.5 } }],
    ['a number below 0', { ...MEDIA, sequence_number: -1 }],
    ['a number that is no JSON', JSON.stringify(MEDIA).replace(':7,', ':07,')],
    ['a number too long to be exact', { ...MEDIA, sequence_number: 1e16 }],
    ['a payload that is no base64', { ...MEDIA, media: { ...MEDIA.media, payload: 'not base64!' } }],
    ['a payload with escapes', JSON.stringify(MEDIA).replace('aGVs', 'a\\u0047Vs')],
    ['a line break in a string', JSON.stringify(MEDIA).replace('12:00', '12\n00')],
    ['no message', ''],
  ];
  for (const [what, message] of left) {
    it(`leaves ${what}`, () => {
      assert.equal(read(typeof message === 'string' ? message : JSON.stringify(message)), undefined);
    });
  }

  it('leaves all messages of a stream whose id has to be escaped', () => {
    for (const id of ['a"b', 'a\\b', 'grüße', 'a","sequence_number":1,"x":"b']) {
      const bytes = Buffer.from(JSON.stringify({ ...MEDIA, stream_id: id }));
      assert.equal(new MediaReader(CALL_ID, id, new Slab()).read(bytes), undefined);
      const raw = Buffer.from(JSON.stringify(MEDIA).replace(STREAM_ID, id));
      assert.equal(agrees(raw, CALL_ID, id), false);
    }
  });

  it('agrees with JSON.parse about any message that is nearly one of audio', () => {
    const mostly = <T>(usual: fc.Arbitrary<T>, odd: fc.Arbitrary<T>) =>
      fc.oneof({ weight: 20, arbitrary: usual }, { weight: 1, arbitrary: odd });
    const oddNumbers = [
      '0',
      '-0',
      '-1',
      '00',
      '"00"',
      '1.0',
      '"1.5"',
      '1e3',
      '"1e3"',
      '""',
      '" 1"',
      'null',
      '9'.repeat(18),
    ];
    const number = mostly(
      fc.oneof(
        fc.nat().map(String),
        fc.nat().map((one) => `"${one}"`),
      ),
      fc.constantFrom(...oddNumbers),
    );
    const oddText = fc.oneof(
      fc.string().map((one) => JSON.stringify(one)),
      fc.constantFrom('"\\u0041"', '"\\""', '"ü"', '"\x7f"', '"\t"', '""'),
    );
    const bytes = fc.uint8Array({ maxLength: 40 }).map((one) => Buffer.from(one));
    const audio = mostly(
      bytes.map((one) => JSON.stringify(one.toString('base64'))),
      fc.oneof(
        bytes.map((one) => JSON.stringify(one.toString('base64url'))),
        fc.constantFrom('"A"', '"AA=A"', '"===="', '"AB CD"', '"AA\\/A"', '"AAAA\\n"', '"\u00c4AAA"', '7'),
      ),
    );
    const space = mostly(fc.constantFrom('', ' '), fc.constantFrom('\n', '\t', '\u00a0'));
    const spaceBeforeColon = mostly(fc.constant(''), fc.constant(' '));
    const object = (members: fc.Arbitrary<[string, string]>[]) =>
      fc
        .tuple(
          fc.tuple(...members),
          fc.array(fc.oneof(...members), { maxLength: 1 }),
          fc.array(fc.tuple(fc.constantFrom('x', 'event'), oddText), { maxLength: 1 }),
          fc.tuple(space, space, spaceBeforeColon, space),
          fc.integer({ min: 0, max: 60 }),
          fc.nat(8),
        )
        .map(([all, twice, more, [a, b, c, d], odd, turn]) => {
          const some = [...all.slice(turn % all.length), ...all.slice(0, turn % all.length)];
          if (odd === 1) some.push(...twice);
          if (odd === 2) some.push(...more);
          if (odd === 3) some.pop();
          const inner = some.map(([key, value]) => `"${key}"${c}:${b}${value}`).join(`${d},${a}`);
          return `{${a}${inner}${odd === 4 ? ',' : ''}${b}}`;
        });
    const member = (key: string, value: fc.Arbitrary<string>) =>
      value.map((one): [string, string] => [key, one]);
    const media = object([
      member('payload', audio),
      member(
        'track',
        mostly(fc.constant('"inbound"'), fc.constantFrom('"outbound"', '"both"', '"inbound', 'null')),
      ),
      member('timestamp', number),
      member('chunk', number),
    ]);
    const message = object([
      member('event', mostly(fc.constant('"media"'), fc.constantFrom('"mark"', '"stop"', '"medi\\u0061"'))),
      member('event_time', mostly(fc.constant('"now"'), oddText)),
      member('call_id', mostly(fc.constant(JSON.stringify(CALL_ID)), oddText)),
      member('stream_id', mostly(fc.constant(JSON.stringify(STREAM_ID)), oddText)),
      member('sequence_number', number),
      member('media', media),
    ]);
    let count = 0;
    fc.assert(
      fc.property(message, mostly(fc.constant(''), fc.constantFrom(' ', 'x', '\0')), (one, after) => {
        if (agrees(Buffer.from(one + after))) count++;
      }),
      { numRuns: 5_000 },
    );
    assert.ok(count > 500, `only ${count} of 5 000 were read at all`);
  });

  it('agrees about any message of which a byte is changed, lost or added', () => {
    const whole = Buffer.from(JSON.stringify(MEDIA));
    fc.assert(
      fc.property(
        fc.nat(whole.length - 1),
        fc.nat(255),
        fc.constantFrom('change', 'lose', 'add'),
        (at, byte, how) => {
          const piece = how === 'lose' ? [] : [byte];
          const bytes = Buffer.concat([
            whole.subarray(0, at),
            Buffer.from(piece),
            whole.subarray(how === 'add' ? at : at + 1),
          ]);
          agrees(bytes);
        },
      ),
      { numRuns: 5_000 },
    );
  });
});
