import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Caller, type RunningApi, startApi } from '../../test/support/running-api.js';
import type { JobJson } from '../schemas/jobs.schema.js';

const SIZE = 600_000;
/** Random, so that no part looks like another. */
const CONTENT = randomBytes(SIZE);
const SHA256 = createHash('sha256').update(CONTENT).digest('hex');
const ETAG = `"${SHA256}"`;
const COMPLETED = new Date('2026-03-01T10:00:00.250Z');
const LAST_MODIFIED = 'Sun, 01 Mar 2026 10:00:00 GMT';

let api: RunningApi;
let anna: Caller;
let ben: Caller;
let job: JobJson;
beforeAll(async () => {
  api = await startApi();
  anna = await api.caller('Anna');
  ben = await api.caller('Ben');
  job = await finishedJob(CONTENT, 'Villa Azul');
});
afterAll(() => api.stop());

/** A job as the workflow leaves it: its one clip and its video stored. */
async function finishedJob(content: Buffer, name: string): Promise<JobJson> {
  const ordered = await anna.post<JobJson>('/api/v3/jobs', {
    kind: 'clips',
    name,
    clips: [{ prompt: 'x' }, { prompt: 'y' }],
  });
  const { id } = ordered.data;
  const blob = await api.deps.blobs.put(Readable.from([content]), { contentType: 'video/mp4' });
  const { knex } = api.database;
  const done = { completed_at: COMPLETED };
  await knex('clips')
    .where({ job_id: id, number: 1 })
    .update({ ...done, status: 'stored', blob_id: blob.id });
  await knex('jobs')
    .where({ id })
    .update({ ...done, status: 'completed', video_blob_id: blob.id, duration_seconds: 8 });
  return (await anna.get<JobJson>(`/api/v3/jobs/${id}`)).data;
}

const combined = (): string => `/api/v3/videos/${job.id}/combined`;
const ask = (range: string, headers: Record<string, string> = {}) =>
  anna.fetch(combined(), { headers: { range, ...headers } });
const bytesOf = async (response: Response): Promise<Buffer> => Buffer.from(await response.arrayBuffer());

