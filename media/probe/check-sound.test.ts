import { readFile, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { ffmpeg, makeClip, mediaFolder, tools } from '../test-support/media-files.js';
import { checkSound } from './check-sound.js';

const folder = mediaFolder();

async function tone(name: string, seconds: number, ...args: string[]): Promise<string> {
  await ffmpeg('-f', 'lavfi', '-i', `sine=f=330:r=32000:d=${seconds}`, ...args, folder.path(name));
  return folder.path(name);
}

describe('checkSound', () => {
  it.each([
    ['music.wav', [], 'audio/wav'],
    ['music.mp3', ['-c:a', 'libmp3lame'], 'audio/mpeg'],
    ['music.flac', [], 'audio/flac'],
    ['music.m4a', ['-c:a', 'aac'], 'audio/mp4'],
  ])('accepts %s and says what it is', async (name, args, contentType) => {
    const seen = await checkSound(tools, await tone(name, 2, ...args));
    expect(seen.contentType).toBe(contentType);
    expect(seen.audio).toMatchObject({ sampleRate: 32_000 });
    expect(seen.audio.durationSeconds).toBeCloseTo(2, 1);
  });

  it('refuses what is no sound, what has none, and what has nothing in it', async () => {
    await writeFile(folder.path('text.wav'), 'no sound at all');
    await expect(checkSound(tools, folder.path('text.wav'))).rejects.toMatchObject({ code: 'OUTPUT_BROKEN' });
    const silent = await makeClip(folder.path('silent.mp4'));
    await expect(checkSound(tools, silent)).rejects.toMatchObject({
      code: 'OUTPUT_BROKEN',
      details: { seen: 'has none' },
    });
    await writeFile(folder.path('header.wav'), (await readFile(await tone('short.wav', 1))).subarray(0, 44));
    await expect(checkSound(tools, folder.path('header.wav'))).rejects.toMatchObject({ code: 'OUTPUT_BROKEN' });
  });

  it('refuses a playlist that names another file', async () => {
    const path = folder.path('list.wav');
    await writeFile(path, `ffconcat version 1.0\nfile '${await tone('named.wav', 1)}'\n`);
    await expect(checkSound(tools, path)).rejects.toMatchObject({ code: 'OUTPUT_BROKEN' });
  });

  it('refuses a sound that breaks off before the length that it states', async () => {
    const whole = await readFile(await tone('whole.m4a', 4, '-c:a', 'aac', '-movflags', '+faststart'));
    await writeFile(folder.path('cut-off.m4a'), whole.subarray(0, whole.length / 2));
    await expect(checkSound(tools, folder.path('cut-off.m4a'))).rejects.toMatchObject({ code: 'OUTPUT_BROKEN' });
  });
});
