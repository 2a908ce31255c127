/** The local Wavix as a person has it who has nothing but the editor: its button, its last calls, its sounds. */
import assert from 'node:assert/strict';
import { DEFAULT_API_KEY, soundNames } from '../../simulator';
import { configNode, onTab } from '../e2e/flows';
import { freePort, type FlowNode } from '../e2e/node-red';
import type { Editor } from './editor';
import { itInBrowser, Stage } from './harness';

/** Answers, and sends back what it hears; all filled in as the editor does it. */
function echo(port: number): FlowNode[] {
  const config = configNode(`http://127.0.0.1:${port}`, { credentials: { apiKey: DEFAULT_API_KEY } });
  const stream = { streamId: 'stream_id', streamIdType: 'msg', sampleRate: 24000 };
  return onTab('echo', [
    config,
    {
      id: 'event',
      type: 'wavix-event',
      config: 'config',
      events: ['call_setup'],
      direction: 'inbound',
      number: '',
      wires: [['answer']],
    },
    {
      ...{ id: 'answer', type: 'wavix-answer', config: 'config', x: 200, wires: [[]] },
      ...{ callId: 'call_id', callIdType: 'msg', options: '{}', optionsType: 'json' },
      ...{ stream: true, streamType: 'twoway', streamChannel: 'inbound', streamUrl: '' },
    },
    {
      ...{ id: 'in', type: 'wavix-stream-in', config: 'config', y: 100, wires: [['out'], [], []] },
      ...{ encoding: 'pcm', sampleRate: 24000, frame: 20, track: 'any' },
    },
    {
      ...{ id: 'out', type: 'wavix-stream-out', config: 'config', x: 200, y: 100, wires: [[], []] },
      ...{ ...stream, encoding: 'auto', lead: 1000, queue: 300 },
    },
  ]);
}

describe('The local Wavix in the editor', function () {
  this.timeout(60_000);
  const stage = Stage.for();

  /** Drags one in, gives it a port of its own, and deploys. */
  async function deployed(editor: Editor, port: number): Promise<string> {
    const id = await editor.drag('wavix-simulator', { x: 300, y: 300 });
    const form = await editor.edit(id);
    await form.fill('port', String(port));
    await form.done();
    await editor.deploy();
    return id;
  }

  const status = (editor: Editor, id: string, text: string | RegExp) =>
    editor.node(id).locator('.red-ui-flow-node-status-label').filter({ hasText: text }).waitFor();
  const notice = (editor: Editor, text: string | RegExp) =>
    editor.page.locator('.red-ui-notification').filter({ hasText: text }).waitFor();

  itInBrowser(
    'calls at the press of its button, hangs up at the next, and lets the call be listened to',
    async () => {
      const port = await freePort();
      await stage.nodeRed.deploy(echo(port));
      const editor = await stage.editor();
      const id = await deployed(editor, port);
      await status(editor, id, `ready on port ${port}`);
      await editor.pressButton(id);
      await notice(editor, /the phone calls/);
      await status(editor, id, 'connected');

      const form = await editor.edit(id);
      const { page } = editor;
      const row = page.locator('#wavix-simulator-calls > div');
      await row.filter({ hasText: '+15550002000 → +15550001000' }).waitFor();
      await row.filter({ hasText: /connected · [1-9]\d* s/ }).waitFor();
      await row.getByRole('button').click();
      const player = page.locator('#wavix-simulator-calls audio');
      await player.waitFor();
      await page.waitForFunction(() => {
        const audio = document.querySelector('#wavix-simulator-calls audio') as unknown as {
          duration: number;
          currentTime: number;
        };
        return audio.duration > 0.5 && audio.currentTime > 0.2;
      });
      await form.cancel();

      await editor.pressButton(id);
      await notice(editor, /the phone hangs up/);
      await status(editor, id, /heard \d+\.\d s/);
      const again = await editor.edit(id);
      await row.filter({ hasText: /hung up · [1-9]\d* s/ }).waitFor();
      await again.cancel();
    },
  );

  itInBrowser('says at its button what is missing', async () => {
    const editor = await stage.editor();
    const id = await editor.drag('wavix-simulator', { x: 300, y: 300 });
    await editor.pressButton(id);
    await notice(editor, /undeployed changes/);
    await editor.clear();
    await editor.pressButton(await deployed(editor, await freePort()));
    await notice(editor, /No flow would hear of the call/);
  });

  itInBrowser('offers the sounds of the package', async () => {
    const editor = await stage.editor();
    const form = await editor.edit(await editor.drag('wavix-simulator', { x: 300, y: 300 }));
    const { page } = editor;
    await page.locator('.red-ui-typedInput-input').first().click();
    await page.keyboard.type('wea');
    const offered = page.locator('.red-ui-autoComplete-container').getByText('weather', { exact: true });
    await offered.click();
    assert.deepEqual(await form.read('speech'), { value: 'weather', type: 'str' });
    assert.ok(soundNames().includes('weather'), 'it is one of them');
    await form.cancel();
  });
});
