import assert from 'node:assert/strict';
import fc from 'fast-check';

import { audioReady, RawDecoder, type InputFormat } from '../../../lib/audio/index';
import { liveResamplers } from '../../../lib/audio/resampler';
import { cutAt, noise, s16, sine } from './measure';
import { s16le } from './wav-builder';

const FORMATS: InputFormat[] = [
  { encoding: 'pcm', sampleRate: 24_000 },
  { encoding: 'pcm', sampleRate: 8_000 },
  { encoding: 'pcm', sampleRate: 44_100 },
  { encoding: 'pcm', sampleRate: 48_000, channels: 2 },
  { encoding: 'pcm', sampleRate: 37_123 },
  { encoding: 'float32', sampleRate: 24_000 },
  { encoding: 'float32', sampleRate: 22_050, channels: 3 },
  { encoding: 'mulaw', sampleRate: 8_000 },
  { encoding: 'alaw', sampleRate: 8_000 },
  { encoding: 'mulaw', sampleRate: 24_000 },
];

function decode(decoder: RawDecoder, pieces: Buffer[]): Buffer {
  return Buffer.concat([...pieces.map((piece) => decoder.push(piece)), decoder.flush()]);
}

/** Sound in that form: bytes that make sense as such. */
function sound({ encoding, channels = 1 }: InputFormat, frames: number): Buffer {
  const samples = noise(frames * channels);
  if (encoding === 'pcm') return s16(samples);
  if (encoding !== 'float32') return Buffer.from(samples.map((value) => Math.round(value * 127) & 0xff));
  const bytes = Buffer.alloc(samples.length * 4);
  samples.forEach((value, i) => bytes.writeFloatLE(value, i * 4));
  return bytes;
}

