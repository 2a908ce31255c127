import assert from 'node:assert/strict';
import { PROBLEMS } from '../../../lib/server/reachable';
import { catalogues, code, form, library, lookUp, PACKAGE, read, runtime, types } from './editor';

const COMMON = `${PACKAGE}/wavix-config:common.`;

/** The keys a form's `data-i18n` name, without `[placeholder]` and the like. */
function keysOfForm(type: string): string[] {
  return [...form(type).matchAll(/data-i18n="([^"]+)"/g)]
    .flatMap(([, keys]) => keys?.split(';') ?? [])
    .map((key) => key.replace(/^\[\w+\]/, ''));
}

/**
 * The keys code names. One that is put together there ends with a dot: `wavix-call.output.`.
 *
 * @param literal how a key begins
 */
function keysOfCode(source: string): string[] {
  const own = [...source.matchAll(/['"`]((?:wavix-[a-z-]+|common)\.[\w.-]+)/g)].map(([, key]) => key ?? '');
  const common = [...source.matchAll(/\b(?:W|WavixEditor)\.text\(['"`]([\w.-]+)/g)].map(
    ([, key]) => `common.${key ?? ''}`,
  );
  // Names of files, and of permissions.
  return [...own, ...common].filter((key) => !/\.(svg|html|js|read|write)$/.test(key));
}

/** Where a key of code is to be found: its first word is its catalogue. */
function ownerOf(key: string): string {
  return key.startsWith('common.') ? 'wavix-config' : key.slice(0, key.indexOf('.'));
}

function isKnown(key: string): boolean {
  const words = catalogues.get(ownerOf(key));
  return key.endsWith('.')
    ? [...(words?.keys() ?? [])].some((known) => known.startsWith(key))
    : words?.has(key) === true;
}

describe('the words of the editor', () => {
  for (const type of types) {
    it(`${type}: each text of the form is in a catalogue`, () => {
      const keys = keysOfForm(type);
      assert.ok(keys.length > 5, 'the form has texts');
      assert.deepEqual(
        keys.filter((key) => lookUp(type, key) === undefined),
        [],
      );
    });

    it(`${type}: its catalogue is under its own name`, () => {
      const roots = new Set([...catalogues.get(type)!.keys()].map((key) => key.slice(0, key.indexOf('.'))));
      if (type === 'wavix-config') for (const shared of ['common', 'errors']) roots.delete(shared);
      assert.deepEqual([...roots], [type]);
    });

    it(`${type}: the form has no text outside the catalogues`, () => {
      const template = form(type).replace(/<!--.*?-->/gs, '');
      assert.equal(template.replace(/<[^>]*>/gs, '').trim(), '');
      const worded = [
        ...template.matchAll(/\s(placeholder|title|alt|aria-label|label|value)="([^"]*)"/g),
      ].filter(
        // The values of an <option> are what is stored, and are not shown.
        ([, attribute, value]) => attribute !== 'value' || /[^a-z0-9]/.test(value ?? ''),
      );
      assert.deepEqual(worded, []);
    });
  }

  it('each text that code names is in a catalogue', () => {
    const keys = [...code.values(), runtime].flatMap(keysOfCode);
    assert.ok(keys.includes('wavix-call.status.placing') && keys.includes('common.error.json'));
    assert.deepEqual(
      keys.filter((key) => !isKnown(key)),
      [],
    );
  });

  it('code has no sentences of its own', () => {
    for (const [file, source] of code) {
      const bare = source.replace(/\/\*.*?\*\//gs, '').replace(/\/\/ .*$/gm, '');
      const literals = [...bare.replace(/<[^>]*>/g, '').matchAll(/'([^'\n]*)'|"([^"\n]*)"/g)].map(
        ([, one, two]) => one ?? two ?? '',
      );
      const events = /^(change|keyup|paste|focusout|input)( (change|keyup|paste|focusout|input))+$/;
      const sentences = literals.filter(
        (text) => /[A-Za-z]{2,} [A-Za-z]{2,}/.test(text) && !events.test(text) && !/^[#.<]/.test(text),
      );
      assert.deepEqual(
        sentences.filter((text) => text !== 'use strict'),
        [],
        file,
      );
    }
  });

  it('all that can stand in the way of the public address has words', () => {
    assert.deepEqual(
      PROBLEMS.filter((problem) => !isKnown(`wavix-config.reach.${problem}`)),
      [],
    );
  });

  it('no text of the catalogues is unused', () => {
    const inForms = types.flatMap((type) =>
      keysOfForm(type).map((key) => (key.startsWith(COMMON) ? `common.${key.slice(COMMON.length)}` : key)),
    );
    const used = [...inForms, ...[...code.values(), runtime].flatMap(keysOfCode)];
    const exact = new Set(used);
    const prefixes = used.filter((key) => key.endsWith('.'));
    const sources = [...code.values(), runtime, library].join('\n');
    // The end of a key that is put together is a word of the code too.
    const isPutTogether = (key: string) =>
      prefixes.some((prefix) => key.startsWith(prefix) && sources.includes(`'${key.slice(prefix.length)}'`));
    // Those are the runtime's.
    const isError = (key: string) => key.startsWith('errors.');
    for (const [type, words] of catalogues) {
      const unused = [...words.keys()].filter(
        (key) =>
          // i18next chooses among the forms of a number by itself.
          !exact.has(key.replace(/_(zero|one|other)$/, '')) && !isPutTogether(key) && !isError(key),
      );
      assert.deepEqual(unused, [], type);
    }
  });

  it('statuses are short', () => {
    for (const words of catalogues.values()) {
      for (const [key, text] of words) {
        if (key.includes('.status.')) assert.ok(text.length <= 24, `${key}: ${text}`);
      }
    }
  });
});

describe('the help', () => {
  for (const type of types) {
    const help = read('locales/en-US', `${type}.html`);
    const body = /<script type="text\/markdown" data-help-name="([^"]+)">\n(.*)<\/script>/s.exec(help);

    it(`${type}: is there, for that node, with an example`, () => {
      assert.equal(body?.[1], type);
      assert.match(body[2] ?? '', /^### Examples?$/m);
    });

    it(`${type}: its lists of properties are as Node-RED reads them`, () => {
      // ": name (type) : text", and a further colon would end the text.
      const lines = (body?.[2] ?? '').split('\n').filter((line) => line.startsWith(':'));
      assert.deepEqual(
        lines.filter((line) => !/^: [^:()]+ \([^:()]+\) : [^:]+$/.test(line)),
        [],
      );
    });

    it(`${type}: leads to where more is said`, () => {
      const links = [...(body?.[2] ?? '').matchAll(/\]\(([^)]+)\)/g)].map(([, link]) => link ?? '');
      const guide = type === 'wavix-simulator' ? 'README.md' : 'https://docs.wavix.com/voice/call-streaming';
      assert.ok(
        links.some((link) => link.endsWith(guide)),
        guide,
      );
      assert.deepEqual(
        links.filter((link) => !link.startsWith('https://')),
        [],
      );
    });

    it(`${type}: no line is indented, which would make it code`, () => {
      assert.doesNotMatch(body?.[2] ?? '', /^ {4}/m);
    });
  }
});
