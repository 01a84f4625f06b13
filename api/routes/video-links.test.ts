import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mediaFolder } from '../../media/test-support/media-files.js';
import { createVideoLinkTokens } from '../../storage/video-link-tokens.js';
import { type Caller, type RunningApi, startApi } from '../../test/support/running-api.js';
import { cutAnew, makeLink, SHARED_FILES, shareableVideo, tokenIn } from '../../test/support/shared-videos.js';
import type { VideoLinkJson } from '../schemas/video-links.schema.js';

const CONTENT = randomBytes(600_000);
const DAY_MS = 24 * 60 * 60 * 1000;

const folder = mediaFolder();
let api: RunningApi;
let anna: Caller;
let ben: Caller;
let jobId: string;
beforeAll(async () => {
  // Remembered for as long as the tests take: what a link opens must not be.
  api = await startApi({ config: { answersRememberedForMs: 600_000 } });
  anna = await api.caller('Anna');
  ben = await api.caller('Ben');
  jobId = await shareableVideo(api, anna, { content: CONTENT });
});
afterAll(() => api.stop());

const links = (id = jobId): string => `/api/v3/videos/${id}/links`;
const opened = async (path: string, init?: RequestInit) => await fetch(api.url + path, init);
const bytesOf = async (response: Response): Promise<Buffer> => Buffer.from(await response.arrayBuffer());
const file = (name: string, token: string): string => `/api/v3/videos/${jobId}/${name}?token=${token}`;

describe('a link to a video', () => {
  test('is made for 7 days unless the order says otherwise', async () => {
    const answer = await anna.post<VideoLinkJson>(links(), { name: 'For the client' });
    expect(answer.status).toBe(201);
    const { data } = answer;
    expect(answer.headers.get('location')).toBe(`${links()}/${data.id}`);
    expect((await anna.get(`${links()}/${data.id}`)).data).toEqual(data);
    expect(data).toMatchObject({ videoId: jobId, name: 'For the client', revokedAt: null, viewCount: 0 });
    const days = (link: VideoLinkJson): number => (Date.parse(link.expiresAt) - Date.parse(link.createdAt)) / DAY_MS;
    expect(days(data)).toBeCloseTo(7, 3);
    expect(days(await makeLink(anna, jobId, { expiresInSeconds: 365 * 24 * 60 * 60 }))).toBeCloseTo(365, 3);
  });

  test.each<[string, object, string]>([
    ['no time', { expiresInSeconds: 0 }, 'expiresInSeconds'],
    ['over a year', { expiresInSeconds: 365 * 24 * 60 * 60 + 1 }, 'expiresInSeconds'],
    ['half a second', { expiresInSeconds: 1.5 }, 'expiresInSeconds'],
    ['a text', { expiresInSeconds: '60' }, 'expiresInSeconds'],
    ['a blank name', { name: ' ' }, 'name'],
    ['a field that there is not', { password: 'x' }, 'password'],
  ])('is refused for %s', async (_what, order, path) => {
    const answer = await anna.post(links(), order);
    expect([answer.status, answer.error?.details?.path]).toEqual([422, path]);
  });

  test('sent for twice with one key is one link, told alike, and its token is kept nowhere', async () => {
    const before = await api.countRows('video_links');
    const key = { 'idempotency-key': 'one-link' };
    const [first, again] = [await anna.post<VideoLinkJson>(links(), {}, key), await anna.post(links(), {}, key)];
    expect([again.status, again.data]).toEqual([201, first.data]);
    expect(await api.countRows('video_links')).toBe(before + 1);
    const token = tokenIn(first.data.url);
    expect(token.length).toBeGreaterThan(100);
    const { knex } = api.database;
    for (const table of ['idempotency_keys', 'video_links']) {
      const text = JSON.stringify(await knex(table));
      expect(text).toContain(first.data.id);
      expect(text).not.toContain(token.split('.')[2]);
    }
  });

  test('needs a video, and an owner', async () => {
    const { data: waiting } = await anna.post<{ id: string }>('/api/v3/jobs', {
      kind: 'clips',
      clips: [{ prompt: 'x' }],
    });
    expect((await anna.post(links(waiting.id), {})).error?.code).toBe('WRONG_STATE');
    expect((await ben.post(links(), {})).status).toBe(404);
    expect((await anna.post(links(randomUUID()), {})).status).toBe(404);
    expect((await api.call(links(), { method: 'POST' })).status).toBe(401);
  });

  test('is listed with its addresses, newest first, and to its owner alone', async () => {
    const id = await shareableVideo(api, anna, { content: CONTENT });
    const made = [await makeLink(anna, id), await makeLink(anna, id), await makeLink(anna, id)];
    const page = await anna.get<VideoLinkJson[]>(`${links(id)}?limit=2`);
    expect(page.data).toEqual([made[2], made[1]]);
    expect(page.meta).toMatchObject({ page: 1, limit: 2, total: 3 });
    expect((await anna.get<VideoLinkJson[]>(`${links(id)}?limit=2&page=2`)).data).toEqual([made[0]]);
    expect((await ben.get(links(id))).status).toBe(404);
    expect((await api.call(links(id))).status).toBe(401);
  });

  test('once revoked opens nothing, and is revoked with the same answer again', async () => {
    const link = await makeLink(anna, jobId);
    const range = { headers: { range: 'bytes=0-9' } };
    expect((await opened(link.videoUrl, range)).status).toBe(206);
    const path = `${links()}/${link.id}`;
    const other = await shareableVideo(api, anna, { content: CONTENT });
    expect([(await ben.delete(path)).status, (await ben.get(path)).status]).toEqual([404, 404]);
    expect((await anna.delete(`${links()}/${randomUUID()}`)).status).toBe(404);
    expect((await anna.delete(`${links(other)}/${link.id}`)).status).toBe(404);
    expect((await opened(link.videoUrl, range)).status).toBe(206);
    const revoked = await anna.delete<VideoLinkJson>(path);
    expect([revoked.status, revoked.data.revokedAt]).toEqual([200, expect.any(String)]);
    expect((await anna.delete(path)).data).toEqual(revoked.data);
    for (const name of SHARED_FILES) {
      const answer = await api.call(file(name, tokenIn(link.videoUrl)), range);
      expect([answer.status, answer.error?.details]).toEqual([401, { reason: 'revoked' }]);
    }
  });

  test('goes with its job, and its token then opens what is not there', async () => {
    const id = await shareableVideo(api, anna, { content: CONTENT });
    const link = await makeLink(anna, id);
    await api.database.knex('jobs').where({ id }).delete();
    expect((await api.call(link.videoUrl)).status).toBe(404);
  });
});

