/**
 * Audio formats: what may be played into a call, and what can be had from it. The call's own form is PCM s16le, mono,
 * 24 kHz. Knows nothing of sockets or Node-RED.
 */

export {
  CALL_BYTES_PER_MS,
  CALL_RATE,
  checkInputFormat,
  checkOutputFormat,
  G711_RATE,
  MAX_CHANNELS,
  MAX_PIECE_MS,
  MAX_RATE,
  MIN_PIECE_MS,
  MIN_RATE,
  OUTPUT_RATES,
  RAW_ENCODINGS,
  type InputFormat,
  type OutputFormat,
  type RawEncoding,
} from './format';
export { detectFile, refuseOtherFiles } from './detect';
export { Encoder } from './encoder';
export { decodeMp3, type Mp3Options } from './mp3-file';
export { RawDecoder } from './raw-decoder';
export { audioReady } from './resampler';
export { silence, tone, type ToneOptions } from './tone';
export { decodeWav, openWav, type PcmFile } from './wav-file';
export { readWavInfo, type WavInfo } from './wav-header';
export { writeWav } from './wav-writer';
