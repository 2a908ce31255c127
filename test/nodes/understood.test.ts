/**
 * Speech that went through a whole call is still understood. A recogniser is a coarse measure, but it hears what sample
 * counts don't: a wrong rate, swapped frames, holes. Debian's pocketsphinx; `npm test` installs it where it can.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { audioReady, decodeWav, Encoder, writeWav } from '../../lib/audio';
import { Bench } from './harness';

const RATE = 16_000; // Hz, the recogniser's
const GATE = 0.15; // word errors
const MODEL = '/usr/share/pocketsphinx/model/en-us';
const SOUND = join(__dirname, '../../resources/sounds/callee-question.wav');
const SENTENCE =
  'good morning before i leave the house could you tell me what the weather will be like today'.split(' ');

const isThere = spawnSync('pocketsphinx_continuous', ['-help']).error === undefined;

function recognise(pcm16k: Buffer): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'understood-'));
  try {
    const file = join(folder, 'heard.wav');
    writeFileSync(file, writeWav(pcm16k, RATE));
    const args = ['-infile', file, '-hmm', `${MODEL}/en-us`, '-lm', `${MODEL}/en-us.lm.bin`];
    args.push('-dict', `${MODEL}/cmudict-en-us.dict`, '-logfn', '/dev/null');
    const { stdout } = spawnSync('pocketsphinx_continuous', args, { encoding: 'utf8', timeout: 60_000 });
    return stdout.trim().split(/\s+/);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The share of words that were put in, left out or taken for others (edit distance). */
function wordErrors(heard: string[]): number {
  let row = Array.from({ length: heard.length + 1 }, (_, column) => column);
  SENTENCE.forEach((word, index) => {
    const next = [index + 1];
    heard.forEach((other, column) => {
      const changed = row[column]! + (word === other ? 0 : 1);
      next.push(Math.min(changed, row[column + 1]! + 1, next[column]! + 1));
    });
    row = next;
  });
  return row.at(-1)! / SENTENCE.length;
}

/** s16le of any rate that is a divisor of 24 kHz, as a speech recogniser or a text-to-speech service has it. */
function convert(pcm: Buffer, sampleRate: number, encoding: 'pcm' | 'mulaw' = 'pcm'): Buffer {
  const encoder = new Encoder({ encoding, sampleRate, pieceMs: 20 });
  return Buffer.concat([...encoder.push(pcm), ...encoder.flush()]);
}

describe('speech through a whole call', function () {
  this.timeout(120_000);
  let bench: Bench;
  before(async function () {
    if (!isThere) this.skip();
    await audioReady();
    bench = await Bench.start();
  });
  after(() => bench.stop());

  it('is understood on both sides', async () => {
    const speech = decodeWav(readFileSync(SOUND));
    await bench.wavix.setNumber('+15550001200', {
      speech,
      speechAfterMs: 500,
      answerAfterMs: 20,
      ringMs: 10,
    });
    await bench.load([
      bench.config(),
      {
        id: 'call',
        type: 'wavix-call',
        config: 'config',
        from: '+15550009999',
        to: '+15550001200',
        wires: [['start']],
      },
      { id: 'start', type: 'wavix-stream-start', config: 'config', wires: [['started']] },
      {
        id: 'in',
        type: 'wavix-stream-in',
        config: 'config',
        sampleRate: RATE,
        frame: 100,
        wires: [['audio'], [], []],
      },
      { id: 'out', type: 'wavix-stream-out', config: 'config', wires: [['played'], []] },
      { id: 'hangup', type: 'wavix-hangup', config: 'config', wires: [] },
    ]);
    bench.send('call', {});
    const { call_id } = await bench.seen('started').next();
    // As a text-to-speech service streams it: raw 16 kHz, in pieces that fit no frame.
    const raw = convert(speech, RATE);
    for (let at = 0; at < raw.length; at += 3333) {
      const isLast = at + 3333 >= raw.length;
      bench.send('out', {
        call_id,
        payload: raw.subarray(at, at + 3333),
        encoding: 'pcm',
        sample_rate: RATE,
        ...(isLast && { mark: 'end' }),
      });
    }
    await bench.seen('played').next(({ mark }) => mark === 'end', 20_000);
    const call = bench.wavix.calls.get(String(call_id));
    assert.ok(call);
    bench.send('hangup', { call_id });
    await call.done;

    const byFlow = Buffer.concat(bench.seen('audio').all.map(({ payload }) => payload as Buffer));
    const byCallee = convert(call.heard(), RATE);
    for (const [who, heard] of [
      ['the flow', byFlow],
      ['the callee', byCallee],
    ] as const) {
      const words = recognise(heard);
      assert.ok(wordErrors(words) <= GATE, `${who} understood: ${words.join(' ')}`);
    }
  });
});
