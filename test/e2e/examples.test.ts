/** Every example flow, as a user imports it: its button is pressed, and what comes of it is heard. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { audioReady, decodeWav } from '../../lib/audio';
import { DEFAULT_API_KEY } from '../../simulator';
import { example, exampleNames, readExample } from './flows';
import { CALLEE, eventsUrl, localWavix, OURS, SET_UP_MS, sharedNodeRed } from './harness';
import type { FlowNode, NodeRed } from './node-red';
import { installedPackage } from './package';
import { audible, core, heardAt, heardOf, noise, sounding, wirePcm } from './sounds';

const PLACE = '1 - Place a call and play a greeting';
const ECHO = '2 - Answer a call and echo it';
const WHOLE = '3 - A whole conversation';

describe('The examples', function () {
  this.timeout(60_000);
  let nodeRed: NodeRed;
  let folder: string;

  before(async function () {
    this.timeout(SET_UP_MS);
    nodeRed = await sharedNodeRed();
    folder = (await installedPackage()).packageFolder;
    await audioReady();
  });

  const sound = (name: string) => readFileSync(join(folder, 'resources/sounds', name));
  const problems = () => nodeRed.recorder.messages('Problem');

  async function deploy(name: string, apiUrl: string): Promise<FlowNode[]> {
    const flows = example(folder, name, apiUrl);
    await nodeRed.deploy(flows);
    return flows;
  }

  const pressCall = (flows: FlowNode[]) =>
    nodeRed.inject(flows.find((node) => node.type === 'inject' && node.name === 'Call')!.id);

  it('are all run here', () => {
    assert.deepEqual(exampleNames(folder).sort(), [PLACE, ECHO, WHOLE]);
  });

  it('work right after the import: core nodes, the local Wavix and its key, sounds of their own', () => {
    const core = ['tab', 'comment', 'inject', 'debug', 'link in', 'link out', 'change', 'catch', 'function'];
    for (const name of exampleNames(folder)) {
      const flow = readExample(folder, name);
      for (const node of flow) {
        assert.ok(core.includes(node.type) || node.type.startsWith('wavix-'), `${name}: ${node.type}`);
        const file = /\((\S+\.wav)\)$/.exec(String(node.name))?.[1];
        if (!file) continue;
        const rules = node.rules as { p: string; to: string }[];
        assert.equal(rules.find(({ p }) => p === 'payload')?.to, sound(file).toString('base64'), file);
      }
      const configs = flow.filter((node) => node.type === 'wavix-config');
      assert.deepEqual(
        configs.map(({ apiUrl, credentials }) => ({ apiUrl, credentials })),
        [{ apiUrl: 'http://127.0.0.1:8787', credentials: { apiKey: DEFAULT_API_KEY } }],
      );
      assert.ok(
        flow.some((node) => node.type === 'comment' && String(node.info).includes('npx wavix-simulator')),
      );
    }
  });

  it(PLACE, async () => {
    const wavix = await localWavix({ apiKey: DEFAULT_API_KEY });
    await pressCall(await deploy(PLACE, wavix.url));
    const call = await wavix.waitForCall();
    await call.done;
    const greeting = decodeWav(sound('hello.wav'));
    assert.ok(heardAt(call.heard(), greeting) !== undefined, 'the whole greeting was heard');
    const lateMs = call.answeredMs - audible(call.heard()).toMs;
    assert.ok(lateMs < 1_000, `hung up ${lateMs} ms after the last sound`);
    assert.equal((await nodeRed.next('Heard (ms)')).played_ms, Math.round(greeting.length / 48));
    assert.equal((await nodeRed.next('Hung up')).call_id, call.call_id);
    assert.deepEqual(problems(), []);
  });

  it(`${PLACE}: nobody answers`, async () => {
    const wavix = await localWavix({ apiKey: DEFAULT_API_KEY });
    await wavix.setNumber(CALLEE, { behaviour: 'busy' });
    await pressCall(await deploy(PLACE, wavix.url));
    assert.equal((await nodeRed.next('Not answered')).topic, 'busy');
    assert.deepEqual(problems(), []);
  });

  it(ECHO, async () => {
    const wavix = await localWavix({ apiKey: DEFAULT_API_KEY });
    const flows = await deploy(ECHO, wavix.url);
    const config = flows.find((node) => node.type === 'wavix-config')!;
    wavix.assignWebhook(OURS, await eventsUrl(nodeRed, config.id));
    const says = noise(1_500, 51);
    const call = await wavix.call({ from: CALLEE, to: OURS, speech: says, speechAfterMs: 500 });
    await call.waitForStream();
    await call.phone.quiet(500);
    const heard = call.heard();
    assert.ok(heardAt(sounding(heard), sounding(says)) !== undefined, 'every sample came back, in order');
    const { fromMs: begins, toMs: ends } = audible(heard);
    assert.ok(ends - begins < 1_500 + 500, `1500 ms of speech took ${ends - begins} ms to come back`);
    const delayMs = begins - audible(call.said()).fromMs;
    assert.ok(delayMs < 250, `it came back ${delayMs} ms late`);
    call.phone.hangUp();
    await nodeRed.recorder.next('Stream', 5_000, (msg) => msg.topic === 'stop');
    assert.deepEqual(problems(), []);
  });

  it(WHOLE, async () => {
    const question = wirePcm('callee-question.wav');
    const sentence = core(question);
    const wavix = await localWavix({
      apiKey: DEFAULT_API_KEY,
      numbers: { [CALLEE]: { speech: question, speechAfterMs: 500 } },
    });
    await pressCall(await deploy(WHOLE, wavix.url));
    const call = await wavix.waitForCall();
    const greeted = await nodeRed.next('Greeting heard (ms)', 20_000);
    const echoed = await nodeRed.next('Echo heard (ms)', 20_000);
    const weather = decodeWav(sound('weather.wav'));
    // The weather has just begun: into it, the callee speaks.
    await call.phone.say([{ silence: 2_000 }, wirePcm('callee-interrupts.wav')]);
    const cut = await nodeRed.next('Weather interrupted (ms)');
    await call.done;

    const heard = call.heard();
    const greeting = decodeWav(sound('greeting.wav'));
    const goodbye = decodeWav(sound('goodbye.wav'));
    const greetingAt = heardAt(heard, greeting);
    assert.ok(greetingAt !== undefined, 'the greeting was heard whole');
    const sentenceAt = heardAt(heard, sentence, greetingAt + greeting.length / 48);
    assert.ok(sentenceAt !== undefined, 'then the sentence, sample for sample');
    const weatherMs = heardOf(heard, weather);
    assert.ok(
      weatherMs >= 1_500 && weatherMs < weather.length / 48 - 1_000,
      `then ${weatherMs} ms of the weather`,
    );
    const goodbyeAt = heardAt(heard, goodbye, sentenceAt + sentence.length / 48);
    assert.ok(goodbyeAt !== undefined, 'then the whole goodbye');
    const lateMs = call.answeredMs - audible(heard).toMs;
    assert.ok(lateMs < 1_000, `hung up ${lateMs} ms after the last sound`);
    assert.equal(greeted.played_ms, Math.round(greeting.length / 48));
    const extraMs = Number(echoed.played_ms) - sentence.length / 48;
    assert.ok(extraMs >= 0 && extraMs < 1_500, `${extraMs} ms of silence were said back with it`);
    assert.ok(Math.abs(Number(cut.played_ms) - weatherMs) <= 200, `${String(cut.played_ms)} ~ ${weatherMs}`);
    assert.equal(call.streams[0]!.facts.clears.length, 1);
    const marks = nodeRed.recorder.messages('Mark').map(({ payload, cleared }) => ({ payload, cleared }));
    assert.deepEqual(marks, [
      { payload: 'greeting', cleared: false },
      { payload: 'echo', cleared: false },
      { payload: 'weather', cleared: true },
      { payload: 'goodbye', cleared: false },
    ]);
    assert.deepEqual(problems(), []);
  });
});