describe('a token', () => {
  test('opens the video and its pictures without a key, whole, in ranges and by HEAD', async () => {
    const link = await makeLink(anna, jobId);
    expect((await bytesOf(await opened(link.videoUrl))).equals(CONTENT)).toBe(true);
    for (const name of SHARED_FILES) {
      const path = file(name, tokenIn(link.videoUrl));
      const [whole, head] = [await opened(path), await opened(path, { method: 'HEAD' })];
      const bytes = await bytesOf(whole);
      expect([whole.status, head.status, head.headers.get('content-length')]).toEqual([200, 200, String(bytes.length)]);
      const part = await opened(path, { headers: { range: 'bytes=2-5' } });
      expect([part.status, (await bytesOf(part)).equals(bytes.subarray(2, 6))]).toEqual([206, true]);
    }
  });

  test('opens nothing else', async () => {
    const link = await makeLink(anna, jobId);
    const token = tokenIn(link.videoUrl);
    for (const path of [
      `/api/v3/jobs/${jobId}`,
      `/api/v3/jobs/${jobId}/sub-jobs`,
      `/api/v3/videos/${jobId}/clips/clip_001.mp4`,
      `/api/v3/videos/${jobId}/exports`,
      links(),
      `/api/v3/assets/${jobId}/data`,
    ]) {
      expect([path, (await api.call(`${path}?token=${token}`)).status]).toEqual([path, 401]);
    }
    for (const headers of [
      { authorization: `Bearer ${token}` },
      { 'x-api-key': token },
      { cookie: `reelwright_session=${token}` },
    ])
      expect((await api.call(`/api/v3/jobs/${jobId}`, { headers })).status).toBe(401);
  });

  test('shows the video of the last cut', async () => {
    const id = await shareableVideo(api, anna, { content: Buffer.from('the first cut') });
    const link = await makeLink(anna, id);
    expect(await (await opened(link.videoUrl)).text()).toBe('the first cut');
    await cutAnew(api, id, Buffer.from('the second cut'));
    expect(await (await opened(link.videoUrl)).text()).toBe('the second cut');
  });

  test('serves the video for saving under its own name, in which a path counts for nothing', async () => {
    const hostile = '../../etc/pass"wd\r\nSet-Cookie: a=b; 別荘\\..\\x';
    const id = await shareableVideo(api, anna, { content: CONTENT, name: hostile });
    const { videoUrl } = await makeLink(anna, id);
    for (const [query, type] of [
      ['', 'inline'],
      ['&download=0', 'inline'],
      ['&download=1', 'attachment'],
    ]) {
      const { headers } = await opened(videoUrl + query);
      const disposition = headers.get('content-disposition') ?? '';
      const quoted = String.raw`"(?:[^"/\\]|\\.)*\.mp4"`;
      expect(disposition).toMatch(new RegExp(`^${type}; filename=${quoted}; filename\\*=UTF-8''[\\w%.-]*\\.mp4$`));
      expect(disposition).not.toContain('etc');
      expect(headers.get('set-cookie')).toBeNull();
    }
    expect((await api.call(`${videoUrl}&download=yes`)).status).toBe(422);
  });

  test('works in curl, which resumes with it', async () => {
    const { videoUrl } = await makeLink(anna, jobId);
    const [path, url] = [folder.path('video.mp4'), api.url + videoUrl];
    const curl = (...args: string[]) => promisify(execFile)('curl', ['-fsS', ...args, url]);
    await curl('-o', path);
    expect((await readFile(path)).equals(CONTENT)).toBe(true);
    await writeFile(path, CONTENT.subarray(0, 250_001));
    await curl('-C', '-', '-o', path);
    expect((await readFile(path)).equals(CONTENT)).toBe(true);
    const { stdout } = await curl('-I');
    expect(stdout).toContain('200 OK');
  });

  test('never reaches the log, nor does the table know who watched', async () => {
    const link = await makeLink(anna, jobId);
    await bytesOf(await opened(link.videoUrl));
    await opened(link.url);
    await opened(`${link.url}x`);
    await expect.poll(() => api.log()).toContain(`/watch/${jobId}`);
    expect(api.log()).not.toContain(tokenIn(link.url).split('.')[2]);
    const viewings = JSON.stringify(await api.database.knex('video_link_viewings').where({ link_id: link.id }));
    expect(viewings).toContain('viewer');
    expect(viewings).not.toContain('127.0.0.1');
  });
});

