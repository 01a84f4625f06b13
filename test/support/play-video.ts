/** Plays a video of the api in a browser, as a person would. */
import type { Page } from 'playwright-core';
import { startBrowser } from './browser.js';

export interface Played {
  duration: number;
  /** Where it ended. */
  end: number;
  width: number;
  /** Frames that were shown, and of those the ones that came too late. */
  frames: number;
  error: string | null;
}

/** What the page's script uses of an HTMLVideoElement. */
interface PlayedVideo {
  duration: number;
  currentTime: number;
  videoWidth: number;
  error: { message: string } | null;
  play(): Promise<void>;
  addEventListener(name: string, listener: (event: unknown) => void): void;
  getVideoPlaybackQuality(): { totalVideoFrames: number };
}

/** Plays to the end, from the beginning or after a leap to `seekTo` seconds. */
export async function playVideo(
  browser: string,
  { apiUrl, apiKey }: { apiUrl: string; apiKey: string },
  videoUrl: string,
  seekTo?: number,
): Promise<Played> {
  const started = await startBrowser(browser);
  try {
    const page = await started.newPage({ extraHTTPHeaders: { 'X-API-Key': apiKey } });
    await page.goto(`${apiUrl}/health/live`);
    await page.setContent(`<video muted src="${apiUrl}${videoUrl}"></video>`);
    return await playOn(page, seekTo);
  } finally {
    await started.close();
  }
}

/** Plays the video of this page in the same way. */
export async function playOn(page: Page, seekTo?: number): Promise<Played> {
  return await page.evaluate(async (leap) => {
    const { document } = globalThis as unknown as { document: { querySelector(selector: string): PlayedVideo } };
    const video = document.querySelector('video');
    const event = (name: string): Promise<unknown> =>
      new Promise((resolve, reject) => {
        video.addEventListener(name, resolve);
        video.addEventListener('error', () => reject(new Error(video.error?.message)));
      });
    const ended = event('ended');
    await video.play();
    if (leap !== undefined) {
      const seeked = event('seeked');
      video.currentTime = leap;
      await seeked;
    }
    await ended;
    const { totalVideoFrames: frames } = video.getVideoPlaybackQuality();
    const error = video.error?.message ?? null;
    return { duration: video.duration, end: video.currentTime, width: video.videoWidth, frames, error };
  }, seekTo);
}
