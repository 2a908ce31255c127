// Runs in each process under test and tells of that process what only it knows. It costs nothing until it is asked.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import v8 from 'node:v8';
import vm from 'node:vm';

v8.setFlagsFromString('--expose-gc');
const collect = vm.runInNewContext('gc');
let delay;

const answers = {
  /** CPU time of the whole process so far, of all its threads, in µs, as the operating system accounts it. */
  cpu() {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
  /** Bytes in use once all rubbish is gone, and bytes the operating system lends it. */
  async memory() {
    for (let round = 0; round < 4; round++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      collect();
    }
    const { heapUsed, external, rss } = process.memoryUsage();
    return { used: heapUsed + external, rss };
  },
  /** From now on, how long the event loop is held is watched. */
  watch() {
    delay?.disable();
    delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    return 0;
  },
  /** The longest it was held since `watch`, in ms. */
  held() {
    delay.disable();
    return delay.max / 1e6;
  },
};

process.on('message', async ({ ask, id }) => {
  if (ask === 'end') process.exit(0);
  process.send({ id, answer: await answers[ask]() });
});
process.on('disconnect', () => process.exit(0));
