/** The command's options: reading them, and the text of `--help`. */

import { parseArgs } from 'node:util';
import { EVENT_TYPES } from './call-event';
import { CONTROL_HELP } from './control';
import { isHttpUrl } from './exchange';
import type { LocalWavixOptions } from './local-wavix';
import { BEHAVIOURS, LAST_DIGITS, normalizeNumber, type NumberPlan } from './numbers';
import { DEFAULT_SOUND, soundNames } from './sounds';

export const DEFAULT_PORT = 8787;

/** The arguments can't be understood. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export interface Arguments {
  help: boolean;
  /** no line for each step */
  quiet: boolean;
  keyGiven: boolean;
  options: LocalWavixOptions;
}

const OPTIONS = {
  help: { type: 'boolean', short: 'h' },
  port: { type: 'string', short: 'p' },
  host: { type: 'string' },
  'api-key': { type: 'string' },
  webhook: { type: 'string', multiple: true },
  recordings: { type: 'string' },
  speech: { type: 'string' },
  tone: { type: 'string' },
  silent: { type: 'boolean' },
  'answer-after': { type: 'string' },
  'ring-time': { type: 'string' },
  'hang-up-after': { type: 'string' },
  'repeat-events': { type: 'boolean' },
  'answer-after-event': { type: 'string' },
  'no-guide-stop-path': { type: 'boolean' },
  'numbers-as-strings': { type: 'boolean' },
  quiet: { type: 'boolean', short: 'q' },
} as const;

const BEHAVIOUR_WORDS: Record<NonNullable<NumberPlan['behaviour']>, string> = {
  answer: 'answers',
  busy: 'is busy',
  reject: 'rejects the call',
  'no-answer': 'rings and never answers',
  machine: 'answers as a machine',
  fail: 'fails',
};

const numberTable = Object.entries(LAST_DIGITS)
  .sort(([a], [b]) => a.localeCompare(b))
  .map(([digits, { behaviour = 'answer', hangUpAfterMs }]) => {
    const then = hangUpAfterMs === undefined ? '' : `, and hangs up after ${hangUpAfterMs / 1000} s`;
    return `  …${digits}  ${BEHAVIOUR_WORDS[behaviour]}${then}`;
  });

/** Lines of at most `width` characters. */
function wrap(text: string, width: number): string {
  return text.replace(new RegExp(`(.{1,${width}})( |$)`, 'g'), '$1\n').trimEnd();
}

export const HELP = `Usage: wavix-simulator [options]

A stand-in for Wavix on this machine: its REST API in both styles, webhooks, media
streams, and a phone at the far end. It places no real calls and needs no account.

Options:
  -p, --port PORT             port to listen on (${DEFAULT_PORT}; 0: any that is free)
      --host HOST             address to listen on (127.0.0.1)
      --api-key KEY           key that requests must have (local-key, or WAVIX_API_KEY)
      --webhook [NUMBER=]URL  where the events of inbound calls are posted; without a
                              number: for all that have none (can be repeated)
      --recordings FOLDER     writes what each side heard there, as WAV files
      --speech SOUND          what every phone says after the answer: a sound of the
                              package (${DEFAULT_SOUND}) or a WAV file
      --tone HZ               or a tone, until the call ends
      --silent                or nothing
      --answer-after SECONDS  from ringing to the answer (1)
      --ring-time SECONDS     how long it rings at most (60)
      --hang-up-after SECONDS the phone hangs up so long after the answer
      --repeat-events         posts every event twice
      --answer-after-event E  answers a place-call request only after event E is posted
      --no-guide-stop-path    DELETE /v1/call/answer/{call_id}/streams/{stream_id} is 404
      --numbers-as-strings    sequence_number, timestamp and chunk are strings
  -q, --quiet                 no line for each step
  -h, --help                  this text

What happens is decided by the last two digits of the called number:
${numberTable.join('\n')}
  any other number answers

Control endpoints, beside Wavix's own (JSON; times in ms; on another address than a
loopback one they need "Authorization: Bearer KEY"):
${CONTROL_HELP.map((line) => `  ${line}`).join('\n')}

A number takes callback_url (events of inbound calls to it; * for all others), and what its
phone does: behaviour (${BEHAVIOURS.join(', ')}),
ringMs, answerAfterMs, ringTimeoutMs, hangUpAfterMs, speech, speechAfterMs, replies (said one
by one, each after the other side has finished), silenceMs.
speech is the name of a sound, the path of a WAV file, {"tone": 440, "ms": 2000},
{"silence": 500}, or a list of these ([] is nothing). Paths are this machine's. The sounds:
${wrap(soundNames().join(', '), 90)}

  curl -X PUT localhost:${DEFAULT_PORT}/local/numbers/+15550002000 \\
    -d '{"callback_url": "http://127.0.0.1:1880/wavix/events/TOKEN"}'
  curl -X POST localhost:${DEFAULT_PORT}/local/calls \\
    -d '{"from": "+15550001000", "to": "+15550002000", "speech": "hello"}'

Exit code: 0 after SIGINT or SIGTERM, 1 if it can't run, 2 for wrong options.
`;

