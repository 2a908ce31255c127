/** Every key that forms and code name is in the catalogues, with the values its text wants; and every key is named. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import ts from 'typescript';
import { PROBLEMS } from '../../../lib/server/reachable';
import { catalogues, form, lookUp, root, types } from '../editor/editor';
import { keysOfForm } from '../editor/page';
import { placeholders, withoutForm } from './catalogue';
import { argumentOf, editor, isCommonKey, runtime, shortKey, textsIn, walk, type Made } from './source';

/** Every key of all catalogues with its text. They do not overlap: each begins with its node's type. */
const words = new Map([...catalogues.values()].flatMap((own) => [...own]));
const errors = [...words.keys()].filter((key) => key.startsWith('errors.'));

/** A key that code names, perhaps with parts that are known only at run time. */
interface Named {
  where: string;
  made: Made;
  node: ts.Node;
}

/** The keys of forms, palette, canvas and statuses that code names. */
const named: Named[] = [...editor, ...runtime].flatMap(([where, source]) =>
  textsIn(source).flatMap(({ node, made }) =>
    made
      .map((one): Named => ({ where, node, made: isCommonKey(node) ? ['common.', ...one] : one }))
      .filter((one) => isKey(one)),
  ),
);

function isKey({ made }: Named): boolean {
  const [first = ''] = made;
  // The beginning of a key, to know one by.
  const isBeginning = made.length === 1 && first.endsWith('.');
  return (
    /^(wavix-[a-z-]+|common)\./.test(shortKey(first)) &&
    // Names of files, and of permissions.
    !/\.(svg|html|js|read|write)$/.test(first) &&
    !isBeginning
  );
}

