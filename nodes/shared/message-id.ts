/**
 * Ids for messages that are sent many times a second. Node-RED gives each message without a `_msgid` one of its own, of 16
 * hexadecimal digits; making those costs as much as half a hop between two nodes.
 */
import { randomBytes } from 'node:crypto';

const DIGITS = 8;
/** Counted among the numbers that have all digits. */
const FIRST = 16 ** (DIGITS - 1);
const END = 16 ** DIGITS;

let prefix = '';
let next = END;

/** An id as Node-RED's own: one part random, one part counted. */
export function messageId(): string {
  if (next === END) {
    prefix = randomBytes(DIGITS / 2).toString('hex');
    next = FIRST;
  }
  return prefix + (next++).toString(16);
}
