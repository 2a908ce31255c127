// npm test: sets itself up, then runs every check there is. The first failure ends it.
import { install, installRecogniser, run } from './setup.mjs';

/** A suite takes a few minutes. */
const LONGEST_SUITE_MS = 20 * 60_000;

install();
installRecogniser();
run('npm', ['run', '--silent', 'lint']);
run('npm', ['run', '--silent', 'typecheck']);
run('npm', ['run', '--silent', 'build']);
for (const suite of ['unit', 'nodes', 'e2e', 'soak']) {
  console.log(`\n── ${suite} tests ──`);
  // Whatever is left open by a test would keep it from ending.
  run('npm', ['run', '--silent', `test:${suite}`], { timeout: LONGEST_SUITE_MS });
}
