// The demo's flow: an example as it is in the package, pointed at the demo's local Wavix, and a second tab on which the
// demo listens along. Streams can be heard by any number of wavix-stream-in nodes, so the example is left as it is.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../setup.mjs';

const EXAMPLE = 'examples/9 - A whole conversation.json';

/** @returns the nodes to deploy, and the id of the inject node that places the call */
export function demoFlow(apiUrl) {
  const nodes = JSON.parse(readFileSync(join(root, EXAMPLE), 'utf8'));
  const config = nodes.find(({ type }) => type === 'wavix-config');
  config.apiUrl = apiUrl;
  // The demo's own takes its place.
  for (const node of nodes) if (node.type === 'wavix-simulator') node.d = true;
  const button = nodes.find(({ type, name }) => type === 'inject' && name === 'Call');
  return { nodes: [...nodes, ...ear(config.id)], button: button.id };
}

/** The file of a sound that the example holds or the callee says. */
export const soundFile = (name) => join(root, 'resources/sounds', `${name}.wav`);

function ear(config) {
  const z = 'demo-ear';
  const record = (name, y) => ({
    ...{ id: `demo-ear-${name}`, type: 'function', z, name, x: 420, y, wires: [[]], outputs: 1 },
    func: 'global.get("record")(node.name, msg);',
  });
  return [
    { id: z, type: 'tab', label: 'The demo listens along' },
    {
      ...{ id: 'demo-ear-comment', type: 'comment', z, x: 260, y: 60, wires: [] },
      name: 'npm run demo shows and checks what arrives here; the call needs none of it',
    },
    {
      ...{ id: 'demo-ear-in', type: 'wavix-stream-in', z, config, x: 180, y: 140 },
      ...{ name: '', encoding: 'pcm', sampleRate: 24000, frame: 20, track: 'any' },
      wires: [['demo-ear-audio'], ['demo-ear-mark'], ['demo-ear-stream']],
    },
    record('audio', 120),
    record('mark', 160),
    record('stream', 200),
  ];
}
