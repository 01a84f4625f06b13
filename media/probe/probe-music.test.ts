import { readFile, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { makeClip, mediaFolder, tools } from '../test-support/media-files.js';
import { makeSound } from '../test-support/music-files.js';
import { probeMusic } from './probe-music.js';

const folder = mediaFolder();

describe('probeMusic', () => {
  it.each([
    { name: 'musicgen.wav', sampleRate: 32_000, channels: 1 as const },
    { name: 'stereo.wav', sampleRate: 44_100, channels: 2 as const },
    { name: 'stereo.mp3', sampleRate: 44_100, channels: 2 as const },
    { name: 'mono.m4a', sampleRate: 48_000, channels: 1 as const },
    { name: 'stereo.flac', sampleRate: 48_000, channels: 2 as const },
  ])('knows how long $name sounds', async ({ name, ...format }) => {
    const path = await makeSound(folder.path(name), 'noise', { seconds: 3.5, ...format });
    const { seconds, ...seen } = await probeMusic(tools, path);
    expect(seen).toEqual(format);
    // AAC and MP3 fill up their last frame.
    expect(seconds).toBeGreaterThan(3.499);
    expect(seconds).toBeLessThan(3.56);
  });

  it('counts what sounds, not what the file states', async () => {
    const whole = await readFile(await makeSound(folder.path('whole.wav'), 'noise', { seconds: 4 }));
    const path = folder.path('cut-off.wav');
    await writeFile(path, whole.subarray(0, whole.length / 2));
    expect((await probeMusic(tools, path)).seconds).toBeCloseTo(2, 2);
  });

  const playlist = '#EXTM3U\n#EXT-X-TARGETDURATION:8\n#EXTINF:8,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n';
  it.each([
    { what: 'a text file', name: 'text.mp3', content: 'no music today\n'.repeat(50), seen: /is not: / },
    { what: 'nothing', name: 'empty.wav', content: '', seen: /0 bytes/ },
    { what: 'a playlist', name: 'list.mp3', content: playlist, seen: /is not: / },
    { what: 'a script', name: 'script.wav', content: 'ffconcat version 1.0\nfile /etc/hostname\n', seen: /is not: / },
    { what: 'a wave without sound', name: 'head.wav', content: 'RIFF\x24\0\0\0WAVEfmt ', seen: /is not: / },
  ])('refuses $what', async ({ name, content, seen }) => {
    const path = folder.path(name);
    await writeFile(path, content, 'latin1');
    await expect(probeMusic(tools, path)).rejects.toMatchObject({
      code: 'MEDIA_UNREADABLE',
      details: { music: true, seen: expect.stringMatching(seen) },
    });
  });

  it('refuses a picture without sound, a moment of sound, and a file that is not there', async () => {
    const silent = await makeClip(folder.path('silent.mp4'));
    const short = await makeSound(folder.path('short.wav'), 'noise', { seconds: 0.5 });
    for (const [path, seen] of [
      [silent, 'has only h264 pictures'],
      [short, 'is 0.500 s'],
      [folder.path('nowhere.mp3'), expect.stringMatching(/^is not: ENOENT/)],
    ]) {
      const refused = { code: 'MEDIA_UNREADABLE', details: { music: true, seen } };
      await expect(probeMusic(tools, path)).rejects.toMatchObject(refused);
    }
  });

  it('does not blame the music for a tool that cannot be run', async () => {
    const path = await makeSound(folder.path('fine.wav'), 'noise', { seconds: 1 });
    const run = probeMusic({ ...tools, ffmpegPath: folder.path('no-ffmpeg') }, path);
    await expect(run).rejects.toMatchObject({ code: 'FFMPEG_FAILED' });
  });
});
