import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { cutClips } from '../cut/cut-clips.js';
import type { CutPlan } from '../plan/cut-plan.js';
import { HLG, makeVariant, VARIABLE_RATE } from '../test-support/clip-variants.js';
import { ffmpeg, makeClip, mediaFolder, tools } from '../test-support/media-files.js';
import { type PlainColour, seenFrames } from '../test-support/seen-and-heard.js';
import { readTopLevelBoxes } from './top-level-boxes.js';

const folder = mediaFolder();
let usual: string;
let workDir: string;
beforeAll(async () => {
  usual = await makeVariant(folder.path('usual'), { colour: 'lime', sound: { seconds: 1 } });
  workDir = folder.path('work');
  await mkdir(workDir);
});

let cuts = 0;
/** The clip between two usual ones. */
async function cutWith(path: string): Promise<{ plan: CutPlan; centres: PlainColour[] }> {
  const output = folder.path(`cut-${(cuts += 1)}.mp4`);
  let plan: CutPlan | undefined;
  await cutClips(tools, { inputs: [usual, path, usual], output, workDir, onPlan: (made) => (plan = made) });
  return { plan: plan as CutPlan, centres: (await seenFrames(output)).map(({ centre }) => centre) };
}

const plain = (frames: number): PlainColour[] => [
  ...Array<PlainColour>(24).fill('lime'),
  ...Array<PlainColour>(frames).fill('blue'),
  ...Array<PlainColour>(24).fill('lime'),
];

describe('a clip that cannot be used is named, and nothing is left, when it is', () => {
  it.each<{ what: string; make: (path: string) => Promise<unknown> }>([
    { what: 'a page that says that it was not found', make: (path) => writeFile(path, '<html>404</html>') },
    { what: 'a picture', make: (path) => ffmpeg('-f', 'lavfi', '-i', 'color', '-frames:v', '1', '-f', 'apng', path) },
    { what: 'a moving GIF', make: (path) => ffmpeg('-f', 'lavfi', '-i', 'testsrc=d=1', '-f', 'gif', path) },
    { what: 'a folder', make: (path) => mkdir(path) },
    { what: 'a named pipe, which nobody writes to', make: (path) => promisify(execFile)('mkfifo', [path]) },
    {
      what: 'a sound with a cover image',
      make: async (path) => {
        const cover = folder.path('cover.png');
        await ffmpeg('-f', 'lavfi', '-i', 'color=blue:s=64x64', '-frames:v', '1', cover);
        const tone = ['-f', 'lavfi', '-i', 'sine=d=1', '-i', cover, '-map', '0', '-map', '1'];
        await ffmpeg(...tone, '-c:v', 'copy', '-disposition:v', 'attached_pic', '-f', 'mp4', path);
      },
    },
    {
      what: 'cut off within its sound, behind its last frame',
      make: async (path) => {
        await makeClip(path, { size: '320x180', colour: 'blue', sound: { seconds: 4 } });
        const end = (await readTopLevelBoxes(path)).at(-1);
        await truncate(path, (end?.offset ?? 0) + (end?.size ?? 0) - 2_000);
      },
    },
    {
      what: 'in fragments, the last of which is cut off',
      make: async (path) => {
        const fragments = ['-g', '6', '-movflags', 'frag_keyframe+empty_moov'];
        await makeClip(path, { size: '320x180', colour: 'testsrc', extra: fragments });
        await truncate(path, (await readFile(path)).length - 1_500);
      },
    },
  ])('$what', async ({ what, make }) => {
    const path = folder.path(`${what}.mp4`);
    await make(path);
    const output = folder.path('never.mp4');
    await expect(cutClips(tools, { inputs: [usual, path, usual], output, workDir })).rejects.toMatchObject({
      code: 'MEDIA_UNREADABLE',
      message: expect.stringMatching(/^clip 2 was expected .+, and .+/),
      details: { clip: 2 },
    });
    expect(await readdir(workDir)).toEqual([]);
  });

  it('a DASH or SDP manifest of local files or another host, neither of which is opened', async () => {
    let asked = 0;
    const server = createServer((_, response) => {
      asked += 1;
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const dash = (url: string): string =>
      '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT1S" ' +
      'profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"><Period><AdaptationSet mimeType="video/mp4">' +
      `<Representation id="1" bandwidth="1"><BaseURL>${url}</BaseURL></Representation></AdaptationSet></Period></MPD>`;
    const sdp = `v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video ${port} RTP/AVP 96\na=rtpmap:96 H264/90000\n`;
    try {
      for (const text of [dash(`file:${usual}`), dash(`http://127.0.0.1:${port}/clip.mp4`), sdp]) {
        const path = folder.path('manifest.mp4');
        await writeFile(path, text);
        const cut = cutClips(tools, { inputs: [path, usual], output: folder.path('never.mp4'), workDir });
        await expect(cut).rejects.toMatchObject({ code: 'MEDIA_UNREADABLE', details: { clip: 1 } });
      }
      expect(asked).toBe(0);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });
});

describe('a right video comes of', () => {
  it.each<{ what: string; make: (stem: string) => Promise<string>; frames: number }>([
    {
      what: 'a clip of one frame',
      make: (stem) => makeVariant(stem, { colour: 'blue', seconds: 1 / 24 }),
      frames: 1,
    },
    {
      what: 'an odd number of columns and rows beside even ones',
      make: (stem) =>
        makeVariant(stem, {
          colour: 'blue',
          size: '321x181',
          pixelFormat: 'yuv444p',
          extra: ['-profile:v', 'high444'],
        }),
      frames: 24,
    },
    {
      what: 'a varying rate, a turn and wide colours at once, with a sound twice as long',
      make: (stem) =>
        makeVariant(stem, {
          ...HLG,
          colour: '0x0000ff',
          rotate: 180,
          sound: { seconds: 2 },
          extra: [...(HLG.extra ?? []), ...VARIABLE_RATE],
        }),
      frames: 24,
    },
    {
      what: 'a picture of two by two pixels',
      make: (stem) => makeVariant(stem, { colour: 'blue', size: '16x16', extra: ['-vf', 'scale=2:2'] }),
      frames: 24,
    },
    {
      what: 'a picture with holes, which show nothing of what is behind',
      make: (stem) =>
        makeVariant(stem, {
          colour: 'blue',
          container: 'webm',
          pixelFormat: 'yuva420p',
          extra: ['-c:v', 'libvpx-vp9', '-cpu-used', '8'],
        }),
      frames: 24,
    },
  ])('$what', async ({ what, make, frames }) => {
    const path = await make(folder.path(what));
    const { plan, centres } = await cutWith(path);
    expect(plan.clips[1]?.frames).toBe(frames);
    expect(centres).toEqual(plain(frames));
  });
});
