// npm test: sets itself up, then runs every check there is. The first failure ends it.
import { install, installRecogniser, run } from './setup.mjs';

install();
installRecogniser();
run('npm', ['run', '--silent', 'lint']);
run('npm', ['run', '--silent', 'typecheck']);
run('npm', ['run', '--silent', 'build']);
for (const suite of ['unit', 'nodes', 'e2e']) {
  console.log(`\n── ${suite} tests ──`);
  run('npm', ['run', '--silent', `test:${suite}`]);
}
