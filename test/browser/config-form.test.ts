/** What the form of wavix-config does beside being filled in, with a local Wavix in the same Node-RED. */
import assert from 'node:assert/strict';
import { onTab } from '../e2e/flows';
import { freePort } from '../e2e/node-red';
import type { Editor } from './editor';
import type { Form } from './form';
import { itInBrowser, Stage } from './harness';

const PLACE = { x: 300, y: 200 };

describe('The form of wavix-config', function () {
  this.timeout(60_000);
  const stage = Stage.for();
  let port: number;

  before(async () => {
    port = await freePort();
  });

  /** A new config's form, opened from a node that has none yet. */
  async function open(): Promise<{ editor: Editor; user: Form; form: Form }> {
    const editor = await stage.openEditor();
    const user = await editor.edit(await editor.drag('wavix-event', PLACE));
    return { editor, user, form: await user.addConfig('config') };
  }

  const press = async (form: Form, id: string) => form.element.locator(`#wavix-config-${id}`).click();

  /** What is said in a place, once it is there; `''` where nothing is said. */
  async function said(form: Form, id: string): Promise<string> {
    const place = form.element.locator(`#wavix-config-${id}-said:not(.wavix-said-busy)`);
    if (id !== 'exposure') await place.waitFor();
    return (await place.isVisible()) ? place.innerText() : '';
  }

  itInBrowser('fills itself for the local Wavix, and says to drag one in', async () => {
    const { form } = await open();
    await form.fill('publicUrl', 'https://phone.example.com');
    await press(form, 'local');
    assert.match(await said(form, 'local'), /drag a local Wavix node into a flow/);
    assert.equal(await form.read('apiUrl'), 'http://127.0.0.1:8787');
    assert.equal(await form.read('apiKey'), 'local-key');
    assert.equal(await form.read('publicUrl'), '');
  });

  itInBrowser('takes the port of the local Wavix in the flows, and tests all with it', async () => {
    const simulator = {
      id: 'wavix',
      type: 'wavix-simulator',
      port,
      from: '+15550002000',
      to: '+15550001000',
    };
    await stage.nodeRed.deploy(onTab('local', [{ ...simulator, wires: [[]] }]));
    const { editor, user, form } = await open();
    await press(form, 'local');
    assert.match(await said(form, 'local'), new RegExp(`on port ${port}`));
    assert.equal(await form.read('apiUrl'), `http://127.0.0.1:${port}`);

    await press(form, 'check-key');
    assert.equal(await said(form, 'check-key'), 'The local Wavix accepts this key.');
    await form.fill('apiKey', 'another-key');
    await press(form, 'check-key');
    assert.match(await said(form, 'check-key'), /HTTP 401/);
    await form.fill('apiKey', 'local-key');

    await press(form, 'check-address');
    assert.match(
      await said(form, 'check-address'),
      /^The local Wavix can reach you: .* http:\/\/127\.0\.0\.1:/,
    );

    await press(form, 'show');
    assert.match(await said(form, 'events'), /^Deploy first/);
    await form.done();
    await user.done();
    await editor.deploy();

    // What is stored is tested as well: the editor does not have the key any more.
    const again = await (await editor.edit(await editor.first('wavix-event'))).editConfig('config');
    assert.equal(await again.read('apiKey'), '__PWRD__');
    await press(again, 'check-key');
    assert.equal(await said(again, 'check-key'), 'The local Wavix accepts this key.');
    await again.fill('apiUrl', 'http://localhost:1');
    await press(again, 'check-key');
    assert.match(
      await said(again, 'check-key'),
      /^The stored key is sent to the address it was deployed with/,
    );

    await press(again, 'show');
    const address = again.element.locator('#wavix-config-address');
    await address.waitFor();
    assert.match(await address.inputValue(), /^http:\/\/127\.0\.0\.1:\d+\/wavix\/events\/[\w-]{43}$/);
    await press(again, 'copy');
    await editor.page.waitForFunction(async () => (await navigator.clipboard.readText()) !== '');
    assert.equal(
      await editor.page.evaluate(() => navigator.clipboard.readText()),
      await address.inputValue(),
    );
  });

  itInBrowser('says what is missing instead of asking for nothing', async () => {
    const { form } = await open();
    await press(form, 'check-key');
    assert.match(await said(form, 'check-key'), /marked in red/);
    assert.match((await form.complaint('apiKey')) ?? '', /Which key\?/);
  });

  itInBrowser('says why Wavix could not reach the public address', async () => {
    const { form } = await open();
    await form.fill('publicUrl', `http://127.0.0.1:${await freePort()}`);
    await press(form, 'check-address');
    assert.match(await said(form, 'check-address'), /^Nothing listens at 127\.0\.0\.1:\d+/);
    // Another address, another answer.
    await form.fill('publicUrl', 'http://127.0.0.1');
    assert.equal(await form.element.locator('#wavix-config-check-address-said').isVisible(), false);
  });

  itInBrowser('warns of an editor that everybody gets to, but for a port of its own', async () => {
    const { form } = await open();
    assert.equal(await said(form, 'exposure'), '');
    await form.fill('publicUrl', 'https://phone.example.com');
    assert.match(await said(form, 'exposure'), /asks for no login/);
    await form.fill('port', '1890');
    assert.equal(await said(form, 'exposure'), '');
    await form.fill('port', '');
    await form.fill('publicUrl', stage.nodeRed.url);
    await press(form, 'check-address');
    assert.match(await said(form, 'check-address'), /Everybody else can reach your editor there too/);
  });
});
