import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { CancelledFailure } from '@temporalio/activity';
import { MockActivityEnvironment } from '@temporalio/testing';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createFakeProvider } from '../replicate/fake-provider.js';
import { type ClipRecord, listClips, moveClip } from '../storage/clips-repository.js';
import { moveJob } from '../storage/job-moves.js';
import { findJob } from '../storage/jobs-repository.js';
import { type ActivityRig, attempt, createActivityRig } from '../test/support/activity-rig.js';
import { jpeg } from '../test/support/api-fixtures.js';
import { createAddressGuard } from '../web/address-guard.js';
import { type LocalServer, startServer } from '../web/test-support/local-server.js';
import type { FetchImagesDeps } from './fetch-image.js';
import { createFetchImages, fetchClipImages } from './fetch-images.js';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

let rig: ActivityRig;
let server: LocalServer;
let image: Buffer;
/** What the server answers under a path; an image under every other. */
const answers = new Map<string, Answer>();
beforeAll(async () => {
  image = await jpeg(11);
  rig = await createActivityRig();
  server = await startServer((request, response) => {
    const answer = answers.get(request.url?.split('?')[0] ?? '');
    if (answer === undefined) response.end(image);
    else answer(request, response);
  });
});
afterEach(() => {
  vi.useRealTimers();
  answers.clear();
  server.requests.length = 0;
});
afterAll(async () => {
  await server.close();
  await rig.close();
});

const deps = (limits: Partial<FetchImagesDeps> = {}): FetchImagesDeps => ({
  ...rig.deps(createFakeProvider()),
  addressGuard: createAddressGuard({ allowed: [server.host] }),
  ...limits,
});

type Addresses = Partial<Record<'first' | 'last', string>>;

/** A job in planning whose clips name these paths of the server, or whole addresses. */
async function ordered(...clips: Addresses[]): Promise<{ jobId: string; runNumber: number }> {
  const { knex } = rig.database;
  const jobId = await rig.order(clips.length);
  const whole = (address: string | undefined): string | null =>
    address?.startsWith('/') ? server.url + address : (address ?? null);
  for (const [index, { first, last }] of clips.entries()) {
    await knex('clips')
      .where({ job_id: jobId, number: index + 1 })
      .update({ first_image_url: whole(first), last_image_url: whole(last) });
  }
  const run = { jobId, runNumber: 1 };
  await moveJob(knex, run, ['queued'], { status: 'planning' });
  return run;
}

const clipsOf = (jobId: string): Promise<ClipRecord[]> => listClips(rig.database.knex, [jobId]);
const assetsOf = async (jobId: string): Promise<(string | null)[][]> =>
  (await clipsOf(jobId)).map(({ firstAssetId, lastAssetId }) => [firstAssetId, lastAssetId]);

