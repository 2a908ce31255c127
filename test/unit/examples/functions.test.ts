/** What the examples' function nodes do with what a call of some seconds does not bring about. */
import assert from 'node:assert/strict';
import { flowContext, FunctionNode, type Msg } from './function-node';

const FRAME_MS = 20;

/** A frame of that loudness (root mean square, of 32767). */
function frame(level: number, rate = 24_000): Buffer {
  const pcm = Buffer.alloc((FRAME_MS / 1000) * rate * 2);
  for (let at = 0; at < pcm.length; at += 2) pcm.writeInt16LE(at % 4 === 0 ? level : -level, at);
  return pcm;
}

function media(level: number, call_id = 'call', rate = 24_000): Msg {
  const ids = { call_id, stream_id: `stream of ${call_id}` };
  return { event: 'media', payload: frame(level, rate), sample_rate: rate, ...ids };
}

describe('the example "Let the caller interrupt"', () => {
  let voice: FunctionNode;

  beforeEach(() => {
    voice = new FunctionNode(5, 'Does the caller speak?');
  });

  /** Hears that level for that long. @returns what it tells, and after how many ms of it */
  function hear(level: number, ms: number, call_id?: string): [what: string, ms: number][] {
    const told: [string, number][] = [];
    for (let at = FRAME_MS; at <= ms; at += FRAME_MS) {
      const [begins, ends] = voice.send(media(level, call_id));
      if (begins) told.push(['begins', at]);
      if (ends) told.push(['ends', at]);
    }
    return told;
  }

  it('tells that the caller begins after 120 ms, and that they have finished after 700 ms of silence', () => {
    assert.deepEqual(hear(0, 1_000), []);
    assert.deepEqual(hear(2_000, 3_000), [['begins', 120]]);
    assert.deepEqual(hear(0, 3_000), [['ends', 700]]);
    assert.deepEqual(hear(2_000, 1_000), [['begins', 120]], 'and again');
  });

  it('takes no click for a voice, however many there are', () => {
    for (let click = 0; click < 20; click++) {
      assert.deepEqual(hear(8_000, 60), []);
      assert.deepEqual(hear(0, 200), []);
    }
  });

  it('takes no breath for an end', () => {
    hear(2_000, 200);
    for (let breath = 0; breath < 20; breath++) {
      assert.deepEqual(hear(0, 600), []);
      assert.deepEqual(hear(2_000, 100), []);
    }
  });

  it('changes nothing between its two levels', () => {
    assert.deepEqual(hear(600, 5_000), [], 'too soft to begin');
    hear(2_000, 200);
    assert.deepEqual(hear(600, 5_000), [], 'too loud to end');
  });

  it('knows the callers apart, and forgets who has gone', () => {
    hear(2_000, 100, 'first');
    assert.deepEqual(hear(2_000, 100, 'second'), []);
    assert.deepEqual(hear(2_000, 20, 'first'), [['begins', 20]]);
    voice.send({ event: 'stop', call_id: 'first' });
    voice.send({ event: 'lost', call_id: 'second' });
    assert.deepEqual(voice.context.get('calls'), {});
  });
});

