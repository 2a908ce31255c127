/** `npm run demo`: it runs a whole call by itself, shows it, and says so with its exit code. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readWavInfo } from '../../lib/audio';
import { ROOT } from './package';
import { chosenTarget, TARGETS } from './targets';

const exec = promisify(execFile);
const script = join(ROOT, 'scripts/demo.mjs');

describe('The demo', function () {
  this.timeout(180_000);

  before(function () {
    // It runs in the clone's own Node-RED, whichever the tests run for.
    if (chosenTarget() !== TARGETS[0]) this.skip();
  });

  it('runs a whole call, shows each step, and exits 0', async () => {
    const { stdout } = await exec(process.execPath, [script], { cwd: ROOT, timeout: 150_000 });
    let at = 0;
    for (const step of [
      'press the button',
      'event ringing',
      'picks up',
      'two-way stream connected',
      'says: "Good morning',
      'has heard a sentence of',
      'mark "greeting" is back, heard',
      'mark "echo" is back, heard',
      'interrupts',
      'clear,',
      'mark "weather" is back, cleared',
      'mark "goodbye" is back, heard',
      'event completed',
      'greeting  4.3 s, every sample of it',
      'echo ',
      'weather ',
      'goodbye   3.4 s, every sample of it',
      'The whole call went as it should.',
    ]) {
      const next = stdout.indexOf(step, at);
      assert.ok(next >= 0, `"${step}" is not shown, or not in its place:\n${stdout}`);
      at = next + step.length;
    }
    assert.ok(!stdout.includes('WRONG'));
    for (const side of ['flow', 'callee']) {
      const wav = readFileSync(join(ROOT, 'demo-output', `${side}-heard.wav`));
      const { channels, sampleRate, durationMs } = readWavInfo(wav);
      assert.deepEqual([channels, sampleRate], [1, 24_000]);
      assert.ok(durationMs > 20_000, `${side}: ${durationMs} ms`);
    }
  });

  it('refuses options it does not know', async () => {
    await assert.rejects(exec(process.execPath, [script, '--forever'], { cwd: ROOT }), { code: 2 });
  });
});
