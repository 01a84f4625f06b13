import { copyFile, readFile, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { beforeAll, describe, expect, it } from 'vitest';
import { ffmpeg, makeClip, makeScript, mediaFolder, tools } from '../test-support/media-files.js';
import { probeClip } from './probe-clip.js';
import { readTopLevelBoxes } from './top-level-boxes.js';

const folder = mediaFolder();
let clip: string;
beforeAll(async () => {
  clip = await makeClip(folder.path('clip.mp4'), { colour: 'testsrc', seconds: 2, sound: { seconds: 2 } });
});

const refused = (path: string, says: string) =>
  expect(probeClip(tools, 5, path)).rejects.toMatchObject({
    code: 'MEDIA_UNREADABLE',
    message: expect.stringContaining(says),
    details: { clip: 5 },
  });

async function halfOf(from: string, path: string): Promise<string> {
  await copyFile(from, path);
  await truncate(path, Math.floor((await readFile(from)).length / 2));
  return path;
}

describe('probeClip', () => {
  it('says what a clip is and when its frames are shown', async () => {
    const seen = await probeClip(tools, 1, clip);
    expect(seen).toMatchObject({
      video: { frameCount: 48 },
      audio: { codec: 'aac' },
      scan: { frames: 48, steady: true },
    });
  });

  it('leaves a missing picture for the plan to judge', async () => {
    const soundOnly = folder.path('sound.mp4');
    await ffmpeg('-v', 'error', '-i', clip, '-vn', '-c', 'copy', soundOnly);
    expect((await probeClip(tools, 1, soundOnly)).scan).toBeUndefined();
  });

  it.each(['mp4', 'mkv'])('takes a sound that is longer than its picture in %s', async (container) => {
    const path = await makeClip(folder.path(`long-sound.${container}`), { sound: { seconds: 3 } });
    expect((await probeClip(tools, 1, path)).scan).toMatchObject({ frames: 24, seconds: expect.closeTo(1, 2) });
  });

  const playlists = [
    { what: 'an HLS list', text: (target: string) => `#EXTM3U\n#EXTINF:2,\n${target}\n#EXT-X-ENDLIST\n` },
    { what: 'an ffconcat script', text: (target: string) => `ffconcat version 1.0\nfile '${target}'\n` },
  ];
  it.each(playlists)(
    'refuses $what that points at a local file or another host, and opens neither',
    async ({ text }) => {
      let asked = 0;
      const server = createServer((_, response) => {
        asked += 1;
        response.end();
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      try {
        const { port } = server.address() as AddressInfo;
        for (const target of [clip, `file:${clip}`, `http://127.0.0.1:${port}/clip.mp4`]) {
          const path = folder.path('list.mp4');
          await writeFile(path, text(target));
          await refused(path, 'clip 5 was expected to be a video file, and is not: ');
        }
        expect(asked).toBe(0);
      } finally {
        await new Promise((resolve) => server.close(resolve));
      }
    },
  );

  it('refuses a text, an empty file, and a header with no frames behind it', async () => {
    const text = folder.path('text.mp4');
    await writeFile(text, '<html>not found</html>');
    await refused(text, 'to be a video file, and is not: ');
    await writeFile(text, '');
    await refused(text, 'it is empty (0 bytes)');
    const header = folder.path('header.mp4');
    await ffmpeg('-v', 'error', '-i', clip, '-map', '0:v', '-c', 'copy', '-frames:v', '0', header);
    await refused(header, 'clip 5 was expected to be a video file, and is not: ');
  });

  it('refuses a clip of which the end is missing, whatever its container', async () => {
    await refused(await halfOf(clip, folder.path('half.mp4')), 'to be whole, and is cut off: its last ');
    const atEnd = folder.path('index-at-end.mp4');
    await ffmpeg('-v', 'error', '-i', clip, '-c', 'copy', atEnd);
    expect((await readTopLevelBoxes(atEnd)).at(-1)?.type).toBe('moov');
    await refused(await halfOf(atEnd, folder.path('no-index.mp4')), 'to be a video file, and is not: ');
    for (const sound of [['-an'], ['-map', '0:a']]) {
      const matroska = folder.path('whole.mkv');
      await ffmpeg('-v', 'error', '-i', clip, '-map', '0:v', ...sound, '-c', 'copy', matroska);
      await refused(await halfOf(matroska, folder.path('half.mkv')), 'to have the 2.0');
    }
  });

  it('does not blame the clip when ffprobe is killed', async () => {
    const ffprobePath = await makeScript(folder.path('killed'), 'kill -KILL $$');
    await expect(probeClip({ ...tools, ffprobePath }, 1, clip)).rejects.toMatchObject({ code: 'FFMPEG_FAILED' });
  });
});