describe('the example "Record both sides of a call"', () => {
  // 1000 Hz: a sample a ms, so that minutes are heard in no time. Each sample tells its place.
  const RATE = 1_000;
  const ids = { call_id: 'call', stream_id: 'stream' };
  let join: FunctionNode;
  let files: { left: number[]; right: number[] }[];

  beforeEach(() => {
    join = new FunctionNode(4, 'Lay them side by side');
    files = [];
    send({ event: 'start', payload: { stream_type: 'oneway' }, ...ids });
  });

  function send(msg: Msg): void {
    const [part] = join.send(msg);
    if (!part) return;
    assert.deepEqual([part.channels, part.sample_rate, part.call_id], [2, RATE, 'call']);
    const pcm = part.payload as Buffer;
    const samples = Array.from({ length: pcm.length / 2 }, (_, i) => pcm.readInt16LE(2 * i));
    files.push({ left: samples.filter((_, i) => i % 2 === 0), right: samples.filter((_, i) => i % 2 === 1) });
  }

  /** @param shift of the timestamp against the true time, in ms */
  function piece(track: 'inbound' | 'outbound', atMs: number, shift = 0): void {
    const payload = Buffer.alloc(FRAME_MS * 2);
    for (let i = 0; i < FRAME_MS; i++) payload.writeInt16LE(valueAt(track, atMs + i), 2 * i);
    send({ event: 'media', payload, track, timestamp: atMs + shift, sample_rate: RATE, ...ids });
  }

  const valueAt = (track: string, ms: number) => ((ms % 30_000) + 1) * (track === 'inbound' ? 1 : -1);
  const wanted = (track: string, from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) => valueAt(track, from + i));

  it('makes a file of each five minutes, with nothing lost between them', () => {
    const ms = 11 * 60_000;
    for (let at = 0; at < ms; at += FRAME_MS) {
      piece('inbound', at);
      if (at >= 200) piece('outbound', at - 200); // it lags behind
    }
    for (let at = ms - 200; at < ms; at += FRAME_MS) piece('outbound', at);
    send({ event: 'stop', payload: {}, ...ids });
    assert.deepEqual(
      files.map(({ left }) => left.length),
      [300_000, 300_000, 60_000],
    );
    assert.deepEqual(
      files.flatMap(({ left }) => left),
      wanted('inbound', 0, ms),
    );
    assert.deepEqual(
      files.flatMap(({ right }) => right),
      wanted('outbound', 0, ms),
    );
    assert.deepEqual(join.context.get('streams'), {});
  });

  it('leaves silence where pieces are missing, so that the sides stay together', () => {
    for (let at = 0; at < 2_000; at += FRAME_MS) {
      if (at < 500 || at >= 1_000) piece('inbound', at);
      piece('outbound', at);
    }
    send({ event: 'lost', payload: {}, ...ids });
    const silence = Array.from({ length: 500 }, () => 0);
    assert.deepEqual(files, [
      {
        left: [...wanted('inbound', 0, 500), ...silence, ...wanted('inbound', 1_000, 2_000)],
        right: wanted('outbound', 0, 2_000),
      },
    ]);
  });

  it('puts no seam into sound whose timestamps are a few ms off', () => {
    for (let at = 0; at < 1_000; at += FRAME_MS) piece('inbound', at, (at * 7) % 30);
    send({ event: 'stop', payload: {}, ...ids });
    assert.deepEqual(files[0]?.left, wanted('inbound', 0, 1_000));
  });

  it('lets two-way streams alone, and makes no file of a stream that had no sound', () => {
    send({ event: 'start', payload: { stream_type: 'twoway' }, ...ids, stream_id: 'other' });
    join.send({
      event: 'media',
      payload: frame(1),
      track: 'inbound',
      timestamp: 0,
      sample_rate: RATE,
      stream_id: 'other',
    });
    send({ event: 'stop', payload: {}, ...ids });
    assert.deepEqual(files, []);
  });
});

describe('the example "Say a menu and record the reply"', () => {
  let record: FunctionNode;

  beforeEach(() => {
    record = new FunctionNode(3, 'Record the reply');
  });

  it('ends a reply that does not end', () => {
    record.send({ mark: 'menu', call_id: 'call' });
    for (let ms = FRAME_MS; ms < 30_000; ms += FRAME_MS)
      assert.deepEqual(record.send(media(2_000)), [undefined], `after ${ms} ms`);
    const [reply, goOn] = record.send(media(2_000));
    assert.equal((reply?.payload as Buffer).length, 30_000 * 48);
    assert.deepEqual(goOn, { call_id: 'call' });
    assert.deepEqual(record.send(media(2_000)), [undefined], 'and nothing more of it');
  });

  it('keeps nothing before the menu has been heard, nor of a caller who has gone', () => {
    record.send(media(2_000));
    assert.deepEqual(record.context.get('calls'), {});
    record.send({ mark: 'menu', call_id: 'call' });
    assert.deepEqual(record.send({ event: 'stop', call_id: 'call' }), [undefined, undefined]);
    assert.deepEqual(record.context.get('calls'), {});
  });
});

