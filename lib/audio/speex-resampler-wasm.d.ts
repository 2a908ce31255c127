/** The part of `@echogarden/speex-resampler-wasm` (which has no types) that is used here; pointers are numbers. */
declare module '@echogarden/speex-resampler-wasm/simd' {
  export interface SpeexModule {
    /** All of its memory; another object after it has grown. */
    readonly HEAPF32: Float32Array<ArrayBuffer>;
    readonly HEAPU32: Uint32Array<ArrayBuffer>;
    _malloc(bytes: number): number;
    _free(pointer: number): void;
    /** @returns the resampler, or 0; then the reason is at `error` */
    _speex_resampler_init(channels: number, from: number, to: number, quality: number, error: number): number;
    _speex_resampler_destroy(resampler: number): void;
    _speex_resampler_skip_zeros(resampler: number): number;
    /** Reads and writes at most the numbers at `inCount` and `outCount`, and leaves there how many it did. */
    _speex_resampler_process_float(
      resampler: number,
      channel: number,
      input: number,
      inCount: number,
      output: number,
      outCount: number,
    ): number;
  }
  export default function load(): Promise<SpeexModule>;
}
