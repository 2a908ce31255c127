import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = join(__dirname, '../../..');
const read = (...path: string[]): string => readFileSync(join(root, ...path), 'utf8');

const manifest = JSON.parse(read('package.json')) as {
  name: string;
  version: string;
  engines: { node: string };
  'node-red': { version: string; nodes: Record<string, string> };
  scripts: Record<string, string>;
  bin: Record<string, string>;
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
};
const DOCS = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md'];
const readme = read('README.md');

/** What stands below a heading, up to the next one of the same depth. */
function section(text: string, heading: string): string {
  const [, below] = text.split(`\n## ${heading}\n`);
  assert.ok(below !== undefined, `there is no section "${heading}"`);
  return below.split('\n## ')[0] ?? '';
}

/** What the first column of the tables in there says in code, cell by cell. */
function firstCells(text: string): string[] {
  return [...text.matchAll(/^\| *`([^`]+)`/gm)].map(([, cell]) => cell!);
}

/** All matches' first group, each once. */
function named(text: string, pattern: RegExp): string[] {
  return [...new Set([...text.matchAll(pattern)].map(([, name]) => name!))];
}

/** Texts of a catalogue, in the order of their keys' path. */
function words(node: string): string[] {
  const texts = (value: unknown): string[] =>
    typeof value === 'string' ? [value] : Object.values(value as object).flatMap(texts);
  return texts(JSON.parse(read('locales/en-US', `${node}.json`)));
}

describe('README.md', () => {
  it('has a row for every node, and for none that is not there', () => {
    assert.deepEqual(
      firstCells(section(readme, 'Nodes')).sort(),
      Object.keys(manifest['node-red'].nodes).sort(),
    );
  });

  it('calls each node as the palette does', () => {
    const rows = [...section(readme, 'Nodes').matchAll(/^\| *`([^`]+)` \(_([^_]+)_\)/gm)];
    assert.equal(rows.length, Object.keys(manifest['node-red'].nodes).length);
    for (const [, node = '', label] of rows) {
      const catalogue = JSON.parse(read('locales/en-US', `${node}.json`)) as Record<
        string,
        { label: { palette: string } }
      >;
      assert.equal(label, catalogue[node]?.label.palette);
    }
  });

  it('explains every error code, and none that is not there', () => {
    const codes = named(read('lib/errors.ts'), /\| '(WAVIX_[A-Z_]+)'/g);
    assert.ok(codes.length > 0);
    assert.deepEqual(firstCells(section(readme, 'Errors')).sort(), codes.sort());
  });

  it('names the commands that are there for users', () => {
    assert.deepEqual(named(readme, /\bnpx ([\w@/.-]+)/g), Object.keys(manifest.bin));
    assert.deepEqual(named(readme, /`npm (run [\w:]+|test)\b/g).sort(), ['run demo', 'test']);
  });

  it('names the package, and the versions it needs', () => {
    const install = section(readme, 'Install');
    assert.ok(install.includes(`npm install ${manifest.name}\n`));
    const [, nodeRed] = /^>=(\d+\.\d+)/.exec(manifest['node-red'].version) ?? [];
    const [, node] = /^>=(\d+)/.exec(manifest.engines.node) ?? [];
    assert.ok(install.includes(`Node-RED ${nodeRed ?? '?'} or later, on Node.js ${node ?? '?'} or later`));
  });

  it('calls the fields and buttons of the configuration as its form does', () => {
    const account = section(readme, 'First call with a real account');
    const texts = words('wavix-config');
    const fields = [...account.matchAll(/- _([^_]+)_:/g)].map(([, field]) => field);
    assert.deepEqual(fields, ['API address', 'API style', 'API key', 'Port', 'Public address']);
    for (const word of [...fields, 'Show', 'Events URL']) assert.ok(texts.includes(word), word);
    for (const style of ['key in the address', 'Bearer header']) {
      assert.ok(account.includes(`_${style}_`));
      assert.ok(
        texts.some((text) => text.startsWith(style)),
        style,
      );
    }
  });

  it('names the example of the first call as the editor lists it, its tab and its button', () => {
    const steps = section(readme, 'First call in five minutes, without an account').replace(/\s+/g, ' ');
    const [file] = readdirSync(join(root, 'examples')).filter((name) => name.startsWith('1 - '));
    assert.ok(steps.includes(`→ _${file!.replace(/\.json$/, '')}_ →`));
    const flow = JSON.parse(read('examples', file!)) as { type: string; label?: string; name?: string }[];
    const [, tab] = /On the tab _([^_]+)_/.exec(steps) ?? [];
    const [, button] = /press the button of \*\*([^*]+)\*\*/.exec(steps) ?? [];
    assert.equal(flow.find(({ type }) => type === 'tab')?.label, tab);
    assert.equal(flow.find(({ type }) => type === 'inject')?.name, button);
  });

  it('has a row for every example, in their order', () => {
    const rows = [...section(readme, 'Examples').matchAll(/^\| *_([^_]+)_/gm)].map(
      ([, name]) => `${name!}.json`,
    );
    assert.deepEqual(rows, readdirSync(join(root, 'examples')).sort());
  });
});

describe('the documents', () => {
  for (const doc of [...DOCS, 'simulator/README.md']) {
    it(`${doc}: all that it links to, or shows, is there`, () => {
      const targets = named(read(doc), /\]\(([^)\s]+)\)/g).filter((target) => !/^https?:/.test(target));
      if (doc === 'README.md') assert.ok(targets.some((target) => target.endsWith('.png')));
      const missing = targets.filter(
        (target) => !existsSync(join(root, dirname(doc), target.split('#')[0]!)),
      );
      assert.deepEqual(missing, []);
    });
  }

  for (const doc of DOCS) {
    it(`${doc}: every npm script it names is there`, () => {
      const scripts = named(read(doc), /\bnpm run ([\w:-]+)/g);
      assert.deepEqual(
        scripts.filter((script) => !(script in manifest.scripts)),
        [],
      );
    });
  }

  it('CONTRIBUTING.md: every file and folder it names is there', () => {
    const text = read('CONTRIBUTING.md');
    const top = new Set(readdirSync(root));
    const paths = named(text, /(?:`| )((?:[\w.-]+\/)+[\w.-]*)(?=[`\s])/g).filter((path) =>
      top.has(path.split('/')[0]!),
    );
    assert.ok(paths.includes('nodes/shared/properties.ts'));
    assert.deepEqual(
      // dist/ is made by the build.
      paths.filter((path) => !path.startsWith('dist/') && !existsSync(join(root, path))),
      [],
    );
  });

  it('CONTRIBUTING.md: names the runtime dependencies', () => {
    const sentence = /Runtime dependencies are six[^.]*\./.exec(read('CONTRIBUTING.md'))?.[0] ?? '';
    assert.deepEqual(named(sentence, /`([^`]+)`/g).sort(), Object.keys(manifest.dependencies).sort());
    assert.equal(Object.keys(manifest.dependencies).length, 6);
  });

  it('CHANGELOG.md: tells of this version', () => {
    const changes = read('CHANGELOG.md');
    assert.match(changes, /^## \[/m);
    assert.ok(changes.includes(manifest.version));
  });
});

describe('the picture', () => {
  it('is a PNG of less than 200 KB', () => {
    for (const picture of named(readme, /!\[[^\]]+\]\(([^)]+)\)/g)) {
      const bytes = readFileSync(join(root, picture));
      assert.equal(bytes.subarray(1, 4).toString(), 'PNG');
      assert.ok(bytes.length < 200_000, `${picture}: ${bytes.length} bytes`);
    }
  });
});
