/**
 * Every example flow, as a user imports it: its button is pressed or its number called, and what comes of it is heard.
 * They run all at once, in one Node-RED: calls take real time, and nothing of one example may reach another.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { audioReady, decodeWav } from '../../lib/audio';
import { DEFAULT_API_KEY, type Call } from '../../simulator';
import { CALLER, Examples, type Example } from './examples';
import { exampleNames, readExample } from './flows';
import { SET_UP_MS } from './harness';
import { installedPackage } from './package';
import { assertNear, audible, core, heardAt, heardOf, noise, sounding, wirePcm } from './sounds';
import { readWav } from './wav';

const GREETING = '1 - Place a call and play a greeting';
const ECHO = '2 - Answer a call and echo it';
const MENU = '3 - Say a menu and record the reply';
const RECORD = '4 - Record both sides of a call';
const INTERRUPT = '5 - Let the caller interrupt';
const AGAIN = '6 - Call again when busy';
const WHOLE = '9 - A whole conversation';

const CORE_NODES = [
  ...['tab', 'group', 'comment', 'inject', 'debug', 'link in', 'link out', 'catch', 'status'],
  ...['function', 'change', 'switch', 'delay', 'json', 'file', 'http request'],
  ...['websocket in', 'websocket out', 'websocket-client'],
];

describe('The examples', function () {
  this.timeout(90_000);
  let examples: Examples;
  let folder: string;
  let stop = () => Promise.resolve();
  const running = new Map<string, Promise<void>>();

  before(async function () {
    this.timeout(SET_UP_MS);
    folder = (await installedPackage()).packageFolder;
    await audioReady();
    examples = await Examples.start();
    stop = () => examples.stop();
    for (const [name, run] of Object.entries(runs)) {
      const result = run(examples.of(name));
      result.catch(() => undefined); // told by its own test
      running.set(name, result);
    }
  });

  after(async function () {
    this.timeout(30_000);
    await stop();
  });

  afterEach(function () {
    if (this.currentTest?.state === 'failed')
      process.stderr.write(`\nNode-RED's log:\n${examples.nodeRed.log.replace(/^.*\[trace\].*\n/gm, '')}\n`);
  });

  const sound = (name: string) => readFileSync(join(folder, 'resources/sounds', `${name}.wav`));
  const prompt = (name: string) => decodeWav(sound(name));
  const msOf = (pcm: Buffer) => pcm.length / 48;

  it('are all run here', () => {
    assert.deepEqual(exampleNames(folder).sort(), Object.keys(runs).sort());
  });

  it('work right after the import: core nodes, the local Wavix and its key, sounds of their own', () => {
    const paths = new Set<unknown>();
    const ids = new Set<string>();
    let nodes = 0;
    for (const name of exampleNames(folder)) {
      const flow = readExample(folder, name);
      for (const node of flow) {
        nodes++;
        ids.add(node.id);
        assert.ok(CORE_NODES.includes(node.type) || node.type.startsWith('wavix-'), `${name}: ${node.type}`);
        const file = /\((\S+)\.wav\)$/.exec(String(node.name))?.[1];
        if (!file) continue;
        const rules = node.rules as { p: string; to: string }[];
        assert.equal(rules.find(({ p }) => p === 'payload')?.to, sound(file).toString('base64'), file);
      }
      const [config, ...others] = flow.filter((node) => node.type === 'wavix-config');
      assert.deepEqual(others, []);
      assert.equal(config?.apiUrl, 'http://127.0.0.1:8787');
      assert.deepEqual(config.credentials, { apiKey: DEFAULT_API_KEY });
      paths.add(config.path);
      assert.ok(
        flow.some((node) => node.type === 'comment' && String(node.name).startsWith('Try it: ')),
        `${name} says how to try it`,
      );
    }
    assert.equal(ids.size, nodes, 'no two nodes have the same id');
    assert.equal(paths.size, exampleNames(folder).length, 'no two configurations serve the same path');
  });

  it('use every node of the package', () => {
    const used = new Set(
      exampleNames(folder).flatMap((name) => readExample(folder, name).map(({ type }) => type)),
    );
    const { 'node-red': own } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      'node-red': { nodes: Record<string, string> };
    };
    assert.deepEqual(
      Object.keys(own.nodes).filter((type) => !used.has(type)),
      [],
    );
  });

  const runs: Record<string, (example: Example) => Promise<void>> = {
    async [GREETING](example) {
      const { wavix } = examples;
      const to = String(example.node('wavix-call', '').to);
      await wavix.setNumber(to, { behaviour: 'busy' });
      await example.press('Call');
      assert.equal((await example.shown('Not answered')).topic, 'busy');
      await wavix.waitForCall({ to });

      await wavix.setNumber(to, { behaviour: 'answer' });
      await example.press('Call');
      const call = await wavix.waitForCall({ to });
      await call.done;
      const greeting = prompt('hello');
      assert.ok(heardAt(call.heard(), greeting) !== undefined, 'the whole greeting was heard');
      assertHungUpAfterLastWord(call);
      assert.equal((await example.shown('Heard (ms)')).played_ms, Math.round(msOf(greeting)));
      assert.equal((await example.shown('Hung up')).call_id, call.call_id);
    },

    async [ECHO](example) {
      await twoAtOnce(async (seed) => {
        const says = noise(1_500, seed);
        const call = await example.call({ speech: says, speechAfterMs: 500 });
        await call.waitForStream();
        await call.phone.quiet(500);
        const heard = call.heard();
        assert.ok(heardAt(sounding(heard), sounding(says)) !== undefined, 'every sample came back, in order');
        const { fromMs: begins, toMs: ends } = audible(heard);
        assert.ok(ends - begins < 1_500 + 500, `1500 ms of speech took ${ends - begins} ms to come back`);
        const delayMs = begins - audible(call.said()).fromMs;
        assert.ok(delayMs < 300, `it came back ${delayMs} ms late`);
        call.phone.hangUp();
        await call.done;
        assert.equal((await example.shown('Answered', { callId: call.call_id })).from, CALLER);
      });
    },

    async [MENU](example) {
      const menu = prompt('menu');
      const noted = prompt('noted');
      const recorded = async ({ call_id }: Call) => {
        const { filename } = await example.shown('Reply is in', { callId: call_id });
        assert.ok(String(filename).startsWith(examples.recordings), String(filename));
        assert.ok(String(filename).includes(call_id), String(filename));
        return readWav(String(filename));
      };
      const answers = (seed: number) => async () => {
        const says = noise(1_500, seed);
        const call = await example.call({ replies: [[{ silence: 400 }, says]] });
        const { channels, sampleRate, pcm } = await recorded(call);
        assert.deepEqual([channels, sampleRate], [1, 24_000]);
        assert.ok(heardAt(pcm, says) !== undefined, 'every sample of the reply was recorded, in order');
        const besidesMs = msOf(pcm) - 1_500;
        assert.ok(besidesMs > 1_200 && besidesMs < 4_000, `${besidesMs} ms of silence were recorded with it`);
        await call.done;
        const heard = call.heard();
        const menuAt = heardAt(heard, menu);
        assert.ok(menuAt !== undefined, 'the whole menu was heard');
        const replyEndsMs = audible(call.said()).toMs;
        const notedAt = heardAt(heard, noted, replyEndsMs);
        assert.ok(notedAt !== undefined, 'after the reply, the whole thanks');
        const pauseMs = notedAt - replyEndsMs;
        assert.ok(pauseMs > 1_100 && pauseMs < 2_000, `the flow waited ${pauseMs} ms after the last word`);
        assertHungUpAfterLastWord(call);
      };
      const hangsUp = async () => {
        const says = noise(2_000, 33);
        const call = await example.call({});
        await call.phone.quiet(500);
        await call.phone.say(says);
        call.phone.hangUp();
        const { pcm } = await recorded(call);
        const whole = says.subarray(0, -48 * 40); // the last frame may have been under way
        assert.ok(heardAt(pcm, whole) !== undefined, 'the reply is kept though the caller hung up');
        await call.done;
      };
      const silent = async () => {
        const call = await example.call({});
        await call.done;
        const menuAt = heardAt(call.heard(), menu)!;
        const notedAt = heardAt(call.heard(), noted)!;
        const waitedMs = notedAt - menuAt - msOf(menu);
        assert.ok(waitedMs > 7_500 && waitedMs < 9_000, `somebody silent was waited for ${waitedMs} ms`);
      };
      await Promise.all([answers(31)(), answers(32)(), hangsUp(), silent()]);
      assert.equal(example.messages('Reply is in').length, 3, 'nothing is recorded of somebody silent');
      assert.deepEqual(
        await example.kept('Record the reply', 'calls'),
        {},
        'nothing is kept of calls that are over',
      );
    },

    async [RECORD](example) {
      const question = wirePcm('callee-question.wav');
      const to = String(example.node('wavix-call', '').to);
      await examples.wavix.setNumber(to, { speech: question, speechAfterMs: 1_000 });
      await example.press('Call');
      const call = await examples.wavix.waitForCall({ to });
      await call.done;
      const { filename } = await example.shown('Recording is in', { callId: call.call_id });
      assert.ok(String(filename).startsWith(examples.recordings), String(filename));
      const { channels, sampleRate, sides } = readWav(String(filename));
      assert.deepEqual([channels, sampleRate], [2, 24_000]);
      const [left, right] = sides as [Buffer, Buffer];
      const said = core(question).subarray(0, 48 * 3_000); // the call may end before the callee does
      // The last frame may be under way still when the stream is stopped.
      const heard = prompt('hello').subarray(0, -48 * 40);
      const leftAt = heardAt(left, said);
      const rightAt = heardAt(right, heard);
      assert.ok(leftAt !== undefined, 'left is what the callee said, sample for sample');
      assert.ok(rightAt !== undefined, 'right is what the callee heard, sample for sample');
      const apartMs = rightAt - leftAt;
      const trulyApartMs = heardAt(call.heard(), heard)! - heardAt(call.said(), said)!;
      assert.ok(Math.abs(apartMs - trulyApartMs) <= 20, `${apartMs} ms apart instead of ${trulyApartMs}`);
      assert.ok(Math.abs(msOf(left) - call.answeredMs) < 1_000, `${msOf(left)} ms of ${call.answeredMs}`);
      assertHungUpAfterLastWord(call);
      assert.deepEqual(await example.kept('Lay them side by side', 'streams'), {});
    },

    async [INTERRUPT](example) {
      const weather = prompt('weather');
      const goodbye = prompt('goodbye');
      const interrupts = async () => {
        const says = wirePcm('callee-interrupts.wav');
        const call = await example.call({ speech: [{ silence: 3_000 }, says] });
        const { call_id: callId } = call;
        const { played_ms } = await example.shown('Interrupted after (ms)', { callId });
        await call.done;
        const heard = call.heard();
        const weatherAt = heardAt(heard, weather.subarray(0, 480))!;
        const weatherMs = heardOf(heard, weather);
        assertNear(played_ms, weatherMs, 'the weather');
        const saidAt = heardAt(call.said(), core(says))!;
        const reactedMs = weatherAt + weatherMs - saidAt;
        assert.ok(reactedMs > 0 && reactedMs < 500, `silent ${reactedMs} ms after the caller's first sound`);
        const goodbyeAt = heardAt(heard, goodbye);
        assert.ok(goodbyeAt !== undefined, 'the whole goodbye was heard');
        const saidToMs = saidAt + msOf(core(says));
        assert.ok(goodbyeAt > saidToMs, 'the goodbye waits until the caller has finished');
        assert.ok(
          goodbyeAt < saidToMs + 1_500,
          `the goodbye comes ${goodbyeAt - saidToMs} ms after the caller`,
        );
        assert.equal(call.streams[0]!.facts.clears.length, 1);
        assertHungUpAfterLastWord(call);
      };
      const listens = async () => {
        // Too short, or too soft, to be somebody who speaks
        const click = noise(60, 7);
        const murmur = Buffer.from(noise(1_000, 8));
        for (let at = 0; at < murmur.length; at += 2) murmur.writeInt16LE(murmur.readInt16LE(at) / 10, at);
        const call = await example.call({ speech: [{ silence: 2_000 }, click, { silence: 1_000 }, murmur] });
        const { played_ms } = await example.shown('Heard to its end (ms)', { callId: call.call_id });
        await call.done;
        assert.equal(played_ms, Math.round(msOf(weather)));
        const weatherAt = heardAt(call.heard(), weather);
        assert.ok(weatherAt !== undefined, 'the whole weather was heard');
        assert.ok(heardAt(call.heard(), goodbye, weatherAt + msOf(weather)) !== undefined, 'and the goodbye');
        assert.deepEqual(call.streams[0]!.facts.clears, []);
      };
      await Promise.all([interrupts(), listens()]);
      assert.deepEqual(await example.kept('Does the caller speak?', 'calls'), {});
    },

    async [AGAIN](example) {
      const { wavix } = examples;
      const to = String(example.node('wavix-call', '').to);
      await wavix.setNumber(to, { behaviour: 'busy' });
      await example.press('Call');
      const tries = [
        await wavix.waitForCall({ to }),
        await wavix.waitForCall({ to }),
        await wavix.waitForCall({ to }),
      ];
      assert.equal((await example.shown('Given up after tries')).tries, 3);
      const at = tries.map((call) => Date.parse(call.events[0]!.event.event_time));
      for (const [i, time] of at.entries()) {
        if (i === 0) continue;
        const waitedMs = time - at[i - 1]!;
        assert.ok(waitedMs >= 4_990 && waitedMs < 6_500, `try ${i + 1} came after ${waitedMs} ms`);
      }

      await example.press('Call');
      await wavix.waitForCall({ to });
      await wavix.setNumber(to, { behaviour: 'answer' });
      const call = await wavix.waitForCall({ to });
      await call.done;
      assert.ok(heardAt(call.heard(), prompt('hello')) !== undefined, 'the whole greeting was heard');
      assertHungUpAfterLastWord(call);

      await wavix.setNumber(to, { behaviour: 'reject' });
      await example.press('Call');
      assert.equal((await example.shown('Not answered')).topic, 'rejected');
      assert.equal([...wavix.calls.values()].filter((one) => one.to === to).length, 6, 'and is left alone');
    },

    async [WHOLE](example) {
      const { wavix } = examples;
      const question = wirePcm('callee-question.wav');
      const sentence = core(question);
      const to = String(example.node('wavix-call', '').to);
      await wavix.setNumber(to, { speech: question, speechAfterMs: 500 });
      await example.press('Call');
      const call = await wavix.waitForCall({ to });
      const greeted = await example.shown('Greeting heard (ms)');
      const echoed = await example.shown('Echo heard (ms)');
      const weather = prompt('weather');
      // The weather has just begun: into it, the callee speaks.
      await call.phone.say([{ silence: 2_000 }, wirePcm('callee-interrupts.wav')]);
      const cut = await example.shown('Weather interrupted (ms)');
      await call.done;

      const heard = call.heard();
      const greeting = prompt('greeting');
      const goodbye = prompt('goodbye');
      const greetingAt = heardAt(heard, greeting);
      assert.ok(greetingAt !== undefined, 'the greeting was heard whole');
      const sentenceAt = heardAt(heard, sentence, greetingAt + msOf(greeting));
      assert.ok(sentenceAt !== undefined, 'then the sentence, sample for sample');
      const weatherMs = heardOf(heard, weather);
      assert.ok(
        weatherMs >= 1_500 && weatherMs < msOf(weather) - 1_000,
        `then ${weatherMs} ms of the weather`,
      );
      const goodbyeAt = heardAt(heard, goodbye, sentenceAt + msOf(sentence));
      assert.ok(goodbyeAt !== undefined, 'then the whole goodbye');
      assertHungUpAfterLastWord(call);
      assert.equal(greeted.played_ms, Math.round(msOf(greeting)));
      const extraMs = Number(echoed.played_ms) - msOf(sentence);
      assert.ok(extraMs >= 0 && extraMs < 1_500, `${extraMs} ms of silence were said back with it`);
      assertNear(cut.played_ms, weatherMs, 'the weather');
      assert.equal(call.streams[0]!.facts.clears.length, 1);
      const marks = example.messages('Mark').map(({ payload, cleared }) => ({ payload, cleared }));
      assert.deepEqual(marks, [
        { payload: 'greeting', cleared: false },
        { payload: 'echo', cleared: false },
        { payload: 'weather', cleared: true },
        { payload: 'goodbye', cleared: false },
      ]);
    },
  };

  for (const name of Object.keys(runs)) {
    it(name, async () => {
      await running.get(name);
      assert.deepEqual(examples.of(name).messages('Problem'), []);
    });
  }
});

/** Two calls of the same kind at the same time, each with its own sound. */
async function twoAtOnce(run: (seed: number) => Promise<void>): Promise<void> {
  await Promise.all([run(51), run(52)]);
}

function assertHungUpAfterLastWord(call: Call): void {
  const lateMs = call.answeredMs - audible(call.heard()).toMs;
  assert.ok(lateMs < 1_000, `hung up ${lateMs} ms after the last sound`);
  assert.equal(call.events.at(-1)!.event.event_type, 'completed');
}
