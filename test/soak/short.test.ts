/** The soak, a short one: a few calls for half a minute with all that goes wrong. `npm run soak` is the long one. */
import assert from 'node:assert/strict';
import { soak } from '../../bench/soak/soak';
import { tableOf } from '../../bench/soak/totals';
import '../e2e/harness'; // its hooks remove what was installed

describe('A short soak', function () {
  this.timeout(300_000);

  it('loses no frame, changes no byte, tells every message once, and leaves nothing behind', async () => {
    const lines: string[] = [];
    const log = (line: string) => void lines.push(line);
    const result = await soak({ minutes: 0.5, calls: 20, seed: 7, maxGrowthMb: 32, deployEvery: 2.5, log });
    assert.deepEqual(result.failures, [], `${lines.join('\n')}\n${tableOf(result)}`);
    // It was a soak: everything happened.
    const { totals, proxy } = result;
    assert.ok(totals.answered >= 20, tableOf(result));
    assert.ok(totals.framesHeard > 5_000 && totals.framesSpoken > 2_500, tableOf(result));
    for (const count of [totals.played, totals.interrupted, totals.clears, totals.marks, totals.drops]) {
      assert.ok(count > 0, tableOf(result));
    }
    assert.deepEqual(Object.keys(totals.deploys).sort(), ['flows', 'full', 'nodes']);
    assert.ok(proxy.answered429 + proxy.answered503 > 0 && proxy.timesRefusing > 0, tableOf(result));
  });
});
