/**
 * What converting audio costs: the CPU time of both ways for many calls, as a share of one core.
 * `node --import tsx bench/audio.ts [calls] [seconds of audio]`
 */

import { readFileSync } from 'node:fs';
import path from 'node:path';

import {
  audioReady,
  CALL_BYTES_PER_MS,
  decodeMp3,
  Encoder,
  openWav,
  RawDecoder,
  tone,
  writeWav,
  type RawEncoding,
} from '../lib/audio/index';

const calls = Number(process.argv[2] ?? 200);
const seconds = Number(process.argv[3] ?? 5);
const PIECE_MS = 20;
const GOAL = 1 / 3;

interface Form {
  encoding: RawEncoding;
  sampleRate: number;
}

interface Talk {
  fromCall: Form;
  toCall: Form;
}

const both = (encoding: RawEncoding, sampleRate: number): Talk => ({
  fromCall: { encoding, sampleRate },
  toCall: { encoding, sampleRate },
});

/** What people wire to calls: a recogniser (mostly 16 kHz), G.711 services, voices at 22.05, 24 and 44.1 kHz. */
const talks: Talk[] = [
  both('pcm', 24_000),
  both('pcm', 16_000),
  both('pcm', 8_000),
  both('float32', 16_000),
  both('mulaw', 8_000),
  both('alaw', 8_000),
  { fromCall: { encoding: 'pcm', sampleRate: 16_000 }, toCall: { encoding: 'pcm', sampleRate: 22_050 } },
  { fromCall: { encoding: 'pcm', sampleRate: 16_000 }, toCall: { encoding: 'pcm', sampleRate: 44_100 } },
  {
    fromCall: { encoding: 'float32', sampleRate: 8_000 },
    toCall: { encoding: 'float32', sampleRate: 48_000 },
  },
];

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** ms of CPU time (user and system) that `work` takes. */
function cpuMs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** A second of the tone in that form, in pieces of 20 ms. */
function pieces({ encoding, sampleRate }: Form): Buffer[] {
  const samples = tone(440, 1000, { sampleRate });
  const size = { pcm: 2, float32: 4, mulaw: 1, alaw: 1 }[encoding];
  const bytes = Buffer.alloc((samples.length / 2) * size, 0x55);
  if (encoding === 'pcm') samples.copy(bytes);
  if (encoding === 'float32') {
    for (let i = 0; i < sampleRate; i++) bytes.writeFloatLE(samples.readInt16LE(i * 2) / 32_768, i * 4);
  }
  const pieceBytes = (PIECE_MS * sampleRate * size) / 1000;
  return Array.from({ length: 1000 / PIECE_MS }, (_, i) =>
    bytes.subarray(Math.floor(i * pieceBytes), Math.floor((i + 1) * pieceBytes)),
  );
}

/** Takes every call a piece further in both directions, in turn, as a server does; gives the share of one core. */
function cost({ fromCall, toCall }: Talk): number {
  const heard = pieces({ encoding: 'pcm', sampleRate: 24_000 });
  const spoken = pieces(toCall);
  const lines = Array.from({ length: calls }, () => ({
    encoder: new Encoder({ ...fromCall, pieceMs: PIECE_MS }),
    decoder: new RawDecoder(toCall),
  }));
  const talk = (length: number): void => {
    for (let second = 0; second < length; second++) {
      heard.forEach((piece, i) => {
        for (const { encoder, decoder } of lines) {
          encoder.push(piece);
          decoder.push(spoken[i] ?? piece);
        }
      });
    }
  };
  talk(1); // warm up
  const ms = cpuMs(() => talk(seconds));
  for (const { encoder, decoder } of lines) {
    encoder.close();
    decoder.close();
  }
  return ms / 1000 / seconds;
}

const percent = (share: number): string => `${(share * 100).toFixed(1).padStart(5)} %`;
const name = ({ encoding, sampleRate }: Form): string => `${encoding} ${sampleRate / 1000} kHz`.padEnd(16);

async function main(): Promise<void> {
  const loading = performance.now();
  await audioReady();
  print(`The resampler is loaded in ${(performance.now() - loading).toFixed(0)} ms.`);

  print(`\nCPU of ${calls} calls, ${seconds} s each, in pieces of ${PIECE_MS} ms, as a share of one core:`);
  const shares = talks.map((talk) => {
    const share = cost(talk);
    print(`  from the call ${name(talk.fromCall)} to the call ${name(talk.toCall)} ${percent(share)}`);
    return share;
  });
  print(`  the most: ${percent(Math.max(...shares))}; the goal: less than ${percent(GOAL)}`);

  print('\nA prompt of 10 s:');
  const wav = writeWav(tone(440, 10_000, { sampleRate: 44_100 }), 44_100);
  let file = openWav(wav);
  const opening = cpuMs(() => {
    for (let i = 0; i < 100; i++) file = openWav(wav);
  });
  const pulls: number[] = [];
  while (!file.done) pulls.push(cpuMs(() => file.pull(1000 * CALL_BYTES_PER_MS)));
  print(
    `  WAV 44.1 kHz: opened in ${(opening / 100).toFixed(2)} ms, a second of it in ${most(pulls)} ms at the most`,
  );

  const fixture = path.join(__dirname, '../test/unit/audio/fixtures/tone-44100-stereo-vbr-id3.mp3');
  const mp3 = Buffer.concat(Array<Buffer>(10).fill(readFileSync(fixture)));
  await decodeMp3(mp3); // loads the decoder
  const before = process.cpuUsage();
  const pcm = await decodeMp3(mp3);
  const { user, system } = process.cpuUsage(before);
  const length = (pcm.length / CALL_BYTES_PER_MS / 1000).toFixed(1);
  print(`  MP3 44.1 kHz stereo (${length} s): decoded in ${((user + system) / 1000).toFixed(1)} ms`);
}

const most = (values: number[]): string => Math.max(...values).toFixed(1);

void main();
