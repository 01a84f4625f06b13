import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { jpeg, uploadImage } from '../../test/support/api-fixtures.js';
import { type Caller, type RunningApi, startApi } from '../../test/support/running-api.js';
import { findNginx, startSharedCache } from '../../test/support/shared-cache.js';
import { makeLink, SHARED_FILES, shareableVideo, tokenIn } from '../../test/support/shared-videos.js';
import type { JobJson } from '../schemas/jobs.schema.js';

const nginx = await findNginx();

let api: RunningApi;
let anna: Caller;
let ben: Caller;
let jobId: string;
let job: JobJson;
let session: string;
beforeAll(async () => {
  // Remembered for as long as the tests take: what a link opens must not be.
  api = await startApi({ config: { answersRememberedForMs: 600_000 } });
  anna = await api.caller('Anna');
  ben = await api.caller('Ben');
  jobId = await shareableVideo(api, anna, { content: randomBytes(100_000) });
  job = (await anna.get<JobJson>(`/api/v3/jobs/${jobId}`)).data;
  session = (await anna.post<{ token: string }>('/api/v3/sessions', undefined)).data.token;
});
afterAll(() => api.stop());

/** Addresses with versions, which browsers may keep for a year, and without; bytes, JSON and a page. */
const privatePaths = (): string[] => [
  ...[job.videoUrl, job.posterUrl, job.thumbnailUrl, job.previewsUrl].map(String),
  ...job.clips.map(({ videoUrl }) => String(videoUrl)),
  ...SHARED_FILES.map((name) => `/api/v3/videos/${jobId}/${name}`),
  `/api/v3/jobs/${jobId}`,
  '/api/v3/jobs',
  `/api/v3/videos/${jobId}/links`,
  `/watch/${jobId}`,
];

const ways = (): Record<string, string>[] => [
  { 'x-api-key': anna.key },
  { authorization: `Bearer ${anna.key}` },
  { authorization: `Bearer ${session}` },
  { cookie: `reelwright_session=${session}` },
];

describe('an answer', () => {
  test('that depends on who asks is private and varies with all that says who asks, refusals included', async () => {
    for (const path of privatePaths()) {
      for (const headers of [...ways(), { 'x-api-key': ben.key }, {}]) {
        const response = await fetch(api.url + path, { headers: { ...headers, range: 'bytes=0-1' } });
        await response.arrayBuffer();
        const caching = response.headers.get('cache-control') ?? '';
        expect(caching).toMatch(/^(private, (no-store|no-cache|max-age=31536000, immutable)|no-store)$/);
        expect(response.headers.get('vary')).toBe('X-API-Key, Authorization, Cookie');
      }
      const etag = (await fetch(api.url + path, { method: 'HEAD', headers: { 'x-api-key': anna.key } })).headers.get(
        'etag',
      );
      if (etag === null) continue;
      const unchanged = await fetch(api.url + path, {
        headers: { 'x-api-key': anna.key, 'if-none-match': etag, 'cache-control': 'max-age=0' },
      });
      expect([unchanged.status, unchanged.headers.get('vary')]).toEqual([304, 'X-API-Key, Authorization, Cookie']);
    }
  });

  test('to a link is asked for again each time, since the link may end, and leads nowhere', async () => {
    const { videoUrl } = await makeLink(anna, jobId);
    for (const name of SHARED_FILES) {
      const file = `/api/v3/videos/${jobId}/${name}`;
      const { headers } = await anna.fetch(file, { method: 'HEAD' });
      const version = headers.get('etag')?.slice(1, 13);
      const kept = await anna.fetch(`${file}?v=${version}`, { method: 'HEAD' });
      expect(kept.headers.get('cache-control')).toBe('private, max-age=31536000, immutable');
      const path = `${file}?token=${tokenIn(videoUrl)}&v=${version}`;
      const response = await fetch(api.url + path, { redirect: 'manual' });
      await response.arrayBuffer();
      expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'private, no-cache']);
      expect(response.headers.get('referrer-policy')).toBe('no-referrer');
      expect(response.headers.get('set-cookie')).toBeNull();
    }
  });
});

describe.skipIf(nginx === undefined)('a cache that callers share', () => {
  test('keeps what is public, and nothing of ours', async () => {
    const { videoUrl, url } = await makeLink(anna, jobId);
    const asset = await uploadImage(anna);
    const cache = await startSharedCache(String(nginx), api.url);
    const ask = async (path: string, headers: Record<string, string> = {}) => {
      const response = await fetch(cache.url + path, { headers });
      return { status: response.status, cache: response.headers.get('x-cache'), bytes: await response.arrayBuffer() };
    };
    try {
      for (const path of [...privatePaths(), asset.url]) {
        for (const headers of ways()) expect(await ask(path, headers)).toMatchObject({ status: 200, cache: 'MISS' });
        expect(await ask(path)).toMatchObject({ status: 401, cache: 'MISS' });
        expect((await ask(path, { 'x-api-key': ben.key })).cache).toBe('MISS');
      }
      for (const path of [videoUrl, url, asset.temporaryUrl]) {
        for (const _time of [1, 2]) expect(await ask(path)).toMatchObject({ status: 200, cache: 'MISS' });
      }
      expect(Buffer.from((await ask(asset.temporaryUrl)).bytes).equals(await jpeg())).toBe(true);
    } finally {
      await cache.stop();
    }
  });

  test('would keep the same bytes if they were public', async () => {
    const open = createServer((_req, res) => res.setHeader('Cache-Control', 'max-age=60').end('public'));
    open.listen(0, '127.0.0.1');
    await once(open, 'listening');
    const { port } = open.address() as AddressInfo;
    const cache = await startSharedCache(String(nginx), `http://127.0.0.1:${port}`);
    try {
      const asked = async (): Promise<string | null> => (await fetch(`${cache.url}/x`)).headers.get('x-cache');
      expect([await asked(), await asked()]).toEqual(['MISS', 'HIT']);
    } finally {
      await cache.stop();
      open.close();
    }
  });
});
