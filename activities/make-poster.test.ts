import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFakeProvider } from '../replicate/fake-provider.js';
import { moveJob, setPoster } from '../storage/job-moves.js';
import { findJob } from '../storage/jobs-repository.js';
import { type ActivityRig, attempt, createActivityRig } from '../test/support/activity-rig.js';
import { startTestReplicate, type TestReplicate } from '../test/support/local-replicate.js';
import { createMakePoster } from './make-poster.js';
import { NOT_CANCELLED } from './required-rows.js';

let rig: ActivityRig;
let replicate: TestReplicate;
beforeAll(async () => {
  [rig, replicate] = await Promise.all([createActivityRig(), startTestReplicate()]);
});
afterAll(() => Promise.all([rig.close(), replicate.close()]));

describe('makePoster', () => {
  it('stores one frame of the video as a JPEG, equal each time, and leaves no file', async () => {
    const { knex } = rig.database;
    const deps = rig.deps(createFakeProvider());
    const run = { jobId: await rig.order(1), runNumber: 1 };
    const video = await deps.blobs.put(createReadStream(replicate.clipPath), { contentType: 'video/mp4' });
    await moveJob(knex, run, NOT_CANCELLED, { status: 'composing', videoBlobId: video.id, durationSeconds: 4 });
    const { sizeBytes } = await attempt(createMakePoster(deps), run);
    const job = await findJob(knex, run.jobId);
    expect(job).toMatchObject({ posterSizeBytes: sizeBytes, posterSha256: expect.any(String) });
    const jpeg = await sharp(await buffer(deps.blobs.open(job?.posterBlobId ?? ''))).metadata();
    expect(jpeg.format).toBe('jpeg');
    expect(jpeg.width / jpeg.height).toBeCloseTo(16 / 9, 1);
    await attempt(createMakePoster(deps), run);
    expect((await findJob(knex, run.jobId))?.posterSha256).toBe(job?.posterSha256);
    expect(await readdir(deps.workRoot)).toEqual([]);
  });

  it('belongs to its video: another one has none until its own is made', async () => {
    const { knex } = rig.database;
    const { blobs } = rig.deps(createFakeProvider());
    const run = { jobId: await rig.order(1), runNumber: 1 };
    const put = async (text: string): Promise<string> =>
      (await blobs.put(Readable.from([Buffer.from(text)]), { contentType: 'video/mp4' })).id;
    const [first, second, poster] = [await put('first'), await put('second'), await put('poster')];
    const cut = (videoBlobId: string): Promise<boolean> =>
      moveJob(knex, run, NOT_CANCELLED, { status: 'composing', videoBlobId, durationSeconds: 4 });
    await cut(first);
    await setPoster(knex, run.jobId, { posterBlobId: poster, ofVideoBlobId: first });
    await cut(first);
    expect((await findJob(knex, run.jobId))?.posterBlobId).toBe(poster);
    await cut(second);
    expect((await findJob(knex, run.jobId))?.posterBlobId).toBeNull();
    // A poster that comes too late is not this video's.
    await setPoster(knex, run.jobId, { posterBlobId: poster, ofVideoBlobId: first });
    expect((await findJob(knex, run.jobId))?.posterBlobId).toBeNull();
  });

  it('needs a video', async () => {
    const run = { jobId: await rig.order(1), runNumber: 1 };
    await expect(attempt(createMakePoster(rig.deps(createFakeProvider())), run)).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  });
});
