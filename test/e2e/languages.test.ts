/** A server that is set to another language tells its flows in that language what is wrong. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { configNode, switchboard } from './flows';
import { localWavix, SET_UP_MS, startNodeRed } from './harness';
import type { NodeRed } from './node-red';
import { installedPackage } from './package';

interface Errors {
  errors: Record<'message' | 'refused' | 'answer' | 'hint', Record<string, string>>;
}

describe('A Node-RED in German', function () {
  this.timeout(30_000);
  let nodeRed: NodeRed;
  let german: Errors['errors'];

  before(async function () {
    this.timeout(SET_UP_MS);
    const { packageFolder } = await installedPackage();
    const catalogue = readFileSync(join(packageFolder, 'dist/nodes/locales/de/wavix-config.json'), 'utf8');
    german = (JSON.parse(catalogue) as Errors).errors;
    nodeRed = await startNodeRed({ settings: { lang: 'de' } });
  });

  after(() => nodeRed.stop());

  async function failure(button: string, message: Record<string, unknown>) {
    await nodeRed.inject(button, message);
    return (await nodeRed.next('error')).error as { message: string; code: string; cause?: object };
  }

  it('gives Catch nodes German words and the codes of all languages', async () => {
    const wavix = await localWavix();
    await nodeRed.deploy(switchboard(configNode(wavix.url)));

    const unnamed = await failure('hangup', {});
    assert.equal(unnamed.code, 'WAVIX_INPUT');
    assert.equal(unnamed.message, `WavixError: ${german.message.noCall ?? ''}`);
    assert.match(unnamed.message, /Anruf/);

    const refused = await failure('hangup', { call_id: 'no-such-call' });
    assert.equal(refused.code, 'WAVIX_API');
    const { body } = refused.cause as { body: { message: string } };
    const parts = [german.refused.hangUp, german.answer.says, german.hint.callGone];
    const said = parts
      .join(' ')
      .replace('__status__', '404')
      .replace('__words__', body.message.replace(/\.$/, ''));
    assert.equal(refused.message, `WavixError: ${said}`);
  });
});
