/** The code that says something to people, as syntax trees: the nodes, `lib`, and the editor's scripts. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { code, PACKAGE, read, root } from '../editor/editor';

/** Trees by their file. */
export type Sources = ReadonlyMap<string, ts.SourceFile>;

/** What runs in the editor, run there as it is. */
export const editor: Sources = parsed(code, ts.ScriptKind.JS);

/** What runs in Node-RED's runtime. */
export const runtime: Sources = parsed(
  ['nodes', 'lib'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => /(?<!\.d)\.ts$/.test(file))
      .map((file): [string, string] => [join(folder, file), read(folder, file)]),
  ),
  ts.ScriptKind.TS,
);

function parsed(files: Iterable<[string, string]>, kind: ts.ScriptKind): Sources {
  return new Map(
    [...files].map(([file, text]) => [
      file,
      ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true, kind),
    ]),
  );
}

/** Calls `visit` for a node and all below it, until it answers false. */
export function walk(node: ts.Node, visit: (node: ts.Node) => unknown): void {
  if (visit(node) === false) return;
  ts.forEachChild(node, (child) => walk(child, visit));
}

/** A text that code makes: its constant parts in their order, and undefined for what is put in at run time. */
export type Made = (string | undefined)[];

/** What an expression makes if it makes a text, in every way it can: `'a.' + (b ? 'c' : 'd')` makes two. */
export function madeBy(node: ts.Node): Made[] | undefined {
  if (ts.isParenthesizedExpression(node)) return madeBy(node.expression);
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return [[node.text]];
  if (ts.isTemplateExpression(node)) {
    const parts = node.templateSpans.flatMap(({ expression, literal }) => [
      madeBy(expression) ?? [[undefined]],
      [[literal.text]],
    ]);
    return parts.reduce(joined, [[node.head.text]]);
  }
  if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken) {
    const [left, right] = [madeBy(node.left), madeBy(node.right)];
    return left || right ? joined(left ?? [[undefined]], right ?? [[undefined]]) : undefined;
  }
  if (ts.isConditionalExpression(node)) {
    const [yes, no] = [madeBy(node.whenTrue), madeBy(node.whenFalse)];
    return yes || no ? [...(yes ?? [[undefined]]), ...(no ?? [[undefined]])] : undefined;
  }
  return undefined;
}

function joined(before: Made[], after: Made[]): Made[] {
  return before.flatMap((first) => after.map((second) => [...first, ...second]));
}

/** A text that code makes: what makes it, and what that can be. */
export interface MadeText {
  node: ts.Node;
  made: Made[];
}

/** Every text that code makes, whole ones only: not the parts they are made of. */
export function textsIn(source: ts.SourceFile): MadeText[] {
  const found: MadeText[] = [];
  const visit = (node: ts.Node, isPart: boolean): void => {
    if (ts.isLiteralTypeNode(node) || ts.isImportDeclaration(node)) return;
    const made = madeBy(node);
    if (made && !isPart) found.push({ node, made });
    const arePart = made !== undefined || (isPart && ts.isTemplateSpan(node));
    ts.forEachChild(node, (child) => visit(child, arePart));
  };
  visit(source, false);
  return found;
}

/** The name of what is called: `text` for `element.text(…)`. */
export function calleeOf({ expression }: ts.CallExpression | ts.NewExpression): string {
  if (ts.isPropertyAccessExpression(expression)) return expression.name.text;
  return ts.isIdentifier(expression) ? expression.text : '';
}

/** The call that a node is an argument of, and which. */
export function argumentOf(
  node: ts.Node,
): { call: string; index: number; isMethod: boolean; of: ts.CallExpression } | undefined {
  const { parent } = node;
  if (!ts.isCallExpression(parent)) return undefined;
  const index = parent.arguments.indexOf(node as ts.Expression);
  return index === -1
    ? undefined
    : {
        call: calleeOf(parent),
        index,
        isMethod: ts.isPropertyAccessExpression(parent.expression),
        of: parent,
      };
}

/** `common.…` for a key of the common words, as it is written outside of wavix-config. */
export function shortKey(key: string): string {
  return key.replace(`${PACKAGE}/wavix-config:`, '');
}

/** `WavixEditor.text('label.config')` is `common.label.config`. */
export function isCommonKey(node: ts.Node): boolean {
  const argument = argumentOf(node);
  if (argument?.call !== 'text' || argument.index !== 0) return false;
  const { expression } = argument.of;
  return (
    ts.isPropertyAccessExpression(expression) && /^(W|WavixEditor)$/.test(expression.expression.getText())
  );
}
