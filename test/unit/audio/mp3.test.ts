import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';

import { decodeMp3, detectFile, refuseOtherFiles } from '../../../lib/audio/index';
import { liveResamplers } from '../../../lib/audio/resampler';
import { fromS16, middle, noise, s16, sine, toneOverRest } from './measure';

const fixture = (name: string): Buffer => readFileSync(path.join(__dirname, 'fixtures', name));
const TAGGED = fixture('tone-44100-stereo-vbr-id3.mp3'); // with an ID3v2 tag
const PLAIN = fixture('tone-22050-mono-cbr.mp3');
const SLOW = fixture('tone-8000-mono.mp3'); // without the encoder's note of its delay

const BITRATES: Record<number, readonly number[]> = {
  1: [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  2: [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
};

/** A frame of silence. */
function frame(options: { version?: 1 | 2; bitrate?: number; rate?: number; mono?: boolean } = {}): Buffer {
  const { version = 1, bitrate = 64, rate = 44_100, mono = true } = options;
  const rates = version === 1 ? [44_100, 48_000, 32_000] : [22_050, 24_000, 16_000];
  const bytes = Buffer.alloc(Math.floor(((version === 1 ? 144 : 72) * bitrate * 1000) / rate));
  bytes[0] = 0xff;
  bytes[1] = version === 1 ? 0xfb : 0xf3;
  bytes[2] = ((BITRATES[version]!.indexOf(bitrate) + 1) << 4) | (rates.indexOf(rate) << 2);
  bytes[3] = mono ? 0xc0 : 0;
  return bytes;
}

const frames = (count: number, options = {}): Buffer =>
  Buffer.concat(Array<Buffer>(count).fill(frame(options)));
const rejected = (data: Buffer, words: RegExp, options = {}): Promise<void> =>
  assert.rejects(decodeMp3(data, options), { name: 'WavixError', code: 'WAVIX_AUDIO', message: words });

describe('an MP3 file', () => {
  it('is known by its ID3v2 tag', () => {
    assert.equal(detectFile(TAGGED), 'mp3');
    assert.equal(detectFile(Buffer.from('ID3\x04\0\0\0\0\0\x10')), 'mp3');
    assert.equal(detectFile(Buffer.from('ID3\x04\0\0\0\0\0\x80', 'latin1')), undefined);
    assert.equal(detectFile(Buffer.from('ID3\x05\0\0\0\0\0\x10')), undefined);
    assert.equal(detectFile(Buffer.from('ID3')), undefined);
  });

  it('is known by its frames: three that follow each other, two if there is no more', () => {
    assert.equal(detectFile(PLAIN), 'mp3');
    assert.equal(detectFile(SLOW), 'mp3');
    for (const version of [1, 2] as const) {
      for (const mono of [true, false]) {
        const options = { version, mono, rate: version === 1 ? 48_000 : 24_000 };
        const two = frames(2, options);
        assert.equal(detectFile(two), 'mp3');
        assert.equal(detectFile(two.subarray(0, frame(options).length + 4)), 'mp3', 'cut');
        assert.equal(detectFile(frames(1, options)), undefined);
        assert.equal(detectFile(Buffer.concat([two, Buffer.alloc(4)])), undefined);
      }
    }
    assert.equal(detectFile(Buffer.concat([frames(2), frame({ rate: 48_000 })])), undefined, 'another rate');
    assert.equal(detectFile(Buffer.concat([frames(2), frame({ mono: false })])), undefined, 'stereo now');
    assert.equal(detectFile(Buffer.concat([Buffer.alloc(1), frames(3)])), undefined, 'not at its start');
  });

  it('is not seen in raw samples: noise, silence, tones', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 4000 }), (bytes) => {
        assert.equal(detectFile(Buffer.from(bytes)), undefined);
      }),
      { numRuns: 300 },
    );
    for (let value = 0; value < 256; value++) assert.equal(detectFile(Buffer.alloc(2000, value)), undefined);
    for (let seed = 0; seed < 200; seed++) {
      const samples = s16(noise(24_000, seed, 0.2 + seed / 250));
      for (let at = 0; at < samples.length; at += 960)
        assert.equal(detectFile(samples.subarray(at)), undefined);
    }
    // Tones whose period divides the length of a frame repeat whatever looks like a header.
    for (let hz = 50; hz <= 4000; hz += 50) {
      for (let amplitude = 0.05; amplitude < 1; amplitude += 0.05) {
        const tone = s16(sine(hz, 24_000, 100, amplitude));
        for (let at = 0; at < 960; at += 2) assert.equal(detectFile(tone.subarray(at, at + 1920)), undefined);
      }
    }
  });

  it('is not seen in raw samples that repeat what could be a header', () => {
    const header = frame({ version: 2, rate: 24_000, bitrate: 64 }); // 192 bytes, four periods of 1 kHz
    const period = Buffer.concat([header.subarray(0, 4), Buffer.alloc(44, 0x10)]);
    assert.equal(detectFile(Buffer.concat(Array<Buffer>(40).fill(period))), undefined);
  });

  it('is not seen where the frames make no sense inside', () => {
    const bad = frame();
    bad.fill(0xff, 4, 40); // more values than there are
    assert.equal(detectFile(Buffer.concat([bad, bad, bad, bad])), undefined);
  });

  it('decodes to the call’s PCM: stereo at 44.1 kHz, mono at 22.05 and 8 kHz', async () => {
    const expected: [Buffer, number, number][] = [
      [TAGGED, 1000, 30],
      [PLAIN, 1000, 70],
      [SLOW, 1152, 50],
    ];
    for (const [file, ms, quality] of expected) {
      const pcm = await decodeMp3(file);
      assert.equal(pcm.length / 48, ms);
      const heard = middle(fromS16(pcm), 24_000, 200);
      assert.ok(toneOverRest(heard, 1000, 24_000) > quality);
      // 0.5 as it was made; the encoder takes 5 % off mono
      const loudest = Math.max(...heard);
      assert.ok(loudest > 0.46 && loudest < 0.53, String(loudest));
    }
    assert.equal(liveResamplers(), 0);
  });

  it('decodes also when it was cut, or has rubbish before, between and behind its frames', async () => {
    const whole = await decodeMp3(SLOW);
    const cut = await decodeMp3(SLOW.subarray(0, SLOW.length - 100));
    assert.ok(whole.length - cut.length <= 2 * 72 * 48, 'two frames less at the most');
    const rubbish = Buffer.alloc(5000, 0xff);
    const half = 144 * 8; // eight frames
    const torn = [rubbish, SLOW.subarray(0, half), rubbish, SLOW.subarray(half), Buffer.from('TAG'), rubbish];
    const heard = await decodeMp3(Buffer.concat(torn));
    assert.equal(heard.length, whole.length);
  });

  it('may change its rate on the way', async () => {
    const pcm = await decodeMp3(Buffer.concat([frames(10, { rate: 48_000 }), frames(10, { rate: 32_000 })]));
    const ms = 10 * (1152 / 48 + 1152 / 32);
    assert.ok(Math.abs(pcm.length / 48 - ms) < 20, `${pcm.length / 48} of ${ms} ms`);
  });

  it('is decoded apart from others that come at the same time', async () => {
    const [one, other, again] = await Promise.all([PLAIN, TAGGED, PLAIN].map((file) => decodeMp3(file)));
    assert.ok(one!.equals(again!));
    assert.ok(other!.equals(await decodeMp3(TAGGED)));
  });

  it('gives way to other work while it is decoded', async () => {
    await decodeMp3(PLAIN); // loads what is needed
    const minute = Buffer.concat(Array<Buffer>(60).fill(PLAIN));
    let turns = 0;
    let working = true;
    const turn = (): void => {
      turns++;
      if (working) setImmediate(turn);
    };
    setImmediate(turn);
    const start = performance.now();
    await decodeMp3(minute);
    working = false;
    const took = performance.now() - start;
    assert.ok(turns > took / 20, `${turns} turns in ${took.toFixed(0)} ms`);
  });

  it('that is too long is refused before it is decoded', async () => {
    await rejected(PLAIN, /longer than 0 s/, { maxMs: 900 });
    const twoHours = frames(277_000, { version: 2, bitrate: 8, rate: 22_050 });
    assert.equal(twoHours.length, 277_000 * 26);
    const before = process.memoryUsage().arrayBuffers;
    await rejected(twoHours, /longer than 3600 s: send less at a time/);
    assert.ok(process.memoryUsage().arrayBuffers - before < 1e6);
  });

  it('without audio is refused with words that help', async () => {
    await rejected(Buffer.from('ID3\x04\0\0\0\0\0\x10'), /no audio is found in it: send the whole MP3/);
    await rejected(Buffer.alloc(0), /no audio/);
    await rejected(Buffer.alloc(100_000, 0xff), /no audio/);
    await decodeMp3(PLAIN); // the next one is not harmed
  });

  it('full of rubbish is given up soon', async () => {
    const start = performance.now();
    const rubbish = Buffer.alloc(20e6);
    for (let at = 0; at < rubbish.length; at += 2) rubbish.writeUInt16BE(0xfffb, at);
    await rejected(rubbish, /no audio/);
    assert.ok(performance.now() - start < 1000);
  });
});

