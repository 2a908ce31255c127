import assert from 'node:assert/strict';
import fc from 'fast-check';
import { redact } from '../../lib/redact';

const KEY = 'K3y+/=&%#\'s3cret "ü';

describe('redact', () => {
  for (const [how, form] of Object.entries({
    'as it is': KEY,
    'as a part of a URL': encodeURIComponent(KEY),
    'with small hex digits': encodeURIComponent(KEY).replace(/%../g, (hex) => hex.toLowerCase()),
    'as a form field': new URLSearchParams({ a: KEY }).toString().slice(2),
    'as the URL parser writes it': new URL(`http://x/?a=${encodeURIComponent(KEY)}`).search.slice(3),
    'with all of it encoded': [...Buffer.from(KEY)].map((byte) => `%${byte.toString(16)}`).join(''),
    'in JSON': JSON.stringify(KEY).slice(1, -1),
    'in JSON with its slashes escaped': JSON.stringify(KEY).slice(1, -1).replace('/', '\\/'),
  })) {
    it(`takes a secret out ${how}`, () => {
      assert.equal(redact(`a ${form}b ${form}`, [KEY]), 'a ***b ***');
    });
  }

  it('takes it out of fields, names of fields and lists, and leaves all else', () => {
    const value = { a: [1, null, true, `x${KEY}`], [KEY]: { b: 'c' } };
    assert.deepEqual(redact(value, [KEY]), { a: [1, null, true, 'x***'], '***': { b: 'c' } });
    assert.deepEqual(Object.keys(value), ['a', KEY], 'the value given is not changed');
  });

  it('takes out several secrets, one within the other too', () => {
    assert.equal(redact('first-secret second-secret', ['first-secret', 'second-secret']), '*** ***');
    assert.equal(redact('longer-secret', ['longer-secret', 'longer']), '***');
  });

  it('leaves the text when a secret is empty or too short to be one', () => {
    assert.equal(redact('a flow of calls', ['', 'a', 'of', 'low']), 'a flow of calls');
  });

  it('takes a short secret out where it stands alone', () => {
    assert.equal(
      redact('the demo key is "demo", in a democracy', ['demo']),
      'the *** key is "***", in a democracy',
    );
  });

  for (const [text, clean] of [
    ['GET /v1/call?appid=abc&x=1 HTTP/1.1', 'GET /v1/call?appid=***&x=1 HTTP/1.1'],
    ['see "https://w.example/v1/call?x=1&appid=abc"', 'see "https://w.example/v1/call?x=1&appid=***"'],
    ['next=%2Fv1%2Fcall%3Fappid%3Dabc', 'next=%2Fv1%2Fcall%3Fappid%3D***'],
    ['Authorization: Bearer abc.def', 'Authorization: Bearer ***'],
    ["{ Authorization: 'Bearer abc.def' }", "{ Authorization: 'Bearer ***' }"],
    ['{"authorization":"Basic YWJj"}', '{"authorization":"Basic ***"}'],
    ['token Bearer abc1def', 'token Bearer ***'],
    ['Bearer authentication required', 'Bearer authentication required'],
    ['wss://me.example/wavix/streams/abc.def-_g?x=1', 'wss://me.example/wavix/streams/***?x=1'],
    ['POST https://me.example/wavix/events/abc.', 'POST https://me.example/wavix/events/***'],
    ['{"u":"wss:\\/\\/me.example\\/streams\\/abc"}', '{"u":"wss:\\/\\/me.example\\/streams\\/***"}'],
    ['url=wss%3A%2F%2Fme%2Fstreams%2Fabc', 'url=wss%3A%2F%2Fme%2Fstreams%2F***'],
    ['/wavix/streams/ and /wavix/events', '/wavix/streams/ and /wavix/events'],
  ] as const) {
    it(`knows where secrets stand: ${text}`, () => assert.equal(redact(text, []), clean));
  }

  it('hides fields that are named like a secret', () => {
    assert.deepEqual(
      redact({ appid: 'abc', apiKey: 'abc', api_key: 'abc', Authorization: 'abc', id: 'abc' }, []),
      {
        appid: '***',
        apiKey: '***',
        api_key: '***',
        Authorization: '***',
        id: 'abc',
      },
    );
  });

  it('leaves no secret anywhere, wherever it was put', () => {
    // JSON.stringify writes the value again, so the secret is one that JSON leaves alone.
    const secret = 'S3cret-0123456789';
    const text = fc
      .tuple(fc.string(), fc.boolean(), fc.string())
      .map(([a, put, b]) => (put ? a + secret + b : a + b));
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof({ maxDepth: 6 }, text, fc.integer(), tie('list'), tie('object')),
      list: fc.array(tie('value'), { maxLength: 4 }),
      object: fc.dictionary(text, tie('value'), { maxKeys: 4 }),
    }));
    fc.assert(
      fc.property(value, (any) => {
        assert.ok(!JSON.stringify(redact(any, [secret])).includes(secret));
      }),
    );
  });

  it('keeps a field named __proto__ a field', () => {
    const clean = redact(JSON.parse('{"__proto__":{"polluted":1}}'), []);
    assert.equal((clean as { polluted?: number }).polluted, undefined);
    assert.equal(JSON.stringify(clean), '{"__proto__":{"polluted":1}}');
  });

  it('survives what is no JSON: errors, bytes, circles, and a nesting without end', () => {
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    const deep: unknown = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000));
    for (const value of [circle, deep]) assert.match(JSON.stringify(redact(value, [])), /\*\*\*/);
    assert.equal(redact(new Error(`no ${KEY}`), [KEY]), 'Error: no ***');
    assert.deepEqual(redact({ bytes: Buffer.from(KEY) }, [KEY]), { bytes: '***' });
  });

  it('takes no more than a moment for a megabyte of anything', () => {
    const start = performance.now();
    for (const part of ['a', ' ', 'bearer ', 'authorization ', '/streams/', 'appid=', '%2F', 'S3cret-']) {
      redact(part.repeat(1_000_000 / part.length), ['S3cret-0123456789']);
    }
    redact(`bearer${' '.repeat(1_000_000)}`, []);
    redact(`authorization${' '.repeat(1_000_000)}`, []);
    assert.ok(performance.now() - start < 5000);
  });
});
