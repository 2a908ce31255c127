// Looks at all that came of the demo's call: what was heard, sample for sample, and what is missing.
import { core, extend, find, isSilent, seconds } from './compare.mjs';

const HANG_UP_WITHIN_S = 1.5;

/**
 * @param call what happened: `calleeHeard` and `flowHeard` (PCM), `marks` as the flow got them, `clears`, `ended` (type
 *   of the last event), `hungUpByFlow`, `answeredMs`, `problems` that the flow or Node-RED told of
 * @param sounds PCM of all that was to be said, by name
 * @returns lines to show, and what went wrong
 */
export function verdict(call, sounds) {
  const wrong = [...call.problems];
  const lines = [];
  const missing = (what) => wrong.push(what);
  if (call.answeredMs === 0) {
    missing(`The call was not answered: it ended as ${call.ended ?? 'nothing'}.`);
    return { lines, wrong };
  }

  // What the flow heard
  for (const [name, what] of [
    ['callee-question', "the callee's sentence"],
    ['callee-interrupts', "the callee's interruption"],
  ]) {
    const { length } = find(call.flowHeard, sounds[name]);
    if (length < sounds[name].length) missing(`The flow heard ${part(length, sounds[name])} of ${what}.`);
  }

  // What the callee heard: four pieces, one after the other, and silence between them.
  let at = 0;
  for (const [title, name] of [
    ['greeting', 'greeting'],
    ['echo', 'callee-question'],
    ['weather', 'weather'],
    ['goodbye', 'goodbye'],
  ]) {
    // The flow says back the sentence, without all of the silence around it.
    const piece = title === 'echo' ? core(sounds[name]) : sounds[name];
    const found = find(call.calleeHeard, piece, at);
    const whole = found.length === piece.length;
    const heard = `${(found.length / 48_000).toFixed(1)} s`;
    if (title === 'weather') {
      const cut = found.length >= 48_000 && !whole;
      if (!cut) missing(`The weather was not interrupted: the callee heard ${heard} of it.`);
      lines.push(`  weather   ${heard} of ${seconds(piece).toFixed(1)} s${cut ? ', then cleared' : ''}`);
    } else {
      if (!whole) missing(`The callee heard ${part(found.length, piece)} of the ${title}.`);
      lines.push(`  ${title.padEnd(9)} ${heard}${whole ? ', every sample of it' : ''}`);
    }
    if (found.length === 0) break; // what follows can't be told apart
    const { at: from, length } = whole ? extend(call.calleeHeard, found, sounds[name], piece) : found;
    if (!isSilent(call.calleeHeard, at, from)) missing(`There is other sound before the ${title}.`);
    at = from + length;
    if (title === 'goodbye' && !isSilent(call.calleeHeard, at, call.calleeHeard.length))
      missing('There is other sound after the goodbye.');
  }

  const afterS = call.answeredMs / 1000 - at / 48_000;
  if (call.ended !== 'completed')
    missing(`The call was not completed: it ended as ${call.ended ?? 'nothing'}.`);
  else if (!call.hungUpByFlow) missing('The call was not hung up by the flow.');
  else if (afterS > HANG_UP_WITHIN_S)
    missing(`The flow hung up only ${afterS.toFixed(1)} s after its goodbye.`);
  else lines.push(`  hung up   ${afterS.toFixed(2)} s after the last word`);

  // Marks and clears
  if (call.clears !== 1) missing(`There were ${call.clears} clears, not one.`);
  const marks = call.marks.map(({ payload, cleared }) => `${payload} ${cleared ? 'cleared' : 'heard'}`);
  const expected = ['greeting heard', 'echo heard', 'weather cleared', 'goodbye heard'];
  if (marks.join() !== expected.join()) missing(`The marks came back as: ${marks.join(', ') || 'none'}.`);
  lines.push(`  marks     ${marks.join(', ')}`);
  return { lines, wrong };
}

const part = (length, whole) =>
  length === 0 ? 'nothing' : `only ${(length / 48_000).toFixed(1)} s of the ${seconds(whole).toFixed(1)} s`;