describe('fetchImages', () => {
  it("makes each image an asset of the job's owner, gives it to its clip, and sets the job to work", async () => {
    const campaignId = uuidv7();
    const clientId = uuidv7();
    const { knex } = rig.database;
    await knex('clients').insert({ id: clientId, owner_id: rig.ownerId, name: 'a client' });
    await knex('campaigns').insert({
      id: campaignId,
      owner_id: rig.ownerId,
      client_id: clientId,
      name: 'a campaign',
      goal: 'bookings',
    });
    const run = await ordered({ first: '/photos/The%20pool.jpg?token=1', last: '/' }, {});
    await knex('jobs').where({ id: run.jobId }).update({ campaign_id: campaignId });
    const given = deps();
    expect(await attempt(createFetchImages(given), run)).toEqual({ fetched: 2 });
    const [[first, last] = [], second] = await assetsOf(run.jobId);
    expect(second).toEqual([null, null]);
    const row = await knex('assets').where({ id: first }).first();
    expect(row).toMatchObject({
      owner_id: rig.ownerId,
      // Else the pairs of a later order would be chosen from it.
      campaign_id: null,
      client_id: null,
      type: 'image',
      name: 'The pool.jpg',
      content_type: 'image/jpeg',
      width: 64,
      height: 36,
      tags: [],
      source_url: `${server.url}/photos/The%20pool.jpg?token=1`,
    });
    expect(await buffer(given.blobs.open(row.blob_id))).toEqual(image);
    expect(await knex('assets').where({ id: last }).first()).toMatchObject({ name: 'image' });
    expect(await findJob(knex, run.jobId)).toMatchObject({ status: 'generating' });
    expect(await readdir(given.workRoot)).toEqual([]);
  });

  it('fetches an address once, however many images name it', async () => {
    const run = await ordered({ first: '/a', last: '/b' }, { first: '/b', last: '/a' }, { first: '/a' });
    expect(await attempt(createFetchImages(deps()), run)).toEqual({ fetched: 2 });
    expect(server.requests.toSorted()).toEqual(['/a', '/b']);
    const [[a, b] = [], ...others] = await assetsOf(run.jobId);
    expect(a).toEqual(expect.any(String));
    expect(others).toEqual([
      [b, a],
      [a, null],
    ]);
  });

  it('fails where the store has no room for an image, and keeps nothing of it', async () => {
    const run = await ordered({ first: '/good' });
    const given = deps();
    const blobs = await rig.database.knex('blobs').count({ all: '*' });
    const other = await jpeg(77);
    answers.set('/good', (_request, response) => response.end(other));
    const settings = { ...given.settings, store: { ...given.settings.store, maxBytes: 1 } };
    await expect(attempt(createFetchImages({ ...given, settings }), run)).rejects.toMatchObject({
      code: 'STORAGE_FULL',
    });
    expect(await rig.database.knex('blobs').count({ all: '*' })).toEqual(blobs);
    expect(await rig.database.knex('room_reservations')).toEqual([]);
  });

  it('fetches only what is missing when it is repeated, and nothing when nothing is', async () => {
    const run = await ordered({ first: '/good' }, { first: '/late.jpg' });
    answers.set('/late.jpg', (_request, response) => response.writeHead(503, { 'retry-after': '7' }).end());
    const fetchImages = createFetchImages(deps());
    // One after the other, so that the failure of the second cannot stop the first.
    await fetchClipImages(deps(), (await clipsOf(run.jobId))[0] as ClipRecord, new AbortController().signal);
    await expect(attempt(fetchImages, run)).rejects.toMatchObject({ code: 'IMAGE_UNREACHABLE', retryAfterMs: 7_000 });
    const [[good] = []] = await assetsOf(run.jobId);
    expect(await findJob(rig.database.knex, run.jobId)).toMatchObject({ status: 'planning' });
    answers.clear();
    expect(await attempt(fetchImages, run)).toEqual({ fetched: 1 });
    expect(await attempt(fetchImages, run)).toEqual({ fetched: 0 });
    expect(server.requests).toEqual(['/good', '/late.jpg', '/late.jpg']);
    expect((await assetsOf(run.jobId))[0]).toEqual([good, null]);
  });

  it.each<[string, Answer, string, string]>([
    ['is not there', (_request, response) => response.writeHead(404).end(), 'IMAGE_NOT_FETCHED', 'got 404'],
    [
      'is a page',
      (_request, response) => response.end('<html></html>'),
      'IMAGE_NOT_FETCHED',
      'a JPEG, PNG, WebP or GIF',
    ],
    ['is a drawing', (_request, response) => response.end('<svg></svg>'), 'IMAGE_NOT_FETCHED', 'got something else'],
    ['is empty', (_request, response) => response.end(), 'IMAGE_NOT_FETCHED', 'got something else'],
    [
      'is broken',
      (_request, response) => response.end(image.subarray(0, 20)),
      'IMAGE_NOT_FETCHED',
      'a broken image/jpeg',
    ],
    [
      'is too large',
      (_request, response) => response.end(Buffer.alloc(20_000)),
      'IMAGE_NOT_FETCHED',
      'at most 10000 bytes',
    ],
    [
      'redirects into our network',
      (_request, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
      'URL_REFUSED',
      'loopback',
    ],
  ])('names clip and field of an image that %s, and stores nothing of it', async (_what, answer, code, said) => {
    answers.set('/bad.jpg', answer);
    const run = await ordered({}, { first: '/bad.jpg?hidden', last: '/bad.jpg?hidden' });
    const given = deps({ imageLimits: { maxBytes: 10_000, timeLimitMs: 10_000 } });
    const before = await rig.database.knex('assets').count();
    const error: Error & { code?: string } = await attempt(createFetchImages(given), run).then(
      () => new Error('it was fetched'),
      (thrown) => thrown,
    );
    expect(error.code).toBe(code);
    expect(error.message).toMatch(/^clip 2, firstImage: expected /);
    expect(error.message).toContain(said);
    expect(error.message).not.toContain('hidden');
    expect(await rig.database.knex('assets').count()).toEqual(before);
    expect(await assetsOf(run.jobId)).toEqual([
      [null, null],
      [null, null],
    ]);
    expect(await findJob(rig.database.knex, run.jobId)).toMatchObject({ status: 'planning' });
    expect(await readdir(given.workRoot)).toEqual([]);
  });

  it('refuses an address that is no longer, or never was, in public reach', async () => {
    const run = await ordered({ first: '/a.jpg' });
    const strict = deps({ addressGuard: createAddressGuard() });
    await expect(attempt(createFetchImages(strict), run)).rejects.toMatchObject({ code: 'URL_REFUSED' });
    expect(server.requests).toEqual([]);
  });

  it('leaves an image alone whose address was changed while it was fetched', async () => {
    const run = await ordered({ first: '/old.jpg' });
    const { knex } = rig.database;
    const other = `${server.url}/new.jpg`;
    answers.set('/old.jpg', (_request, response) => {
      const clip = { jobId: run.jobId, number: 1 };
      void moveClip(knex, clip, ['pending'], { firstImageUrl: other }).then(() => response.end(image));
    });
    await attempt(createFetchImages(deps()), run);
    expect((await clipsOf(run.jobId))[0]).toMatchObject({ firstAssetId: null, firstImageUrl: other });
  });

  it.each<[string, object]>([
    ['was cancelled', { status: 'cancelled' }],
    ['is run again', { run_number: 2 }],
  ])('does not set a job to work that %s', async (_what, change) => {
    const run = await ordered({ first: '/a.jpg' });
    const { knex } = rig.database;
    await knex('jobs').where({ id: run.jobId }).update(change);
    await expect(attempt(createFetchImages(deps()), run)).rejects.toMatchObject({ code: 'WRONG_STATE' });
    expect(await knex('jobs').where({ id: run.jobId, status: 'generating' }).first()).toBeUndefined();
  });

  it('ends at once when it is cancelled', async () => {
    const run = await ordered({ first: '/never.jpg' });
    const environment = new MockActivityEnvironment();
    answers.set('/never.jpg', () => environment.cancel());
    await expect(environment.run(createFetchImages(deps()), run)).rejects.toBeInstanceOf(CancelledFailure);
  });

  it('beats while it works', async () => {
    const environment = new MockActivityEnvironment();
    const beat = once(environment, 'heartbeat');
    answers.set('/never.jpg', () => vi.advanceTimersByTime(5_000));
    const run = await ordered({ first: '/never.jpg' });
    vi.useFakeTimers({ toFake: ['setInterval'] });
    const fetching = environment.run(createFetchImages(deps()), run);
    await beat;
    environment.cancel();
    await expect(fetching).rejects.toBeInstanceOf(CancelledFailure);
  });
});

describe('fetchClipImages', () => {
  it('fetches the images of one clip and forgets links that were prepared without them', async () => {
    const run = await ordered({ first: '/a.jpg' }, { first: '/b.jpg' });
    const { knex } = rig.database;
    const preparedInputs = { firstImageUrl: null, lastImageUrl: null, expiresAt: null };
    await moveClip(knex, { jobId: run.jobId, number: 2 }, ['pending'], { preparedInputs });
    const [, second] = await clipsOf(run.jobId);
    const { signal } = new AbortController();
    expect(await fetchClipImages(deps(), second as ClipRecord, signal)).toBe(1);
    expect(server.requests).toEqual(['/b.jpg']);
    const [first, after] = await clipsOf(run.jobId);
    expect([first?.firstAssetId, after?.preparedInputs]).toEqual([null, null]);
    expect(await fetchClipImages(deps(), after as ClipRecord, signal)).toBe(0);
  });
});
