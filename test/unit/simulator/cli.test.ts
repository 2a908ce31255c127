import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { readArguments } from '../../../simulator/cli-options';
import { fetchJson } from './application';

const CLI = join(__dirname, '../../../simulator/cli.ts');

interface Run {
  child: ChildProcess;
  out: () => string;
  err: () => string;
  ended: Promise<[number | null, NodeJS.Signals | null]>;
}

function run(...args: string[]): Run {
  const child = spawn(process.execPath, ['--import', 'tsx', CLI, ...args], {
    env: { ...process.env, WAVIX_API_KEY: undefined },
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (text) => (out += String(text)));
  child.stderr.on('data', (text) => (err += String(text)));
  const ended = once(child, 'close') as Run['ended'];
  return { child, out: () => out, err: () => err, ended };
}

describe('wavix-simulator', function () {
  this.timeout(20_000);

  it('explains itself', async () => {
    const { out, ended } = run('--help');
    assert.deepEqual(await ended, [0, null]);
    for (const expected of [
      'Usage: wavix-simulator',
      '--port PORT',
      '…01  is busy',
      '…06  answers, and hangs up after 3 s',
      'POST   /local/calls ',
      'GET    /local/calls/{call_id}/heard.wav',
      'PUT    /local/numbers/{number}',
    ]) {
      assert.ok(out().includes(expected), expected);
    }
    assert.ok(
      out()
        .split('\n')
        .every((text) => text.length <= 100),
    );
  });

  it('says what is wrong with its options, and ends with 2', async () => {
    const { out, err, ended } = run('--port', 'high');
    assert.deepEqual(await ended, [2, null]);
    assert.equal(out(), '');
    assert.equal(
      err(),
      'wavix-simulator: --port needs a whole number from 0 to 65535, not "high".\n' +
        'wavix-simulator --help lists the options.\n',
    );
  });

  it('serves, shows each step, and ends with 0 on SIGTERM; a second one on its port ends with 1', async () => {
    const { child, out, err, ended } = run('--port', '0', '--webhook', 'http://127.0.0.1:1/x');
    while (!out().includes('Its API key')) await once(child.stdout!, 'data');
    const url = /http:\/\/127\.0\.0\.1:(\d+)/.exec(out());
    assert.ok(url);
    const listed = await fetchJson(`${url[0]}/v1/call?appid=local-key`, 'GET');
    assert.equal(listed.status, 200);
    const call = { from: '+15550003000', to: '+15550002000' };
    const placed = await fetchJson(`${url[0]}/local/calls`, 'POST', call);
    assert.equal(placed.status, 201);
    while (!out().includes('/local/calls → 201')) await once(child.stdout!, 'data');

    const second = run('--port', url[1]!);
    assert.deepEqual(await second.ended, [1, null]);
    assert.match(second.err(), /^wavix-simulator: .*EADDRINUSE/);

    child.kill('SIGTERM');
    assert.deepEqual(await ended, [0, null]);
    assert.equal(err(), '');
    assert.ok(!out().includes('appid=') && out().includes('GET /v1/call → 200'));
  });

  it('reads its options', () => {
    const { help, quiet, keyGiven, options } = readArguments(
      [
        ...['-p', '9000', '--host', '::1', '--api-key', 'k', '--recordings', 'heard', '-q'],
        ...['--webhook', 'http://a/', '--webhook', '15550002000=https://b/x=y'],
        ...['--tone', '440', '--answer-after', '0.5', '--ring-time', '10', '--hang-up-after', '3'],
        ...['--repeat-events', '--answer-after-event', 'answered'],
        ...['--no-guide-stop-path', '--numbers-as-strings'],
      ],
      {},
    );
    assert.deepEqual([help, quiet, keyGiven], [false, true, true]);
    assert.deepEqual(options, {
      port: 9000,
      host: '::1',
      apiKey: 'k',
      recordings: 'heard',
      answerAfterEvent: 'answered',
      webhooks: { '*': 'http://a/', '+15550002000': 'https://b/x=y' },
      repeatEvents: true,
      guideStopPath: false,
      numbersAsStrings: true,
      defaults: { speech: { tone: 440 }, answerAfterMs: 500, ringTimeoutMs: 10_000, hangUpAfterMs: 3_000 },
    });
    assert.equal(readArguments([], { WAVIX_API_KEY: 'from-env' }).options.apiKey, 'from-env');
    assert.equal(readArguments([], {}).options.port, 8787);
    const speechOf = (...args: string[]) => readArguments(args, {}).options.defaults?.speech;
    assert.equal(speechOf('--speech', 'weather'), 'weather');
    assert.equal(speechOf(), 'can-you-hear-me', 'a phone that is told nothing says something');
    assert.deepEqual(speechOf('--silent'), []);
  });

  it('refuses options it can’t use, and says which', () => {
    const cases: [string[], RegExp][] = [
      [['--nonsense'], /'--nonsense'/],
      [['positional'], /'positional'/],
      [['--port'], /--port/],
      [['--port', '65536'], /--port needs/],
      [['--tone', '1'], /--tone needs/],
      [['--tone', '440', '--speech', 'a.wav'], /exclude each other/],
      [['--tone', '440', '--silent'], /exclude each other/],
      [['--ring-time', 'long'], /--ring-time needs/],
      [['--webhook', 'nowhere'], /--webhook needs/],
      [['--webhook', '12=http://a/'], /--webhook needs/],
      [['--answer-after-event', 'yawned'], /needs one of call_setup/],
      [['--api-key', ''], /--api-key needs/],
    ];
    for (const [args, message] of cases) assert.throws(() => readArguments(args, {}), message);
  });
});
