/** Watching in a real browser: by a link, by a bare address in somebody else's page, and by a session. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ffmpeg, mediaFolder } from '../../media/test-support/media-files.js';
import { mediaFile } from '../../test/support/api-fixtures.js';
import { findBrowser, startBrowser } from '../../test/support/browser.js';
import { playOn } from '../../test/support/play-video.js';
import { type Caller, type RunningApi, startApi } from '../../test/support/running-api.js';
import { makeLink, shareableVideo, waitUntilExpired } from '../../test/support/shared-videos.js';

const LIMIT_MS = 120_000;
const SECONDS = 30;
const HOSTILE = '</title><script>globalThis.hacked = true</script><img src=x onerror="globalThis.hacked = true">';

const path = await findBrowser();
const folder = mediaFolder();

describe.skipIf(path === undefined)('in a browser', () => {
  let api: RunningApi;
  let anna: Caller;
  let jobId: string;
  let browser: Browser;
  let elsewhere: Server;
  let elsewherePort: number;
  beforeAll(async () => {
    // Larger than what a browser reads ahead, so that a leap to the end asks for another range: noise, encoded once and
    // repeated.
    const piece = folder.path('noise.mp4');
    const rate = ['-b:v', '16M', '-minrate', '16M', '-maxrate', '16M', '-bufsize', '16M'];
    const codec = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', ...rate];
    await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=640x360:r=24:d=3,noise=alls=90:allf=t', ...codec, piece);
    const repeated = ['-stream_loop', String(SECONDS / 3 - 1), '-i', piece, '-c', 'copy', '-movflags', '+faststart'];
    const content = await mediaFile(folder.path('video.mp4'), ...repeated);
    api = await startApi();
    anna = await api.caller('Anna');
    jobId = await shareableVideo(api, anna, { content, name: HOSTILE });
    browser = await startBrowser(String(path));
    elsewhere = createServer((_req, res) => res.setHeader('Content-Type', 'text/html').end('<!doctype html>'));
    elsewhere.listen(0);
    await once(elsewhere, 'listening');
    elsewherePort = (elsewhere.address() as AddressInfo).port;
  }, LIMIT_MS);
  afterAll(async () => {
    await browser.close();
    elsewhere.close();
    await api.stop();
  });

  const statuses = (): number[] =>
    api
      .log()
      .split('\n')
      .filter((line) => line.includes('/combined"'))
      .map((line) => (JSON.parse(line) as { status: number }).status);

  test(
    'the page of a link shows, plays and seeks the video, asks nobody else, and fits a phone in the dark',
    async () => {
      const { url } = await makeLink(anna, jobId);
      const context = await browser.newContext({ viewport: { width: 390, height: 844 }, colorScheme: 'dark' });
      const page = await context.newPage();
      const asked: string[] = [];
      const complaints: string[] = [];
      page.on('request', (request) => asked.push(request.url()));
      page.on('console', (message) => complaints.push(message.text()));
      page.on('pageerror', (error) => complaints.push(error.message));
      await page.goto(api.url + url);
      expect(await page.title()).toBe(HOSTILE);
      expect(await page.locator('h1').innerText()).toBe(HOSTILE);

      const played = await playOn(page, SECONDS - 1);
      expect(played).toMatchObject({ width: 640, error: null });
      expect(played.end).toBeCloseTo(SECONDS, 0);
      expect(played.frames).toBeGreaterThan(10);

      expect(await page.evaluate('[document.body.scrollWidth, globalThis.hacked]')).toEqual([390, undefined]);
      expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(16, 19, 23)');
      const box = await page.locator('video').boundingBox();
      expect([box?.width, Math.round(box?.height ?? 0)]).toEqual([390, 219]);
      expect(asked.every((address) => address.startsWith(`${api.url}/`))).toBe(true);
      expect(complaints).toEqual([]);

      const saving = page.waitForEvent('download');
      await page.getByText('Download').click();
      expect((await saving).suggestedFilename()).toMatch(/\.mp4$/);
      await context.close();
    },
    LIMIT_MS,
  );

  test(
    "a bare address plays in another site's page, to the end although the link expires in between",
    async () => {
      const page = await browser.newPage();
      await page.goto(`http://localhost:${elsewherePort}`);
      const link = await makeLink(anna, jobId, { expiresInSeconds: 4 });
      await page.setContent(`<video muted preload="metadata" src="${api.url}${link.videoUrl}"></video>`);
      await page.waitForFunction('document.querySelector("video").readyState >= 1');
      await waitUntilExpired(api, link);
      const before = statuses().length;
      const played = await playOn(page, SECONDS - 1);
      expect(played).toMatchObject({ width: 640, error: null });
      expect(played.end).toBeCloseTo(SECONDS, 0);
      await expect.poll(() => statuses().slice(before)).toContain(206);

      // For whoever comes now it is over.
      const late = await browser.newPage({ userAgent: 'another browser' });
      await late.goto(`http://localhost:${elsewherePort}`);
      await late.setContent(`<video muted src="${api.url}${link.videoUrl}"></video>`);
      await expect(playOn(late)).rejects.toThrow();
      await late.goto(api.url + link.url);
      expect(await late.locator('h1').innerText()).toBe('This link has expired');
      await late.close();
      await page.close();
    },
    LIMIT_MS,
  );

  test(
    "a session's cookie plays the owner's videos, and is of no use to other sites' pages",
    async () => {
      const context = await browser.newContext();
      const page = await context.newPage();
      await page.goto(`${api.url}/health/live`);
      const opened = await page.evaluate(
        async (key) => (await fetch('/api/v3/sessions', { method: 'POST', headers: { 'x-api-key': key } })).status,
        anna.key,
      );
      expect([opened, await page.evaluate('document.cookie')]).toEqual([201, '']);
      await page.goto(`${api.url}/watch/${jobId}`);
      expect(await playOn(page, SECONDS - 1)).toMatchObject({ width: 640, error: null });

      // Of another site, and of a sister on the same host, to which the browser does send the cookie.
      for (const [host, status] of [
        ['localhost', 401],
        ['127.0.0.1', 403],
      ] as const) {
        await page.goto(`http://${host}:${elsewherePort}`);
        await post(page, `${api.url}/api/v3/clients`);
        await expect.poll(() => lastPost()).toBe(status);
      }
      await page.goto(`http://localhost:${elsewherePort}`);
      await page.setContent(`<video muted src="${api.url}/api/v3/videos/${jobId}/combined"></video>`);
      await expect(playOn(page)).rejects.toThrow();

      // The page itself may ask nobody for anything.
      await page.goto(`${api.url}/health/live`);
      const ended = await page.evaluate(async () => (await fetch('/api/v3/sessions', { method: 'DELETE' })).status);
      expect(ended).toBe(200);
      expect(await context.cookies()).toEqual([]);
      await page.goto(`${api.url}/watch/${jobId}`);
      expect(await page.locator('h1').innerText()).toBe('This page needs a link');
      await context.close();
    },
    LIMIT_MS,
  );

  /** As a form or a script of a foreign page can: its answer cannot be read there. */
  async function post(page: Page, url: string): Promise<void> {
    await page.evaluate(async (address) => {
      await fetch(address, { method: 'POST', mode: 'no-cors', credentials: 'include' });
    }, url);
  }

  const lastPost = (): number | undefined =>
    api
      .log()
      .split('\n')
      .filter((line) => line.includes('"method":"POST","path":"/api/v3/clients"'))
      .map((line) => (JSON.parse(line) as { status: number }).status)
      .at(-1);
});
