// The demo itself: Node-RED, the local Wavix, one call, and what came of it.
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import { clearInterval, setInterval } from 'node:timers';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from '../setup.mjs';
import { demoFlow, soundFile } from './flow.mjs';
import { NodeRed } from './node-red.mjs';
import { Meter, Screen } from './screen.mjs';
import { fromDebug, fromMark, fromWavix, problem } from './story.mjs';
import { verdict } from './verdict.mjs';

// What the build made; it is not there yet when this file is linted.
const require = createRequire(import.meta.url);
const { LocalWavix } = require(join(root, 'dist/simulator'));
const { audioReady, decodeWav, writeWav } = require(join(root, 'dist/lib/audio'));

const CALL_MS = 60_000;
/** How much of the weather the callee listens to before it interrupts. */
const PATIENCE_MS = 2_500;
const SOUNDS = ['callee-question', 'callee-interrupts', 'greeting', 'weather', 'goodbye'];

/** @returns the exit code */
export async function demo({ stay }) {
  const screen = new Screen();
  const flowHears = new Meter();
  const calleeHears = new Meter();
  const flowHeard = [];
  const marks = [];
  const problems = [];
  let hungUpByFlow = false;
  let lastCall;

  const step = (line) => line && screen.step(...line);
  const interrupt = async () => {
    await sleep(PATIENCE_MS);
    if (lastCall?.state !== 'answered') return;
    step(['callee', 'interrupts: "Thank you, that is all I wanted to know."']);
    await lastCall.phone.say(soundFile('callee-interrupts'));
  };

  const wavix = new LocalWavix({
    defaults: { speech: soundFile('callee-question'), speechAfterMs: 700 },
    log: (event) => {
      step(fromWavix(event));
      if (event.type === 'phone' && event.what === 'says' && !lastCall?.spoke) {
        lastCall.spoke = true;
        step(['callee', 'says: "Good morning. Before I leave the house, could you tell me …"']);
      }
      if (event.type === 'request' && event.method === 'DELETE' && event.status === 200) hungUpByFlow = true;
    },
  });
  wavix.on('call', (call) => (lastCall = call));

  let nodeRed;
  const end = async () => {
    screen.endLive();
    await Promise.all([wavix.stop(), nodeRed?.stop()]);
  };
  const interrupted = once(process, 'SIGINT').then(() => 'SIGINT');
  try {
    console.log('Starting Node-RED and the local Wavix …');
    await audioReady();
    await wavix.start();
    nodeRed = await NodeRed.start({
      record: (name, msg) => {
        if (name === 'audio') {
          flowHeard.push(Buffer.from(msg.payload));
          flowHears.add(msg.payload);
        } else if (name === 'mark') {
          marks.push(msg);
          step(fromMark(msg));
          if (msg.payload === 'echo') void interrupt();
        }
      },
      debug: (name, value) => {
        step(fromDebug(name, value));
        if (name === 'Problem') problems.push(`The flow tells of a problem: ${problem(value)}`);
      },
    });
    const { nodes, button } = demoFlow(wavix.url);
    await nodeRed.deploy(nodes);

    screen.print();
    screen.start();
    step(['you', 'press the button "Call" of the flow']);
    await nodeRed.press(button);
    const placed = wavix.waitForCall({}, 10_000);
    const stopMeter = meter(() => lastCall, calleeHears);
    screen.live(() => `  flow hears ${String(flowHears)}   callee hears ${String(calleeHears)}`);
    const over = placed
      .then((call) => call.done)
      .then(
        () => 'over',
        (error) => error,
      );
    const outcome = await Promise.race([over, interrupted, sleep(CALL_MS, 'late', { ref: false })]);
    stopMeter();
    screen.endLive();
    if (outcome === 'SIGINT') {
      await end();
      return 130;
    }
    if (outcome instanceof Error) problems.push(`The flow placed no call: ${outcome.message}`);
    if (outcome === 'late') problems.push(`The call did not end within ${CALL_MS / 1000} s.`);
    await sleep(200); // the last words of the flow's debug nodes

    const call = lastCall;
    const found = verdict(
      {
        calleeHeard: call?.heard() ?? Buffer.alloc(0),
        flowHeard: Buffer.concat(flowHeard),
        marks,
        clears: call?.streams.reduce((sum, { facts }) => sum + facts.clears.length, 0) ?? 0,
        ended: call?.events.at(-1)?.event.event_type,
        hungUpByFlow,
        answeredMs: call?.answeredMs ?? 0,
        problems: [...problems, ...nodeRed.complaints.map((line) => `Node-RED's log: ${line}`)],
      },
      Object.fromEntries(SOUNDS.map((name) => [name, decodeWav(readFileSync(soundFile(name)))])),
    );
    const files = {
      flow: save('flow-heard', Buffer.concat(flowHeard)),
      callee: save('callee-heard', call?.heard() ?? Buffer.alloc(0)),
    };
    screen.print();
    screen.print(`The flow heard ${flowHears.seconds} of speech: ${files.flow}`);
    screen.print(`The callee heard ${calleeHears.seconds}: ${files.callee}`);
    for (const line of found.lines) screen.print(line);
    screen.print();
    for (const line of found.wrong) screen.print(`WRONG: ${line}`);
    if (found.wrong.length === 0) screen.print('The whole call went as it should.');

    if (stay) {
      screen.print();
      screen.print(`Node-RED's editor: ${nodeRed.url}`);
      screen.print(`The local Wavix:   ${wavix.url}`);
      screen.print('Press the button of "Call" in the editor for another call. Ctrl-C ends both.');
      screen.print();
      await interrupted;
    }
    await end();
    return found.wrong.length === 0 ? 0 : 1;
  } catch (error) {
    await end();
    console.error(`The demo failed: ${error.message}`);
    return 1;
  }
}

/** Follows what the callee hears, five times a second. */
function meter(call, into) {
  let read = 0;
  const timer = setInterval(() => {
    const heard = call()?.heard();
    if (!heard) return;
    for (; read + 9_600 <= heard.length; read += 9_600) into.add(heard.subarray(read, read + 9_600));
  }, 200);
  return () => clearInterval(timer);
}

function save(name, pcm) {
  const folder = join(root, 'demo-output');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${name}.wav`);
  writeFileSync(file, writeWav(pcm, 24_000));
  return relative(process.cwd(), file);
}
