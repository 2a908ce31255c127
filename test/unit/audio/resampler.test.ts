import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { audioReady, Encoder, RawDecoder } from '../../../lib/audio/index';
import { liveResamplers, Resampler } from '../../../lib/audio/resampler';

const run = promisify(execFile);
const index = require.resolve('../../../lib/audio/index');
const resampler = require.resolve('../../../lib/audio/resampler');

/** Runs a script in a process of its own, where nothing has been loaded yet. */
async function inNewProcess(script: string, ...flags: string[]): Promise<string> {
  const head = `const audio = require(${JSON.stringify(index)}); const resampler = require(${JSON.stringify(resampler)});`;
  const { stdout } = await run(process.execPath, [...flags, '--import', 'tsx', '-e', `${head}\n${script}`]);
  return stdout.trim();
}

describe('the resampler', () => {
  before(audioReady);

  it('is loaded once, however often it is asked for', () => {
    assert.equal(audioReady(), audioReady());
  });

  it('says so when it is used before it is loaded; what needs none goes without', async () => {
    const script = `
      const pcm = new audio.RawDecoder({ encoding: 'pcm', sampleRate: 24000 });
      console.log(pcm.push(Buffer.alloc(4)).length);
      try {
        new audio.RawDecoder({ encoding: 'pcm', sampleRate: 8000 }).push(Buffer.alloc(4));
      } catch (error) {
        console.log(error.message);
      }`;
    assert.equal(await inNewProcess(script), '4\naudioReady() must be awaited before audio is resampled');
  });

  it('keeps many streams apart, each with its own history', () => {
    const format = { encoding: 'pcm', sampleRate: 8_000 } as const;
    const inputs = Array.from({ length: 50 }, (_, i) => Buffer.alloc(1600, i + 1));
    const apart = inputs.map((input) => {
      const decoder = new RawDecoder(format);
      return Buffer.concat([decoder.push(input), decoder.flush()]);
    });
    const decoders = inputs.map(() => new RawDecoder(format));
    const parts = inputs.map((): Buffer[] => []);
    for (let at = 0; at < 1600; at += 160) {
      decoders.forEach((decoder, i) => parts[i]!.push(decoder.push(inputs[i]!.subarray(at, at + 160))));
    }
    decoders.forEach((decoder, i) => parts[i]!.push(decoder.flush()));
    assert.deepEqual(
      parts.map((part) => Buffer.concat(part)),
      apart,
    );
  });

  it('goes on when the memory of the WASM grows under it', () => {
    const format = { encoding: 'pcm', sampleRate: 8_000 } as const;
    const input = Buffer.alloc(1600, 0x11);
    const lone = new RawDecoder(format);
    const wanted = Buffer.concat([lone.push(input), lone.flush()]);
    const decoder = new RawDecoder(format);
    const first = decoder.push(input.subarray(0, 800));
    const many = Array.from({ length: 4000 }, () => new Resampler(37_123, 24_000));
    assert.ok(many[0]!.input().buffer.byteLength > 17e6, 'it has grown');
    const rest = [decoder.push(input.subarray(800)), decoder.flush()];
    many.forEach((one) => one.close());
    assert.ok(Buffer.concat([first, ...rest]).equals(wanted));
    assert.equal(liveResamplers(), 0);
  });

  it('gives its memory back: ten thousand streams one after the other leave nothing', () => {
    for (let i = 0; i < 10_000; i++) {
      const encoder = new Encoder({ encoding: 'pcm', sampleRate: 8_000, pieceMs: 20 });
      encoder.push(Buffer.alloc(96));
      if (i % 2 === 0) encoder.flush();
      else encoder.close();
      encoder.close();
    }
    assert.equal(liveResamplers(), 0);
  });

  it('gives its memory back when it is forgotten', async () => {
    const script = `
      audio.audioReady().then(async () => {
        (() => {
          for (let i = 0; i < 20; i++) {
            new audio.RawDecoder({ encoding: 'pcm', sampleRate: 44100 }).push(Buffer.alloc(400));
          }
        })();
        const before = resampler.liveResamplers();
        for (let i = 0; i < 50 && resampler.liveResamplers() > 0; i++) {
          await new Promise((resolve) => setTimeout(resolve, 10));
          gc();
        }
        console.log(before, resampler.liveResamplers());
      });`;
    assert.equal(await inNewProcess(script, '--expose-gc'), '40 0');
  });
});
