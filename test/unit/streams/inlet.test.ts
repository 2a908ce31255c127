import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import fc from 'fast-check';
import { WebSocketServer } from 'ws';
import { Inlet } from '../../../lib/streams/inlet';

const TEXT = 0x1;
const BINARY = 0x2;
const CONTINUATION = 0x0;
const CLOSE = 0x8;
const PING = 0x9;

interface Frame {
  opcode: number;
  final?: boolean;
  masked?: boolean;
  payload: Buffer;
}

/** A frame as a client sends it (RFC 6455, 5.2). */
function bytesOf({ opcode, final = true, masked = true, payload }: Frame): Buffer {
  const { length } = payload;
  const mask = Buffer.from([length, 0x5a, opcode + 1, 0xf0]);
  const extended = Buffer.alloc(length < 126 ? 0 : length < 0x10000 ? 2 : 8);
  if (extended.length === 2) extended.writeUInt16BE(length);
  if (extended.length === 8) extended.writeBigUInt64BE(BigInt(length));
  const short = length < 126 ? length : length < 0x10000 ? 126 : 127;
  const head = Buffer.from([(final ? 0x80 : 0) | opcode, (masked ? 0x80 : 0) | short]);
  const body = masked ? payload.map((byte, at) => byte ^ (mask[at % 4] as number)) : payload;
  return Buffer.concat([head, extended, masked ? mask : Buffer.alloc(0), body]);
}

const text = (content: string): Frame => ({ opcode: TEXT, payload: Buffer.from(content) });
const usual = (name: string, length = 1_000) => text(`usual ${name} ${'.'.repeat(length)}`);

/** How the bytes come, and whether what is usual is taken before `ws` sees it. */
interface Way {
  chunks: Buffer[];
  taken: boolean;
}

let server: Server;
let open: Duplex[] = [];

/** Everything that came of the bytes, in order, up to the end of the connection; and what of it was taken. */
async function received({ chunks, taken }: Way): Promise<{ all: string[]; taken: string[] }> {
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: 200_000 });
  const all: string[] = [];
  const early: string[] = [];
  const closed = new Promise<void>((resolve) => {
    server.once('upgrade', (upgrade, socket, head) => {
      sockets.handleUpgrade(upgrade, socket, head, (webSocket) => {
        const inlet = Inlet.of(webSocket, socket);
        assert.ok(inlet);
        if (taken) {
          inlet.take = (bytes, length) => {
            const content = bytes.toString('utf8', 0, length);
            if (!content.startsWith('usual')) return false;
            all.push(content);
            early.push(content);
            return true;
          };
        }
        webSocket.on('message', (data: Buffer, isBinary) =>
          all.push(isBinary ? `binary ${data.toString('hex')}` : data.toString()),
        );
        webSocket.on('ping', (data) => all.push(`ping ${data.toString()}`));
        webSocket.on('error', (error) => all.push(`error ${error.message}`));
        webSocket.on('close', (code) => {
          all.push(`close ${code}`);
          resolve();
        });
      });
    });
  });
  const client = await upgraded();
  for (const chunk of chunks) {
    client.write(chunk);
    await arrived();
  }
  client.end();
  await closed;
  return { all, taken: early };
}

/** What was written is read by the other side: both are in this process, on loopback. */
async function arrived(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}

async function upgraded(): Promise<Socket> {
  const asked = request({
    port: (server.address() as AddressInfo).port,
    host: '127.0.0.1',
    headers: {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': 13,
      'Sec-WebSocket-Key': Buffer.alloc(16).toString('base64'),
    },
  });
  asked.end();
  const [, socket] = (await once(asked, 'upgrade')) as [unknown, Socket];
  socket.setNoDelay(true);
  socket.on('error', () => undefined).resume();
  open.push(socket);
  return socket;
}

async function same(frames: Frame[], cuts: number[] = []): Promise<string[]> {
  const bytes = Buffer.concat(frames.map(bytesOf));
  const places = [
    0,
    ...cuts.map((cut) => Math.floor(cut * bytes.length)).sort((a, b) => a - b),
    bytes.length,
  ];
  const chunks = places.slice(1).map((end, at) => bytes.subarray(places[at], end));
  const alone = await received({ chunks, taken: false });
  const { all, taken } = await received({ chunks, taken: true });
  assert.deepEqual(all, alone.all);
  return taken;
}

