import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  isEventsToken,
  readStreamToken,
  secretFromApiKey,
  signEventsToken,
  signStreamToken,
} from '../../../lib/streams/tokens';

const SECRET = 'a secret';

describe('stream tokens', () => {
  it('say which call they are for, until when, and are different each time', () => {
    const one = signStreamToken(SECRET, 'call-1', 1_800_000_000_123);
    const two = signStreamToken(SECRET, 'call-1', 1_800_000_000_123);
    const claim = readStreamToken(SECRET, one);
    assert.equal(claim?.callId, 'call-1');
    assert.equal(claim.expiresAt, 1_800_000_000_123);
    assert.notEqual(claim.nonce, readStreamToken(SECRET, two)?.nonce);
  });

  it('are one path segment whatever the id of the call', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 80 }), (callId) => {
        const token = signStreamToken(SECRET, callId, 1);
        assert.match(token, /^[\w.-]+$/);
        assert.equal(readStreamToken(SECRET, token)?.callId, Buffer.from(callId).toString());
      }),
    );
  });

  it('are refused when any character is changed, cut, or added', () => {
    const token = signStreamToken(SECRET, 'call-1', 1_800_000_000_000);
    for (let at = 0; at < token.length; at++) {
      const changed = token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1);
      assert.equal(readStreamToken(SECRET, changed), undefined, `changed at ${at}`);
      assert.equal(readStreamToken(SECRET, token.slice(0, at)), undefined, `cut at ${at}`);
    }
    for (const added of [`${token}A`, `${token}=`, `A${token}`, `${token}.`, ` ${token}`]) {
      assert.equal(readStreamToken(SECRET, added), undefined);
    }
    assert.equal(readStreamToken('another secret', token), undefined);
  });

  it('survive any rubbish', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 2000 }), (rubbish) => {
        assert.equal(readStreamToken(SECRET, rubbish), undefined);
        assert.equal(isEventsToken(SECRET, '/wavix', rubbish), false);
      }),
    );
  });
});

describe('events tokens', () => {
  it('stay the same for a path, and are good for it alone', () => {
    const token = signEventsToken(SECRET, '/wavix');
    assert.equal(token, signEventsToken(SECRET, '/wavix'));
    assert.ok(isEventsToken(SECRET, '/wavix', token));
    assert.ok(!isEventsToken(SECRET, '/other', token));
    assert.ok(!isEventsToken('another', '/wavix', token));
    assert.ok(!isEventsToken(SECRET, '/wavix', token.slice(0, -1)));
  });

  it('never pass as the signature of a stream token', () => {
    const body = signStreamToken(SECRET, 'call-1', 1).split('.').slice(0, 3).join('.');
    assert.equal(readStreamToken(SECRET, `${body}.${signEventsToken(SECRET, body)}`), undefined);
  });
});

it('the secret made of an API key does not show it', () => {
  const key = 'the-api-key';
  assert.ok(!secretFromApiKey(key).includes(key));
  assert.notEqual(secretFromApiKey(key), secretFromApiKey('another'));
});
