/** The tarball: what a real Node-RED's loader makes of it, and the local Wavix that it brings along. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { keysOfForm, runPage, scriptsIn, type Page } from '../unit/editor/page';
import { exampleNames } from './flows';
import { SET_UP_MS, sharedNodeRed } from './harness';
import type { NodeRed } from './node-red';
import { installedPackage, PACKAGE, type Installed } from './package';
import { chosenTarget } from './targets';

const exec = promisify(execFile);

const TYPES = [
  ...['wavix-answer', 'wavix-call', 'wavix-config', 'wavix-event', 'wavix-hangup'],
  ...['wavix-simulator', 'wavix-stream-in', 'wavix-stream-out', 'wavix-stream-start', 'wavix-stream-stop'],
];

interface NodeSet {
  name: string;
  types: string[];
  enabled: boolean;
  module: string;
  version: string;
  err?: unknown;
}

describe('The tarball', function () {
  this.timeout(30_000);
  let installed: Installed;
  let nodeRed: NodeRed;

  before(async function () {
    this.timeout(SET_UP_MS);
    installed = await installedPackage();
    nodeRed = await sharedNodeRed();
  });

  it('is tested in the Node-RED and the Node.js that it is meant to be', async () => {
    const target = chosenTarget();
    const { version } = await nodeRed.adminJson<{ version: string }>('/settings');
    assert.ok(version.startsWith(`${target.version}.`), version);
    const [, node] = await nodeRed.logged(/Node.js\s+version: (v\d+)/);
    assert.equal(node, target.version === '5.0' ? 'v22' : process.version.split('.')[0]);
  });

  describe("in Node-RED's loader", () => {
    it('brings ten nodes, all loaded without a complaint', async () => {
      const sets = (await nodeRed.adminJson<NodeSet[]>('/nodes')).filter((set) => set.module === PACKAGE);
      assert.deepEqual(sets.map((set) => set.name).sort(), TYPES);
      for (const { name, types, enabled, err } of sets) {
        assert.deepEqual({ types, enabled, err }, { types: [name], enabled: true, err: undefined });
      }
      const [start = ''] = nodeRed.log.split('Started flows');
      const complaints = start.split('\n').filter((line) => /\[(warn|error)\]/.test(line));
      const usual = /Encrypted credentials not found|Projects disabled/; // told at every first start
      assert.deepEqual(
        complaints.filter((line) => !usual.test(line)),
        [],
      );
    });

    /** The editor's side of a node as Node-RED gives it out, and what its scripts make of it. */
    async function served(type: string): Promise<{ html: string; page: Page }> {
      const html = await nodeRed.admin(`/nodes/${PACKAGE}/${type}`, { headers: { Accept: 'text/html' } });
      const code: [string, string][] = [];
      for (const [, src = ''] of html.matchAll(/<script src="([^"]+)">/g)) {
        code.push([src, await nodeRed.admin(`/${src}`)]);
      }
      return { html, page: runPage([...code, [type, scriptsIn(html)]], (key) => key) };
    }

    it('has a form, a palette entry and a help text for each', async () => {
      for (const type of TYPES) {
        const { html, page } = await served(type);
        assert.deepEqual([...page.definitions.keys()], [type]);
        assert.deepEqual([...page.templates.keys()], [type]);
        const help = new RegExp(`data-help-name="${type}"[^>]*>([^]*?)</script>`).exec(html)?.[1] ?? '';
        assert.ok(help.length > 200, `the help of ${type}`);
      }
    });

    it('has words for every key in its forms', async () => {
      const catalogues = await nodeRed.adminJson<Record<string, unknown>>('/nodes/messages?lng=en-US');
      for (const type of TYPES) {
        const { page } = await served(type);
        const keys = keysOfForm(page.templates.get(type) ?? '');
        assert.ok(keys.length > 0, type);
        for (const key of keys.filter((one) => !one.startsWith('node-red:'))) {
          const [own, namespace = `${PACKAGE}/${type}`] = key.split(':').reverse() as [string, string?];
          let words: unknown = catalogues[namespace];
          for (const part of own.split('.')) words = (words as Record<string, unknown> | undefined)?.[part];
          assert.equal(typeof words, 'string', `${type}: ${key}`);
        }
      }
    });

    it('has an icon for each, of its own', async () => {
      const { [PACKAGE]: icons = [] } = await nodeRed.adminJson<Record<string, string[]>>('/icons');
      assert.deepEqual(
        [...icons].sort(),
        TYPES.map((type) => `${type}.svg`),
      );
      for (const icon of icons) {
        const served = await nodeRed.admin(`/icons/${PACKAGE}/${icon}`);
        assert.equal(served, readFileSync(join(installed.packageFolder, 'dist/nodes/icons', icon), 'utf8'));
      }
    });

    it("offers the examples in the editor's import dialog", async () => {
      const listed = await nodeRed.adminJson<{ fn: string }[]>(`/library/examples/flows/${PACKAGE}/`);
      const names = listed.map(({ fn }) => fn); // a folder would be a plain string
      assert.deepEqual(names, exampleNames(installed.packageFolder).sort());
      assert.ok(names.length >= 3);
    });
  });

  it('holds what runs, what is written of it, and nothing else', () => {
    const files = readdirSync(installed.packageFolder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(installed.packageFolder.length + 1));
    const odd = files.filter(
      (file) => !/^(dist|docs|examples|resources)\/|(^|\/)[A-Z]+(\.md)?$|^package\.json$/.test(file),
    );
    assert.deepEqual(odd, []);
    assert.deepEqual(
      files.filter((file) => /(?<!\.d)\.ts$|\.test\./.test(file)),
      [],
    );
    for (const needed of ['LICENSE', 'package.json', 'dist/simulator/cli.js', 'dist/simulator/index.d.ts']) {
      assert.ok(files.includes(needed), needed);
    }
  });

  describe('brings the local Wavix', () => {
    // The command's first line takes the first node of the PATH.
    const { node } = chosenTarget();
    const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}` };

    const use = `
      const wavix = new LocalWavix({ apiKey: 'k' });
      await wavix.start();
      const { status } = await fetch(wavix.url + '/v1/call?appid=k');
      await wavix.stop();
      console.log(status);
    `;

    it('to require()', async () => {
      const program = `const { LocalWavix } = require('${PACKAGE}/simulator'); (async () => { ${use} })();`;
      const { stdout } = await exec(node, ['-e', program], { cwd: installed.folder });
      assert.equal(stdout, '200\n');
    });

    it('to import', async () => {
      const file = join(installed.folder, 'use.mjs');
      writeFileSync(file, `import { LocalWavix } from '${PACKAGE}/simulator';\n${use}`);
      const { stdout } = await exec(node, [file], { cwd: installed.folder });
      assert.equal(stdout, '200\n');
    });

    const command = () => join(installed.folder, 'node_modules/.bin/wavix-simulator');
    const how = { shell: process.platform === 'win32', env };

    it('as a command with a help text', async () => {
      const { stdout, stderr } = await exec(command(), ['--help'], how);
      assert.match(stdout, /^Usage: wavix-simulator/);
      assert.equal(stderr, '');
    });

    it('as a command that says what is wrong with an option', async () => {
      const failed = exec(command(), ['--port', 'many'], how);
      await assert.rejects(failed, (error: { code: number; stderr: string; stdout: string }) => {
        assert.equal(error.code, 2);
        assert.match(error.stderr, /--port needs a whole number/);
        assert.equal(error.stdout, '');
        return true;
      });
    });

    it('as a command that serves until it is told to stop', async () => {
      const child = spawn(command(), ['--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'], ...how });
      const exit = once(child, 'exit');
      const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
      const url = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0] ?? '';
      assert.equal((await fetch(`${url}/v1/calls`)).status, 401);
      const headers = { Authorization: 'Bearer local-key' };
      assert.equal((await fetch(`${url}/v1/calls`, { headers })).status, 200);
      child.kill('SIGTERM');
      assert.deepEqual(await exit, [0, null]);
    });
  });
});
