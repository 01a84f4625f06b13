import { mkdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { findBrowser, startBrowser } from '../test/support/browser.js';
import { cutClips } from './cut-clips.js';
import { makeVariant } from './test-support/clip-variants.js';
import { mediaFolder, tools } from './test-support/media-files.js';

const folder = mediaFolder();
const browser = await findBrowser();

/** What the page's script uses of a video and of a canvas. */
interface Page {
  document: { querySelector(selector: 'video'): Video; createElement(name: 'canvas'): Canvas };
}
interface Video {
  duration: number;
  error: { message: string } | null;
  play(): Promise<void>;
  addEventListener(name: string, listener: (event: unknown) => void): void;
  requestVideoFrameCallback(onFrame: (now: number, frame: { mediaTime: number }) => void): void;
}
interface Canvas {
  width: number;
  height: number;
  getContext(kind: '2d'): {
    drawImage(video: Video, x: number, y: number, w: number, h: number): void;
    getImageData(x: number, y: number, w: number, h: number): { data: ArrayLike<number> };
  };
}

async function serve<T>(video: Buffer, use: (url: string) => Promise<T>): Promise<T> {
  const server = createServer((request, response) => {
    const isVideo = request.url === '/video.mp4';
    response.setHeader('content-type', isVideo ? 'video/mp4' : 'text/html');
    response.end(isVideo ? video : '<video muted src="/video.mp4"></video>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

describe('a cut of copied and encoded clips', () => {
  it.skipIf(browser === undefined)('plays in a browser over every seam', async () => {
    const clips = [
      { colour: 'red', extra: ['-bf', '0'], sound: { seconds: 1 } },
      { colour: 'lime', rate: '25', size: '228x128' },
      { colour: 'blue', extra: ['-preset', 'slow', '-refs', '5'], sound: { seconds: 1 } },
      { colour: 'yellow', size: '180x320', rate: '30', sound: { seconds: 1 } },
    ];
    const inputs: string[] = [];
    for (const clip of clips) inputs.push(await makeVariant(folder.path(clip.colour), clip));
    const workDir = folder.path('work');
    await mkdir(workDir);
    const output = folder.path('mixed.mp4');
    await cutClips(tools, { inputs, output, workDir });

    const started = await startBrowser(browser ?? '');
    try {
      const seen = await serve(await readFile(output), async (url) => {
        const page = await started.newPage();
        await page.goto(url);
        return await page.evaluate(async () => {
          const { document } = globalThis as unknown as Page;
          const video = document.querySelector('video');
          const canvas = document.createElement('canvas');
          const context = canvas.getContext('2d');
          const frames: { at: number; pixel: number[] }[] = [];
          const onFrame = (_: number, frame: { mediaTime: number }): void => {
            context.drawImage(video, 0, 0, canvas.width, canvas.height);
            const middle = context.getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data;
            frames.push({ at: frame.mediaTime, pixel: Array.from(middle).slice(0, 3) });
            video.requestVideoFrameCallback(onFrame);
          };
          video.requestVideoFrameCallback(onFrame);
          const ended = new Promise((resolve, reject) => {
            video.addEventListener('ended', resolve);
            video.addEventListener('error', () => reject(new Error(video.error?.message)));
          });
          await video.play();
          await ended;
          return { frames, duration: video.duration, error: video.error };
        });
      });
      expect(seen.error).toBeNull();
      expect(seen.duration).toBeCloseTo(4, 1);
      const strong = [[0], [1], [2], [0, 1]];
      const clipsSeen = new Set<number>();
      for (const { at, pixel } of seen.frames) {
        const clip = Math.min(3, Math.floor(at + 0.01));
        clipsSeen.add(clip);
        expect(
          pixel.flatMap((value, index) => (value > 128 ? [index] : [])),
          `at ${at} s`,
        ).toEqual(strong[clip]);
      }
      expect([...clipsSeen]).toEqual([0, 1, 2, 3]);
    } finally {
      await started.close();
    }
  });
});
