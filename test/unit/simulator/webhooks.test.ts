import assert from 'node:assert/strict';
import { once } from 'node:events';
import { LocalWavix, type LocalWavixEvent, type LocalWavixOptions } from '../../../simulator';
import { Application, clientsOf, FROM, KEY } from './application';

describe('webhooks', () => {
  let wavix: LocalWavix;
  let app: Application;

  async function begin(options: LocalWavixOptions = {}): Promise<void> {
    app = new Application();
    await app.start();
    wavix = new LocalWavix({ apiKey: KEY, defaults: { ringMs: 5, answerAfterMs: 5 }, ...options });
    await wavix.start();
  }

  afterEach(async () => {
    await wavix.stop();
    await app.stop();
  });

  function place(to = '+15550001200') {
    return clientsOf(wavix.url).appid.request('POST', '', {
      from: FROM,
      to,
      status_callback: app.callbackUrl,
    });
  }

  async function ended(to: string) {
    const call = wavix.calls.get((await place(to)).body.uuid)!;
    await call.done;
    return call;
  }

  it('go out one at a time, each after the one before was answered', async () => {
    await begin();
    let open = 0;
    app.onPost = async () => {
      open += 1;
      assert.equal(open, 1);
      await new Promise((resolve) => setTimeout(resolve, 50));
      open -= 1;
      return 200;
    };
    const call = await ended('+15550001202');
    assert.deepEqual(app.types(), ['call_setup', 'ringing', 'rejected']);
    const [setup, ringing, rejected] = call.events;
    assert.ok(rejected!.at - setup!.at < 50, 'the call itself does not wait');
    assert.ok(ringing!.postedAt! >= setup!.answeredAt! && rejected!.postedAt! >= ringing!.answeredAt!);
  });

  it('are tried twice more when they fail, then given up, and the next one goes out', async () => {
    await begin();
    app.onPost = ({ event }) => (event.event_type === 'ringing' ? 503 : 204);
    const call = await ended('+15550001202');
    assert.deepEqual(app.types(), ['call_setup', 'ringing', 'ringing', 'ringing', 'rejected']);
    assert.deepEqual(
      call.events.map(({ attempts, status, delivered }) => [attempts, status, delivered]),
      [
        [1, 204, true],
        [3, 503, false],
        [1, 204, true],
      ],
    );
  });

  it('are not waited for longer than the timeout', async () => {
    await begin({ webhookTimeoutMs: 60 });
    let first = true;
    app.onPost = () => {
      if (!first) return 200;
      first = false;
      return new Promise(() => undefined);
    };
    const call = await ended('+15550001201');
    assert.deepEqual(app.types(), ['call_setup', 'call_setup', 'busy']);
    const [setup] = call.events;
    assert.deepEqual([setup!.attempts, setup!.delivered], [2, true]);
    const took = setup!.answeredAt! - setup!.postedAt!;
    assert.ok(took >= 60 && took < 600, `${took} ms`);
  });

  it('of one call do not wait for those of another', async () => {
    await begin();
    const held: (() => void)[] = [];
    const first = (await place('+15550001200')).body.uuid;
    app.onPost = ({ event }) =>
      event.uuid === first ? new Promise((resolve) => held.push(() => resolve(200))) : 200;
    await ended('+15550001202');
    assert.ok(app.types().includes('rejected'));
    assert.ok(held.length > 0);
    for (const release of held) release();
  });

  it('can each come twice', async () => {
    await begin({ repeatEvents: true });
    await ended('+15550001201');
    assert.deepEqual(app.types(), ['call_setup', 'call_setup', 'busy', 'busy']);
    assert.deepEqual(app.posts[0]!.event, app.posts[1]!.event);
  });

  it('can come before the answer to the request that places the call', async () => {
    await begin({ answerAfterEvent: 'answered' });
    const { status, body } = await place();
    assert.deepEqual(app.types(), ['call_setup', 'ringing', 'answered']);
    assert.equal(status, 200);
    assert.deepEqual([body.uuid, body.event_type], [app.posts[0]!.event.uuid, 'call_setup']);
  });

  it('do not hold that answer for an event that never comes', async () => {
    await begin({ answerAfterEvent: 'answered' });
    await place('+15550001201');
    assert.deepEqual(app.types(), ['call_setup', 'busy']);
  });

  it('go to the URL as it is, and show it without its token', async () => {
    await begin();
    const seen: LocalWavixEvent[] = [];
    wavix.on('event', (event) => seen.push(event));
    await ended('+15550001201');
    assert.deepEqual([...new Set(app.posts.map(({ path }) => path))], ['/wavix/events/eventtokeneventtoken']);
    const shown = seen.flatMap((event) => (event.type === 'webhook' ? [event] : []));
    assert.deepEqual(
      shown.map(({ url, event_type, status }) => [url, event_type, status]),
      [
        [`http://${app.host}/wavix/events/…`, 'call_setup', 200],
        [`http://${app.host}/wavix/events/…`, 'busy', 200],
      ],
    );
    const all = JSON.stringify(seen);
    assert.ok(!all.includes(KEY) && !all.includes('tokeneventtoken'));
  });

  it('of an inbound call go to all that can be found for its number, asked anew for each event', async () => {
    const second = new Application();
    await second.start();
    const asked: string[] = [];
    const found = () => (asked.length > 2 ? [second.callbackUrl] : [app.callbackUrl, second.callbackUrl]);
    await begin({ findWebhooks: (number) => (asked.push(number), found()) });
    const told: string[] = [];
    const before: string[] = [];
    wavix.on('callEvent', ({ event_type, uuid }, { call_id }) => {
      assert.equal(uuid, call_id);
      told.push(event_type);
    });
    const call = await wavix.call(
      { from: FROM, to: '+15550002000', hangUpAfterMs: 0 },
      ({ call_id, events }) => {
        before.push(call_id);
        assert.equal(events.length, 0, 'told of it before its first event');
      },
    );
    await call.waitFor('ringing');
    call.phone.hangUp();
    await call.done;
    assert.deepEqual(before, [call.call_id]);
    assert.deepEqual(told, ['call_setup', 'ringing', 'cancelled']);
    assert.deepEqual(second.types(), told);
    assert.deepEqual(app.types(), ['call_setup']);
    assert.deepEqual(new Set(asked), new Set(['+15550002000']));
    assert.ok(
      call.events.every(({ delivered }) => delivered),
      'each was delivered',
    );

    // What is assigned to the number comes first; what is assigned to all others, last.
    wavix.assignWebhook('+15550002000', app.callbackUrl);
    wavix.assignWebhook('*', 'http://127.0.0.1:1/');
    const assigned = await wavix.call({ from: FROM, to: '+15550002000', ringTimeoutMs: 10 });
    const other = await wavix.call({ from: FROM, to: '+15550002002', ringTimeoutMs: 10 });
    await Promise.all([assigned.done, other.done]);
    assert.deepEqual(app.types().slice(1), ['call_setup', 'ringing', 'cancelled']);
    assert.equal(second.types().length, 6);
    await second.stop();
  });

  it('are delivered only where all who are found take them', async () => {
    const second = new Application();
    await second.start();
    second.onPost = () => 404;
    await begin({ findWebhooks: () => [app.callbackUrl, second.callbackUrl] });
    const call = await wavix.call({ from: FROM, to: '+15550002000' });
    await call.eventsPosted;
    const [setup] = call.events;
    assert.deepEqual([setup?.delivered, setup?.attempts], [false, 4]);
    await second.stop(); // from now on it has no address, so that to find it fails: the call goes on
    call.phone.hangUp();
    await call.done;
    assert.deepEqual(
      call.events.map(({ event }) => event.event_type),
      ['call_setup', 'ringing', 'cancelled'],
    );
  });

  it('are broken off by stop()', async () => {
    await begin();
    app.onPost = () => new Promise(() => undefined);
    const { body } = await place();
    await app.havePosts(1);
    const call = wavix.calls.get(body.uuid)!;
    await wavix.stop();
    await call.done;
    assert.equal(call.events[0]!.delivered, false);
    assert.equal(app.posts.length, 1);
  });

  it('are left out where the call has no URL for them', async () => {
    await begin();
    const called = once(wavix, 'call') as Promise<[{ done: Promise<void>; events: unknown[] }]>;
    await clientsOf(wavix.url).bearer.request('POST', '', { from: FROM, to: '+15550001201' });
    const [call] = await called;
    await call.done;
    assert.equal(call.events.length, 2);
    assert.equal(app.posts.length, 0);
  });
});
