import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startBrowser } from '../../test/support/browser.js';

/** A frame that a browser showed: when it is due, in seconds, and red, green and blue in its middle. */
export interface PlayedFrame {
  at: number;
  pixel: number[];
}

export interface Played {
  /** In the order in which they were shown, while the video was played from start to end. */
  frames: PlayedFrame[];
  /** Those that were shown after it was moved to each of `seekTo`. */
  found: PlayedFrame[];
  duration: number;
  /** Where it stopped by itself. */
  endedAt: number;
  error: { message: string } | null;
}

/** What the page's script uses of a video and of a canvas. */
interface Page {
  document: { querySelector(selector: 'video'): Video; createElement(name: 'canvas'): Canvas };
}
interface Video {
  currentTime: number;
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

/** Plays a video in the browser at `browser` from start to end, and then moves it to each of the times in seconds. */
export async function playInBrowser(browser: string, video: Buffer, seekTo: readonly number[] = []): Promise<Played> {
  const started = await startBrowser(browser);
  try {
    return await serve(video, async (url) => {
      const page = await started.newPage();
      await page.goto(url);
      return await page.evaluate(async (times) => {
        const { document } = globalThis as unknown as Page;
        const video = document.querySelector('video');
        const canvas = document.createElement('canvas');
        const context = canvas.getContext('2d');
        const look = (mediaTime: number): PlayedFrame => {
          context.drawImage(video, 0, 0, canvas.width, canvas.height);
          const middle = context.getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data;
          return { at: mediaTime, pixel: Array.from(middle).slice(0, 3) };
        };
        let frames: PlayedFrame[] = [];
        const onFrame = (_: number, frame: { mediaTime: number }): void => {
          frames.push(look(frame.mediaTime));
          video.requestVideoFrameCallback(onFrame);
        };
        video.requestVideoFrameCallback(onFrame);
        const ended = new Promise((resolve, reject) => {
          video.addEventListener('ended', resolve);
          video.addEventListener('error', () => reject(new Error(video.error?.message)));
        });
        await video.play();
        await ended;
        const [played, endedAt] = [frames, video.currentTime];
        const found: PlayedFrame[] = [];
        for (const time of times) {
          frames = [];
          const sought = new Promise((resolve) => video.addEventListener('seeked', resolve));
          video.currentTime = time;
          await sought;
          while (frames.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
          found.push(...frames.slice(-1));
        }
        return { frames: played, found, duration: video.duration, endedAt, error: video.error };
      }, seekTo);
    });
  } finally {
    await started.close();
  }
}

async function serve<T>(video: Buffer, use: (url: string) => Promise<T>): Promise<T> {
  const server = createServer((request, response) => {
    if (request.url !== '/video.mp4') {
      response.setHeader('content-type', 'text/html');
      response.end('<video muted src="/video.mp4"></video>');
      return;
    }
    // A browser moves only in what a server gives in ranges.
    const first = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    response.writeHead(206, {
      'content-type': 'video/mp4',
      'accept-ranges': 'bytes',
      'content-range': `bytes ${first}-${video.length - 1}/${video.length}`,
    });
    response.end(video.subarray(first));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}