describe('a token that does not open the video', () => {
  const made: Record<string, string> = {};
  beforeAll(async () => {
    const secret = new TextEncoder().encode('a secret of the tests, 32 characters or more');
    const link = await makeLink(anna, jobId);
    const other = await makeLink(anna, await shareableVideo(api, anna, { content: CONTENT }));
    const good = tokenIn(link.videoUrl);
    const [head = '', payload = '', signature = ''] = good.split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
    const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const { id, expiresAt } = link;
    const row = { id, jobId, expiresAt: new Date(expiresAt) };
    const revoked = await makeLink(anna, jobId);
    await anna.delete(`${links()}/${revoked.id}`);
    const { data: session } = await anna.post<{ token: string }>('/api/v3/sessions', undefined);
    Object.assign(made, {
      'with another signature': `${head}.${payload}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`,
      'without its signature': `${head}.${payload}.`,
      'with a later expiry': `${head}.${encoded({ ...claims, exp: Number(claims['exp']) + 1 })}.${signature}`,
      'unsigned by its own word': `${encoded({ alg: 'none' })}.${payload}.`,
      'of another secret': await createVideoLinkTokens('another secret, 32 characters or more').sign(row),
      expired: await api.deps.videoLinks.sign({ ...row, expiresAt: new Date(Date.now() - 1000) }),
      'long expired': await api.deps.videoLinks.sign({ ...row, expiresAt: new Date(Date.now() - DAY_MS) }),
      "of another video's link": tokenIn(other.videoUrl),
      'of an asset': await api.deps.assetLinks.sign(jobId),
      'of a session': session.token,
      'without an expiry': await new SignJWT()
        .setProtectedHeader({ alg: 'HS256' })
        .setSubject(jobId)
        .setAudience('video')
        .setJti(id)
        .sign(secret),
      revoked: tokenIn(revoked.videoUrl),
      'a key': anna.key,
      'no token': 'abc',
      'three dots': '...',
      'a path': '../../combined',
      'with a NUL': `${good}%00`,
      oversize: `${head}.${payload}${'A'.repeat(8000)}.${signature}`,
    });
  });

  test.each([
    'with another signature',
    'without its signature',
    'with a later expiry',
    'unsigned by its own word',
    'of another secret',
    'expired',
    'long expired',
    "of another video's link",
    'of an asset',
    'of a session',
    'without an expiry',
    'revoked',
    'a key',
    'no token',
    'three dots',
    'a path',
    'with a NUL',
    'oversize',
  ])('%s: 401 from every route of bytes and from the page, and not a byte', async (what) => {
    const token = made[what] ?? '';
    expect(token).not.toBe('');
    for (const name of SHARED_FILES) {
      for (const headers of [{}, { range: 'bytes=0-3' }]) {
        const answer = await api.call(file(name, token), { headers });
        expect([answer.status, answer.error?.code]).toEqual([401, 'UNAUTHENTICATED']);
        expect(answer.headers.get('cache-control')).toBe('no-store');
        expect(answer.headers.get('etag')).toBeNull();
      }
      expect((await opened(file(name, token), { method: 'HEAD' })).status).toBe(401);
    }
    const page = await opened(`/watch/${jobId}?token=${token}`);
    expect([page.status, page.headers.get('content-type')]).toEqual([401, 'text/html; charset=utf-8']);
    expect(await page.text()).not.toContain('<video');
  });

  test.each(['', '?token=', '?token=a&token=b'])('and none (%j) needs a key', async (query) => {
    for (const name of SHARED_FILES) {
      expect((await api.call(`/api/v3/videos/${jobId}/${name}${query}`)).status).toBe(401);
    }
  });
});