/**
 * Reads the command's arguments. Fails with `UsageError`, whose text says which is wrong and why.
 *
 * @param env environment variables
 */
export function readArguments(args: string[], env: NodeJS.ProcessEnv): Arguments {
  const values = parse(args);
  const key = values['api-key'] ?? env.WAVIX_API_KEY;
  if (key === '') throw new UsageError('--api-key needs a key.');
  const event = EVENT_TYPES.find((type) => type === values['answer-after-event']);
  if (values['answer-after-event'] !== undefined && event === undefined)
    throw new UsageError(`--answer-after-event needs one of ${EVENT_TYPES.join(', ')}.`);
  const voices = [values.speech, values.tone, values.silent].filter((voice) => voice !== undefined);
  if (voices.length > 1) throw new UsageError('--speech, --tone and --silent exclude each other.');
  return {
    help: values.help ?? false,
    quiet: values.quiet ?? false,
    keyGiven: key !== undefined,
    options: {
      port: wholeNumber('--port', values.port, 0, 65_535) ?? DEFAULT_PORT,
      ...(values.host !== undefined && { host: values.host }),
      ...(key !== undefined && { apiKey: key }),
      ...(values.recordings !== undefined && { recordings: values.recordings }),
      ...(event !== undefined && { answerAfterEvent: event }),
      webhooks: Object.fromEntries((values.webhook ?? []).map(readWebhook)),
      repeatEvents: values['repeat-events'] ?? false,
      guideStopPath: !(values['no-guide-stop-path'] ?? false),
      numbersAsStrings: values['numbers-as-strings'] ?? false,
      defaults: readDefaults(values),
    },
  };
}

type Values = ReturnType<typeof parse>;

function parse(args: string[]) {
  try {
    return parseArgs({ args, options: OPTIONS, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function readDefaults(values: Values): NumberPlan {
  const { speech = DEFAULT_SOUND, silent = false } = values;
  const hz = wholeNumber('--tone', values.tone, 20, 12_000);
  const answerAfterMs = milliseconds('--answer-after', values['answer-after']);
  const ringTimeoutMs = milliseconds('--ring-time', values['ring-time']);
  const hangUpAfterMs = milliseconds('--hang-up-after', values['hang-up-after']);
  return {
    speech: silent ? [] : hz === undefined ? speech : { tone: hz },
    ...(answerAfterMs !== undefined && { answerAfterMs }),
    ...(ringTimeoutMs !== undefined && { ringTimeoutMs }),
    ...(hangUpAfterMs !== undefined && { hangUpAfterMs }),
  };
}

function readWebhook(text: string): [string, string] {
  const [, number, url] = /^(?:(\+?\d+|\*)=)?(.*)$/.exec(text) ?? [];
  const key = number === undefined || number === '*' ? '*' : normalizeNumber(number);
  if (key === undefined || !isHttpUrl(url))
    throw new UsageError('--webhook needs a URL, or NUMBER=URL with a number in E.164 form.');
  return [key, url];
}

function wholeNumber(name: string, text: string | undefined, min: number, max: number): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (!(value >= min && value <= max))
    throw new UsageError(`${name} needs a whole number from ${min} to ${max}, not "${text}".`);
  return value;
}

function milliseconds(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
  if (!(value <= 86_400))
    throw new UsageError(`${name} needs a number of seconds, at most a day, not "${text}".`);
  return Math.round(value * 1000);
}