describe('Inlet', () => {
  before(async () => {
    server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(() => {
    for (const socket of open) socket.destroy();
    open = [];
  });
  after(() => server.close());

  it('takes whole messages of the usual kind before ws, several at a time', async () => {
    const taken = await same([usual('a'), usual('b', 60_000), usual('c', 120)]);
    assert.deepEqual(
      taken.map((content) => content.slice(0, 7)),
      ['usual a', 'usual b', 'usual c'],
    );
  });

  it('leaves all others to ws, in their place', async () => {
    const taken = await same([
      usual('1'),
      text('short'),
      usual('2'),
      text(`other ${'.'.repeat(300)}`),
      { opcode: BINARY, payload: Buffer.alloc(300, 7) },
      usual('3'),
      { opcode: PING, payload: Buffer.from('hello') },
      usual('4'),
      text('x'.repeat(70_000)),
      usual('5'),
      { opcode: TEXT, payload: Buffer.alloc(0) },
      usual('6'),
      { opcode: CLOSE, payload: Buffer.from([0x03, 0xe8]) },
    ]);
    assert.equal(taken.length, 6);
  });

  it('takes nothing between the pieces of a message', async () => {
    const taken = await same([
      { opcode: TEXT, final: false, payload: Buffer.from(`usual ${'a'.repeat(200)}`) },
      { opcode: PING, payload: Buffer.from('between') },
      { opcode: CONTINUATION, final: false, payload: Buffer.alloc(200, 'b') },
      { opcode: CONTINUATION, payload: Buffer.alloc(200, 'c') },
      usual('after'),
    ]);
    assert.equal(taken.length, 1);
  });

  it('goes on behind a frame that was cut anywhere', async () => {
    const frames = [usual('a', 140), usual('b', 130), text('short'), usual('c', 140)];
    const { length } = Buffer.concat(frames.map(bytesOf));
    for (let cut = 1; cut < length; cut += cut < 20 || cut > length - 170 ? 1 : 7) {
      await same(frames, [cut / length]);
    }
  }).timeout(20_000);

  it('takes nothing that comes after a violation of the protocol', async () => {
    for (const wrong of [
      { ...usual('unmasked'), masked: false },
      { opcode: 0x3, payload: Buffer.alloc(200) },
      { opcode: CONTINUATION, payload: Buffer.alloc(200) },
      { opcode: TEXT, payload: Buffer.alloc(200, 0xff) },
      text('x'.repeat(200_001)),
      { opcode: PING, payload: Buffer.alloc(126) },
    ]) {
      const chunks = [bytesOf(usual('before')), bytesOf(wrong), bytesOf(usual('after'))];
      const { all, taken } = await received({ chunks, taken: true });
      assert.equal(taken.length, 1, JSON.stringify(all).slice(0, 200));
      assert.match(all[1] ?? '', /^error/);
    }
  });

  it('makes no difference, whatever comes and however it is cut', async () => {
    const frame = fc.oneof(
      { weight: 4, arbitrary: fc.nat(3_000).map((length) => usual('any', length)) },
      fc.string({ maxLength: 300, unit: 'grapheme' }).map(text),
      fc.uint8Array({ maxLength: 300 }).map((payload) => ({ opcode: BINARY, payload: Buffer.from(payload) })),
      fc.uint8Array({ maxLength: 125 }).map((payload) => ({ opcode: PING, payload: Buffer.from(payload) })),
      fc.array(fc.string({ minLength: 0, maxLength: 200 }), { minLength: 2, maxLength: 4 }).map((pieces) =>
        pieces.map((piece, at) => ({
          opcode: at === 0 ? TEXT : CONTINUATION,
          final: at === pieces.length - 1,
          payload: Buffer.from(piece),
        })),
      ),
    );
    const fraction = fc.double({ min: 0, max: 1, noNaN: true });
    await fc.assert(
      fc.asyncProperty(
        fc.array(frame, { maxLength: 12 }),
        fc.array(fraction, { maxLength: 12 }),
        async (frames, cuts) => {
          await same(frames.flat(), cuts);
        },
      ),
      { numRuns: 150 },
    );
  }).timeout(60_000);

  it('stays away where something else listens to the connection', async () => {
    const sockets = new WebSocketServer({ noServer: true });
    const installed = new Promise<Inlet | undefined>((resolve) => {
      server.once('upgrade', (upgrade, socket: Duplex, head) => {
        socket.on('data', () => undefined);
        sockets.handleUpgrade(upgrade, socket, head, (webSocket) => {
          resolve(Inlet.of(webSocket, socket));
          webSocket.close();
        });
      });
    });
    await upgraded();
    assert.equal(await installed, undefined);
  });
});