describe('a finished video', () => {
  test('is named by its job with a version, which may be cached for a year', async () => {
    expect(job.videoUrl).toBe(`${combined()}?v=${SHA256.slice(0, 12)}`);
    expect(job).toMatchObject({ status: 'completed', durationSeconds: 8, sizeBytes: SIZE });
    const response = await anna.fetch(job.videoUrl ?? '');
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'video/mp4',
      'content-length': String(SIZE),
      'accept-ranges': 'bytes',
      etag: ETAG,
      'last-modified': LAST_MODIFIED,
      'cache-control': 'private, max-age=31536000, immutable',
      'content-disposition': 'inline; filename="Villa Azul.mp4"',
    });
    expect((await bytesOf(response)).equals(CONTENT)).toBe(true);
  });

  test.each(['', '?v=000000000000'])('asked for with %j is to be revalidated', async (query) => {
    const response = await anna.fetch(combined() + query);
    expect(response.headers.get('cache-control')).toBe('private, no-cache');
    expect((await bytesOf(response)).equals(CONTENT)).toBe(true);
  });

  test('and its clip answer HEAD with the headers of the whole, whatever Range says', async () => {
    for (const path of [combined(), `/api/v3/videos/${job.id}/clips/clip_001.mp4`]) {
      const response = await anna.fetch(path, { method: 'HEAD', headers: { range: 'bytes=0-1' } });
      expect(response.status).toBe(200);
      expect(response.headers.get('content-length')).toBe(String(SIZE));
      expect(response.headers.get('etag')).toBe(ETAG);
      expect(response.headers.get('content-range')).toBeNull();
      expect((await bytesOf(response)).length).toBe(0);
    }
  });

  test.each<[string, number, number]>([
    ['bytes=0-0', 0, 0],
    ['bytes=0-', 0, SIZE - 1],
    [`bytes=${SIZE - 1}-`, SIZE - 1, SIZE - 1],
    ['bytes=-500', SIZE - 500, SIZE - 1],
    [`bytes=-${SIZE * 2}`, 0, SIZE - 1],
    ['bytes=262143-262144', 262143, 262144],
    ['bytes=100-9999999', 100, SIZE - 1],
    ['BYTES=5-9', 5, 9],
    ['bytes=,5-9,', 5, 9],
    [`bytes=5-9,${SIZE}-`, 5, 9],
  ])('answers %s with 206 and just those bytes', async (range, start, end) => {
    const response = await ask(range);
    expect(response.status).toBe(206);
    expect(response.headers.get('content-range')).toBe(`bytes ${start}-${end}/${SIZE}`);
    expect(response.headers.get('content-length')).toBe(String(end - start + 1));
    expect(response.headers.get('content-type')).toBe('video/mp4');
    expect((await bytesOf(response)).equals(CONTENT.subarray(start, end + 1))).toBe(true);
  });

  test('answers several ranges with multipart/byteranges, in the order asked and unmerged', async () => {
    const response = await ask('bytes=10-19,-5,12-13');
    expect(response.status).toBe(206);
    expect(response.headers.get('content-range')).toBeNull();
    const boundary =
      /^multipart\/byteranges; boundary=(\w+)$/.exec(response.headers.get('content-type') ?? '')?.[1] ?? '';
    const body = await bytesOf(response);
    expect(response.headers.get('content-length')).toBe(String(body.length));
    const part = (start: number, end: number): Buffer =>
      Buffer.concat([
        Buffer.from(
          `\r\n--${boundary}\r\nContent-Type: video/mp4\r\nContent-Range: bytes ${start}-${end}/${SIZE}\r\n\r\n`,
        ),
        CONTENT.subarray(start, end + 1),
      ]);
    const expected = [part(10, 19), part(SIZE - 5, SIZE - 1), part(12, 13), Buffer.from(`\r\n--${boundary}--\r\n`)];
    expect(body.equals(Buffer.concat(expected))).toBe(true);
  });

  test.each([`bytes=${SIZE}-`, 'bytes=-0', `bytes=${SIZE}-${SIZE + 5},-0`])(
    'answers %s with 416 and its size',
    async (range) => {
      const response = await ask(range);
      expect(response.status).toBe(416);
      expect(response.headers.get('content-range')).toBe(`bytes */${SIZE}`);
      expect(response.headers.get('content-type')).toContain('application/json');
      expect(await response.json()).toMatchObject({ data: null, error: { code: 'RANGE_NOT_SATISFIABLE' } });
    },
  );

  const seventeen = Array.from({ length: 17 }, (_, index) => `${index}-${index}`).join(',');
  test.each(['bytes=abc', 'bytes=5-2', 'items=0-1', `bytes=${seventeen}`, 'bytes=0-,0-'])(
    'answers %s with the whole',
    async (range) => {
      const response = await ask(range);
      expect(response.status).toBe(200);
      expect((await bytesOf(response)).equals(CONTENT)).toBe(true);
    },
  );

  test.each<[string, string, number]>([
    ['its tag', ETAG, 206],
    ['its date', LAST_MODIFIED, 206],
    ['another tag', '"0000"', 200],
    ['its tag made weak', `W/${ETAG}`, 200],
    ['another date', 'Sun, 01 Mar 2026 10:00:01 GMT', 200],
  ])('with If-Range of %s answers %d', async (_what, condition, status) => {
    const response = await ask('bytes=0-9', { 'if-range': condition });
    expect(response.status).toBe(status);
    expect((await bytesOf(response)).length).toBe(status === 206 ? 10 : SIZE);
  });

  test.each<[string, Record<string, string>, number]>([
    ['its tag', { 'if-none-match': ETAG }, 304],
    ['its tag among others', { 'if-none-match': `"a", ${ETAG}` }, 304],
    ['any', { 'if-none-match': '*' }, 304],
    ['another tag', { 'if-none-match': '"a"' }, 200],
    ['its date', { 'if-modified-since': LAST_MODIFIED }, 304],
    ['an older date', { 'if-modified-since': 'Sat, 28 Feb 2026 10:00:00 GMT' }, 200],
    ['its tag demanded', { 'if-match': ETAG }, 200],
    ['another tag demanded', { 'if-match': '"a"' }, 412],
    ['an older date demanded', { 'if-unmodified-since': 'Sat, 28 Feb 2026 10:00:00 GMT' }, 412],
  ])('conditional on %s answers as RFC 9110 says', async (_what, headers, status) => {
    const response = await anna.fetch(combined(), { headers: { ...headers, 'cache-control': 'max-age=0' } });
    expect(response.status).toBe(status);
    const body = await bytesOf(response);
    if (status === 304) expect([body.length, response.headers.get('etag')]).toEqual([0, ETAG]);
    if (status === 200) expect(body.length).toBe(SIZE);
  });

  test('with a name beyond Latin-1 is named in UTF-8, and a path in it counts for nothing', async () => {
    const odd = await finishedJob(Buffer.from('odd'), '../別荘 "青"\n');
    const response = await anna.fetch(odd.videoUrl ?? '');
    const disposition = response.headers.get('content-disposition') ?? '';
    expect(disposition).toContain(`filename*=UTF-8''${encodeURIComponent('別荘 "青"\n.mp4')}`);
    expect(disposition).not.toContain('..');
  });
});

