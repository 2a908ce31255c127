import assert from 'node:assert/strict';
import fc from 'fast-check';
import { readFromWavix, readToWavix } from '../../../lib/streams/wire';

const ids = { call_id: 'c', stream_id: 's', sequence_number: 7, event_time: '2026-01-02T03:04:05Z' };
const media = { payload: 'AAAA', track: 'inbound', timestamp: 140, chunk: 8 };

describe('messages from Wavix', () => {
  const messages = [
    { event: 'connected', event_time: '2026-01-02T03:04:05Z' },
    { event: 'start', ...ids, stream_type: 'twoway', channel: 'inbound' },
    { event: 'media', ...ids, media },
    { event: 'stop', ...ids },
    { event: 'mark', ...ids, mark: { name: 'hello' } },
  ];
  for (const message of messages) {
    it(`are read: ${message.event}`, () => {
      assert.deepEqual(readFromWavix(JSON.stringify(message)), message);
    });
  }

  it('may hold their numbers as strings', () => {
    const read = readFromWavix(
      JSON.stringify({
        event: 'media',
        ...ids,
        sequence_number: '7',
        media: { ...media, timestamp: '140', chunk: '8' },
      }),
    );
    assert.deepEqual(read, { event: 'media', ...ids, media });
  });

  it('are malformed, not fatal, when they are not the guide’s', () => {
    const broken: unknown[] = [
      null,
      [],
      'text',
      7,
      {},
      { event: 'other' },
      { event: '__proto__' },
      { event: 'start', ...ids, stream_type: 'threeway', channel: 'inbound' },
      { event: 'start', ...ids, stream_type: 'twoway' },
      { event: 'media', ...ids },
      { event: 'media', ...ids, media: { ...media, payload: 7 } },
      { event: 'media', ...ids, media: { ...media, track: 'both' } },
      { event: 'media', ...ids, media: { ...media, timestamp: 'soon' } },
      { event: 'media', ...ids, sequence_number: '0x7', media },
      { event: 'media', ...ids, call_id: '', media },
      { event: 'mark', ...ids },
      { event: 'mark', ...ids, mark: { name: 7 } },
      { event: 'stop', call_id: 'c', sequence_number: 1 },
    ];
    for (const message of broken)
      assert.ok('problem' in readFromWavix(JSON.stringify(message)), JSON.stringify(message));
    assert.ok('problem' in readFromWavix('{"event":"stop"'));
  });

  it('leave out what the guide does not name, such as __proto__', () => {
    const text = `{"event":"stop","call_id":"c","stream_id":"s","sequence_number":1,"__proto__":{"x":1},"extra":2}`;
    const read = readFromWavix(text);
    assert.deepEqual(Object.keys(read).sort(), ['call_id', 'event', 'sequence_number', 'stream_id']);
    assert.equal(Object.getPrototypeOf(read), Object.prototype);
  });

  it('never throw, whatever comes', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        readFromWavix(text);
        readToWavix(text);
      }),
    );
  });
});

describe('messages to Wavix', () => {
  const messages = [
    { event: 'media', stream_id: 's', media: { payload: 'AAAA' } },
    { event: 'mark', stream_id: 's', mark: { name: 'hello' } },
    { event: 'clear', stream_id: 's' },
  ];
  for (const message of messages) {
    it(`are read: ${message.event}`, () => {
      assert.deepEqual(readToWavix(JSON.stringify(message)), message);
    });
  }
});
