/**
 * The form of a node that is open in the editor: its fields are filled and read by mouse and keyboard, by the name of
 * their property.
 */
import type { Locator, Page } from 'playwright-core';

/** A value and where it comes from, as a typed input has them. */
export interface Typed {
  type: string;
  value: string;
}

/** What a field can be filled with: a text or a choice, a tick, a typed value, the choices ticked in a list. */
export type FieldValue = string | boolean | Typed | string[];

export const isTyped = (value: FieldValue): value is Typed =>
  typeof value === 'object' && !Array.isArray(value);

type Kind = 'text' | 'select' | 'tick' | 'typed' | 'list';

export class Form {
  /** Of the inputs' ids. */
  private readonly prefix: string;

  private constructor(
    private readonly page: Page,
    /** The form itself; around it are the tray's title and buttons. */
    readonly element: Locator,
    private readonly isConfig: boolean,
  ) {
    this.prefix = isConfig ? 'node-config-input' : 'node-input';
  }

  /** The form that slides in; the one before it is away until it is closed. */
  static async opened(page: Page, isConfig = false): Promise<Form> {
    const element = page.locator(isConfig ? '#node-config-dialog-edit-form' : '#dialog-form');
    await element.locator('.form-row').first().waitFor();
    await atRest(page);
    const form = new Form(page, element, isConfig);
    const without = await form.withoutWords();
    if (without.length > 0) throw new Error(`the form has no words for ${without.join(', ')}`);
    return form;
  }

  /** Keys of the form that no catalogue has a text for: Node-RED leaves their places empty. */
  private withoutWords(): Promise<string[]> {
    return this.element.locator('[data-i18n]').evaluateAll((elements) =>
      elements.flatMap((element) =>
        (element.getAttribute('data-i18n') ?? '').split(';').filter((entry) => {
          const attribute = /^\[(\w+)\]/.exec(entry)?.[1];
          const text = attribute ? element.getAttribute(attribute) : element.textContent;
          return (text ?? '').trim() === '';
        }),
      ),
    );
  }

  /** Whether the form has a field for a property. */
  async isThere(property: string): Promise<boolean> {
    return (await this.input(property).count()) > 0;
  }

  /** Whether a property's field is in the form and shown. */
  async isShown(property: string): Promise<boolean> {
    return this.shown(property, await this.kind(property)).isVisible();
  }

  async fill(property: string, value: FieldValue): Promise<void> {
    const kind = await this.kind(property);
    const field = this.shown(property, kind);
    if (typeof value === 'boolean') {
      await field.setChecked(value);
    } else if (Array.isArray(value)) {
      for (const box of await field.locator('input[type=checkbox]').all()) {
        await box.setChecked(value.includes((await box.getAttribute('value')) ?? ''));
      }
    } else if (isTyped(value)) {
      await this.chooseType(field, value.type);
      await field.locator('.red-ui-typedInput-input').fill(value.value);
    } else if (kind === 'select') {
      await field.selectOption(value);
    } else {
      await field.fill(value);
    }
    await this.page.keyboard.press('Tab');
  }

  async read(property: string): Promise<FieldValue> {
    const kind = await this.kind(property);
    const field = this.shown(property, kind);
    switch (kind) {
      case 'tick':
        return field.isChecked();
      case 'list':
        return field
          .locator('input[type=checkbox]:checked')
          .evaluateAll((boxes) => boxes.map((box) => box.getAttribute('value') ?? ''));
      case 'typed':
        return {
          type: await this.input(`${property}Type`).inputValue(),
          value: await field.locator('.red-ui-typedInput-input').inputValue(),
        };
      default:
        return field.inputValue();
    }
  }

  /** Clicks a button of the form, by the end of its id. */
  async press(button: string): Promise<void> {
    await this.element.locator(`button[id$="-${button}"]`).click();
  }

  /** What the form says is wrong with a property; undefined if nothing. */
  async complaint(property: string): Promise<string | undefined> {
    const row = this.shown(property, await this.kind(property)).locator(
      'xpath=ancestor::*[contains(concat(" ", @class, " "), " form-row ")][1]',
    );
    const said = row.locator('xpath=following-sibling::*[1][contains(@class, "wavix-error")]');
    return (await said.isVisible()) ? ((await said.textContent()) ?? '') : undefined;
  }

  /** Its texts whose colour is too near to what is behind them (contrast.js). */
  hardToRead(): Promise<string[]> {
    return this.element.locator('.wavix-form').evaluate((element) => window.hardToRead(element));
  }

  /** Opens the form of a new config node, by the + beside the field. */
  async addConfig(property: string): Promise<Form> {
    await this.element.locator(`#node-input-btn-${property}-add`).click();
    return Form.opened(this.page, true);
  }

  /** Opens the form of the config node that is chosen, by the pencil beside the field. */
  async editConfig(property: string): Promise<Form> {
    await this.element.locator(`#node-input-btn-${property}-edit`).click();
    return Form.opened(this.page, true);
  }

  /** Clicks Done (Add, Update). */
  async done(): Promise<void> {
    await this.leave('ok');
  }

  async cancel(): Promise<void> {
    await this.leave('cancel');
  }

  private async leave(how: 'ok' | 'cancel'): Promise<void> {
    await this.page.locator(`#node-${this.isConfig ? 'config-' : ''}dialog-${how}`).click();
    await this.element.waitFor({ state: 'detached' });
    await atRest(this.page);
  }

  /** The input that Node-RED reads, or a list of choices that the node's own script reads. */
  private input(property: string): Locator {
    return this.element.locator(`[id="${this.prefix}-${property}"], .wavix-choices[id$="-${property}"]`);
  }

  /** What a person sees of a field, which may not be the input that Node-RED reads. */
  private shown(property: string, kind: Kind): Locator {
    const input = this.input(property);
    return kind === 'typed'
      ? input.locator('xpath=following-sibling::*[contains(@class, "red-ui-typedInput-container")][1]')
      : input;
  }

  private async kind(property: string): Promise<Kind> {
    const input = this.input(property);
    if ((await input.count()) === 0) throw new Error(`the form has no field for ${property}`);
    return input.evaluate((element) => {
      const name = element.tagName.toLowerCase();
      if (name === 'select') return 'select';
      if (name !== 'input') return 'list';
      if (element.getAttribute('type') === 'checkbox') return 'tick';
      return element.matches('.red-ui-typedInput') ||
        element.nextElementSibling?.matches('.red-ui-typedInput-container')
        ? 'typed'
        : 'text';
    });
  }

  private async chooseType(field: Locator, type: string): Promise<void> {
    await field.locator('.red-ui-typedInput-type-select').click();
    await this.page.locator(`.red-ui-typedInput-options:visible a[value="${type}"]`).click();
  }
}

/** Waits until no form slides any more: a button that moves away below the mouse is not clicked. */
async function atRest(page: Page): Promise<void> {
  await page.waitForFunction(() => {
    const form = [...document.querySelectorAll('.red-ui-tray')].at(-1);
    if (!form) return true;
    // Node-RED raises the forms when the last one has come in.
    const isRaised = getComputedStyle(form.parentElement!).zIndex === '13';
    return isRaised && getComputedStyle(form).right === '0px';
  });
}
