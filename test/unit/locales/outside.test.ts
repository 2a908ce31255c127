/** No words for people stand outside of the catalogues: not in forms, nor in what the editor or the runtime says. */
import assert from 'node:assert/strict';
import ts from 'typescript';
import { catalogues, form, types } from '../editor/editor';
import {
  argumentOf,
  calleeOf,
  editor,
  isCommonKey,
  runtime,
  textsIn,
  walk,
  type Made,
  type Sources,
} from './source';

/** Two words, one after the other: a sentence, or a piece of one. */
const SENTENCE = /\p{L}{2,}['’]?\p{L}*[,:;.]? +\p{L}{2,}/u;
const LETTER = /\p{L}/u;

/** What puts a text before people's eyes as it is; the number of the argument. */
const METHODS_SHOW: Record<string, number> = {
  ...{ text: 0, append: 0, prepend: 0, notify: 0 },
  ...{ warn: 0, error: 0, log: 0, info: 0, debug: 0, trace: 0 },
};
const FUNCTIONS_SHOW: Record<string, number> = { shown: 2, alert: 0, confirm: 0, prompt: 0 };
/** Properties that do, of a typed input, a button or a status; and attributes that do. */
const SHOWN_AS = /^(text|label|title|placeholder|tooltip|message|error|alt|aria-label)$/;

/** What takes names of events, of classes, or of elements. */
const TAKES_NAMES =
  /^(\$|on|one|off|trigger|find|closest|part|is|next|children|filter|addClass|removeClass|toggleClass)$/;
const CLASSES = /^(\s*(fa|form-row|(fa|wavix|red-ui)-[\w-]*)?)+$/;

/** Proper names, the same in all languages. */
const PROPER =
  /^(Microsoft ADPCM|IMA ADPCM|MPEG audio \(layer I\/II\)|Windows Media Audio|Ogg Vorbis|Ogg \(Opus, Vorbis\))$/;

/** Seen by nobody but who works on this package: mistakes of ours, what is caught here, and what machines read. */
const INTERNAL = new Set([
  'The seat has been given up.',
  'The node is not configured.',
  'Given up by the caller.',
  'The wait for the call was given up.',
  'given up',
  'too large',
  'audioReady() must be awaited before audio is resampled',
  'No resampler from … to … Hz: error …',
  'The resampler left samples behind',
  'HTTP/1.1 … …\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
  'wavix signed urls',
  // Said by the local Wavix only.
  'media without a payload',
]);

/** What is wrong with a message on a stream has a text under these words. */
const PROBLEMS = 'errors.malformed.';
const KEYS = new Set(
  [...(catalogues.get('wavix-config')?.keys() ?? [])]
    .filter((key) => key.startsWith(PROBLEMS))
    .map((key) => key.slice(PROBLEMS.length)),
);

interface Found {
  where: string;
  text: string;
}

const writtenAs = (made: Made): string => made.map((part) => part ?? '…').join('');

/** The words in a text that is HTML: between its tags, and in attributes that are shown. */
function wordsInHtml(html: string): string[] {
  const shown = [...html.matchAll(/\s(placeholder|title|alt|aria-label|label)="([^"]*)"/g)];
  // A piece may end or begin inside of a tag, or be one of its attributes.
  const between = html.replace(/<!--.*?-->|<[^>]*(>|$)|^[^<]*?>|\s[\w-]+="[^"]*"/gs, ' ');
  return [between, ...shown.map(([, , value = '']) => value)].filter((text) => LETTER.test(text));
}

function isHtml(text: string): boolean {
  return /<\/?[a-z]|\/>|^\s*[\w-]+="/.test(text);
}

/** The name of the property that a text is the value of: of an object, or of an element by `attr(name, text)`. */
function placeOf(node: ts.Node): string | undefined {
  const { parent } = node;
  if (ts.isPropertyAssignment(parent) && parent.initializer === node) {
    return ts.isIdentifier(parent.name) || ts.isStringLiteral(parent.name) ? parent.name.text : undefined;
  }
  const argument = argumentOf(node);
  if (argument?.index !== 1 || !/^(attr|prop|setAttribute)$/.test(argument.call)) return undefined;
  const [name] = argument.of.arguments;
  return name && ts.isStringLiteral(name) ? name.text : undefined;
}

/** Every text that is, or may be, for people. */
function wordsIn(sources: Sources): Found[] {
  return [...sources].flatMap(([where, source]) =>
    textsIn(source).flatMap(({ node, made }) =>
      made
        .map(writtenAs)
        .filter((text) => !isCommonKey(node) && isForPeople(node, text))
        .map((text) => ({ where, text })),
    ),
  );
}

function isForPeople(node: ts.Node, text: string): boolean {
  if (ts.isExpressionStatement(node.parent) || PROPER.test(text) || KEYS.has(text) || INTERNAL.has(text)) {
    return false;
  }
  if (isHtml(text)) return wordsInHtml(text).length > 0;
  const argument = argumentOf(node);
  const place = placeOf(node);
  if (place === 'class' || CLASSES.test(text)) return false;
  if (argument && TAKES_NAMES.test(argument.call) && argument.index === 0) return false;
  const isShown = isShownBy(argument) || SHOWN_AS.test(place ?? '');
  return isShown ? LETTER.test(text.replaceAll('…', '')) && !isKey(text) : SENTENCE.test(text);
}

function isShownBy(argument: ReturnType<typeof argumentOf>): boolean {
  if (!argument) return false;
  const shows = argument.isMethod ? METHODS_SHOW : FUNCTIONS_SHOW;
  return shows[argument.call] === argument.index;
}

/** A key, to be looked up: `wavix-call.error.to`. */
function isKey(text: string): boolean {
  return /^(wavix-[a-z-]+|common)\.[\w.…-]+$/.test(text);
}

describe('words outside of the catalogues', () => {
  for (const type of types) {
    it(`${type}: there are none in its form`, () => {
      assert.notEqual(form(type), '');
      assert.deepEqual(wordsInHtml(form(type)), []);
    });
  }

  it('there are none in the code of the editor', () => {
    assert.deepEqual(wordsIn(editor), []);
  });

  it('there are none in the code of the runtime', () => {
    assert.deepEqual(wordsIn(runtime), []);
  });

  it('would be seen', () => {
    const seen = (code: string) => {
      const source = ts.createSourceFile('a.js', code, ts.ScriptTarget.Latest, true, ts.ScriptKind.JS);
      return wordsIn(new Map([['a.js', source]])).length > 0;
    };
    for (const code of [
      "const a = 'Choose another port';",
      "element.text('Port');",
      "$('<p>Port</p>');",
      '$(\'<input placeholder="Port">\');',
      'part(`<b class="wavix-x">${a} of ${b}</b>`);',
      "input.attr('title', 'Port');",
      "input.typedInput({ types: [{ value: 'a', label: 'Sound' }] });",
      "node.status({ fill: 'red', shape: 'dot', text: 'busy' });",
      "shown('red', 'dot', busy ? 'busy' : RED._('wavix-call.status.free'));",
      "node.warn('Stream ' + id);",
      'node.error(`Stream ${id}`);',
      "RED.notify('Deployed', 'success');",
      "done(new Error('No such call'));",
      "response.json({ error: 'forbidden' });",
    ]) {
      assert.ok(seen(code), code);
    }
    for (const code of [
      "element.on('change keyup', check);",
      "element.addClass('wavix-said wavix-said-good').text(' · ');",
      "element.text(node._('wavix-call.label.to'));",
      "validate({ error: 'wavix-call.error.to' });",
      'element.html(`<i class="fa fa-tag" data-i18n="[title]wavix-call.label.to"></i>`);',
      "node.status({ fill: 'red', shape: 'dot', text: RED._('wavix-call.status.busy') });",
    ]) {
      assert.ok(!seen(code), code);
    }
  });

  it('what is internal is still there', () => {
    const all = new Set<string>();
    for (const source of runtime.values()) {
      for (const { made } of textsIn(source)) for (const one of made) all.add(writtenAs(one));
    }
    assert.deepEqual(
      [...INTERNAL].filter((text) => !all.has(text)),
      [],
    );
  });

  it('errors for people are WavixErrors, which have no words of their own', () => {
    const others: string[] = [];
    for (const [where, source] of runtime) {
      walk(source, (node) => {
        if (!ts.isNewExpression(node) || !calleeOf(node).endsWith('Error') || calleeOf(node) === 'WavixError')
          return;
        const [message] = node.arguments ?? [];
        const texts = textsIn(source).find((text) => text.node === message)?.made ?? [];
        for (const text of texts.map(writtenAs)) if (!INTERNAL.has(text)) others.push(`${where}: ${text}`);
      });
    }
    assert.deepEqual(others, []);
  });
});
