/**
 * Ids for messages that are sent many times a second. Node-RED gives each message without a `_msgid` one of its own, of 16
 * hexadecimal digits; making those costs as much as half a hop between two nodes.
 */
import { randomBytes } from 'node:crypto';

const DIGITS = 8;
const COUNT = 16 ** DIGITS;

let prefix = '';
let next = COUNT;

/** An id as Node-RED's own: one part random, one part counted. */
export function messageId(): string {
  if (next === COUNT) {
    prefix = randomBytes(DIGITS / 2).toString('hex');
    next = 0;
  }
  return prefix + (next++).toString(16).padStart(DIGITS, '0');
}
