/** Every language says all that English says, with the same values in it, and its help has the same shape. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { ENGLISH, filesOf, LOCALES, placeholders, textOf, withoutForm, wordsOf } from './catalogue';

/** The languages of the package: a folder of locales/ each. */
const LANGUAGES = [ENGLISH, 'de', 'es-ES', 'fr', 'ja', 'pt-BR', 'zh-CN'];

const FILES = filesOf(ENGLISH);
const WORDS = FILES.filter((file) => file.endsWith('.json'));
const HELP = FILES.filter((file) => file.endsWith('.html'));

/** Texts under a node: the canvas has no room for more. */
const LONGEST_STATUS = 24; // characters

/**
 * Names that are no words: `msg.call_id`, `apiUrl`, `wavix-stream-start`, `https://`. Whoever translates leaves them as
 * they are.
 */
const NAMES =
  /\bmsg\.\w+|\bwavix-[a-z-]+[a-z]|\b(?:https?|wss?):\/\/(?:[\w.:/-]*[\w/])?|\b[a-z]+_[a-z_]+\b|\b[a-z]+[A-Z][A-Za-z]*\b|\{[a-z, ]+\}/g;

function namesIn(text: string): string[] {
  return [...new Set(text.replace(/__\w+?__/g, ' ').match(NAMES) ?? [])].sort();
}

/** The Markdown of a help file. */
function helpOf(language: string, file: string): string {
  const help = textOf(language, file);
  const [, type, markdown] =
    /^(?:<!--.*?-->\n)?<script type="text\/markdown" data-help-name="([^"]+)">\n(.*)<\/script>\s*$/s.exec(
      help,
    ) ?? [];
  assert.equal(`${type ?? ''}.html`, file, `${language}/${file} is the help of that node`);
  return markdown ?? '';
}

/** Field names of a form, such as `Port`, as the key of their label: each language has its own. */
function labelsOf(language: string, file: string): Map<string, string> {
  const words = [file.replace('.html', '.json'), 'wavix-config.json'].flatMap((one) => [
    ...wordsOf(language, one),
  ]);
  return new Map(words.filter(([key]) => key.includes('.label.')).map(([key, text]) => [text, key]));
}

