/** Every node of the package by mouse: dragged in, its form filled wrongly and rightly, reopened, deployed. */
import assert from 'node:assert/strict';
import { configNode, onTab } from '../e2e/flows';
import type { FlowNode } from '../e2e/node-red';
import type { Editor } from './editor';
import { fieldCases, type FieldCase } from './fields';
import { isTyped, type FieldValue, type Form } from './form';
import { IN_PALETTE, itInBrowser, Stage } from './harness';

const CONFIG = configNode('http://127.0.0.1:1');
const PLACE = { x: 300, y: 200 };

/** [property, what to fill in] of all fields of a form, in the order of the node's `defaults`. */
type Fields = [property: string, field: FieldCase][];

describe('Forms', function () {
  this.timeout(60_000);
  const stage = Stage.for(onTab('forms', [CONFIG]));
  let cases: Record<string, FieldCase>;

  before(async () => {
    cases = await fieldCases(CONFIG.id);
  });

  /** The fields that a node has, as the editor knows it: a new property without a case here is an error. */
  async function fieldsOf(editor: Editor, type: string): Promise<Fields> {
    const fields: Fields = [];
    for (const property of await editor.properties(type)) {
      if (fields.some(([typed, { good }]) => isTyped(good) && property === `${typed}Type`)) continue;
      const field = cases[`${type}.${property}`] ?? cases[property];
      assert.ok(field, `test/browser/fields.ts has no values for ${property} of ${type}`);
      fields.push([property, field]);
    }
    return fields;
  }

  itInBrowser('the palette has every node of the package', async () => {
    assert.deepEqual((await (await stage.editor()).paletteTypes()).sort(), IN_PALETTE.toSorted());
  });

  for (const type of IN_PALETTE) {
    itInBrowser(`${type} says what is wrong, keeps what is right, and is deployed as filled in`, async () => {
      const editor = await stage.editor();
      const fields = await fieldsOf(editor, type);
      await editor.clear();
      const id = await editor.drag(type, PLACE);
      const form = await editor.edit(id);
      await fillWrongly(form, fields);
      await form.done();
      const hasRules = fields.some(([, { bad }]) => bad !== undefined);
      assert.equal(await editor.isMarkedWrong(id), hasRules, 'the canvas marks it as wrong');

      const again = await editor.edit(id);
      await fillRightly(again, fields);
      await again.done();
      assert.equal(await editor.isMarkedWrong(id), false, 'the canvas marks it no more');
      assert.equal(await editor.label(id), cases.name!.good);

      const reopened = await editor.edit(id);
      assert.deepEqual(await readAll(reopened, fields), valuesOf(fields));
      await reopened.cancel();
      await editor.deploy();
      assertStored(await editor.deployed(), id, fields);
    });
  }

  // The last one: from now on there are two, and a new node takes neither by itself.
  itInBrowser(
    'wavix-config says what is wrong, keeps what is right, and is deployed as filled in',
    async () => {
      const editor = await stage.editor();
      const fields = await fieldsOf(editor, 'wavix-config');
      await editor.clear();
      const user = await editor.edit(await editor.drag('wavix-event', PLACE));
      const form = await user.addConfig('config');
      await fillWrongly(form, fields);
      await fillRightly(form, fields);
      await form.done();
      const id = (await user.read('config')) as string;
      assert.notEqual(id, CONFIG.id, 'the new one is chosen');

      const reopened = await user.editConfig('config');
      assert.deepEqual(await readAll(reopened, fields), valuesOf(fields));
      await reopened.cancel();
      await user.done();
      await editor.deploy();
      const flows = await editor.deployed();
      const isSecret = ([property]: [string, unknown]) => ['apiKey', 'secret'].includes(property);
      assertStored(
        flows,
        id,
        fields.filter((field) => !isSecret(field)),
      );
      for (const [property, { good }] of fields.filter(isSecret))
        assert.ok(!JSON.stringify(flows).includes(good as string), `${property} is in no flow file`);
    },
  );
});

/** First whatever has no rule, as that may show and hide the rest; then what breaks the rules. */
async function fillWrongly(form: Form, fields: Fields): Promise<void> {
  for (const [property, { good, bad }] of fields) if (bad === undefined) await form.fill(property, good);
  for (const [property, { bad }] of fields) {
    if (bad === undefined) continue;
    assert.ok(await form.isShown(property), `${property} is shown`);
    await form.fill(property, bad);
    const said = await form.complaint(property);
    assert.ok(
      said !== undefined && said.length > 10,
      `${property}: ${JSON.stringify(bad)} is not complained of`,
    );
  }
}

async function fillRightly(form: Form, fields: Fields): Promise<void> {
  for (const [property, { good }] of fields) {
    assert.ok(await form.isShown(property), `${property} is shown`);
    await form.fill(property, good);
    assert.equal(await form.complaint(property), undefined, `${property}: ${JSON.stringify(good)}`);
  }
}

async function readAll(form: Form, fields: Fields): Promise<Record<string, FieldValue>> {
  const values: Record<string, FieldValue> = {};
  for (const [property] of fields) values[property] = await form.read(property);
  return values;
}

function valuesOf(fields: Fields): Record<string, FieldValue> {
  return Object.fromEntries(fields.map(([property, { good }]) => [property, good]));
}

/** The flow file has to say what was filled in, numbers as numbers. */
function assertStored(flows: FlowNode[], id: string, fields: Fields): void {
  const node = flows.find((one) => one.id === id);
  assert.ok(node, 'it is deployed');
  for (const [property, { good, stored }] of fields) {
    assert.deepEqual(node[property], stored ?? (isTyped(good) ? good.value : good), property);
    if (isTyped(good)) assert.equal(node[`${property}Type`], good.type, `${property}Type`);
  }
}