describe('a clip', () => {
  test('is served under its number', async () => {
    const [first, second] = job.clips;
    expect(first?.videoUrl).toBe(`/api/v3/videos/${job.id}/clips/clip_001.mp4?v=${SHA256.slice(0, 12)}`);
    const response = await anna.fetch(first?.videoUrl ?? '');
    expect(response.headers.get('cache-control')).toBe('private, max-age=31536000, immutable');
    expect(response.headers.get('content-disposition')).toBe('inline; filename="Villa Azul clip_001.mp4"');
    expect((await bytesOf(response)).equals(CONTENT)).toBe(true);
    expect(second?.videoUrl).toBeNull();
  });

  test.each([
    'clip_002.mp4',
    'clip_003.mp4',
    'clip_1.mp4',
    'clip_0001.mp4',
    'clip_000.mp4',
    'clip_NaN.mp4',
    'clip_001.mov',
    'clip_9999999.mp4',
    '..%2fcombined',
    '%2e%2e%2f%2e%2e%2fcombined',
    '..%5ccombined',
    'clip_001.mp4%00',
    'clip_001.mp4%2f',
    '%20clip_001.mp4',
    'clip_001.mp4%0a',
    'CLIP_001.MP4',
    'clip_-01.mp4',
    'clip_%D9%A0%D9%A0%D9%A1.mp4',
    '%zz',
    '%c0%ae%c0%ae%2fcombined',
  ])('that is not stored or misspelt as %s answers 404', async (file) => {
    const answer = await anna.get(`/api/v3/videos/${job.id}/clips/${file}`);
    expect(answer.status).toBe(404);
    expect(answer.error?.code).toBe('NOT_FOUND');
  });
});

describe('videos', () => {
  test('of a job without one answer 404', async () => {
    const ordered = await anna.post<JobJson>('/api/v3/jobs', { kind: 'clips', clips: [{ prompt: 'x' }] });
    expect((await anna.get(`/api/v3/videos/${ordered.data.id}/combined`)).status).toBe(404);
  });

  test("are another owner's business: 404 as for a missing job, and 401 without a key", async () => {
    for (const path of [combined(), `/api/v3/videos/${job.id}/clips/clip_001.mp4`]) {
      const foreign = await ben.get(path);
      expect(foreign.status).toBe(404);
      expect(foreign.error?.message).toBe(`there is no job ${job.id}`);
      expect((await ben.get(path.replace(job.id, randomUUID()))).status).toBe(404);
      expect((await api.call(path)).status).toBe(401);
    }
  });

  test('whose bytes cannot be read answer an error and not a cut-off body', async () => {
    const broken = await finishedJob(Buffer.from('soon gone'), 'Broken');
    const row = await api.database.knex('jobs').where({ id: broken.id }).first();
    await api.database.knex('blob_chunks').where({ blob_id: row.video_blob_id }).delete();
    const answer = await anna.get(broken.videoUrl ?? '');
    expect(answer.status).toBe(500);
    expect(answer.error).toMatchObject({ code: 'INTERNAL' });
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('etag')).toBeNull();
  });
});
