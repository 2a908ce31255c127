/** WAV files of every kind, good and bad, put together byte by byte. */

export interface Format {
  tag?: number;
  channels?: number;
  rate?: number;
  bits?: number;
  blockAlign?: number;
}

/** The 16 bytes of a fmt chunk; what is left out is that of s16le, mono, 24 kHz. */
export function format(options: Format = {}): Buffer {
  const { tag = 1, channels = 1, rate = 24_000, bits = 16 } = options;
  const { blockAlign = (channels * bits) / 8 } = options;
  const body = Buffer.alloc(16);
  body.writeUInt16LE(tag, 0);
  body.writeUInt16LE(channels, 2);
  body.writeUInt32LE(rate, 4);
  body.writeUInt32LE((rate * blockAlign) >>> 0, 8);
  body.writeUInt16LE(blockAlign, 12);
  body.writeUInt16LE(bits, 14);
  return body;
}

/** The 40 bytes of an extensible fmt chunk. */
export function extensible(options: Format & { validBits?: number; guid?: string } = {}): Buffer {
  const { tag = 1, bits = 16, validBits = bits, guid = '000000001000800000aa00389b71' } = options;
  const rest = Buffer.alloc(24);
  rest.writeUInt16LE(22, 0);
  rest.writeUInt16LE(validBits, 2);
  rest.writeUInt32LE(4, 4);
  rest.writeUInt16LE(tag, 8);
  Buffer.from(guid, 'hex').copy(rest, 10);
  return Buffer.concat([format({ ...options, tag: 0xfffe }), rest]);
}

/** One chunk, with its pad byte; its size may lie. */
export function chunk(id: string, body: Buffer, options: { size?: number; pad?: boolean } = {}): Buffer {
  const { size = body.length, pad = true } = options;
  const head = Buffer.alloc(8);
  head.write(id, 0, 'latin1');
  head.writeUInt32LE(size, 4);
  return Buffer.concat([head, body, Buffer.alloc(pad ? body.length % 2 : 0)]);
}

/** A whole file of these chunks; its size may lie. */
export function riff(chunks: Buffer[], options: { id?: string; size?: number; form?: string } = {}): Buffer {
  const { id = 'RIFF', form = 'WAVE' } = options;
  const body = Buffer.concat(chunks);
  const head = Buffer.alloc(12);
  head.write(id, 0, 'latin1');
  head.writeUInt32LE(options.size ?? body.length + 4, 4);
  head.write(form, 8, 'latin1');
  return Buffer.concat([head, body]);
}

/** fmt and data. */
export function wav(options: Format, data: Buffer): Buffer {
  return riff([chunk('fmt ', format(options)), chunk('data', data)]);
}

/** s16le of the numbers */
export function s16le(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  values.forEach((value, i) => bytes.writeInt16LE(value, i * 2));
  return bytes;
}
