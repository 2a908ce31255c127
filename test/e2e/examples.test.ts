/**
 * Every example flow, as a user imports it: its button is pressed or its number called, and what comes of it is heard.
 * They run all at once, in one Node-RED: calls take real time, and nothing of one example may reach another.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { audioReady, decodeWav } from '../../lib/audio';
import { DEFAULT_API_KEY, type Call } from '../../simulator';
import { CALLER, Examples, type Example } from './examples';
import { exampleNames, readExample } from './flows';
import { SET_UP_MS } from './harness';
import { installedPackage } from './package';
import { ScriptedModel } from './scripted-model';
import { assertNear, audible, core, heardAt, heardOf, noise, sounding, wirePcm } from './sounds';
import { SpeechServices } from './speech-services';
import { parseWav, readWav } from './wav';

const GREETING = '1 - Place a call and play a greeting';
const ECHO = '2 - Answer a call and echo it';
const MENU = '3 - Say a menu and record the reply';
const RECORD = '4 - Record both sides of a call';
const INTERRUPT = '5 - Let the caller interrupt';
const AGAIN = '6 - Call again when busy';
const MODEL = '7 - Talk to a realtime model';
const SPEECH = '8 - Speech recogniser and text-to-speech';
const WHOLE = '9 - A whole conversation';

const CORE_NODES = [
  ...['tab', 'group', 'comment', 'inject', 'debug', 'link in', 'link out', 'catch', 'status'],
  ...['function', 'change', 'switch', 'delay', 'json', 'file', 'http request'],
  ...['websocket in', 'websocket out', 'websocket-client'],
];

/** All run at once; the longest takes half of this on a quiet machine. */
const LONGEST_RUN_MS = 75_000;

