/**
 * The Flow Library's scorecard (`node-red-dev validate`, github.com/node-red/node-red-dev-cli, docs/), as far as it can be
 * filled in without the internet. What it asks there: whether other packages have this one's name or its nodes' (P08,
 * N01), and whether dependencies have newer versions (D03).
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import ts from 'typescript';
import { SET_UP_MS } from './harness';
import { installedPackage, ROOT, type Installed } from './package';

interface Manifest {
  name: string;
  license?: string;
  repository?: { url?: string };
  bugs?: { url?: string };
  keywords?: string[];
  engines?: { node?: string };
  dependencies?: Record<string, string>;
  'node-red': { version?: string; nodes: Record<string, string> };
}

/** Node-RED's own. */
const semver = createRequire(require.resolve('@node-red/registry'))('semver') as {
  satisfies(version: string, range: string): boolean;
  minVersion(range: string): { version: string } | null;
};

const json = (...path: string[]): unknown => JSON.parse(readFileSync(join(...path), 'utf8'));

/** Version and Node.js of the Node-REDs that are current: `latest` and maintained. */
const NODE_REDS = [
  json(ROOT, 'node_modules/node-red/package.json'),
  (json(ROOT, 'test/targets/node-red-5/package-lock.json') as { packages: Record<string, unknown> }).packages[
    'node_modules/node-red'
  ],
] as { version: string; engines: { node: string } }[];

/** What the Flow Library reads of a node in its html, without running it. */
type Definition = Record<string, unknown>;

/**
 * The definitions in a node's html as the scorecard and the Flow Library's pages find them: by the syntax of
 * `registerType('…', {…})` alone. A property without a name, such as `...form`, is more than they take.
 */
function definitionsIn(html: string): Map<string, Definition> {
  const found = new Map<string, Definition>();
  for (const [, script = ''] of html.matchAll(
    /<script.+?type=['"]text\/javascript['"].*?>([\S\s]*?)<\/script>/gi,
  )) {
    const visit = (node: ts.Node): void => {
      if (ts.isCallExpression(node) && node.expression.getText(source).endsWith('.registerType')) {
        const [type, definition] = node.arguments;
        assert.ok(type && ts.isStringLiteral(type), 'the type is written out');
        assert.ok(definition && ts.isObjectLiteralExpression(definition), 'the definition is written out');
        found.set(type.text, Object.fromEntries(definition.properties.map(plainProperty)));
      }
      ts.forEachChild(node, visit);
    };
    const source = ts.createSourceFile('node.js', script, ts.ScriptTarget.Latest, true, ts.ScriptKind.JS);
    visit(source);
  }
  return found;
}

function plainProperty(property: ts.ObjectLiteralElementLike): [string, unknown] {
  assert.ok(property.name && ts.isIdentifier(property.name), `not to be read: ${property.getText()}`);
  const value = ts.isPropertyAssignment(property) ? property.initializer : undefined;
  if (value && ts.isStringLiteral(value)) return [property.name.text, value.text];
  return [property.name.text, value && ts.isNumericLiteral(value) ? Number(value.text) : undefined];
}

describe("The Flow Library's scorecard", function () {
  this.timeout(30_000);
  let installed: Installed;
  let manifest: Manifest;

  const inPackage = (...path: string[]) => join(installed.packageFolder, ...path);

  before(async function () {
    this.timeout(SET_UP_MS);
    installed = await installedPackage();
    manifest = json(inPackage('package.json')) as Manifest;
  });

  it('P01: has a licence, by its SPDX name', () => {
    assert.equal(manifest.license, 'MIT');
    assert.match(readFileSync(inPackage('LICENSE'), 'utf8'), /^MIT License/);
  });

  it('P02, P03: says where it comes from, and where to report faults', () => {
    const [, name] = manifest.name.split('/');
    assert.equal(basename(manifest.repository?.url ?? '', '.git'), name);
    assert.match(manifest.bugs?.url ?? '', /^https:\/\/.+\/issues$/);
  });

  it('P04: has a scoped name', () => {
    assert.match(manifest.name, /^@[a-z\d][\w-.]+\/[a-z\d][\w-.]*$/);
  });

  it('P05: has the keyword that brings it into the Flow Library', () => {
    assert.ok(manifest.keywords?.includes('node-red'), String(manifest.keywords));
  });

  it('P06: names the Node-REDs that it works in, the current ones among them', () => {
    const range = manifest['node-red'].version ?? '';
    assert.notEqual(range, '');
    for (const { version } of NODE_REDS) assert.ok(semver.satisfies(version, range), version);
  });

  it('P07: works with the oldest Node.js that the current Node-RED does', () => {
    const [, latest] = NODE_REDS;
    const oldest = semver.minVersion(latest?.engines.node ?? '')?.version ?? '';
    assert.ok(semver.satisfies(oldest, manifest.engines?.node ?? ''), oldest);
  });

  it('N01: its nodes can be read from their html, and are named after Wavix', () => {
    for (const [type, file] of Object.entries(manifest['node-red'].nodes)) {
      const found = definitionsIn(readFileSync(inPackage(file.replace('.js', '.html')), 'utf8'));
      assert.deepEqual([...found.keys()], [type]);
      assert.match(type, /^wavix-/);
      const definition = found.get(type) ?? {};
      // What its pages show of a node.
      const isConfig = type === 'wavix-config';
      assert.equal(definition.category, isConfig ? 'config' : 'wavix');
      assert.match(String(definition.color), /^#[\dA-F]{6}$/i);
      assert.equal(definition.icon, `${type}.svg`);
      if (isConfig) continue;
      assert.equal(typeof definition.inputs, 'number', `${type}: inputs`);
      assert.equal(typeof definition.outputs, 'number', `${type}: outputs`);
    }
  });

  it('N02: has an example of each node', () => {
    const files = readdirSync(inPackage('examples')).filter((file) => file.endsWith('.json'));
    const used = new Set(
      files.flatMap((file) =>
        (json(inPackage('examples', file)) as { type: string }[]).map(({ type }) => type),
      ),
    );
    const types = Object.keys(manifest['node-red'].nodes).filter((type) => type !== 'wavix-config');
    assert.deepEqual(
      types.filter((type) => !used.has(type)),
      [],
    );
  });

  it('D01: has six dependencies at most', () => {
    const names = Object.keys(manifest.dependencies ?? {});
    assert.ok(names.length > 0 && names.length <= 6, names.join());
  });

  it('D02: brings nothing along that does not get on with Node-RED', () => {
    const folders = readdirSync(join(installed.folder, 'node_modules'), {
      recursive: true,
      encoding: 'utf8',
    });
    const agents = folders.filter((path) => /(^|[\\/])node_modules[\\/]agent-base$|^agent-base$/.test(path));
    for (const agent of agents) {
      const { version } = json(installed.folder, 'node_modules', agent, 'package.json') as {
        version: string;
      };
      assert.ok(!semver.satisfies(version, '<6.0.0'), `agent-base ${version}`);
    }
  });

  it('D03: names in its README what is not in its newest version', () => {
    const heldBack = { 'raw-body': '4.0.0' };
    const readme = readFileSync(inPackage('README.md'), 'utf8');
    for (const [name, newest] of Object.entries(heldBack)) {
      assert.ok(
        !semver.satisfies(newest, manifest.dependencies?.[name] ?? '*'),
        `${name} is no longer held back`,
      );
      assert.ok(readme.includes(`\`${name}\``), name);
    }
  });
});
