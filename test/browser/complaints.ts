/** All that a page complains of: its console, errors that nobody caught, resources that are missing, keys without a text. */
import { join } from 'node:path';
import type { Page } from 'playwright-core';

export class Complaints {
  /** Every line of the console, for whoever looks for the reason of a failure. */
  readonly console: string[] = [];
  private found: string[] = [];

  /** To be called before the page goes anywhere. */
  static async of(page: Page): Promise<Complaints> {
    const complaints = new Complaints();
    const complain = (text: string) => void complaints.found.push(text);
    page.on('console', (message) => {
      const line = `${message.type()}: ${message.text()} (${message.location().url})`;
      complaints.console.push(line);
      if (['error', 'warning', 'assert'].includes(message.type())) complain(line);
    });
    page.on('pageerror', (error) => complain(`not caught: ${error.stack ?? error.message}`));
    page.on('response', (response) => {
      if (response.status() >= 400) complain(`${response.status()} for ${response.url()}`);
    });
    page.on('requestfailed', (request) => {
      const why = request.failure()?.errorText ?? '';
      // What was still under way when the page was left.
      if (why !== 'net::ERR_ABORTED') complain(`${why} for ${request.url()}`);
    });
    await page.exposeFunction('rawKeyShown', (key: string, text: string) =>
      complain(`no text for ${key}, shown as "${text}"`),
    );
    await page.addInitScript({ path: join(__dirname, 'raw-keys.js') });
    return complaints;
  }

  /** What there was since it was last asked for. */
  take(): string[] {
    return this.found.splice(0);
  }
}
