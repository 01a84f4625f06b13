import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeClip, mediaFolder } from '../media/test-support/media-files.js';
import { createFakeProvider } from '../replicate/fake-provider.js';
import { moveJob } from '../storage/job-moves.js';
import { findJob } from '../storage/jobs-repository.js';
import { findVideoPreviews, setVideoPreviews, type VideoPreviews } from '../storage/video-previews.js';
import { type ActivityRig, attempt, createActivityRig } from '../test/support/activity-rig.js';
import { frameAt, pixels, psnr } from '../test/support/frames.js';
import type { ActivityDeps } from './deps.js';
import { createMakePreviews } from './make-previews.js';
import { NOT_CANCELLED } from './required-rows.js';

const { path } = mediaFolder();
let rig: ActivityRig;
let deps: ActivityDeps;
let clip: string;
beforeAll(async () => {
  rig = await createActivityRig();
  deps = rig.deps(createFakeProvider());
  clip = await makeClip(path('clip.mp4'), { colour: 'testsrc', seconds: 3, size: '480x270' });
});
afterAll(() => rig.close());

/** A job whose video is this file; its row is as the cut leaves it. */
async function jobWith(file: string, seconds: number): Promise<{ jobId: string; runNumber: number }> {
  const run = { jobId: await rig.order(1), runNumber: 1 };
  await giveVideo(run, file, seconds);
  return run;
}

async function giveVideo(run: { jobId: string; runNumber: number }, file: string, seconds: number): Promise<string> {
  const { id } = await deps.blobs.put(createReadStream(file), { contentType: 'video/mp4' });
  const change = { status: 'composing', videoBlobId: id, durationSeconds: seconds } as const;
  await moveJob(rig.database.knex, run, NOT_CANCELLED, change);
  return id;
}

const bytes = (id: string): Promise<Buffer> => buffer(deps.blobs.open(id));
const previewsOf = async (jobId: string): Promise<VideoPreviews> => {
  const found = await findVideoPreviews(rig.database.knex, jobId);
  if (found === undefined) throw new Error(`expected job ${jobId} to have previews`);
  return found;
};

describe('makePreviews', () => {
  it('stores poster, thumbnail, sheet and cues of the video, equal each time, and leaves no file', async () => {
    const run = await jobWith(clip, 3);
    expect(await attempt(createMakePreviews(deps), run)).toEqual({ pictures: 3 });
    const job = await findJob(rig.database.knex, run.jobId);
    const { thumbnail, sprites, cues } = await previewsOf(run.jobId);
    expect(job).toMatchObject({ thumbnailSha256: thumbnail.sha256, cuesSha256: cues.sha256 });
    expect((await sharp(await bytes(job?.posterBlobId ?? '')).metadata()).width).toBe(480);

    const small = await bytes(thumbnail.id);
    expect(await sharp(small).metadata()).toMatchObject({ format: 'jpeg', width: 400 });
    expect(psnr(await pixels(small), await frameAt(clip, 1))).toBeGreaterThan(25);

    const text = (await bytes(cues.id)).toString();
    expect(text).toContain(
      `00:00:01.000 --> 00:00:02.000\nsprites.jpg?v=${sprites.sha256.slice(0, 12)}#xywh=160,0,160,90\n`,
    );
    const sheet = await bytes(sprites.id);
    for (const [index, left] of [0, 160, 320].entries()) {
      const tile = await sharp(sheet).extract({ left, top: 0, width: 160, height: 90 }).png().toBuffer();
      expect(psnr(await pixels(tile), await frameAt(clip, index))).toBeGreaterThan(25);
    }

    await attempt(createMakePreviews(deps), run);
    expect(await previewsOf(run.jobId)).toMatchObject({ thumbnail, sprites, cues });
    expect(await readdir(deps.workRoot)).toEqual([]);
  });

  it('belong to their video: another one shows none until its own are made, and late ones are dropped', async () => {
    const { knex } = rig.database;
    const other = await makeClip(path('other.mp4'), { colour: 'blue', size: '480x270' });
    const run = await jobWith(clip, 3);
    await attempt(createMakePreviews(deps), run);
    const former = await previewsOf(run.jobId);
    const formerVideo = (await findJob(knex, run.jobId))?.videoBlobId ?? '';

    await giveVideo(run, other, 1);
    expect(await findVideoPreviews(knex, run.jobId)).toBeUndefined();
    expect(await findJob(knex, run.jobId)).toMatchObject({ thumbnailSha256: null, cuesSha256: null });
    const late = { thumbnailBlobId: former.thumbnail.id, spritesBlobId: former.sprites.id, cuesBlobId: former.cues.id };
    await setVideoPreviews(knex, run.jobId, { ofVideoBlobId: formerVideo, ...late });
    expect(await findVideoPreviews(knex, run.jobId)).toBeUndefined();

    await attempt(createMakePreviews(deps), run);
    expect((await previewsOf(run.jobId)).thumbnail.sha256).not.toBe(former.thumbnail.sha256);
  });

  it('keeps the poster where the other pictures fail', async () => {
    const run = await jobWith(clip, 3);
    const tools = { ...deps.tools, ffprobePath: join(path(), 'no-such-program') };
    await expect(attempt(createMakePreviews({ ...deps, tools }), run)).rejects.toMatchObject({ code: 'FFMPEG_FAILED' });
    const job = await findJob(rig.database.knex, run.jobId);
    expect(job).toMatchObject({ posterSha256: expect.any(String), thumbnailSha256: null });
    expect(await readdir(deps.workRoot)).toEqual([]);
  });

  it('needs a video', async () => {
    const run = { jobId: await rig.order(1), runNumber: 1 };
    await expect(attempt(createMakePreviews(deps), run)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