describe('raw samples towards the call', () => {
  before(audioReady);

  for (const format of FORMATS) {
    const { encoding, sampleRate, channels = 1 } = format;
    const name = `${encoding} at ${sampleRate} Hz, ${channels} channel(s)`;

    it(`come out the same in pieces of any size as in one: ${name}`, () => {
      const bytes = sound(format, 3000);
      const decoder = new RawDecoder(format);
      const whole = decode(decoder, [bytes]);
      assert.equal(whole.length, Math.ceil((3000 * 24_000) / sampleRate) * 2);
      fc.assert(
        fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 20 }), (places) => {
          assert.ok(decode(decoder, cutAt(bytes, places)).equals(whole));
        }),
        { numRuns: 40 },
      );
      const oneByOne = Array.from({ length: bytes.length }, (_, i) => bytes.subarray(i, i + 1));
      assert.ok(decode(decoder, oneByOne).equals(whole), 'a byte at a time');
      assert.equal(liveResamplers(), 0);
    });
  }

  it('are not touched when they are the call’s own already: no copy, no change', () => {
    const decoder = new RawDecoder({ encoding: 'pcm', sampleRate: 24_000 });
    const piece = s16le(1, 2, 3);
    assert.equal(decoder.push(piece).buffer, piece.buffer);
    assert.deepEqual(decoder.push(piece), piece);
    assert.equal(decoder.flush().length, 0);
  });

  it('keep half a sample for the next piece and drop it at the end', () => {
    const decoder = new RawDecoder({ encoding: 'pcm', sampleRate: 24_000 });
    const bytes = s16le(258, 772);
    assert.deepEqual(decoder.push(bytes.subarray(0, 3)), bytes.subarray(0, 2));
    assert.deepEqual(decoder.push(bytes.subarray(3)), bytes.subarray(2));
    decoder.push(bytes.subarray(0, 1));
    assert.equal(decoder.flush().length, 0);
    assert.deepEqual(decoder.push(bytes), bytes, 'afresh');
  });

  it('hold on to a piece no longer than the call: what is kept is copied', () => {
    const decoder = new RawDecoder({ encoding: 'pcm', sampleRate: 24_000 });
    const piece = Buffer.from([0x01]);
    decoder.push(piece);
    piece[0] = 0xee; // its owner uses it again
    assert.deepEqual(decoder.push(Buffer.from([0x02])), Buffer.from([0x01, 0x02]));
  });

  it('come out at once but for a few ms, and all of them at the flush', () => {
    for (const sampleRate of [8_000, 16_000, 44_100]) {
      const decoder = new RawDecoder({ encoding: 'pcm', sampleRate });
      const second = s16(sine(440, sampleRate, 1000));
      const soon = decoder.push(second).length / 48;
      assert.ok(soon > 992 && soon < 1000, `${soon} of 1000 ms at ${sampleRate} Hz`);
      assert.equal(soon + decoder.flush().length / 48, 1000);
    }
  });

  it('start afresh after a flush or a close', () => {
    const format = { encoding: 'pcm', sampleRate: 8_000 } as const;
    const bytes = s16(noise(500));
    const whole = decode(new RawDecoder(format), [bytes]);
    const decoder = new RawDecoder(format);
    decoder.push(s16(noise(333, 7)));
    decoder.push(Buffer.alloc(1));
    decoder.close();
    assert.equal(liveResamplers(), 0);
    assert.ok(decode(decoder, [bytes]).equals(whole), 'after a close');
    assert.ok(decode(decoder, [bytes]).equals(whole), 'after a flush');
    assert.equal(decoder.flush().length, 0, 'nothing more');
  });

  it('may come a byte at a time for long: the time grows with their number only', () => {
    for (const sampleRate of [24_000, 8_000]) {
      const decoder = new RawDecoder({ encoding: 'pcm', sampleRate });
      const bytes = Buffer.alloc(10 * sampleRate * 2, 1);
      const start = performance.now();
      let length = 0;
      for (let i = 0; i < bytes.length; i++) length += decoder.push(bytes.subarray(i, i + 1)).length;
      length += decoder.flush().length;
      assert.equal(length, 480_000);
      const took = performance.now() - start;
      assert.ok(took < 3000, `10 s took ${took.toFixed(0)} ms`);
    }
  });

  it('may hold anything: what is no number is silence, what is too loud is clipped', () => {
    const values = [NaN, Infinity, -Infinity, 3e38, -3e38, 1e-40, 0.25];
    const bytes = Buffer.alloc(values.length * 4);
    values.forEach((value, i) => bytes.writeFloatLE(value, i * 4));
    const straight = decode(new RawDecoder({ encoding: 'float32', sampleRate: 24_000 }), [bytes]);
    assert.deepEqual(straight, s16le(0, 32_767, -32_768, 32_767, -32_768, 0, 8192));
    fc.assert(
      fc.property(
        fc.constantFrom(...FORMATS),
        fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 5 }),
        (format, pieces) => {
          const { encoding, sampleRate, channels = 1 } = format;
          const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
          const size = encoding === 'pcm' ? 2 : encoding === 'float32' ? 4 : 1;
          const frames = Math.floor(bytes / size / channels);
          const pcm = decode(
            new RawDecoder(format),
            pieces.map((piece) => Buffer.from(piece)),
          );
          assert.equal(pcm.length, Math.ceil((frames * 24_000) / sampleRate) * 2);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('do not ring on after a sample that was no number', () => {
    const bytes = Buffer.alloc(8_000);
    bytes.writeFloatLE(NaN, 400);
    const pcm = decode(new RawDecoder({ encoding: 'float32', sampleRate: 16_000 }), [bytes]);
    assert.ok(pcm.equals(Buffer.alloc(pcm.length)));
  });

  it('of another form than can be played are refused with words that help', () => {
    const refused = (format: unknown, words: RegExp): void => {
      const expected = { name: 'WavixError', code: 'WAVIX_INPUT', message: words };
      assert.throws(() => new RawDecoder(format as InputFormat), expected);
    };
    refused(
      { encoding: 'opus', sampleRate: 24_000 },
      /no such encoding: use one of pcm, float32, mulaw, alaw/,
    );
    refused({ encoding: 'toString', sampleRate: 24_000 }, /no such encoding/);
    refused({ encoding: 'pcm' }, /sample rate of NaN/);
    for (const sampleRate of [0, -1, 7_999, 96_001, 8000.5, NaN, Infinity, '16000']) {
      refused({ encoding: 'pcm', sampleRate }, /whole number of Hz from 8000 to 96000/);
    }
    for (const channels of [0, 33, 1.5]) {
      refused({ encoding: 'pcm', sampleRate: 8_000, channels }, /channels can't be used: give 1 to 32/);
    }
  });
});
