// Comparing audio: PCM, 16-bit signed little-endian, mono, 24 kHz, in Buffers.

const BYTES_PER_SECOND = 48_000;

export const seconds = (pcm) => pcm.length / BYTES_PER_SECOND;

/** From the first to the last loud sample: what is left of speech when the silence around it is cut off. */
export function core(pcm) {
  const loud = (at) => Math.abs(pcm.readInt16LE(at)) > 1000;
  let from = 0;
  let to = pcm.length - (pcm.length % 2);
  while (from < to && !loud(from)) from += 2;
  while (to > from && !loud(to - 2)) to -= 2;
  return pcm.subarray(from, to);
}

/**
 * Looks for a piece of audio, sample for sample, in what was heard.
 * @returns where it begins and how much of it there is, both in bytes: all of it, or the longest beginning of it
 */
export function find(heard, piece, from = 0) {
  const whole = indexOfSamples(heard, piece, from);
  if (whole >= 0) return { at: whole, length: piece.length };
  let best = { at: -1, length: 0 };
  // 20 ms of it is enough to know it by, unless it is silence.
  const start = piece.subarray(0, 960);
  for (let at = indexOfSamples(heard, start, from); at >= 0; at = indexOfSamples(heard, start, at + 2)) {
    let length = 0;
    while (length < piece.length && at + length < heard.length && heard[at + length] === piece[length])
      length++;
    if (length > best.length) best = { at, length };
  }
  return best;
}

/** Makes what was found as long as it is the same as the original around it. */
export function extend(heard, { at, length }, whole, piece) {
  let before = whole.indexOf(piece);
  let from = at;
  while (before > 0 && from > 0 && heard[from - 1] === whole[before - 1]) {
    before--;
    from--;
  }
  let to = at + length;
  for (let i = before + (to - from); i < whole.length && to < heard.length && heard[to] === whole[i]; i++)
    to++;
  return { at: from, length: to - from };
}

function indexOfSamples(heard, piece, from) {
  let at = heard.indexOf(piece, from);
  while (at >= 0 && at % 2 === 1) at = heard.indexOf(piece, at + 1);
  return at;
}

/** Whether there is nothing but digital silence between two bytes. */
export function isSilent(pcm, from, to) {
  for (let at = from; at < to; at++) if (pcm[at] !== 0) return false;
  return true;
}
