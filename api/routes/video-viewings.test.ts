import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Caller, type RunningApi, startApi } from '../../test/support/running-api.js';
import { makeLink, shareableVideo, tokenIn, waitUntilExpired } from '../../test/support/shared-videos.js';
import type { VideoLinkJson } from '../schemas/video-links.schema.js';

const CONTENT = randomBytes(600_000);
/** Long enough to begin a viewing, short enough to wait for. */
const SHORT = { expiresInSeconds: 6 };

let api: RunningApi;
let hasty: RunningApi;
let anna: Caller;
let jobId: string;
beforeAll(async () => {
  // Remembered for as long as the tests take: what a link opens must not be.
  api = await startApi({ config: { answersRememberedForMs: 600_000 } });
  hasty = await startApi({ config: { viewingSeconds: 3, answersRememberedForMs: 600_000 } });
  anna = await api.caller('Anna');
  jobId = await shareableVideo(api, anna, { content: CONTENT });
});
afterAll(async () => {
  await api.stop();
  await hasty.stop();
});

/** Somebody with a browser of this name. */
function viewer(name: string, at: RunningApi = api) {
  const headers = { 'user-agent': name };
  const get = async (path: string, more: Record<string, string> = {}, method = 'GET'): Promise<Response> => {
    const response = await fetch(at.url + path, { method, headers: { ...headers, ...more } });
    await response.clone().arrayBuffer();
    return response;
  };
  return {
    whole: get,
    range: (path: string, range: string) => get(path, { range }),
    head: (path: string) => get(path, {}, 'HEAD'),
  };
}

const readLink = async ({ id }: VideoLinkJson): Promise<VideoLinkJson> =>
  (await anna.get<VideoLinkJson>(`/api/v3/videos/${jobId}/links/${id}`)).data;

test('a viewing that began goes on when its link expires, and ends when the link is revoked', async () => {
  const link = await makeLink(anna, jobId, SHORT);
  const [eva, otto] = [viewer('Eva'), viewer('Otto')];
  const poster = `/api/v3/videos/${jobId}/poster.jpg?token=${tokenIn(link.videoUrl)}`;
  expect((await eva.range(link.videoUrl, 'bytes=0-')).status).toBe(206);
  // He looks at the picture and plays nothing.
  expect((await otto.whole(poster)).status).toBe(200);
  await waitUntilExpired(api, link);

  for (const [range, start, end] of [
    ['bytes=300000-300009', 300_000, 300_010],
    ['bytes=-10', 599_990, 600_000],
    // Back to the beginning.
    ['bytes=0-', 0, 600_000],
  ] as const) {
    const part = await eva.range(link.videoUrl, range);
    expect(part.status).toBe(206);
    expect(Buffer.from(await part.arrayBuffer()).equals(CONTENT.subarray(start, end))).toBe(true);
  }
  expect([(await eva.head(link.videoUrl)).status, (await eva.whole(poster)).status]).toEqual([200, 200]);

  // Nothing begins by it any more: no download, no page, and nothing at all for those who were not watching.
  expect([(await eva.whole(link.videoUrl)).status, (await eva.whole(link.url)).status]).toEqual([401, 401]);
  const refused = await otto.range(link.videoUrl, 'bytes=0-');
  expect([refused.status, await refused.json()]).toEqual([
    401,
    expect.objectContaining({ error: expect.objectContaining({ details: { reason: 'expired' } }) }),
  ]);
  expect((await otto.whole(poster)).status).toBe(401);
  expect((await viewer('Eva').range(link.videoUrl, 'bytes=0-')).status).toBe(206);

  await anna.delete(`/api/v3/videos/${jobId}/links/${link.id}`);
  expect((await eva.range(link.videoUrl, 'bytes=0-9')).status).toBe(401);
});

test('a page that was opened in time plays on, wherever its viewer goes, and opens no other page', async () => {
  const link = await makeLink(anna, jobId, SHORT);
  const page = await (await viewer('a phone').whole(link.url)).text();
  const source = /<video[^>]* src="([^"]+)"/.exec(page)?.[1]?.replaceAll('&amp;', '&') ?? '';
  await waitUntilExpired(api, link);
  const elsewhere = viewer('a phone in another network');
  expect((await elsewhere.range(source, 'bytes=500000-')).status).toBe(206);
  expect((await elsewhere.range(link.videoUrl, 'bytes=500000-')).status).toBe(401);
  expect((await elsewhere.whole(`/watch/${jobId}?token=${tokenIn(source)}`)).status).toBe(401);
  await anna.delete(`/api/v3/videos/${jobId}/links/${link.id}`);
  expect((await elsewhere.range(source, 'bytes=500000-')).status).toBe(401);
});

test('viewers behind one proxy are told apart by the address that it names', async () => {
  const link = await makeLink(anna, jobId, SHORT);
  const behind = (address: string) => ({ range: 'bytes=0-9', 'x-forwarded-for': `${address}, 10.0.0.1` });
  const browser = viewer('the same browser');
  expect((await browser.whole(link.videoUrl, behind('192.0.2.1'))).status).toBe(206);
  await waitUntilExpired(api, link);
  expect((await browser.whole(link.videoUrl, behind('192.0.2.1'))).status).toBe(206);
  expect((await browser.whole(link.videoUrl, behind('192.0.2.2'))).status).toBe(401);
});

test('a viewing ends for good once it has lasted as long as it may', async () => {
  const owner = await hasty.caller('Anna');
  const id = await shareableVideo(hasty, owner, { content: CONTENT });
  const link = await makeLink(owner, id, SHORT);
  const eva = viewer('Eva', hasty);
  const source = /<video[^>]* src="([^"]+)"/.exec(await (await eva.whole(link.url)).text())?.[1] ?? '';
  expect((await eva.range(link.videoUrl, 'bytes=0-9')).status).toBe(206);
  await waitUntilExpired(hasty, link);
  for (const address of [link.videoUrl, source]) {
    await expect.poll(async () => (await eva.range(address, 'bytes=0-9')).status, { timeout: 15_000 }).toBe(401);
  }
});

test('each viewer is counted once for a viewing, however many ranges it takes, and at the same time or not', async () => {
  const link = await makeLink(anna, jobId);
  const rows = () => api.database.knex('video_link_viewings').where({ link_id: link.id }).orderBy('viewer');
  const many = Array.from({ length: 12 }, (_, index) => viewer(`viewer ${index % 6}`));
  await Promise.all(many.map((one) => one.range(link.videoUrl, 'bytes=0-9')));
  const noted = await rows();
  expect(noted.length).toBe(6);
  expect((await readLink(link)).viewCount).toBe(6);
  expect((await readLink(link)).lastViewedAt).not.toBeNull();
  for (const one of many) await one.range(link.videoUrl, 'bytes=10-19');
  // Not a write for each range.
  expect(await rows()).toEqual(noted);
  await viewer('a robot that looks at links').whole(link.url);
  await viewer('a robot that looks at links').head(link.videoUrl);
  expect((await readLink(link)).viewCount).toBe(6);

  // Some hours later one comes back; what is over is forgotten.
  await api.database
    .knex('video_link_viewings')
    .where({ link_id: link.id })
    .update({ seen_at: api.database.knex.raw(`now() - interval '4 hours 1 minute'`) });
  await viewer('viewer 0').range(link.videoUrl, 'bytes=0-9');
  expect((await readLink(link)).viewCount).toBe(7);
  expect((await rows()).length).toBe(1);
});
