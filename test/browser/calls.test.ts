/** Flows built with nothing but the mouse and the keyboard, deployed with the button, and a call through each. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { audioReady, decodeWav } from '../../lib/audio';
import { LocalWavix, type Call } from '../../simulator';
import { onTab } from '../e2e/flows';
import { freePort } from '../e2e/node-red';
import { ROOT } from '../e2e/package';
import { core, heardAt, noise, sounding } from '../e2e/sounds';
import { itInBrowser, Stage } from './harness';

const KEY = 'key-of-the-account';

describe('A flow built by mouse', function () {
  this.timeout(90_000);
  const stage = Stage.for(onTab('calls', []));
  before(audioReady);

  itInBrowser('calls a phone, and the phone hears what it says itself', async () => {
    const says = noise(1_000, 71);
    const wavix = new LocalWavix({
      apiKey: KEY,
      defaults: { ringMs: 20, answerAfterMs: 100, speech: says, speechAfterMs: 500 },
    });
    await wavix.start();
    try {
      const editor = await stage.editor();
      await editor.clear();
      const button = await editor.drag('inject', { x: 140, y: 60 });
      const call = await editor.drag('wavix-call', { x: 400, y: 60 });
      const form = await editor.edit(call);
      const account = await form.addConfig('config');
      await account.fill('apiUrl', wavix.url);
      await account.fill('apiKey', KEY);
      await account.done();
      await form.fill('to', { type: 'str', value: '+15550002000' });
      await form.fill('from', { type: 'str', value: '+15550001000' });
      await form.done();

      // From now on there is one account, and a new node has it by itself.
      const start = await editor.drag('wavix-stream-start', { x: 400, y: 160 });
      const hear = await editor.drag('wavix-stream-in', { x: 140, y: 260 });
      const speak = await editor.drag('wavix-stream-out', { x: 400, y: 260 });

      await editor.wire(button, 0, call);
      await editor.wire(call, 0, start);
      await editor.wire(hear, 0, speak);
      assert.equal(await editor.label(call), 'call → +15550002000');
      await editor.deploy();

      await editor.pressButton(button);
      const placed: Call = await wavix.waitForCall({ to: '+15550002000' });
      await placed.waitForStream();
      await editor.status(call, 'answered');
      await until(
        'the phone hears itself',
        () => heardAt(sounding(placed.heard()), sounding(says)) !== undefined,
      );
      placed.phone.hangUp();
      await editor.status(hear, 'no stream');
      await editor.status(speak, 'idle');
    } finally {
      await wavix.stop();
    }
  });

  itInBrowser('is called by the local Wavix in it, at the press of its button', async () => {
    const port = await freePort();
    const editor = await stage.editor();
    await editor.clear();
    const local = await editor.drag('wavix-simulator', { x: 180, y: 100 });
    const phone = await editor.edit(local);
    await phone.fill('port', String(port));
    await phone.fill('speech', { type: 'str', value: 'hello' });
    await phone.done();

    const event = await editor.drag('wavix-event', { x: 180, y: 200 });
    const which = await editor.edit(event);
    await which.fill('events', ['call_setup']);
    await which.fill('direction', 'inbound');
    const account = await which.addConfig('config');
    await account.press('local');
    assert.equal(await account.read('apiUrl'), `http://127.0.0.1:${port}`);
    await account.done();
    const config = await which.read('config');
    await which.done();

    const answer = await editor.drag('wavix-answer', { x: 440, y: 200 });
    const hear = await editor.drag('wavix-stream-in', { x: 180, y: 300 });
    const speak = await editor.drag('wavix-stream-out', { x: 440, y: 300 });
    for (const id of [answer, hear, speak]) {
      const form = await editor.edit(id);
      await form.fill('config', config);
      if (id === answer) await form.fill('stream', true);
      await form.done();
    }
    await editor.wire(event, 0, answer);
    await editor.wire(hear, 0, speak);
    await editor.deploy();
    await editor.status(local, `ready on port ${port}`);

    await editor.pressButton(local);
    await editor.status(local, 'connected');
    const calls = `http://127.0.0.1:${port}/local/calls`;
    const ask = async (path: string, method = 'GET') =>
      fetch(calls + path, { method, headers: { Authorization: 'Bearer local-key' } });
    const { calls: placed } = (await (await ask('')).json()) as { calls: { call_id: string }[] };
    assert.equal(placed.length, 1);
    const { call_id } = placed[0]!;
    const hello = sounding(core(decodeWav(readFileSync(join(ROOT, 'resources/sounds/hello.wav')))));
    await until('the phone hears its hello', async () => {
      const heard = decodeWav(Buffer.from(await (await ask(`/${call_id}/heard.wav`)).arrayBuffer()));
      return heardAt(sounding(heard), hello) !== undefined;
    });
    await ask(`/${call_id}`, 'DELETE');
    await editor.status(local, /^heard \d/);
    await editor.status(speak, 'idle');
  });
});

/** Asks again and again, as nothing tells it. */
async function until(what: string, isSo: () => boolean | Promise<boolean>, ms = 20_000): Promise<void> {
  const deadline = Date.now() + ms;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`${what}: not within ${ms} ms`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
