import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NodeAPI } from 'node-red';
import { WavixError } from '../../lib/errors';
import { english, say, type Texts } from '../../lib/texts';
import { errorInWords, inWords } from '../../nodes/shared/words';

const CATALOGUE = '@wavix-flows/node-red-wavix/wavix-config';

/** What a stranger may have put into an answer, a path or a name. */
const STRANGE = [
  ...['$t(errors.fault)', '$t(common.label.config, {"what": "x"})', '__host__', '__what__ __whatHTML__'],
  ...["$& $1 $$ $' $`", '<b>&amp;"bold"</b>', '{{host}}', 'errors.fault', '', 'constructor', '\\'],
];

interface I18n {
  init(settings: { lang: string }): void;
  registerMessageCatalog(namespace: string, folder: string, file: string): Promise<void>;
  _: (key: string, values?: object) => string;
}

/** Node-RED's own translation, afresh: it can be set to a language once in a process. */
function newI18n(): I18n {
  const isItsOwn = (id: string) => /node_modules\/(@node-red\/util|i18next)\//.test(id.replaceAll('\\', '/'));
  const take = () => {
    const taken = Object.entries(require.cache).filter(([id]) => isItsOwn(id));
    for (const [id] of taken) Reflect.deleteProperty(require.cache, id);
    return taken;
  };
  const others = take();
  try {
    // eslint-disable-next-line @typescript-eslint/no-require-imports
    return (require('@node-red/util') as { i18n: I18n }).i18n;
  } finally {
    take();
    Object.assign(require.cache, Object.fromEntries(others));
  }
}

describe('what is said to people', () => {
  let folder: string;
  let german: NodeAPI;
  /** As in Node-RED's test runtime, which has no catalogues. */
  const without = { _: (key: string) => key } as unknown as NodeAPI;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'wavix-texts-'));
    const errors = {
      fault: 'Ein Fehler: __what__',
      network: {
        refused: 'Von __host__ abgewiesen (__code__).',
        none: 'Zu __host__ geht es nicht (__code__).',
      },
      hint: { network: 'apiUrl prüfen.' },
      stream: { several: 'Mehrere.' },
    };
    for (const [language, catalogue] of [
      ['en-US', {}],
      ['de', { errors }],
    ] as const) {
      mkdirSync(join(folder, language));
      writeFileSync(join(folder, language, 'wavix-config.json'), JSON.stringify(catalogue));
    }
    const i18n = newI18n();
    i18n.init({ lang: 'de' });
    await i18n.registerMessageCatalog(CATALOGUE, folder, 'wavix-config.json');
    german = { _: (key: string, values?: object) => i18n._(key, values) } as unknown as NodeAPI;
  });

  after(() => rmSync(folder, { recursive: true }));

  const refused: Texts = [
    { key: 'network.refused', values: { host: 'a.example:1', code: 'ECONNREFUSED' } },
    { key: 'hint.network' },
  ];

  it('is English in lib', () => {
    assert.equal(
      say(refused, english),
      'a.example:1 refuses connections (ECONNREFUSED). Check the API address, the network, and a proxy or firewall in between.',
    );
    assert.equal(say({ key: 'start.late', values: { seconds: 0 } }, english), 'No start came in 0 s.');
  });

  it('is in the language of the server in its nodes', () => {
    assert.equal(inWords(german, refused), 'Von a.example:1 abgewiesen (ECONNREFUSED). apiUrl prüfen.');
  });

  it('is English where there is no text in that language', () => {
    assert.equal(
      inWords(german, { key: 'stream.gone' }),
      'There is no such live stream: it has ended, or never started.',
    );
    assert.equal(inWords(without, refused), say(refused, english));
  });

  it('holds every value as it is, whatever it looks like', () => {
    for (const what of STRANGE) {
      assert.equal(inWords(german, { key: 'fault', values: { what } }), `Ein Fehler: ${what}`);
      assert.ok(say({ key: 'fault', values: { what } }, english).endsWith(`report it: ${what}`), what);
      for (const code of STRANGE) {
        const text: Texts = { key: 'network.refused', values: { host: what, code } };
        assert.equal(inWords(german, text), `Von ${what} abgewiesen (${code}).`);
      }
    }
  });

  it('keeps all else of an error', () => {
    const details = { status: 404, body: { message: 'none' } };
    const error = new WavixError('WAVIX_API', { key: 'stream.several' }, details);
    assert.match(error.message, /^More than one/);
    assert.equal(errorInWords(german, error), error);
    assert.equal(error.message, 'Mehrere.');
    assert.equal(String(error), 'WavixError: Mehrere.');
    assert.match(error.stack ?? '', /^WavixError: Mehrere\.\n\s+at /);
    const { code, cause, status, body } = error;
    assert.deepEqual(
      { code, cause, status, body },
      { code: 'WAVIX_API', cause: details, status: details.status, body: details.body },
    );
    assert.equal(errorInWords(german, error).message, 'Mehrere.', 'and again');
  });

  it('leaves errors of others as they are', () => {
    const error = new TypeError('errors.fault');
    assert.equal(errorInWords(german, error), error);
    assert.equal(error.message, 'errors.fault');
    assert.equal(errorInWords(german, 'text').message, 'text');
  });
});