describe('The examples', function () {
  this.timeout(LONGEST_RUN_MS + 15_000);
  let examples: Examples;
  let imported: Examples;
  let model: ScriptedModel;
  let services: SpeechServices;
  let folder: string;
  let stop = () => Promise.resolve();
  const running = new Map<string, Promise<void>>();
  const trying = new Map<string, Promise<void>>();

  before(async function () {
    this.timeout(SET_UP_MS);
    folder = (await installedPackage()).packageFolder;
    await audioReady();
    model = await ScriptedModel.listen();
    services = await SpeechServices.listen();
    stop = async () => {
      await Promise.all([examples.stop(), imported.stop(), model.close(), services.close()]);
    };
    imported = await Examples.asImported();
    examples = await Examples.start({
      REALTIME_URL: model.url,
      REALTIME_API_KEY: 'key of the model',
      STT_URL: `${services.url}/text`,
      TTS_URL: `${services.url}/speech`,
      SPEECH_KEY: 'key of the services',
    });
    const begin = (all: typeof runs, where: Examples, into: typeof running) => {
      for (const [name, run] of Object.entries(all)) {
        const late = sleep(LONGEST_RUN_MS, undefined, { ref: false }).then(() => {
          throw new Error(`it was not over in ${LONGEST_RUN_MS} ms`);
        });
        const result = Promise.race([run(where.of(name)), late]);
        result.catch(() => undefined); // told by its own test
        into.set(name, result);
      }
    };
    begin(runs, examples, running);
    begin(trials, imported, trying);
  });

  after(async function () {
    this.timeout(30_000);
    await stop();
  });

  afterEach(function () {
    if (this.currentTest?.state !== 'failed') return;
    for (const { nodeRed } of [examples, imported])
      process.stderr.write(`\nNode-RED's log:\n${nodeRed.log.replace(/^.*\[trace\].*\n/gm, '')}\n`);
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
    const numbers: string[] = [];
    const phones: string[] = [];
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
      const [simulator] = flow.filter((node) => node.type === 'wavix-simulator');
      assert.equal(simulator?.port, 8787);
      phones.push(String(simulator.from));
      const number = flow.flatMap((node) =>
        node.type === 'wavix-call'
          ? String(node.to)
          : node.direction === 'inbound'
            ? String(node.number)
            : [],
      );
      numbers.push(...number);
      assert.ok(
        [simulator.from, simulator.to].includes(number[0]) || name === AGAIN,
        `${name}: ${number[0]}`,
      );
      assert.ok(
        flow.some((node) => node.type === 'comment' && String(node.name).startsWith('Try it: ')),
        `${name} says how to try it`,
      );
    }
    assert.equal(ids.size, nodes, 'no two nodes have the same id');
    assertEach('number that is called', numbers);
    assertEach('phone', phones);
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

  /** What the flows show under Problem, in the order in which it happens; all others show none. */
  const problems: Partial<Record<string, RegExp[]>> = {
    [MODEL]: [/^The model says: no such thing$/],
    [SPEECH]: [/^The speech recogniser answered 503\.$/],
  };

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
        const call = await example.call({});
        await call.waitForStream();
        await call.phone.say(says);
        await call.phone.quiet(500);
        const heard = call.heard();
        assert.ok(heardAt(sounding(heard), sounding(says)) !== undefined, 'every sample came back, in order');
        const { fromMs: begins, toMs: ends } = audible(heard);
        assert.ok(ends - begins < 1_500 + 500, `1500 ms of speech took ${ends - begins} ms to come back`);
        const delayMs = begins - audible(call.said()).fromMs;
        assert.ok(delayMs < 300, `it came back ${delayMs} ms late`);
        call.phone.hangUp();
        await call.done;
        assert.equal((await example.shown('Answered', call.call_id)).from, CALLER);
      });
    },

    async [MENU](example) {
      const menu = prompt('menu');
      const noted = prompt('noted');
      const recorded = async ({ call_id }: Call) => {
        const { filename } = await example.shown('Reply is in', call_id);
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
        assert.ok(menuAt !== undefined, `${heardOf(heard, menu)} ms of the menu were heard`);
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
      await examples.wavix.setNumber(to, { speech: question, speechAfterMs: 1_500 });
      await example.press('Call');
      const call = await examples.wavix.waitForCall({ to });
      await call.done;
      const { filename } = await example.shown('Recording is in', call.call_id);
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
      const { startedAt, endedAt } = call.streams[0]!.facts;
      const streamedMs = endedAt! - startedAt!;
      assert.ok(Math.abs(msOf(left) - streamedMs) < 100, `${msOf(left)} ms of ${streamedMs}`);
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
        const { played_ms } = await example.shown('Interrupted after (ms)', callId);
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
        const { played_ms } = await example.shown('Heard to its end (ms)', call.call_id);
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

    async [MODEL](example) {
      // It connects at once, and is told how to hear and to speak.
      const { session } = (await model.next('session.update')) as unknown as {
        session: Record<string, unknown>;
      };
      const format = { type: 'audio/pcm', rate: 24_000 };
      assert.deepEqual(model.keys, ['Bearer key of the model']);
      assert.deepEqual(
        { ...session, instructions: undefined },
        {
          type: 'realtime',
          instructions: undefined,
          output_modalities: ['audio'],
          audio: {
            input: {
              format,
              turn_detection: { type: 'server_vad', create_response: true, interrupt_response: true },
            },
            output: { format },
          },
        },
      );
      const early = await example.call({});
      await early.done;
      assert.equal(early.events.at(-1)!.event.event_type, 'rejected', 'not before the model is ready');
      model.send({ type: 'session.updated', session });

      // The first caller is greeted, and interrupts.
      const question = noise(1_200, 71);
      const call = await callUntilAnswered(example);
      await model.next('response.create');
      const greeting = noise(8_000, 72);
      model.answer('1', greeting);
      model.done('1');
      const second = await example.call({});
      await second.done;
      assert.equal(second.events.at(-1)!.event.event_type, 'rejected', 'one call at a time');
      await call.phone.say([{ silence: 2_000 }, question]);
      model.send({ type: 'input_audio_buffer.speech_started', audio_start_ms: 2_000, item_id: 'item 2' });
      model.say('1', noise(1_000, 73)); // it was on its way
      const truncate = await model.next('conversation.item.truncate');
      assert.deepEqual(
        { ...truncate, audio_end_ms: undefined },
        { type: 'conversation.item.truncate', item_id: 'item 1', content_index: 0, audio_end_ms: undefined },
      );
      const cutAfterMs = heardOf(call.heard(), greeting);
      assert.ok(cutAfterMs > 2_000 && cutAfterMs < 7_000, `${cutAfterMs} ms of the greeting were heard`);
      assertNear(truncate.audio_end_ms, cutAfterMs, 'the greeting');

      // It answers; the caller hears it whole, and then says something: nothing is cut.
      model.send(
        { type: 'input_audio_buffer.speech_stopped', item_id: 'item 2' },
        { type: 'conversation.item.added', item: { id: 'item 2', type: 'message', role: 'user' } },
      );
      const answer = noise(1_500, 74);
      model.answer('3', answer);
      model.done('3');
      await call.phone.quiet(1_000);
      assert.ok(
        heardAt(model.takeAudio(), question) !== undefined,
        'the model heard the caller sample for sample',
      );
      const heard = call.heard();
      const answerAt = heardAt(heard, answer);
      assert.ok(answerAt !== undefined, 'the whole answer was heard');
      const betweenMs = answerAt - heardAt(heard, greeting.subarray(0, 480))! - cutAfterMs;
      const between = heard.subarray((answerAt - betweenMs) * 48, answerAt * 48);
      assert.equal(call.streams[0]!.facts.clears.length, 1);
      assert.ok(sounding(between).length < 48 * 40, 'and nothing of what was on its way before it');
      model.send({ type: 'input_audio_buffer.speech_started', item_id: 'item 4' });

      // While it answers again, the caller hangs up: it is to be silent, and to forget all of this caller.
      model.answer('5', noise(3_000, 75));
      await once(call.phone, 'heard-audio');
      call.phone.hangUp();
      await call.done;
      await model.next('response.cancel');
      for (const item of ['item 1', 'item 2', 'item 3', 'item 5'])
        assert.equal((await model.next('conversation.item.delete')).item_id, item);
      await model.next('input_audio_buffer.clear');
      const third = await example.call({});
      await third.done;
      assert.equal(third.events.at(-1)!.event.event_type, 'rejected', 'not before it has forgotten');
      model.send({ type: 'conversation.item.added', item: { id: 'item 6', type: 'message', role: 'user' } });
      assert.equal((await model.next('conversation.item.delete')).item_id, 'item 6');
      model.done('5', 'cancelled');
      model.send({ type: 'input_audio_buffer.cleared' });

      // The next caller hears nothing that was meant for the first one, nor does the model hear that one any more.
      model.takeAudio();
      const next = await callUntilAnswered(example);
      await model.next('response.create');
      model.say('5', noise(500, 76));
      const hello = noise(800, 77);
      model.answer('7', hello);
      model.done('7');
      await next.phone.say(noise(500, 78));
      await next.phone.quiet(300);
      assert.equal(heardAt(sounding(next.heard()), sounding(hello)), 0, 'just its own greeting');
      const modelHeard = model.takeAudio();
      assert.ok(heardAt(modelHeard, noise(500, 78)) !== undefined);
      assert.equal(heardAt(modelHeard, question), undefined);

      // The model complains: that is shown. Then it is gone: the call is hung up, and it is connected anew.
      model.send({ type: 'error', error: { type: 'invalid_request_error', message: 'no such thing' } });
      await example.shown('Problem');
      model.drop();
      await next.done;
      assert.equal(next.events.at(-1)!.event.event_type, 'completed', 'nobody is left alone');
      await model.next('session.update');
      model.send({ type: 'session.updated', session });
      const last = await callUntilAnswered(example);
      await model.next('response.create');
      last.phone.hangUp();
      await last.done;
      await model.next('input_audio_buffer.clear');
      assert.equal(model.unread, 0);
    },

    async [SPEECH](example) {
      // Callers are told apart by how long they speak; each text has a voice of its own.
      const sentences = new Map([
        [1_000, 'one two three'],
        [2_000, 'four five six'],
        [500, 'Goodbye!'],
      ]);
      const heardFor = (wav: Buffer) => {
        const { sampleRate, pcm } = parseWav(wav);
        const { fromMs, toMs } = audible(pcm); // of 24 kHz
        return ((toMs - fromMs) * 24_000) / sampleRate;
      };
      const broken = 3_000;
      services.recognise = (wav) => {
        const ms = heardFor(wav);
        if (Math.abs(ms - broken) < 100) return 503;
        const known = [...sentences].find(([length]) => Math.abs(length - ms) < 100);
        return known?.[1] ?? `not understood: ${ms} ms`;
      };
      const voice = (text: string) => noise(1_000 + text.length * 10, 100 + text.length);
      services.speak = voice;

      const talks = async (ms: number, seed: number) => {
        const call = await example.call({ replies: [noise(ms, seed), noise(500, seed + 1)] });
        await call.done;
        const heard = call.heard();
        let at = 0;
        for (const text of ['Hello! Please say something.', `You said: ${sentences.get(ms)!}`, 'Goodbye.']) {
          const spoken = voice(text);
          const from = heardAt(heard, spoken, at);
          assert.ok(from !== undefined, `"${text}" was heard whole, in its turn`);
          at = from + msOf(spoken);
        }
        assertHungUpAfterLastWord(call);
        assert.equal((await example.shown('Understood', call.call_id)).understood, sentences.get(ms));
      };
      const interrupts = async () => {
        const call = await example.call({});
        await call.waitForStream();
        void call.phone.say([{ silence: 400 }, noise(broken, 95)]);
        const heardMs = () => heardOf(call.heard(), voice('Hello! Please say something.'));
        await example.shown('Problem', call.call_id);
        assert.ok(heardMs() < 1_000, `the greeting stops when the caller speaks, not after ${heardMs()} ms`);
        call.phone.hangUp();
        await call.done;
      };
      await Promise.all([talks(1_000, 91), talks(2_000, 93), interrupts()]);

      const [text, ...texts] = services.asked.filter(({ path }) => path === '/text');
      assert.equal(texts.length, 4, 'one request a sentence');
      const { method, contentType, authorization } = text!;
      assert.deepEqual(
        [method, contentType, authorization],
        ['POST', 'audio/wav', 'Bearer key of the services'],
      );
      const { channels, sampleRate } = parseWav(text!.body);
      assert.deepEqual([channels, sampleRate], [1, 16_000]);
      const speech = services.asked.find(({ path }) => path === '/speech')!;
      assert.equal(speech.contentType, 'application/json');
      assert.equal(speech.authorization, 'Bearer key of the services');
      assert.deepEqual(await example.kept('Wait for a sentence', 'calls'), {});
    },

    async [WHOLE](example) {
      const { wavix } = examples;
      const question = wirePcm('callee-question.wav');
      const sentence = core(question);
      const to = String(example.node('wavix-call', '').to);
      await wavix.setNumber(to, { speech: question, speechAfterMs: 1_500 });
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

  /** What the comments say to try, with the local Wavix inside Node-RED and nothing else. */
  const trials: Record<string, (example: Example) => Promise<void>> = {
    async [GREETING](example) {
      await example.press('Call');
      assertHeard(await example.listen('+15550002000'), 'the greeting', prompt('hello'));
    },
    async [ECHO](example) {
      await example.pressPhone();
      const question = core(wirePcm('callee-question.wav'));
      // Its beginning may be spoken before the stream is there.
      await example.untilHeard(example.number, question.subarray(48 * 2_000, 48 * 3_000));
      await example.pressPhone();
      const { toMs } = audible(await example.listen(example.number));
      assert.ok(toMs > 1_000, `${toMs} ms were heard`);
    },
    async [MENU](example) {
      await example.pressPhone();
      const { filename } = await example.shown('Reply is in');
      assert.ok(String(filename).startsWith(imported.recordings), String(filename));
      assertHeard(readWav(String(filename)).pcm, 'in the file, the reply', core(wirePcm('callee-reply.wav')));
      const heard = await example.listen(example.number);
      assertHeard(heard, 'the menu', prompt('menu'));
      assertHeard(heard, 'the thanks', prompt('noted'));
    },
    async [RECORD](example) {
      await example.press('Call');
      const { filename } = await example.shown('Recording is in');
      assert.ok(String(filename).startsWith(imported.recordings), String(filename));
      assert.equal(readWav(String(filename)).channels, 2);
      assertHeard(await example.listen('+15550002400'), 'the greeting', prompt('hello'));
    },
    async [INTERRUPT](example) {
      await example.pressPhone();
      const { played_ms } = await example.shown('Interrupted after (ms)');
      assert.ok(Number(played_ms) > 3_000 && Number(played_ms) < 6_000, `after ${String(played_ms)} ms`);
      assertHeard(await example.listen(example.number), 'the goodbye', prompt('goodbye'));
    },
    async [AGAIN](example) {
      await example.press('Call');
      assert.equal((await example.shown('Given up after tries')).tries, 3);
    },
    async [MODEL](example) {
      await example.pressPhone();
      // The stand-in says the question back; while it does, the caller interrupts.
      const question = core(wirePcm('callee-question.wav'));
      await example.untilHeard(example.number, question.subarray(0, 48 * 1_000));
      await example.press('The caller interrupts');
      const { payload } = await example.shown('Interrupted');
      const { audio_end_ms } = payload as { audio_end_ms: number };
      assert.ok(audio_end_ms > 1_000 && audio_end_ms < msOf(question), `after ${audio_end_ms} ms`);
      await example.untilHeard(example.number, core(wirePcm('callee-interrupts.wav')));
      await example.pressPhone();
      const heard = await example.listen(example.number);
      const { fromMs } = audible(heard);
      assert.ok(fromMs < 2_000, `it greets first, not after ${fromMs} ms`);
      assert.equal(heardAt(heard, question), undefined, 'the question was not said back whole');
    },
    async [SPEECH](example) {
      await example.pressPhone();
      assert.equal((await example.shown('Understood')).understood, 'something');
      const answer = prompt('stand-in');
      await example.untilHeard(example.number, Buffer.concat([answer, answer])); // the first one greets
      await example.pressPhone();
      assertHeard(await example.listen(example.number), 'the answer', answer);
    },
    async [WHOLE](example) {
      await example.press('Call');
      await example.shown('Echo heard (ms)');
      await example.press('The callee interrupts');
      await example.shown('Weather interrupted (ms)');
      assertHeard(await example.listen('+15550002900'), 'the goodbye', prompt('goodbye'));
    },
  };

  for (const name of Object.keys(runs)) {
    it(name, async () => {
      await running.get(name);
      const expected = problems[name] ?? [];
      const texts = examples.of(name).problems;
      assert.equal(texts.length, expected.length, texts.join('\n'));
      for (const [i, text] of texts.entries()) assert.match(text, expected[i]!);
    });

    it(`${name}: as its comment says`, async () => {
      await trying.get(name);
      assert.deepEqual(imported.of(name).problems, []);
    });
  }
});

function assertEach(what: string, values: string[]): void {
  assert.equal(new Set(values).size, values.length, `each has a ${what} of its own: ${values.join()}`);
}

/** Two calls of the same kind at the same time, each with its own sound. */
async function twoAtOnce(run: (seed: number) => Promise<void>): Promise<void> {
  await Promise.all([run(51), run(52)]);
}

/** The model may not be ready for the next caller just yet. */
async function callUntilAnswered(example: Example): Promise<Call> {
  for (let tries = 0; tries < 50; tries++) {
    const call = await example.call({});
    const answered = await call.waitFor('answered').then(
      () => true,
      () => false,
    );
    if (answered) return call;
  }
  throw new Error('the call was never answered');
}

function assertHeard(heard: Buffer, what: string, piece: Buffer): void {
  assert.ok(
    heardAt(heard, piece) !== undefined,
    `${what}: ${heardOf(heard, piece)} ms of ${piece.length / 48}`,
  );
}

function assertHungUpAfterLastWord(call: Call): void {
  const lateMs = call.answeredMs - audible(call.heard()).toMs;
  assert.ok(lateMs < 1_000, `hung up ${lateMs} ms after the last sound`);
  assert.equal(call.events.at(-1)!.event.event_type, 'completed');
}