describe('the example "Speech recogniser and text-to-speech"', () => {
  it('cuts sentences with a little of what comes before them, and at 30 s at the latest', () => {
    const cut = new FunctionNode(8, 'Wait for a sentence');
    const RATE = 16_000;
    const sentences: number[] = [];
    const hear = (level: number, ms: number) => {
      for (let at = 0; at < ms; at += FRAME_MS) {
        const [sentence] = cut.send(media(level, 'call', RATE));
        if (sentence) sentences.push((sentence.payload as Buffer).length / 2 / 16);
      }
    };
    hear(0, 5_000);
    hear(2_000, 1_000);
    hear(0, 2_000);
    assert.deepEqual(sentences, [400 + 1_000 + 700]);
    hear(2_000, 31_000);
    assert.deepEqual(sentences.slice(1), [30_000]);
    cut.send({ event: 'stop', call_id: 'call' });
    assert.deepEqual(cut.context.get('calls'), {});
  });
});

describe('the example "Talk to a realtime model"', () => {
  /** The functions around one caller, who is talked to by the response 'r'. */
  function talking() {
    const flow = flowContext();
    flow.set('caller', { call_id: 'call', items: {}, response_id: 'r' });
    const speak = new FunctionNode(7, 'Speak', flow);
    const interrupt = new FunctionNode(7, 'Interrupt', flow);
    const heard = new FunctionNode(7, 'What was heard', flow);
    return {
      flow,
      /** The model says so many ms. */
      says: (ms: number, item_id = 'item') => {
        const delta = Buffer.alloc(Math.round(ms * 48)).toString('base64');
        const type = 'response.output_audio.delta';
        return speak.send({ payload: { type, item_id, response_id: 'r', delta } })[0];
      },
      interrupts: () => interrupt.send({ payload: { type: 'input_audio_buffer.speech_started' } }),
      hears: (played_ms: number, item_id = 'item') => heard.send({ item_id, played_ms })[0]?.payload,
    };
  }

  const truncate = (audio_end_ms: number, item_id = 'item') => ({
    ...{ type: 'conversation.item.truncate', item_id, content_index: 0, audio_end_ms },
  });

  it('tells what was heard once all pieces are accounted for', () => {
    const { says, interrupts, hears } = talking();
    for (let n = 0; n < 3; n++) says(200);
    assert.equal(hears(200), undefined);
    assert.deepEqual(interrupts()[0], { event: 'clear', call_id: 'call' });
    assert.equal(hears(80), undefined);
    assert.deepEqual(hears(0), truncate(280));
    assert.equal(says(200), undefined, 'what comes later of it is not said');
  });

  it('never tells of more than there was, though each piece is rounded', () => {
    const { says, interrupts, hears } = talking();
    for (let n = 0; n < 10; n++) says(20.583);
    for (let n = 0; n < 9; n++) hears(21);
    interrupts();
    assert.deepEqual(hears(21), truncate(205)); // 10 × 988 bytes are 205.8 ms
  });

  it('tells it at once where all that had come was heard, but more was to come', () => {
    const { says, interrupts, hears } = talking();
    says(200);
    hears(200);
    const [clear, told] = interrupts();
    assert.equal(clear, undefined, 'nothing is queued');
    assert.deepEqual(told, [{ payload: truncate(200) }]);
    assert.equal(says(200), undefined);
  });

  it('truncates nothing that was heard to its end', () => {
    const { flow, says, interrupts, hears } = talking();
    says(200);
    const track = new FunctionNode(7, 'Keep track', flow);
    track.send({ payload: { type: 'response.output_audio.done', item_id: 'item' } });
    hears(200);
    assert.deepEqual(interrupts(), [undefined, []]);
  });

  it('says nothing of another answer than the one it gives now', () => {
    const { flow, says } = talking();
    flow.set('caller', { call_id: 'next caller', items: {} });
    assert.equal(says(200), undefined);
  });
});
