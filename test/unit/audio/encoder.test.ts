import assert from 'node:assert/strict';
import fc from 'fast-check';

import { audioReady, checkOutputFormat, Encoder, type OutputFormat } from '../../../lib/audio/index';
import { liveResamplers } from '../../../lib/audio/resampler';
import { cutAt, fromF32, noise, s16 } from './measure';
import { s16le } from './wav-builder';

const FORMATS: Omit<OutputFormat, 'pieceMs'>[] = [
  { encoding: 'pcm', sampleRate: 24_000 },
  { encoding: 'pcm', sampleRate: 16_000 },
  { encoding: 'pcm', sampleRate: 8_000 },
  { encoding: 'float32', sampleRate: 24_000 },
  { encoding: 'float32', sampleRate: 16_000 },
  { encoding: 'float32', sampleRate: 8_000 },
  { encoding: 'mulaw', sampleRate: 8_000 },
  { encoding: 'alaw', sampleRate: 8_000 },
];
const SIZE = { pcm: 2, float32: 4, mulaw: 1, alaw: 1 };
const SECOND = s16(noise(24_000));

describe('audio from the call', () => {
  before(audioReady);

  for (const form of FORMATS) {
    const { encoding, sampleRate } = form;
    const bytesOf = (ms: number): number => (ms * sampleRate * SIZE[encoding]) / 1000;

    it(`comes as ${encoding} at ${sampleRate} Hz in pieces of their length, the last one shorter`, () => {
      for (const pieceMs of [20, 21, 100, 999, 1000]) {
        const encoder = new Encoder({ ...form, pieceMs });
        const pieces = [...encoder.push(SECOND), ...encoder.flush()];
        const rest = 1000 % pieceMs;
        const lengths = Array.from({ length: Math.floor(1000 / pieceMs) }, () => bytesOf(pieceMs));
        if (rest > 0) lengths.push(bytesOf(rest));
        assert.deepEqual(
          pieces.map(({ length }) => length),
          lengths,
          `${pieceMs} ms`,
        );
        assert.deepEqual(encoder.flush(), []);
      }
      assert.equal(liveResamplers(), 0);
    });

    it(`comes out the same in input of any size: ${encoding} at ${sampleRate} Hz`, () => {
      const encoder = new Encoder({ ...form, pieceMs: 30 });
      const encode = (parts: Buffer[]): Buffer =>
        Buffer.concat([...parts.flatMap((part) => encoder.push(part)), ...encoder.flush()]);
      const input = SECOND.subarray(0, 9_600);
      const whole = encode([input]);
      fc.assert(
        fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 20 }), (places) => {
          assert.ok(encode(cutAt(input, places)).equals(whole));
        }),
        { numRuns: 40 },
      );
    });
  }

  it('is passed on unchanged as pcm at 24 kHz, also from an odd number of bytes', () => {
    const encoder = new Encoder({ encoding: 'pcm', sampleRate: 24_000, pieceMs: 20 });
    const pieces = [
      ...encoder.push(SECOND.subarray(0, 961)),
      ...encoder.push(SECOND.subarray(961, 2001)),
      ...encoder.flush(),
    ];
    assert.deepEqual(
      pieces,
      [0, 960, 1920].map((at) => SECOND.subarray(at, Math.min(at + 960, 2000))),
    );
  });

  it('is the same number as float32', () => {
    const encoder = new Encoder({ encoding: 'float32', sampleRate: 24_000, pieceMs: 20 });
    encoder.push(s16le(0, 16_384, -32_768, 32_767));
    assert.deepEqual([...fromF32(encoder.flush()[0]!)], [0, 0.5, -1, 32_767 / 32_768]);
  });

  it('stays within ±1 as float32 where the filter overshoots', () => {
    const encoder = new Encoder({ encoding: 'float32', sampleRate: 16_000, pieceMs: 1000 });
    const square = s16le(...Array.from({ length: 4800 }, (_, i) => (i % 48 < 24 ? 32_767 : -32_768)));
    const heard = fromF32(Buffer.concat([...encoder.push(square), ...encoder.flush()]));
    assert.equal(Math.max(...heard), 1);
    assert.equal(Math.min(...heard), -1);
  });

  it('comes in Buffers that nothing else is in: no byte is used twice', () => {
    for (const form of FORMATS) {
      const encoder = new Encoder({ ...form, pieceMs: 20 });
      const input = Buffer.from(SECOND);
      const pieces = [...encoder.push(input.subarray(0, 10_001)), ...encoder.push(input.subarray(10_001))];
      encoder.push(input.subarray(0, 100));
      pieces.push(...encoder.flush());
      const kept = pieces.map((piece) => piece.toString('hex'));
      input.fill(0x55);
      encoder.push(input);
      assert.deepEqual(
        pieces.map((piece) => piece.toString('hex')),
        kept,
      );
      for (const piece of pieces) piece.fill(0xaa);
      const untouched = encoder.push(input).map((piece) => piece.toString('hex'));
      assert.ok(!untouched.some((piece) => /^(aa)+$/.test(piece)), 'later ones are not among them');
      for (const [index, piece] of pieces.entries()) {
        assert.equal(piece.byteOffset % 4, 0, 'can be viewed as samples');
        const others = pieces.filter((_other, at) => at !== index);
        assert.ok(!others.some((other) => overlap(piece, other)), 'no two share a byte');
      }
      encoder.close();
    }
  });

  it('tells how far in the input the next piece begins', () => {
    const encoder = new Encoder({ encoding: 'mulaw', sampleRate: 8_000, pieceMs: 60 });
    assert.equal(encoder.position, 0);
    let pieces = 0;
    for (let at = 0; at < SECOND.length; at += 960) {
      pieces += encoder.push(SECOND.subarray(at, at + 960)).length;
      assert.equal(encoder.position, pieces * 60);
    }
    assert.equal(pieces, 16);
    assert.equal(encoder.flush()[0]?.length, 40 * 8);
    assert.equal(encoder.position, 0);
  });

  it('stands where it stood: a click stays in its place', () => {
    for (const sampleRate of [8_000, 16_000]) {
      const encoder = new Encoder({ encoding: 'float32', sampleRate, pieceMs: 100 });
      const click = new Float64Array(24_000);
      click[12_000] = 0.9;
      const heard = fromF32(Buffer.concat([...encoder.push(s16(click)), ...encoder.flush()]));
      assert.equal(heard.indexOf(Math.max(...heard)), sampleRate / 2);
    }
  });

  it('starts afresh after a flush or a close', () => {
    const encoder = new Encoder({ encoding: 'pcm', sampleRate: 16_000, pieceMs: 20 });
    const first = [...encoder.push(SECOND), ...encoder.flush()];
    encoder.push(SECOND.subarray(100, 1201));
    encoder.close();
    assert.equal(liveResamplers(), 0);
    assert.equal(encoder.position, 0);
    assert.deepEqual([...encoder.push(SECOND), ...encoder.flush()], first);
  });

  it('in a form it can not have is refused with words that help', () => {
    const refused = (format: object, words: RegExp): void => {
      const whole = { encoding: 'pcm', sampleRate: 24_000, pieceMs: 20, ...format } as OutputFormat;
      const expected = { name: 'WavixError', code: 'WAVIX_CONFIG', message: words };
      assert.throws(() => checkOutputFormat(whole), expected);
      assert.throws(() => new Encoder(whole), expected);
    };
    refused({ encoding: 'mp3' }, /no such encoding: use one of pcm, float32, mulaw, alaw/);
    refused(
      { sampleRate: 44_100 },
      /pcm can't be given at a sample rate of 44100 Hz, only at 24000, 16000, 8000 Hz/,
    );
    refused({ encoding: 'mulaw', sampleRate: 16_000 }, /mulaw .* only at 8000 Hz/);
    for (const pieceMs of [0, 19, 1001, 20.5, NaN]) refused({ pieceMs }, /whole number from 20 to 1000/);
  });
});

function overlap(one: Buffer, other: Buffer): boolean {
  if (one.buffer !== other.buffer) return false;
  return one.byteOffset < other.byteOffset + other.length && other.byteOffset < one.byteOffset + one.length;
}
