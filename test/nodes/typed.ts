/** The ways in which the editor's typed input can name a value. */
import type { Bench } from './harness';

export const TYPES = ['str', 'msg', 'flow', 'global', 'env'] as const;
export type InputType = (typeof TYPES)[number];

/** What stands in the node's field so that it means `wanted`. */
export function fieldFor(type: InputType, wanted: string): string {
  return { str: wanted, msg: 'deep.place', flow: 'deep.place', global: 'deep.place', env: 'A_TEST_VALUE' }[
    type
  ];
}

/** Puts `wanted` where that field looks for it. @returns the message to send */
export function provide(bench: Bench, nodeId: string, type: InputType, wanted: string): object {
  const context = bench.node(nodeId).context();
  if (type === 'flow' || type === 'global') context[type].set('deep', { place: wanted });
  if (type === 'env') {
    process.env.A_TEST_VALUE = wanted;
    bench.onStop(() => delete process.env.A_TEST_VALUE);
  }
  return type === 'msg' ? { deep: { place: wanted } } : {};
}