/** What a key that is made at run time may be. */
function patternOf(made: Made): RegExp {
  const parts = made.map((part) => (part === undefined ? '(.+)' : escaped(shortKey(part))));
  return new RegExp(`^${parts.join('')}$`);
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

const keysLike = (made: Made): string[] => {
  const pattern = patternOf(made);
  return [...words.keys()].filter((key) => pattern.test(withoutForm(key)));
};

/** All that stands in quotes or as a property's name somewhere: of these, keys are made at run time. */
const parts = new Set<string>();
for (const source of [...editor.values(), ...runtime.values()]) {
  walk(source, (node) => {
    if (ts.isIdentifier(node) || ts.isStringLiteralLike(node) || ts.isNumericLiteral(node))
      parts.add(node.text);
  });
}

describe('the keys of the catalogues', () => {
  for (const type of types) {
    it(`${type}: each that its form names is there`, () => {
      const keys = keysOfForm(form(type));
      assert.ok(keys.length >= 5, 'the form has texts');
      assert.deepEqual(
        keys.filter((key) => lookUp(type, key) === undefined),
        [],
      );
    });

    it(`${type}: its own begin with its name`, () => {
      const roots = new Set([...catalogues.get(type)!.keys()].map((key) => key.slice(0, key.indexOf('.'))));
      if (type === 'wavix-config') for (const shared of ['common', 'errors']) roots.delete(shared);
      assert.deepEqual([...roots], [type]);
    });
  }

  it('each that code names is there', () => {
    for (const key of ['wavix-call.status.placing', 'wavix-call.output.placed', 'common.label.config']) {
      assert.ok(
        named.some(({ made }) => made.join('') === key),
        `${key} is found in the code`,
      );
    }
    const missing = named.filter(({ made }) => keysLike(made).length === 0);
    assert.deepEqual(
      missing.map(({ where, made }) => `${where}: ${made.join('…')}`),
      [],
    );
  });

  it('all that can stand in the way of the public address has words', () => {
    assert.deepEqual(
      PROBLEMS.filter((problem) => !words.has(`wavix-config.reach.${problem}`)),
      [],
    );
  });

  it('each is given the values that its text wants', () => {
    const lacking = named.flatMap(({ where, node, made }) => {
      const values = argumentOf(node)?.of.arguments.find((argument) =>
        ts.isObjectLiteralExpression(argument),
      );
      const given = new Set(values?.properties.map((property) => property.name?.getText()));
      // Spread values are looked at where they come from: by who reads this.
      if (values?.properties.some((property) => ts.isSpreadAssignment(property))) return [];
      // A key that is passed on is given its values there.
      if (!values && !/^(_|text)$/.test(argumentOf(node)?.call ?? '')) return [];
      // So many texts may be meant that each may want others.
      if (made.includes(undefined)) return [];
      return keysLike(made).flatMap((key) =>
        placeholders(words.get(key) ?? '')
          .filter((name) => !given.has(name))
          .map((name) => `${where}: ${key} lacks ${name}`),
      );
    });
    assert.deepEqual(lacking, []);
  });

  it('none is unused', () => {
    const used = new Set<string>();
    for (const type of types) for (const key of keysOfForm(form(type))) used.add(shortKey(key));
    for (const { made } of named) {
      for (const key of keysLike(made)) {
        const inner = patternOf(made).exec(withoutForm(key))?.slice(1) ?? [];
        if (inner.every((part) => parts.has(part))) used.add(withoutForm(key));
      }
    }
    const unused = [...words.keys()].filter(
      (key) => !errors.includes(key) && !used.has(key) && !used.has(withoutForm(key)),
    );
    assert.deepEqual(unused, []);
  });
});

describe('the texts of errors and log lines', function () {
  this.timeout(60_000);
  let checker: ts.TypeChecker;
  /** Of the program: with types. */
  let sources: ts.SourceFile[];

  before(() => {
    const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), (file) => ts.sys.readFile(file));
    const { fileNames, options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
    const program = ts.createProgram(fileNames, { ...options, noEmit: true });
    checker = program.getTypeChecker();
    const own = ['lib', 'nodes'].map((folder) => join(root, folder).replaceAll('\\', '/'));
    sources = program
      .getSourceFiles()
      .filter(({ fileName }) => own.some((folder) => fileName.startsWith(`${folder}/`)));
  });

  /** The keys an expression can be; those of a parameter are what it is called with. */
  function keysOf(expression: ts.Expression): string[] {
    const parameter = parameterOf(expression);
    if (parameter) return callsOf(parameter).flatMap(keysOf);
    const type = checker.getTypeAtLocation(expression);
    const all = type.isUnion() ? type.types : [type];
    const keys = all.flatMap((one) => (one.isStringLiteral() ? [`errors.${one.value}`] : []));
    return keys.filter((key) => words.has(key));
  }

  function parameterOf(expression: ts.Expression): ts.ParameterDeclaration | undefined {
    const symbol = ts.isShorthandPropertyAssignment(expression.parent)
      ? checker.getShorthandAssignmentValueSymbol(expression.parent)
      : checker.getSymbolAtLocation(expression);
    const declaration = symbol?.valueDeclaration;
    return declaration && ts.isParameter(declaration) ? declaration : undefined;
  }

  /** What a function is called with in the place of one parameter. */
  function callsOf(parameter: ts.ParameterDeclaration): ts.Expression[] {
    const { parent } = parameter;
    const index = parent.parameters.indexOf(parameter);
    const given: ts.Expression[] = [];
    for (const source of sources) {
      walk(source, (node) => {
        if (!ts.isCallExpression(node)) return;
        const argument = node.arguments[index];
        if (argument && checker.getResolvedSignature(node)?.declaration === parent) given.push(argument);
      });
    }
    return given;
  }

  /** Every `{ key, values }` there is. */
  function* textObjects(): Iterable<{ where: string; keys: string[]; given: string[] }> {
    for (const source of sources) {
      const found: { where: string; keys: string[]; given: string[] }[] = [];
      walk(source, (node) => {
        if (!ts.isObjectLiteralExpression(node)) return;
        const property = (name: string) => node.properties.find((one) => one.name?.getText() === name);
        const [key, values] = [property('key'), property('values')];
        if (!key || !isText(node)) return;
        const type = values && checker.getTypeAtLocation(values);
        found.push({
          where: `${source.fileName.slice(root.length + 1)}: ${node.getText()}`,
          keys: keysOf(ts.isPropertyAssignment(key) ? key.initializer : (key.name as ts.Identifier)),
          given: type?.getProperties().map(({ name }) => name) ?? [],
        });
      });
      yield* found;
    }
  }

  /** Whether it is a `Text` where it stands. */
  function isText(node: ts.ObjectLiteralExpression): boolean {
    const type = checker.getContextualType(node);
    const kinds = type?.isUnion() ? type.types : [type];
    return kinds.some((kind) => kind && checker.typeToString(kind) === 'Text');
  }

  it('have all the values that they want', () => {
    const all = [...textObjects()];
    assert.ok(all.length > 50, 'they are found');
    for (const { where, keys, given } of all) {
      assert.ok(keys.length > 0, `no key is found: ${where}`);
      for (const key of keys) {
        const lacking = placeholders(words.get(key) ?? '').filter((name) => !given.includes(name));
        assert.deepEqual(lacking, [], `${key} in ${where}`);
      }
    }
  });

  it('are all said somewhere', () => {
    const said = new Set([...textObjects()].flatMap(({ keys }) => keys));
    // A key that is passed on by itself: hints, doubts.
    for (const source of sources) {
      walk(source, (node) => {
        if (ts.isStringLiteralLike(node)) said.add(`errors.${node.text}`);
      });
    }
    assert.deepEqual(
      errors.filter((key) => !said.has(key)),
      [],
    );
  });
});
