/** `npm run soak`, after its options are read: runs it and shows the table. */
import { cleanUp } from '../../test/e2e/package';
import { soak } from './soak';
import { tableOf } from './totals';

const print = (line: string) => void process.stdout.write(`${line}\n`);

async function main(): Promise<void> {
  const [minutes = 5, calls = 100, seed = 1, maxGrowthMb = 32, deployEvery = 2.5] = process.argv
    .slice(2)
    .map(Number);
  try {
    const result = await soak({ minutes, calls, seed, maxGrowthMb, deployEvery, log: print });
    print(`\n${tableOf(result)}`);
    process.exitCode = result.failures.length > 0 ? 1 : 0;
  } finally {
    await cleanUp();
  }
}

void main();
