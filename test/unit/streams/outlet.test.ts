import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';
import { Outlet } from '../../../lib/streams/outlet';

/** A real connection, and what came over it. */
async function connect(streamId = 's'): Promise<{
  outlet: Outlet;
  ours: WebSocket;
  theirs: WebSocket;
  socket: Duplex;
  texts: string[];
  closed: Promise<number>;
  writes: number[];
}> {
  const sockets = new WebSocketServer({ noServer: true });
  server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const upgraded = new Promise<[WebSocket, Duplex]>((resolve) => {
    server.on('upgrade', (request, socket, head) => {
      sockets.handleUpgrade(request, socket, head, (webSocket) => resolve([webSocket, socket]));
    });
  });
  const theirs = (client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`));
  const texts: string[] = [];
  theirs.on('message', (data: Buffer, isBinary) => texts.push(isBinary ? 'binary' : data.toString()));
  theirs.on('ping', (data) => texts.push(`ping ${data.toString()}`));
  const closed = once(theirs, 'close').then(([code]) => code as number);
  const [ours, socket] = await upgraded;
  const writes: number[] = [];
  const write = socket.write.bind(socket) as (chunk: Buffer) => boolean;
  socket.write = ((chunk: Buffer) => {
    writes.push(chunk.length);
    return write(chunk);
  }) as Duplex['write'];
  return { outlet: new Outlet(ours, socket, streamId), ours, theirs, socket, texts, closed, writes };
}

const media = (pcm: Buffer, id = 's') =>
  `{"event":"media","stream_id":${JSON.stringify(id)},"media":{"payload":"${pcm.toString('base64')}"}}`;

const turn = () => new Promise((resolve) => setImmediate(resolve));

let server: Server;
let client: WebSocket;

describe('Outlet', () => {
  afterEach(() => {
    client.terminate(); // an upgraded connection is the server's no more
    server.close();
  });

  it('writes whole messages of any length, in order, also between those of ws', async () => {
    const { outlet, ours, texts, closed } = await connect();
    const expected: string[] = [];
    for (const length of [0, 1, 20, 36, 37, 38, 39, 40, 100, 960, 48_000, 49_105, 49_106, 60_000]) {
      const pcm = Buffer.alloc(length, length);
      outlet.media(pcm);
      expected.push(media(pcm));
      outlet.flush();
      ours.ping('here');
      expected.push('ping here');
    }
    outlet.mark('grüße "😀"');
    expected.push('{"event":"mark","stream_id":"s","mark":{"name":"grüße \\"😀\\""}}');
    outlet.clear();
    expected.push('{"event":"clear","stream_id":"s"}');
    ours.close(1000);
    assert.equal(await closed, 1000);
    assert.deepEqual(texts, expected);
  });

  it('says the id of its stream whatever is in it', async () => {
    const id = 'ünï"\\';
    const { outlet, ours, texts, closed } = await connect(id);
    outlet.media(Buffer.from('pcm'));
    ours.close();
    await closed;
    assert.deepEqual(texts, [media(Buffer.from('pcm'), id)]);
  });

  it('writes what is due together at once, in one write', async () => {
    const { outlet, writes } = await connect();
    outlet.hold();
    for (let frame = 0; frame < 50; frame++) outlet.media(Buffer.alloc(960));
    outlet.mark('end');
    assert.deepEqual(writes, []);
    assert.ok(outlet.backlog > 50 * 1_280, 'it counts as not sent');
    outlet.release();
    assert.equal(writes.length, 1, 'it does not wait for the turn to end: the first frames are due');
  });

  it('answers each message of Wavix at once, and writes what follows it together', async () => {
    const { outlet, writes } = await connect();
    outlet.media(Buffer.alloc(960));
    assert.equal(writes.length, 1);
    outlet.heard();
    outlet.media(Buffer.alloc(960));
    assert.equal(writes.length, 2);
    for (let frame = 0; frame < 10; frame++) outlet.media(Buffer.alloc(960));
    assert.equal(writes.length, 2);
    await turn();
    assert.equal(writes.length, 3);
    assert.equal(writes[2], 10 * (writes[1] as number));
  });

  it('never lets one message overtake another', async () => {
    const { outlet, ours, texts, closed } = await connect();
    const expected: string[] = [];
    for (let number = 0; number < 200; number++) {
      if (number % 3 === 0) outlet.heard();
      if (number % 5 === 0) outlet.hold();
      if (number % 7 === 0) outlet.release();
      if (number % 11 === 0) await turn();
      outlet.mark(String(number));
      expected.push(`{"event":"mark","stream_id":"s","mark":{"name":"${number}"}}`);
    }
    outlet.release();
    outlet.flush();
    ours.close();
    await closed;
    assert.deepEqual(texts, expected);
  });

  it('keeps apart what two streams write, also while one of them holds it', async () => {
    const { ours, socket, texts, closed } = await connect();
    const [one, two] = ['one', 'two'].map((id) => new Outlet(ours, socket, id)) as [Outlet, Outlet];
    one.hold();
    one.mark('a');
    two.mark('b');
    one.mark('c');
    two.hold();
    two.mark('d');
    one.release();
    two.release();
    one.flush();
    two.flush();
    ours.close();
    await closed;
    const mark = (id: string, name: string) =>
      `{"event":"mark","stream_id":"${id}","mark":{"name":"${name}"}}`;
    const of = (id: string) => texts.filter((text) => text.includes(`"${id}"`));
    assert.deepEqual(of('one'), [mark('one', 'a'), mark('one', 'c')]);
    assert.deepEqual(of('two'), [mark('two', 'b'), mark('two', 'd')]);
  });

  it('loses and mixes nothing where the network takes nothing for a while', async () => {
    const { outlet, ours, theirs, texts, closed } = await connect();
    const expected: string[] = [];
    const say = (count: number) => {
      for (let frame = 0; frame < count; frame++) {
        const pcm = Buffer.alloc(960, expected.length);
        outlet.heard();
        outlet.media(pcm);
        expected.push(media(pcm));
      }
    };
    theirs.pause();
    while (outlet.backlog === 0) say(100);
    say(100);
    theirs.resume();
    while (outlet.backlog > 0) await turn();
    say(100);
    ours.close();
    await closed;
    assert.deepEqual(texts, expected);
  });

  it('writes nothing once the connection is closing', async () => {
    const { outlet, ours, texts, closed, writes } = await connect();
    ours.close(1001);
    const before = writes.length;
    outlet.media(Buffer.alloc(960));
    outlet.clear();
    await turn();
    assert.equal(writes.length, before);
    assert.equal(await closed, 1001);
    assert.deepEqual(texts, []);
  });
});
