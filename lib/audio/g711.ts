/** G.711 (mu-law and A-law) by tables, which `alawmulaw` fills: a look-up is quicker than its arithmetic. */

import { alaw, mulaw } from 'alawmulaw';

export type Law = 'mulaw' | 'alaw';

const codecs = { mulaw, alaw };
const decoding = new Map<Law, Int16Array>();
const encoding = new Map<Law, Uint8Array>();

/** s16 of each of the 256 codes. */
export function decodeTable(law: Law): Int16Array {
  let table = decoding.get(law);
  if (!table) {
    table = codecs[law].decode(Uint8Array.from({ length: 256 }, (_, code) => code));
    decoding.set(law, table);
  }
  return table;
}

/** The code of each s16, found at the sample's 16 bits read as unsigned. 64 KB, made when first asked for. */
export function encodeTable(law: Law): Uint8Array {
  let table = encoding.get(law);
  if (!table) {
    table = codecs[law].encode(Int16Array.from({ length: 65_536 }, (_, bits) => bits));
    encoding.set(law, table);
  }
  return table;
}
