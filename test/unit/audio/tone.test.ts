import assert from 'node:assert/strict';

import { silence, tone } from '../../../lib/audio/index';
import { fromS16, toneOverRest } from './measure';

describe('sounds made here', () => {
  it('a tone has its pitch, its length and half of full scale', () => {
    const samples = fromS16(tone(440, 250));
    assert.equal(samples.length, 6000);
    assert.ok(toneOverRest(samples, 440, 24_000) > 80);
    assert.ok(Math.abs(Math.max(...samples) - 0.5) < 0.001);
  });

  it('a tone may be at another rate and loudness', () => {
    const samples = fromS16(tone(1000, 100, { sampleRate: 8_000, amplitude: 1 }));
    assert.equal(samples.length, 800);
    assert.ok(toneOverRest(samples, 1000, 8_000) > 80);
    assert.equal(Math.max(...samples), 1);
  });

  it('silence is nothing but zeros', () => {
    assert.deepEqual(silence(20), Buffer.alloc(960));
    assert.equal(silence(0).length, 0);
  });
});
