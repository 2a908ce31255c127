import assert from 'node:assert/strict';

import { audioReady, decodeWav, detectFile, openWav, readWavInfo, writeWav } from '../../../lib/audio/index';
import { liveResamplers } from '../../../lib/audio/resampler';
import { noise, s16 } from './measure';
import { chunk, extensible, format, riff, s16le, wav } from './wav-builder';

const VALUES = [0, 1, -1, 1000, -1000, 32_767, -32_768, 0x1234];
const PCM = s16le(...VALUES);

/** The samples a file decodes to, at 24 kHz. */
function samplesOf(file: Buffer): number[] {
  const pcm = decodeWav(file);
  return Array.from({ length: pcm.length / 2 }, (_, i) => pcm.readInt16LE(i * 2));
}

function refused(file: Buffer, words: RegExp): void {
  for (const use of [readWavInfo, openWav, decodeWav]) {
    assert.throws(() => use(file), { name: 'WavixError', code: 'WAVIX_AUDIO', message: words });
  }
}

describe('a WAV file', () => {
  before(audioReady);

  describe('holds samples of every kind', () => {
    it('s16, passed on as they are and not copied', () => {
      const file = wav({}, PCM);
      const pcm = decodeWav(file);
      assert.deepEqual(pcm, PCM);
      assert.equal(pcm.buffer, file.buffer);
    });

    it('u8, around 128', () => {
      assert.deepEqual(
        samplesOf(wav({ bits: 8 }, Buffer.from([0, 1, 127, 128, 129, 255]))),
        [-32_768, -32_512, -256, 0, 256, 32_512],
      );
    });

    it('s24 and s32, rounded', () => {
      // 0, 1, 32767.5, −32768, −1, 0.5 and 0.498 of s16's steps
      const s24 = Buffer.from(
        '000000' + '000100' + '80ff7f' + '000080' + '00ffff' + '800000' + '7f0000',
        'hex',
      );
      assert.deepEqual(samplesOf(wav({ bits: 24 }, s24)), [0, 1, 32_767, -32_768, -1, 1, 0]);
      const s32 = Buffer.alloc(20);
      [0, 0x7fff_ffff, -0x8000_0000, 0x0001_8000, -0x0001_0000].forEach((value, i) =>
        s32.writeInt32LE(value, i * 4),
      );
      assert.deepEqual(samplesOf(wav({ bits: 32 }, s32)), [0, 32_767, -32_768, 2, -1]);
    });

    it('12 and 20 bits, which lie at the top of their bytes', () => {
      assert.deepEqual(samplesOf(wav({ bits: 12, blockAlign: 2 }, PCM)), VALUES);
      const s20 = Buffer.from('00100000f07f', 'hex');
      assert.deepEqual(samplesOf(wav({ bits: 20, blockAlign: 3 }, s20)), [16, 32_752]);
    });

    it('float of 32 and 64 bits, clipped at ±1, what is no number as silence', () => {
      const values = [0, 0.5, -0.5, 1, -1, 1.5, -7, 1e30, NaN, Infinity, -Infinity, 1 / 32_768];
      const wanted = [0, 16_384, -16_384, 32_767, -32_768, 32_767, -32_768, 32_767, 0, 32_767, -32_768, 1];
      const f32 = Buffer.alloc(values.length * 4);
      const f64 = Buffer.alloc(values.length * 8);
      values.forEach((value, i) => f32.writeFloatLE(value, i * 4));
      values.forEach((value, i) => f64.writeDoubleLE(value, i * 8));
      assert.deepEqual(samplesOf(wav({ tag: 3, bits: 32 }, f32)), wanted);
      assert.deepEqual(samplesOf(wav({ tag: 3, bits: 64 }, f64)), wanted);
    });

    it('mu-law and A-law', () => {
      const codes = Buffer.from([0x00, 0x80, 0xff, 0x7f, 0xd5, 0x55, 0xaa, 0x2a]);
      const mulaw = samplesOf(wav({ tag: 7, bits: 8 }, codes));
      assert.deepEqual(mulaw.slice(0, 4), [-32_124, 32_124, 0, 0]);
      const alaw = samplesOf(wav({ tag: 6, bits: 8 }, codes));
      assert.deepEqual(alaw.slice(4), [8, -8, 32_256, -32_256]);
    });

    it('of several channels, mixed to their mean', () => {
      assert.deepEqual(
        samplesOf(wav({ channels: 2 }, s16le(100, 300, -32_768, -32_768, 7, -7))),
        [200, -32_768, 0],
      );
      assert.deepEqual(
        samplesOf(wav({ channels: 6 }, s16le(6, 12, 18, 24, 30, 36, 9, 9, 9, 9, 9, 9))),
        [21, 9],
      );
      const stereo = Buffer.from([128, 130, 0, 255]);
      assert.deepEqual(samplesOf(wav({ channels: 2, bits: 8 }, stereo)), [256, -128]);
    });

    it('in the extensible form, also 24 bits in 32', () => {
      assert.deepEqual(samplesOf(riff([chunk('fmt ', extensible()), chunk('data', PCM)])), VALUES);
      const s32 = Buffer.alloc(4);
      s32.writeInt32LE(0x4000_0000);
      const options = { bits: 32, validBits: 24 };
      assert.deepEqual(samplesOf(riff([chunk('fmt ', extensible(options)), chunk('data', s32)])), [16_384]);
      const codes = Buffer.from([0x80]);
      const mulaw = riff([chunk('fmt ', extensible({ tag: 7, bits: 8 })), chunk('data', codes)]);
      assert.deepEqual(samplesOf(mulaw), [32_124]);
    });

    it('at another rate, as long as it was', () => {
      for (const rate of [8_000, 11_025, 22_050, 44_100, 48_000, 96_000]) {
        const pcm = decodeWav(wav({ rate, channels: 2 }, Buffer.alloc(rate * 4)));
        assert.equal(pcm.length, 48_000, `${rate} Hz`);
        assert.equal(readWavInfo(wav({ rate }, Buffer.alloc(rate * 2))).durationMs, 1000);
      }
      assert.equal(liveResamplers(), 0);
    });
  });

  describe('is read whatever its writer left in it', () => {
    const fmt = chunk('fmt ', format());

    it('LIST and unknown chunks before and behind the samples', () => {
      const list = chunk('LIST', Buffer.from('INFOISFT\x06\0\0\0Lavf60'));
      const bext = chunk('bext', Buffer.alloc(602, 0x55));
      assert.deepEqual(samplesOf(riff([bext, fmt, list, chunk('data', PCM), list])), VALUES);
    });

    it('chunks of an odd length, with their pad byte or without', () => {
      const odd = Buffer.from('abc');
      assert.deepEqual(
        samplesOf(riff([chunk('junk', odd), fmt, chunk('note', odd), chunk('data', PCM)])),
        VALUES,
      );
      const without = chunk('note', odd, { pad: false });
      assert.deepEqual(samplesOf(riff([without, fmt, without, chunk('data', PCM)])), VALUES);
    });

    it('an odd number of bytes of samples: half a sample is dropped', () => {
      assert.deepEqual(samplesOf(riff([fmt, chunk('data', PCM.subarray(0, 5))])), VALUES.slice(0, 2));
    });

    it('sizes of 0xFFFFFFFF, as those write who do not know the end', () => {
      const data = chunk('data', PCM, { size: 0xffff_ffff });
      assert.deepEqual(samplesOf(riff([fmt, data], { size: 0xffff_ffff })), VALUES);
    });

    it('sizes of 0, as those write who do not know the end', () => {
      const data = chunk('data', PCM, { size: 0 });
      assert.deepEqual(samplesOf(riff([fmt, data], { size: 0 })), VALUES);
      assert.deepEqual(samplesOf(riff([fmt, data], { size: 36 })), VALUES);
    });

    it('no samples at all, where the file says so itself: what follows is not played', () => {
      const list = chunk('LIST', Buffer.from('INFOISFT\x04\0\0\0abcd'));
      assert.deepEqual(samplesOf(riff([fmt, chunk('data', Buffer.alloc(0)), list])), []);
    });

    it('a size that reaches past the end: the file was cut', () => {
      const whole = riff([fmt, chunk('data', PCM)]);
      assert.deepEqual(samplesOf(whole.subarray(0, whole.length - 5)), VALUES.slice(0, 5));
      assert.deepEqual(samplesOf(riff([fmt, chunk('data', PCM, { size: 0xffff_fff0 })])), VALUES);
    });

    it('RF64 and BW64 with their sizes of 64 bits', () => {
      const ds64 = Buffer.alloc(28);
      ds64.writeBigUInt64LE(BigInt(PCM.length), 8);
      const data = chunk('data', PCM, { size: 0xffff_ffff });
      const tail = chunk('LIST', Buffer.from('INFO'));
      for (const id of ['RF64', 'BW64']) {
        const file = riff([chunk('ds64', ds64), fmt, data, tail], { id, size: 0xffff_ffff });
        assert.equal(detectFile(file), 'wav');
        assert.deepEqual(samplesOf(file), VALUES);
      }
      ds64.writeBigUInt64LE(0xffff_ffff_ffff_ffffn, 8);
      const huge = riff([chunk('ds64', ds64), fmt, data], { id: 'RF64', size: 0xffff_ffff });
      assert.deepEqual(samplesOf(huge), VALUES);
    });

    it('a block size of 0', () => {
      assert.deepEqual(samplesOf(wav({ blockAlign: 0 }, PCM)), VALUES);
    });

    it('trailing bytes inside the message behind its samples', () => {
      assert.deepEqual(samplesOf(Buffer.concat([wav({}, PCM), Buffer.from('rubbish')])), VALUES);
    });
  });

  describe('is refused, with words that help, if it', () => {
    it('holds MP3 or something else inside', () => {
      refused(wav({ tag: 0x55, bits: 0 }, PCM), /says it holds MP3 inside: send the MP3 as it is/);
      refused(wav({ tag: 0x11, bits: 4 }, PCM), /holds IMA ADPCM inside.*Send a plain WAV/);
      refused(wav({ tag: 0x31, bits: 0 }, PCM), /GSM 6\.10/);
      refused(wav({ tag: 0x4242 }, PCM), /holds 0x4242 inside/);
      refused(wav({ tag: 0 }, PCM), /0x0000/);
      refused(riff([chunk('fmt ', extensible({ tag: 0x55 })), chunk('data', PCM)]), /MP3/);
      const guid = '0721d311864 4c8c1ca000000'.replace(' ', '').padEnd(28, '0');
      refused(riff([chunk('fmt ', extensible({ guid })), chunk('data', PCM)]), /of a kind that is not known/);
    });

    it('has a rate of 0 or one that makes no sense', () => {
      for (const rate of [0, 1, 7_999, 96_001, 0xffff_ffff]) {
        refused(wav({ rate }, PCM), new RegExp(`sample rate is ${rate} Hz: send it at .* 8000 to 96000 Hz`));
      }
    });

    it('has no channel or too many', () => {
      refused(wav({ channels: 0 }, PCM), /0 channels/);
      refused(wav({ channels: 65_535, blockAlign: 0 }, PCM), /65535 channels/);
    });

    it('has samples of a size that can not be', () => {
      for (const bits of [0, 33, 64, 65_535]) refused(wav({ bits, blockAlign: 2 }, PCM), /bits/);
      for (const bits of [0, 16, 24]) refused(wav({ tag: 3, bits }, PCM), /floating-point/);
      refused(wav({ tag: 7, bits: 16 }, PCM), /G\.711/);
    });

    it('lies about its blocks', () => {
      refused(wav({ blockAlign: 4 }, PCM), /contradicts itself: 1 × 16 bits in 4 bytes/);
      refused(wav({ channels: 2, blockAlign: 2 }, PCM), /contradicts itself/);
      refused(wav({ blockAlign: 65_535 }, PCM), /contradicts itself/);
    });

    it('ends before its samples, at whatever byte', () => {
      const whole = riff([chunk('fmt ', format()), chunk('LIST', Buffer.alloc(10)), chunk('data', PCM)]);
      for (let length = 4; length < 12 + 24 + 18 + 8; length++) {
        const cut = whole.subarray(0, length);
        assert.equal(detectFile(cut), 'wav', `${length} bytes`);
        refused(cut, /This WAV (is cut off inside its header|holds no audio).*Send the whole file/);
      }
    });

    it('says nothing of its samples before them', () => {
      refused(riff([chunk('data', PCM), chunk('fmt ', format())]), /no fmt chunk before its data/);
      refused(riff([chunk('fmt ', format().subarray(0, 14)), chunk('data', PCM)]), /cut off/);
      refused(riff([chunk('fmt ', extensible().subarray(0, 38)), chunk('data', PCM)]), /cut off/);
    });

    it('has no end of chunks', () => {
      const many = Array.from({ length: 1001 }, () => chunk('junk', Buffer.alloc(0)));
      refused(riff([...many, chunk('fmt ', format()), chunk('data', PCM)]), /no end/);
    });

    it('is big-endian or no WAV', () => {
      refused(riff([chunk('fmt ', format()), chunk('data', PCM)], { id: 'RIFX' }), /big-endian/);
      refused(Buffer.from('not a file at all'), /no WAV file/);
      refused(Buffer.alloc(0), /no WAV file/);
    });

    it('states sizes of 4 GB: at once, in constant memory', () => {
      const lies = [
        riff([chunk('fmt ', format({ rate: 0 }), { size: 0xffff_ffff }), chunk('data', PCM)]),
        riff([chunk('LIST', Buffer.alloc(0), { size: 0xffff_fffe }), chunk('fmt ', format())]),
        riff([chunk('fmt ', format({ channels: 0 })), chunk('data', PCM, { size: 0xffff_ffff })]),
      ];
      const before = process.memoryUsage();
      const start = performance.now();
      for (let i = 0; i < 1000; i++) for (const file of lies) assert.throws(() => decodeWav(file));
      const took = performance.now() - start;
      const after = process.memoryUsage();
      assert.ok(took < 1000, `${took.toFixed(0)} ms for 3000 files`);
      assert.ok(after.arrayBuffers - before.arrayBuffers < 1e6);
    });
  });

  describe('opened', () => {
    const rates = [8_000, 24_000, 44_100];
    const fileAt = (rate: number, channels = 1): Buffer =>
      writeWav(s16(noise(Math.round(rate * 0.7) * channels)), rate, channels);

    for (const rate of rates) {
      it(`gives the same as decoded at once, in pulls of any size, from ${rate} Hz`, () => {
        for (const file of [fileAt(rate), fileAt(rate, 2)]) {
          const whole = decodeWav(file);
          for (const sizes of [[960], [2], [1], [7, 5000, 0, 2], [1e9]]) {
            const opened = openWav(file);
            assert.equal(opened.bytesLeft, whole.length);
            assert.equal(opened.durationMs, 700);
            const parts: Buffer[] = [];
            for (let i = 0; !opened.done; i++) {
              const size = sizes[i % sizes.length]!;
              const left = opened.bytesLeft;
              const part = opened.pull(size);
              assert.equal(part.length, Math.min(size, left));
              assert.equal(opened.bytesLeft, left - part.length);
              parts.push(part);
            }
            assert.ok(Buffer.concat(parts).equals(whole), `pulls of ${sizes.join()}`);
            assert.equal(opened.pull(100).length, 0);
          }
        }
        assert.equal(liveResamplers(), 0);
      });
    }

    it('holds no memory of the resampler before its first pull and after its last, or once closed', () => {
      const opened = openWav(fileAt(44_100));
      assert.equal(liveResamplers(), 0);
      opened.pull(960);
      assert.ok(liveResamplers() > 0);
      opened.close();
      assert.equal(liveResamplers(), 0);
      assert.equal(opened.bytesLeft, 0);
      assert.ok(opened.done);
      assert.equal(opened.pull(960).length, 0);
    });

    it('costs nothing until it is pulled: 200 prompts of 10 s are open within 20 ms', () => {
      const file = writeWav(Buffer.alloc(882_000), 44_100);
      openWav(file);
      const start = performance.now();
      const opened = Array.from({ length: 200 }, () => openWav(file));
      const took = performance.now() - start;
      assert.ok(took < 20, `${took.toFixed(1)} ms`);
      assert.equal(
        opened.reduce((sum, { durationMs }) => sum + durationMs, 0),
        2_000_000,
      );
    });
  });

  describe('written', () => {
    it('has the plain header of 44 bytes', () => {
      const file = writeWav(PCM, 16_000, 2);
      assert.equal(
        file.subarray(0, 44).toString('hex'),
        '52494646' +
          '34000000' +
          '57415645' +
          '666d7420' +
          '10000000' +
          '0100' +
          '0200' +
          '803e0000' +
          '00fa0000' +
          '0400' +
          '1000' +
          '64617461' +
          '10000000',
      );
      assert.deepEqual(file.subarray(44), PCM);
    });

    it('says what it holds when it is read', () => {
      assert.deepEqual(readWavInfo(writeWav(PCM, 16_000, 2)), {
        form: 's16',
        sampleRate: 16_000,
        channels: 2,
        bitsPerSample: 16,
        dataOffset: 44,
        dataBytes: 16,
        frames: 4,
        durationMs: 0.25,
      });
    });
  });
});