describe('a file of another kind', () => {
  const files: [string, string][] = [
    ['Ogg', '4f676753000200000000000000000000'],
    ['FLAC', '664c614300000022100010000000'],
    ['AIFF', '464f524d000010004149464600000000'],
    ['Wave64', '726966662e91cf11a5d628db04c10000'],
    ['AU', '2e736e64000000180000000000000001'],
    ['MP4', '00000020667479704d344120000000'],
    ['WebM', '1a45dfa39f4286810142f7810142f2810442f381084282847765626d'],
    ['CAF', '636166660001000064657363'],
    ['AMR', '2321414d520a3c0000000000'],
  ];

  it('is refused with its name, so that it is not played as noise', () => {
    for (const [name, hex] of files) {
      const data = Buffer.from(hex, 'hex');
      assert.equal(detectFile(data), undefined);
      const message = new RegExp(`${name}.*can't be played: ask its source for WAV, MP3 or raw samples`);
      assert.throws(() => refuseOtherFiles(data), { code: 'WAVIX_AUDIO', message });
    }
    const adts = Buffer.alloc(64);
    Buffer.from('fff15080027ffc', 'hex').copy(adts); // 19 bytes
    Buffer.from('fff1508001fffc', 'hex').copy(adts, 19); // 15 bytes
    Buffer.from('fff15080027ffc', 'hex').copy(adts, 34);
    assert.throws(() => refuseOtherFiles(adts), { code: 'WAVIX_AUDIO', message: /AAC/ });
  });

  it('is not seen in raw samples', () => {
    refuseOtherFiles(Buffer.alloc(0));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => refuseOtherFiles(Buffer.from(bytes))),
      { numRuns: 300 },
    );
    for (let value = 0; value < 256; value++) refuseOtherFiles(Buffer.alloc(100, value));
  });
});