/** What two helps of one node have in common, whatever their language. */
function shapeOf(language: string, file: string): object {
  const markdown = helpOf(language, file);
  const labels = labelsOf(language, file);
  const fences = [...markdown.matchAll(/^```.*?^```/gms)].map(([fence]) => fence);
  const prose = markdown.replace(/^```.*?^```/gms, '```');
  const lines = prose.split('\n');
  return {
    headings: lines.filter((line) => /^#+ /.test(line)).map((line) => /^#+/.exec(line)?.[0]),
    // `: name (type) : what it is`. The name is the message's own, or that of a field as its form says it.
    properties: lines
      .flatMap((line) => /^: ?([^:(]+) \(/.exec(line)?.slice(1) ?? [])
      .map((name) => labels.get(name) ?? name),
    items: lines.map((line) => /^ *([-*]|\d+\.) /.exec(line)?.[1]).filter((bullet) => bullet !== undefined),
    tableRows: lines.filter((line) => line.startsWith('|')).length,
    examples: fences.map((fence) => fence.split('\n').length),
    links: [...prose.matchAll(/\]\(([^)]+)\)/g)].map(([, target]) => target).sort(),
    code: [...new Set([...prose.matchAll(/`([^`\n]+)`/g)].map(([, code]) => code))].sort(),
  };
}

describe('the languages', () => {
  for (const file of HELP) {
    it(`${file}: its help has an example`, () => {
      assert.match(helpOf(ENGLISH, file), /^### Examples?$/m);
    });

    it(`${file}: its help leads to where more is said`, () => {
      const links = [...helpOf(ENGLISH, file).matchAll(/\]\(([^)]+)\)/g)].map(([, link]) => link ?? '');
      const guide =
        file === 'wavix-simulator.html' ? 'README.md' : 'https://docs.wavix.com/voice/call-streaming';
      assert.ok(
        links.some((link) => link.endsWith(guide)),
        guide,
      );
      assert.deepEqual(
        links.filter((link) => !link.startsWith('https://')),
        [],
      );
    });
  }

  it('are those of the package', () => {
    assert.deepEqual(readdirSync(LOCALES).sort(), [...LANGUAGES].sort());
  });

  for (const language of LANGUAGES) {
    /** The forms of a number that this language has; 0 may have one of its own in all. */
    const forms = new Set(['zero', ...new Intl.PluralRules(language).resolvedOptions().pluralCategories]);

    describe(language, () => {
      it('has the same files as English', () => {
        assert.deepEqual(filesOf(language), FILES);
      });

      for (const file of WORDS) {
        it(`${file}: has the same keys as English, and no other`, () => {
          const [own, english] = [wordsOf(language, file), wordsOf(ENGLISH, file)];
          const keysOf = (words: Map<string, string>) =>
            [...new Set([...words.keys()].map(withoutForm))].sort();
          assert.deepEqual(keysOf(own), keysOf(english));
          const formsOf = [...own.keys()].filter((key) => withoutForm(key) !== key && !english.has(key));
          assert.deepEqual(
            formsOf.filter((key) => !forms.has(key.slice(withoutForm(key).length + 1))),
            [],
            'forms of a number that the language has not',
          );
        });

        it(`${file}: puts the same values and names in each text`, () => {
          const english = wordsOf(ENGLISH, file);
          for (const [key, text] of wordsOf(language, file)) {
            assert.notEqual(text.trim(), '', `${key} is empty`);
            assert.equal(text, text.trim(), `${key} has spaces around it`);
            const original = english.get(key) ?? english.get(withoutForm(key)) ?? '';
            // "no stream" needs no number in it.
            const mayLack = withoutForm(key) === key ? [] : ['count'];
            const without = (names: string[]) => names.filter((name) => !mayLack.includes(name));
            assert.deepEqual(without(placeholders(text)), without(placeholders(original)), key);
            assert.deepEqual(namesIn(text), namesIn(original), `${key}: ${text}`);
          }
        });

        if (language === ENGLISH) continue;

        it(`${file}: has no sentence left in English`, () => {
          const english = wordsOf(ENGLISH, file);
          const left = [...wordsOf(language, file)].filter(
            ([key, text]) => english.get(key) === text && /[a-z]+ [a-z]+ [a-z]+/i.test(text),
          );
          assert.deepEqual(left, []);
        });
      }

      it('says errors in whole sentences, which may follow each other', () => {
        for (const [key, text] of wordsOf(language, 'wavix-config.json')) {
          if (key.startsWith('errors.')) assert.match(text, /([.!?。！？]|__what__)$/, key);
        }
      });

      it('has short statuses', () => {
        for (const [key, text] of WORDS.flatMap((file) => [...wordsOf(language, file)])) {
          if (key.includes('.status.')) assert.ok(text.length <= LONGEST_STATUS, `${key}: ${text}`);
        }
      });

      for (const file of HELP) {
        it(`${file}: its help has the same headings, properties, lists, examples, links and names`, () => {
          assert.deepEqual(shapeOf(language, file), shapeOf(ENGLISH, file));
        });

        it(`${file}: its properties are as Node-RED reads them`, () => {
          // ": name (type) : text", and a further colon would end the text.
          const properties = helpOf(language, file)
            .split('\n')
            .filter((line) => line.startsWith(':'));
          assert.deepEqual(
            properties.filter((line) => !/^: [^:()]+ \([^:()]+\) : [^:]+$/.test(line)),
            [],
          );
        });

        it(`${file}: no line of it is indented, which would make it code`, () => {
          assert.doesNotMatch(helpOf(language, file), /^ {4}/m);
        });
      }
    });
  }
});
