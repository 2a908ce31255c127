import assert from 'node:assert/strict';

import { decodeTable, encodeTable, type Law } from '../../../lib/audio/g711';

/** G.711's own rules, written down as the recommendation's tables give them: sign, segment, step. */
const decoders: Record<Law, (code: number) => number> = {
  mulaw(code) {
    const bits = ~code & 0xff;
    const value = (((bits & 15) * 2 + 33) << ((bits >> 4) & 7)) - 33;
    return (bits & 0x80 ? -value : value) * 4;
  },
  alaw(code) {
    const bits = code ^ 0x55;
    const segment = (bits >> 4) & 7;
    const value = segment === 0 ? (bits & 15) * 2 + 1 : ((bits & 15) * 2 + 33) << (segment - 1);
    return (bits & 0x80 ? value : -value) * 8;
  },
};

describe('G.711', () => {
  for (const law of ['mulaw', 'alaw'] as const) {
    it(`decodes all codes of ${law} as the recommendation has them`, () => {
      const decoded = [...decodeTable(law)];
      assert.deepEqual(
        decoded,
        Array.from({ length: 256 }, (_, code) => decoders[law](code) || 0),
      );
    });

    it(`encodes every sample of ${law} to a code that decodes to about the same`, () => {
      const encode = encodeTable(law);
      const decode = decodeTable(law);
      for (let sample = -32_768; sample <= 32_767; sample++) {
        const heard = decode[encode[sample & 0xffff]!]!;
        // Half a step, which grows with the sample; the loudest are clipped.
        const size = Math.abs(sample);
        const most = law === 'alaw' ? Math.max(16, size / 31) : (size + 132) / 32;
        assert.ok(Math.abs(heard - sample) <= most || size > 32_123, `${sample} → ${heard}`);
      }
    });

    it(`gives back every code of ${law}`, () => {
      const encode = encodeTable(law);
      decodeTable(law).forEach((sample, code) => {
        // mu-law has two codes for 0
        const wanted = law === 'mulaw' && code === 0x7f ? 0xff : code;
        assert.equal(encode[sample & 0xffff], wanted);
      });
    });
  }
});
