#!/usr/bin/env node
/** The command `wavix-simulator`: the local Wavix for people, and for programs in other processes. */

import { HELP, readArguments, UsageError } from './cli-options';
import { LocalWavix } from './local-wavix';
import { describe, type LocalWavixEvent } from './log';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

async function main(): Promise<void> {
  const { help, quiet, options, keyGiven } = readArguments(process.argv.slice(2), process.env);
  if (help) {
    process.stdout.write(HELP);
    return;
  }
  const wavix = new LocalWavix(quiet ? options : { ...options, log: print });
  await wavix.start();
  process.stdout.write(`The local Wavix listens on ${wavix.url}\n`);
  if (!keyGiven) process.stdout.write('Its API key is local-key; --api-key or WAVIX_API_KEY sets another.\n');
  const stop = () => {
    wavix.stop().catch((error: unknown) => fail(error, EXIT_FAILED));
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
}

function print(event: LocalWavixEvent): void {
  const time = new Date().toISOString().slice(11, 23);
  process.stdout.write(`${time} ${describe(event)}\n`);
}

function fail(error: unknown, code: number): void {
  process.stderr.write(`wavix-simulator: ${error instanceof Error ? error.message : String(error)}\n`);
  if (code === EXIT_USAGE) process.stderr.write('wavix-simulator --help lists the options.\n');
  process.exitCode = code;
}

main().catch((error: unknown) =>
  fail(error, error instanceof UsageError || error instanceof TypeError ? EXIT_USAGE : EXIT_FAILED),
);
