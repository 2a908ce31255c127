/** The flows under test. */

export const PATH = '/wavix';
export const SECRET = 'secret-of-the-bench';

/** A command to the flow `talking` is a frame of audio that begins with this … */
export const COMMAND = Buffer.from('command:');
/** … and one of these. */
export const PLAY = 1;
export const CLEAR = 2;

type Flow = Record<string, unknown>[];

const node = (id: string, type: string, wires: string[][], rest: object = {}) => ({
  id,
  type,
  z: 'tab',
  x: 0,
  y: 0,
  wires,
  ...rest,
});

/** (b) The same job from Node-RED's own nodes. */
export const coreFlow: Flow = [
  { id: 'tab', type: 'tab', label: 'core nodes' },
  { id: 'listener', type: 'websocket-listener', path: '/core', wholemsg: 'false' },
  node('in', 'websocket in', [['parse']], { server: 'listener', client: '' }),
  node('parse', 'json', [['echo']], { property: 'payload', action: 'obj', pretty: false }),
  node('echo', 'function', [['write']], {
    func: `const { event, stream_id, media } = msg.payload;
if (event !== 'media') return null;
const audio = Buffer.from(media.payload, 'base64');
msg.payload = { event: 'media', stream_id, media: { payload: audio.toString('base64') } };
return msg;`,
    outputs: 1,
    timeout: 0,
    noerr: 0,
    initialize: '',
    finalize: '',
    libs: [],
  }),
  node('write', 'json', [['out']], { property: 'payload', action: 'str', pretty: false }),
  node('out', 'websocket out', [], { server: 'listener', client: '' }),
];

const line = {
  id: 'line',
  type: 'wavix-config',
  name: '',
  apiUrl: 'http://127.0.0.1:1', // never called
  apiStyle: 'appid',
  publicUrl: '',
  path: PATH,
  port: '',
  credentials: { apiKey: 'key-of-the-bench', secret: SECRET },
};

const hear = (wires: string[][]) =>
  node('hear', 'wavix-stream-in', wires, {
    config: 'line',
    encoding: 'pcm',
    sampleRate: 24_000,
    frame: 20,
    track: 'any',
  });

const speak = (lead: number) =>
  node('speak', 'wavix-stream-out', [[], []], {
    config: 'line',
    streamId: 'stream_id',
    streamIdType: 'msg',
    encoding: 'auto',
    sampleRate: 24_000,
    lead,
    queue: 3_000,
  });

/** (c) This package: audio in, wired into audio out. `lead` in ms; 60 s lets a flood through that nobody could hear. */
export const echoFlow = (lead: number): Flow => [
  { id: 'tab', type: 'tab', label: 'echo' },
  line,
  hear([['speak'], [], []]),
  speak(lead),
];

/** A flow that says a file when it is told to, and stops when it is told to. */
export const talkingFlow = (file: string): Flow => [
  { id: 'tab', type: 'tab', label: 'talking' },
  line,
  hear([['obey'], [], []]),
  node('obey', 'function', [['speak']], {
    initialize: `context.set('file', fs.readFileSync(${JSON.stringify(file)}));`,
    libs: [{ var: 'fs', module: 'fs' }],
    func: `const { payload, stream_id } = msg;
if (!payload.subarray(0, 8).equals(Buffer.from('command:'))) return null;
if (payload[8] === ${CLEAR}) return { stream_id, event: 'clear' };
return { stream_id, payload: context.get('file') };`,
    outputs: 1,
    timeout: 0,
    noerr: 0,
    finalize: '',
  }),
  speak(1_000),
];
