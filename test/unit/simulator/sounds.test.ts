import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { isAbsolute, join, relative } from 'node:path';
import { audioReady, decodeWav } from '../../../lib/audio';
import { DEFAULT_SOUND, soundMs, soundNames } from '../../../simulator';
import { loadSpeech } from '../../../simulator/sound';
import { soundFile } from '../../../simulator/sounds';

const FOLDER = join(__dirname, '../../../resources/sounds');

describe('the sounds of the package', () => {
  before(audioReady);

  it('have the names of their files', () => {
    const files = readdirSync(FOLDER).filter((file) => file.endsWith('.wav'));
    assert.deepEqual(soundNames(), files.map((file) => file.replace('.wav', '')).sort());
    assert.ok(soundNames().includes(DEFAULT_SOUND), DEFAULT_SOUND);
  });

  it('are found by their names wherever the process was started, and can all be said', async () => {
    const before = process.cwd();
    process.chdir('/');
    try {
      for (const name of soundNames()) {
        const [sound] = await loadSpeech(name);
        const expected = decodeWav(readFileSync(join(FOLDER, `${name}.wav`)));
        assert.ok(sound?.pcm.equals(expected) === true, name);
        assert.ok(soundMs(expected) > 1_000, `${name} is silent`);
      }
    } finally {
      process.chdir(before);
    }
  });

  it('a name that there is not is refused with those that there are; anything else is a path', async () => {
    await assert.rejects(
      loadSpeech('helo'),
      /no sound "helo".* can-you-hear-me, goodbye.*path of a WAV file/,
    );
    const path = relative(process.cwd(), join(FOLDER, 'hello.wav'));
    assert.ok(!isAbsolute(path) && soundFile(path) === path, path);
    await assert.rejects(loadSpeech('./hello'), /no such file/);
  });
});
