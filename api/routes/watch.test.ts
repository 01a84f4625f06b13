import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDatabase } from '../../storage/database.js';
import { type Caller, type RunningApi, startApi } from '../../test/support/running-api.js';
import { makeLink, shareableVideo, tokenIn, waitUntilExpired } from '../../test/support/shared-videos.js';
import { createApp } from '../app.js';
import { serve } from '../serve.js';

const CONTENT = randomBytes(1_234_567);

let api: RunningApi;
let anna: Caller;
let ben: Caller;
let jobId: string;
beforeAll(async () => {
  api = await startApi();
  anna = await api.caller('Anna');
  ben = await api.caller('Ben');
  jobId = await shareableVideo(api, anna, { content: CONTENT });
});
afterAll(() => api.stop());

async function page(path: string, headers: Record<string, string> = {}) {
  const response = await fetch(api.url + path, { headers });
  expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** What an attribute says to a browser. */
const attribute = (text: string, pattern: RegExp): string => pattern.exec(text)?.[1]?.replaceAll('&amp;', '&') ?? '';

describe('the page of a link', () => {
  test('names, plays and offers the video, and says how long the link holds', async () => {
    const { url, expiresAt } = await makeLink(anna, jobId, { name: 'not for the viewer' });
    const { status, text } = await page(url);
    expect(status).toBe(200);
    expect(text).toContain('<title>Villa Azul</title>');
    expect(text).toContain('<h1 dir="auto">Villa Azul</h1>');
    expect(text).toContain('0:04 · 1.2 MB');
    expect(text).toContain(`<time datetime="${expiresAt}">`);
    expect(text).toMatch(/<video controls playsinline preload="metadata" width="16" height="9"/);
    expect(text).not.toContain('not for the viewer');
    const open = async (address: string) => await fetch(api.url + address);
    const video = await open(attribute(text, / src="([^"]+)"/));
    expect(Buffer.from(await video.arrayBuffer()).equals(CONTENT)).toBe(true);
    expect(video.headers.get('content-disposition')).toBe('inline; filename="Villa Azul.mp4"');
    const saved = await open(attribute(text, /<a class="button" href="([^"]+)" download>/));
    expect(saved.headers.get('content-disposition')).toBe('attachment; filename="Villa Azul.mp4"');
    expect(await (await open(attribute(text, / poster="([^"]+)"/))).text()).toBe('a poster');
  });

  test('loads nothing from elsewhere, runs nothing, and is neither kept, listed, embedded nor told of', async () => {
    const { url } = await makeLink(anna, jobId);
    for (const { headers, text } of [await page(url), await page(`${url}x`)]) {
      expect(headers.get('cache-control')).toBe('private, no-store');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('x-robots-tag')).toBe('noindex, nofollow');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      const policy = headers.get('content-security-policy') ?? '';
      expect(policy).toMatch(
        /^default-src 'none'; media-src 'self'; img-src 'self' data:; style-src 'sha256-[\w+/]+=*'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/,
      );
      expect(text).not.toMatch(/<script|https?:|\sstyle=|\son\w+=/);
    }
  });

  test.each([
    '</title><script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='x",
    '&lt;b&gt;',
    '\u2028${1}',
  ])('shows the name %j as it is, and as nothing else', async (name) => {
    const id = await shareableVideo(api, anna, { content: CONTENT, name });
    const { text } = await page((await makeLink(anna, id)).url);
    const shown = name
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
      .replaceAll("'", '&#39;');
    expect(text).toContain(`<title>${shown}</title>`);
    expect(text).toContain(`<h1 dir="auto">${shown}</h1>`);
    expect(text.split(shown).length).toBe(3);
  });

  test('says plainly that the link has expired, was withdrawn, or never was one', async () => {
    const [short, revoked] = [await makeLink(anna, jobId, { expiresInSeconds: 1 }), await makeLink(anna, jobId)];
    await anna.delete(`/api/v3/videos/${jobId}/links/${revoked.id}`);
    await waitUntilExpired(api, short);
    for (const [path, status, words] of [
      [short.url, 401, 'This link has expired'],
      [revoked.url, 401, 'This link was withdrawn'],
      [`${revoked.url.slice(0, -3)}abc`, 401, 'This link does not open anything'],
      [`/watch/${jobId}`, 401, 'This page needs a link'],
      [`/watch/${randomUUID()}?token=${tokenIn(revoked.url)}`, 401, 'This link does not open anything'],
      ['/watch/nothing', 404, 'There is no video here'],
      ['/watch/%00', 404, 'There is no video here'],
    ] as const) {
      const told = await page(
        path,
        path === '/watch/nothing' || path === '/watch/%00' ? { 'x-api-key': anna.key } : {},
      );
      expect([path, told.status]).toEqual([path, status]);
      expect(told.text).toContain(`<h1>${words}</h1>`);
      expect(told.text).not.toContain('<video');
    }
  });

  test('is a page as well when the fault is ours', async () => {
    // Nothing listens on port 1.
    const away = openDatabase('postgres://reelwright:a-password@127.0.0.1:1/reelwright');
    const server = await serve(createApp({ ...api.deps, knex: away.knex }), { host: '127.0.0.1', port: 0 });
    try {
      const { url } = await makeLink(anna, jobId);
      const response = await fetch(server.url + url, { headers: { 'x-request-id': 'told-on-a-page' } });
      const text = await response.text();
      expect([response.status, response.headers.get('content-type')]).toEqual([503, 'text/html; charset=utf-8']);
      expect(text).toContain('The video cannot be shown at the moment');
      expect(text).toContain('told-on-a-page');
      expect(text).not.toContain('127.0.0.1');
    } finally {
      await server.stop(1_000);
      await away.close();
    }
  });
});

describe('the page of the owner', () => {
  test('opens with a session or a key, without a token in any address, and to nobody else', async () => {
    const { data } = await anna.post<{ token: string }>('/api/v3/sessions', undefined);
    const cookie = { cookie: `reelwright_session=${data.token}` };
    for (const headers of [cookie, { 'x-api-key': anna.key }]) {
      const { status, text } = await page(`/watch/${jobId}`, headers);
      expect(status).toBe(200);
      expect(text).toContain('This page is yours alone.');
      expect(text).not.toContain('token');
      const video = await fetch(api.url + attribute(text, / src="([^"]+)"/), {
        headers: { ...headers, range: 'bytes=0-9' },
      });
      expect([video.status, video.headers.get('cache-control')]).toEqual([206, 'private, max-age=31536000, immutable']);
    }
    expect((await page(`/watch/${jobId}`, { 'x-api-key': ben.key })).status).toBe(404);
  });

  test('of a job without a video says that there is none', async () => {
    const { data } = await anna.post<{ id: string }>('/api/v3/jobs', { kind: 'clips', clips: [{ prompt: 'x' }] });
    const { status, text } = await page(`/watch/${data.id}`, { 'x-api-key': anna.key });
    expect([status, text.includes('There is no video here')]).toEqual([404, true]);
  });
});
