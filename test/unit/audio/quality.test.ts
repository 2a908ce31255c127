import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';

import {
  audioReady,
  decodeWav,
  Encoder,
  RawDecoder,
  writeWav,
  type RawEncoding,
} from '../../../lib/audio/index';
import {
  dB,
  fromF32,
  fromS16,
  middle,
  rms,
  s16,
  sine,
  sweep,
  toneOverRest,
  wantedOverError,
} from './measure';

const RATES = [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 37_123, 44_100, 48_000, 88_200, 96_000];

/** s16le at a rate, to the call's PCM. */
function toCall(samples: Float64Array, sampleRate: number): Float64Array {
  const decoder = new RawDecoder({ encoding: 'pcm', sampleRate });
  return fromS16(Buffer.concat([decoder.push(s16(samples)), decoder.flush()]));
}

/** The call's PCM, to another form, as bytes. */
function fromCall(samples: Float64Array, encoding: RawEncoding, sampleRate: number): Buffer {
  const encoder = new Encoder({ encoding, sampleRate, pieceMs: 20 });
  return Buffer.concat([...encoder.push(s16(samples)), ...encoder.flush()]);
}

describe('audio quality', () => {
  before(audioReady);

  describe('a tone of 1 kHz towards the call', () => {
    for (const rate of RATES) {
      it(`comes out at 70 dB, in time and as loud, from ${rate} Hz`, () => {
        const heard = toCall(sine(1000, rate, 1000), rate);
        assert.equal(heard.length, 24_000);
        assert.ok(toneOverRest(middle(heard, 24_000), 1000, 24_000) > 85);
        const wanted = sine(1000, 24_000, 1000);
        assert.ok(wantedOverError(middle(heard, 24_000), middle(wanted, 24_000)) > 70);
      });
    }

    for (const encoding of ['mulaw', 'alaw'] as const) {
      it(`comes out at 30 dB through ${encoding} and back`, () => {
        const coded = fromCall(sine(1000, 24_000, 1000), encoding, 8_000);
        assert.equal(coded.length, 8_000);
        const decoder = new RawDecoder({ encoding, sampleRate: 8_000 });
        const heard = fromS16(Buffer.concat([decoder.push(coded), decoder.flush()]));
        const wanted = sine(1000, 24_000, 1000);
        assert.equal(heard.length, wanted.length);
        assert.ok(wantedOverError(middle(heard, 24_000), middle(wanted, 24_000)) > 30);
      });
    }

    for (const rate of [8_000, 22_050, 24_000]) {
      it(`comes out at 38 dB from 8 bits at ${rate} Hz`, () => {
        const samples = sine(1000, rate, 1000, 0.9);
        const bytes = Buffer.from(samples.map((value) => Math.round(value * 127) + 128));
        const wav = writeWav(bytes, rate);
        wav.writeUInt16LE(1, 32); // one byte a frame
        wav.writeUInt16LE(8, 34); // bits
        const heard = fromS16(decodeWav(wav));
        const wanted = sine(1000, 24_000, 1000, 0.9 * (127 / 128));
        assert.ok(wantedOverError(middle(heard, 24_000), middle(wanted, 24_000)) > 38);
      });
    }
  });

  describe('a tone of 1 kHz from the call', () => {
    for (const rate of [8_000, 16_000, 24_000]) {
      it(`comes out at 70 dB, in time and as loud, at ${rate} Hz as pcm and float32`, () => {
        const wanted = middle(sine(1000, rate, 1000), rate);
        const tone = sine(1000, 24_000, 1000);
        for (const heard of [
          fromS16(fromCall(tone, 'pcm', rate)),
          fromF32(fromCall(tone, 'float32', rate)),
        ]) {
          assert.equal(heard.length, rate);
          assert.ok(toneOverRest(middle(heard, rate), 1000, rate) > 85);
          assert.ok(wantedOverError(middle(heard, rate), wanted) > 70);
        }
      });
    }
  });

  describe('what the lower rate can not hold', () => {
    for (const [rate, limit] of [
      [8_000, 4_000],
      [16_000, 8_000],
    ] as const) {
      it(`does not fold into audio at ${rate} Hz: tones above ${limit} Hz vanish`, () => {
        for (let hz = limit + 1; hz < 12_000; hz += 97) {
          const heard = fromF32(fromCall(sine(hz, 24_000, 200, 0.9), 'float32', rate));
          const level = dB(rms(middle(heard, rate, 30)), rms(sine(hz, 24_000, 200, 0.9)));
          assert.ok(level < -60, `${hz} Hz is left at ${level.toFixed(1)} dB`);
        }
      });
    }

    for (const rate of [32_000, 44_100, 48_000, 96_000]) {
      it(`does not fold into the call from ${rate} Hz: a sweep above 12 kHz vanishes`, () => {
        const above = sweep(12_001, rate / 2 - 100, rate, 1000, 0.9);
        const heard = middle(toCall(above, rate), 24_000, 30);
        const level = dB(rms(heard), rms(above));
        assert.ok(level < -60, `${level.toFixed(1)} dB`);
      });
    }

    it('leaves no image of low tones above 4 kHz when 8 kHz audio is played', () => {
      for (const hz of [300, 1000, 2000, 3000, 3400]) {
        const heard = middle(toCall(sine(hz, 8_000, 500), 8_000), 24_000);
        const rest = toneOverRest(heard, hz, 24_000);
        assert.ok(rest > 60, `${hz} Hz: ${rest.toFixed(1)} dB`);
      }
    });
  });

  describe('loudness', () => {
    const within = (heard: number, sent: number): void =>
      assert.ok(Math.abs(dB(heard, sent)) < 0.5, `${dB(heard, sent).toFixed(2)} dB`);

    it('stays within 0.5 dB over the band of a phone call, both ways', () => {
      for (const hz of [50, 300, 1000, 2000, 3000, 3400]) {
        const sent = rms(sine(hz, 24_000, 400));
        within(rms(middle(toCall(sine(hz, 8_000, 400), 8_000), 24_000)), sent);
        within(rms(middle(toCall(sine(hz, 44_100, 400), 44_100), 24_000)), sent);
        const heard = fromF32(fromCall(sine(hz, 24_000, 400), 'float32', 8_000));
        within(rms(middle(heard, 8_000)), sent);
      }
    });

    it('of speech stays within 0.5 dB through every form and back', () => {
      const file = path.join(__dirname, '../../../resources/sounds/greeting.wav');
      const speech = decodeWav(readFileSync(file));
      const sent = rms(fromS16(speech));
      for (const [encoding, sampleRate] of [
        ['pcm', 16_000],
        ['pcm', 8_000],
        ['float32', 16_000],
        ['mulaw', 8_000],
        ['alaw', 8_000],
      ] as const) {
        const encoder = new Encoder({ encoding, sampleRate, pieceMs: 100 });
        const decoder = new RawDecoder({ encoding, sampleRate });
        const pieces = [...encoder.push(speech), ...encoder.flush()].map((piece) => decoder.push(piece));
        const heard = Buffer.concat([...pieces, decoder.flush()]);
        within(rms(fromS16(heard)), sent);
        assert.ok(Math.abs(heard.length - speech.length) <= 960, 'as long, within one frame');
      }
    });

    it('of stereo is that of its mean, also at full scale', () => {
      const frames = 2_400;
      const stereo = Buffer.alloc(frames * 4);
      for (let i = 0; i < frames; i++) {
        stereo.writeInt16LE(32_767, i * 4);
        stereo.writeInt16LE(i % 2 === 0 ? 32_767 : -32_767, i * 4 + 2);
      }
      const heard = decodeWav(writeWav(stereo, 24_000, 2));
      assert.equal(heard.readInt16LE(0), 32_767);
      assert.equal(heard.readInt16LE(2), 0);
      assert.equal(heard.length, frames * 2);
    });

    it('at full scale clips and does not wrap around', () => {
      const square = Float64Array.from({ length: 8_000 }, (_, i) => (i % 80 < 40 ? 1 : -1));
      const heard = toCall(square, 8_000);
      for (let i = 0; i < heard.length; i++) {
        const place = (i / 3) % 80;
        if (place > 2 && place < 37) assert.ok(heard[i]! > 0.8);
        if (place > 42 && place < 77) assert.ok(heard[i]! < -0.8);
      }
    });
  });

  describe('length', () => {
    it('is the same to the sample, rounded up, at every rate and for any number of samples', () => {
      for (const rate of RATES) {
        for (const length of [1, 2, 3, 79, 80, 81, 1023, 1024, 1025, 4097]) {
          const samples = Math.ceil((length * 24_000) / rate);
          assert.equal(toCall(new Float64Array(length), rate).length, samples, `${length} at ${rate} Hz`);
        }
      }
      for (const rate of [8_000, 16_000, 24_000]) {
        for (const length of [1, 2, 3, 479, 480, 481, 4097]) {
          const bytes = fromCall(new Float64Array(length), 'pcm', rate).length;
          assert.equal(bytes, Math.ceil((length * rate) / 24_000) * 2, `${length} to ${rate} Hz`);
        }
      }
    });

    /** Plays an hour of a tone, a second at a time, and looks at the last one. Nothing but that second is kept. */
    const hour = (play: (second: Buffer) => Buffer, end: () => Buffer, from: number, to: number): void => {
      const second = s16(sine(1000, from, 1000));
      let bytes = 0;
      let last: Buffer = Buffer.alloc(0);
      for (let count = 0; count < 3600; count++) {
        last = play(second);
        bytes += last.length;
      }
      const tail = Buffer.concat([last, end()]);
      bytes += tail.length - last.length;
      assert.equal(bytes, 3600 * to * 2);
      const heard = fromS16(tail.subarray(-to * 2));
      const wanted = sine(1000, to, 1000);
      assert.ok(wantedOverError(middle(heard, to), middle(wanted, to)) > 70);
    };

    it('does not drift in an hour from 44.1 kHz to the call', function () {
      this.timeout(30_000);
      const decoder = new RawDecoder({ encoding: 'pcm', sampleRate: 44_100 });
      hour(
        (second) => decoder.push(second),
        () => decoder.flush(),
        44_100,
        24_000,
      );
    });

    it('does not drift in an hour from the call to 8 kHz', function () {
      this.timeout(30_000);
      const encoder = new Encoder({ encoding: 'pcm', sampleRate: 8_000, pieceMs: 1000 });
      const one = (pieces: Buffer[]): Buffer => Buffer.concat(pieces);
      hour(
        (second) => one(encoder.push(second)),
        () => one(encoder.flush()),
        24_000,
        8_000,
      );
    });
  });
});
