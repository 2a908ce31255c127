// Makes the speech in resources/sounds/ and puts the application's part of it into the example flows.
// Needs Debian's `flite` and `sox`; run by hand when a sentence changes, its results are in the repository:
//   node scripts/make-speech.mjs
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, run } from './setup.mjs';

/** What goes over the wire: 24 kHz, so that what a flow hears can be compared with the file sample for sample. */
const WIRE = ['-r', '24000', '-c', '1', '-b', '16', '-e', 'signed-integer'];
/** What a telephone prompt often is, and small enough to be carried inside a flow: G.711 mu-law, 8 kHz. */
const PROMPT = ['-r', '8000', '-c', '1', '-e', 'mu-law'];

/** The callee speaks as `rms`, the application as `slt`. */
const sentences = {
  'callee-question': [
    'rms',
    WIRE,
    'Good morning. Before I leave the house, could you tell me what the weather will be like today?',
  ],
  'can-you-hear-me': ['rms', PROMPT, 'Hello! Can you hear me? This is the phone of the local Wavix.'],
  'callee-interrupts': ['rms', WIRE, 'Thank you, that is all I wanted to know.'],
  'callee-reply': ['rms', WIRE, 'It is about my last bill. Could you send me a copy, please?'],
  hello: ['slt', PROMPT, 'Hello! This is a call from a flow in Node-RED. Have a nice day, and goodbye.'],
  greeting: ['slt', PROMPT, 'Hello! You are speaking to a flow. This is what I heard you say.'],
  weather: [
    'slt',
    PROMPT,
    'Today it will be dry and mostly sunny, with a light wind from the west. ' +
      'Tomorrow clouds move in from the north, and there will be some rain in the afternoon. ' +
      'The day after will be cold and bright.',
  ],
  menu: [
    'slt',
    PROMPT,
    'Thank you for calling. Is it about an order, a bill, or something else? Please tell us now.',
  ],
  noted: ['slt', PROMPT, 'Thank you. We will see to it. Goodbye.'],
  'stand-in': ['slt', PROMPT, 'I am only a stand-in, but I could hear you well.'],
  goodbye: ['slt', PROMPT, 'You are welcome. Thank you for your call, and goodbye.'],
};

const sounds = join(root, 'resources', 'sounds');

function command(name, args) {
  const { status, stderr, error } = spawnSync(name, args, { encoding: 'utf8' });
  if (error)
    throw new Error(`${name} can't be started: ${error.message}. On Debian: apt-get install flite sox`);
  if (status !== 0) throw new Error(`${name} failed: ${stderr}`);
}

function speak(name, [voice, form, text]) {
  const folder = mkdtempSync(join(tmpdir(), 'speech-'));
  const raw = join(folder, 'raw.wav');
  const file = join(sounds, `${name}.wav`);
  try {
    command('flite', ['-voice', voice, '-t', text, '-o', raw]);
    // -R -D: no random dither, so that the same sentence always gives the same file.
    command('sox', [
      '-R',
      '-D',
      raw,
      ...form,
      file,
      'gain',
      '-n',
      '-6',
      'rate',
      '-v',
      form[1],
      'gain',
      '-n',
      '-3',
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
  console.log(`${name}.wav: ${String(readFileSync(file).length)} bytes`);
}

/** A change node named "… (greeting.wav)" sets msg.payload to that file in base64. */
function fillExample(file) {
  const flow = JSON.parse(readFileSync(file, 'utf8'));
  for (const node of flow) {
    const sound = node.type === 'change' && /\((\S+\.wav)\)$/.exec(node.name)?.[1];
    const rule = sound && node.rules.find(({ p }) => p === 'payload');
    if (rule) rule.to = readFileSync(join(sounds, sound)).toString('base64');
  }
  writeFileSync(file, JSON.stringify(flow, null, 2) + '\n');
}

for (const [name, sentence] of Object.entries(sentences)) speak(name, sentence);
const examples = join(root, 'examples');
for (const file of readdirSync(examples)) if (file.endsWith('.json')) fillExample(join(examples, file));
run(process.execPath, [join(root, 'node_modules/prettier/bin/prettier.cjs'), '--write', 'examples']);
