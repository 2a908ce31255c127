import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { mock } from 'node:test';
import fc from 'fast-check';

import {
  audioReady,
  decodeMp3,
  decodeWav,
  detectFile,
  openWav,
  refuseOtherFiles,
} from '../../../lib/audio/index';
import { liveResamplers } from '../../../lib/audio/resampler';
import { WavixError } from '../../../lib/errors';
import { noise, s16 } from './measure';
import { chunk, extensible, format, riff } from './wav-builder';

const DATA = s16(noise(600));

/** Good files of all kinds, to be spoiled. */
const GOOD_WAVS = [
  riff([chunk('fmt ', format()), chunk('data', DATA)]),
  riff([
    chunk('LIST', Buffer.from('INFOabc')),
    chunk('fmt ', format({ rate: 8_000, bits: 8 })),
    chunk('data', DATA),
  ]),
  riff([chunk('fmt ', extensible({ channels: 2, rate: 44_100, bits: 24 })), chunk('data', DATA)]),
  riff([chunk('fmt ', format({ tag: 3, bits: 32, rate: 96_000 })), chunk('data', DATA)]),
  riff([chunk('fmt ', format({ tag: 7, bits: 8, rate: 8_000 })), chunk('data', DATA)]),
  riff([chunk('ds64', Buffer.alloc(28)), chunk('fmt ', format({ rate: 16_000 })), chunk('data', DATA)], {
    id: 'RF64',
  }),
];
const GOOD_MP3S = ['tone-44100-stereo-vbr-id3.mp3', 'tone-22050-mono-cbr.mp3', 'tone-8000-mono.mp3'].map(
  (name) => readFileSync(path.join(__dirname, 'fixtures', name)).subarray(0, 4000),
);

/** A good file with some bytes changed, most of them near its start, some taken out or put in, and cut. */
function spoiled(files: Buffer[], most: number): fc.Arbitrary<Buffer> {
  const near = fc.oneof({ weight: 3, arbitrary: fc.nat(60) }, { weight: 1, arbitrary: fc.nat(4000) });
  const byte = fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xfe, 0xff), fc.nat(255));
  return fc
    .record({
      file: fc.constantFrom(...files),
      changes: fc.array(fc.tuple(near, byte), { maxLength: most }),
      at: near,
      remove: fc.oneof(fc.constant(0), fc.nat(100)),
      insert: fc.oneof(fc.constant(new Uint8Array()), fc.uint8Array({ maxLength: 100 })),
      length: fc.oneof(fc.constant(Infinity), fc.nat(4000)),
    })
    .map(({ file, changes, at, remove, insert, length }) => {
      const copy = Buffer.from(file);
      for (const [where, value] of changes) if (where < copy.length) copy[where] = value;
      return Buffer.concat([copy.subarray(0, at), insert, copy.subarray(at + remove)]).subarray(0, length);
    });
}

/** What is played, or undefined if it was refused as it should be; anything else fails. */
function sane(decode: () => Buffer): Buffer | undefined {
  try {
    return decode();
  } catch (error) {
    assert.ok(error instanceof WavixError && error.code === 'WAVIX_AUDIO', String(error));
    assert.match(error.message, /[:.] .+\.$/, 'says what to do');
    return undefined;
  }
}

describe('audio of bad will', () => {
  before(audioReady);
  afterEach(() => assert.equal(liveResamplers(), 0));

  it('as a WAV is refused, or played no longer than its bytes allow', () => {
    let played = 0;
    fc.assert(
      fc.property(spoiled(GOOD_WAVS, 6), (file) => {
        const pcm = sane(() => decodeWav(file));
        if (!pcm) return;
        played++;
        // one byte is at most one sample of 8 kHz, which becomes three of two bytes
        assert.ok(pcm.length <= file.length * 6);
        assert.equal(pcm.length % 2, 0);
        const opened = openWav(file);
        const parts: Buffer[] = [];
        while (!opened.done) parts.push(opened.pull(1000));
        assert.ok(Buffer.concat(parts).equals(pcm), 'opened as decoded');
      }),
      { numRuns: 2000 },
    );
    assert.ok(played > 200 && played < 1900, `${played} of 2000 were played`);
  });

  it('as random bytes behind a good start is refused or played likewise', () => {
    fc.assert(
      fc.property(
        fc.nat(60),
        fc.constantFrom(...GOOD_WAVS),
        fc.uint8Array({ maxLength: 400 }),
        (at, file, rest) => {
          const data = Buffer.concat([file.subarray(0, at), rest]);
          const pcm = sane(() => decodeWav(data));
          assert.ok(!pcm || pcm.length <= data.length * 6);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('as an MP3 is refused, or played no longer than its frames allow; nothing is printed', async () => {
    const printed = mock.method(console, 'error', () => undefined);
    try {
      await fc.assert(
        fc.asyncProperty(spoiled(GOOD_MP3S, 40), async (file) => {
          const pcm = await decodeMp3(file).catch((error: unknown) => {
            sane(() => {
              throw error;
            });
          });
          // the thinnest MP3 holds 8 kbit/s
          if (pcm) assert.ok(pcm.length / 48 <= file.length + 200);
        }),
        { numRuns: 150 },
      );
    } finally {
      printed.mock.restore();
    }
    assert.equal(printed.mock.callCount(), 0);
  });

  it('never makes the detection fail', () => {
    fc.assert(
      fc.property(fc.oneof(spoiled([...GOOD_WAVS, ...GOOD_MP3S], 6), fc.uint8Array()), (bytes) => {
        const data = Buffer.from(bytes);
        detectFile(data);
        sane(() => {
          refuseOtherFiles(data);
          return data;
        });
      }),
      { numRuns: 1000 },
    );
  });
});
