import { readdir, readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clipSubject, type GenerationInput } from '../domain/contract.js';
import { ReelwrightError } from '../domain/errors.js';
import { createFakeProvider, type FakeProvider } from '../replicate/fake-provider.js';
import type { Prediction } from '../replicate/video-provider.js';
import { findClip } from '../storage/clips-repository.js';
import { findJobRow } from '../storage/jobs-repository.js';
import { findPurchase } from '../storage/ledger.js';
import { advanceLedgerClock } from '../storage/ledger-clock.js';
import { type ActivityRig, attempt, createActivityRig } from '../test/support/activity-rig.js';
import { insertPurchase } from '../test/support/ledger-rows.js';
import { startTestReplicate, type TestReplicate } from '../test/support/local-replicate.js';
import { createBuy } from './buy.js';
import { createCollectOutput } from './collect-output.js';

let rig: ActivityRig;
let replicate: TestReplicate;
let clip: Buffer;
beforeAll(async () => {
  [rig, replicate] = await Promise.all([createActivityRig(), startTestReplicate()]);
  clip = await readFile(replicate.clipPath);
});
afterAll(() => Promise.all([rig.close(), replicate.close()]));

async function bought(provider: FakeProvider): Promise<GenerationInput & { predictionId: string }> {
  const subject = { jobId: await rig.order(1), subject: clipSubject(1) };
  const { predictionId } = await attempt(createBuy(rig.deps(provider)), subject);
  return { ...subject, predictionId };
}

const clipRow = (jobId: string): ReturnType<typeof findClip> => findClip(rig.database.knex, jobId, 1);

describe('collectOutput', () => {
  it('stores what was bought, byte for byte, with its cost, and leaves no file', async () => {
    const provider = createFakeProvider();
    const input = await bought(provider);
    provider.finish(input.predictionId, { status: 'succeeded', output: clip });
    const deps = rig.deps(provider);
    expect(await attempt(createCollectOutput(deps), input)).toEqual({
      status: 'stored',
      predictionId: input.predictionId,
      costUsd: 0.4,
    });
    const stored = await clipRow(input.jobId);
    expect(stored).toMatchObject({ status: 'stored', costUsd: 0.4, error: null });
    expect(await buffer(deps.blobs.open(stored?.blobId ?? ''))).toEqual(clip);
    expect(await findPurchase(rig.database.knex, input.predictionId)).toMatchObject({ state: 'stored', costUsd: 0.4 });
    expect(await readdir(deps.workRoot)).toEqual([]);
  });

  it.each([
    ['and nothing waits any more', 'stored', { status: 'generating', error: null }],
    [
      'and another one still does',
      'needs_attention',
      { status: 'needs_attention', error: { message: 'clip 2: refused' } },
    ],
  ] as const)('stores what was found while somebody was asked about it, %s', async (_what, other, job) => {
    const provider = createFakeProvider();
    const { knex } = rig.database;
    const jobId = await rig.order(2);
    const subject = { jobId, subject: clipSubject(1) };
    const { predictionId } = await attempt(createBuy(rig.deps(provider)), subject);
    provider.finish(predictionId, { status: 'succeeded', output: clip });
    const error = JSON.stringify({ code: 'PROVIDER_REFUSED_CONTENT', message: 'refused' });
    await knex('clips').where({ job_id: jobId }).update({ status: 'needs_attention', error });
    await knex('clips').where({ job_id: jobId, number: 2 }).update({ status: other });
    await knex('jobs').where({ id: jobId }).update({ status: 'needs_attention', error });
    await attempt(createCollectOutput(rig.deps(provider)), { ...subject, predictionId });
    expect(await clipRow(jobId)).toMatchObject({ status: 'stored', error: null });
    expect(await findJobRow(knex, jobId)).toMatchObject(job);
  });

  it.each([
    ['whose row waits for what a later attempt gives', 'generating', true],
    ['whose row has got another output meanwhile', 'stored', false],
  ] as const)('keeps what was paid with its purchase alone, %s', async (_what, status, later) => {
    const provider = createFakeProvider();
    const { jobId, subject, predictionId } = await bought(provider);
    provider.finish(predictionId, { status: 'succeeded', output: clip });
    const { knex } = rig.database;
    if (later) await insertPurchase(knex, { jobId, attempt: 2, state: 'intended' });
    await knex('clips').where({ job_id: jobId }).update({ status });
    await attempt(createCollectOutput(rig.deps(provider)), { jobId, subject, predictionId });
    expect(await knex('predictions').where({ provider_id: predictionId }).first()).toMatchObject({
      state: 'stored',
      blob_id: expect.any(String),
    });
    expect(await clipRow(jobId)).toMatchObject({ status, blobId: null });
  });

  it.each(['intended', 'posting', 'unknown'])(
    'gives the row the id that only the workflow remembers (%s)',
    async (state) => {
      const provider = createFakeProvider();
      const input = await bought(provider);
      provider.finish(input.predictionId, { status: 'succeeded', output: clip });
      const { knex } = rig.database;
      await knex('predictions').where({ job_id: input.jobId }).update({ state, provider_id: null });
      await attempt(createCollectOutput(rig.deps(provider)), input);
      const stored = { state: 'stored', adoptedFrom: 'history', costUsd: 0.4 };
      expect(await findPurchase(knex, input.predictionId)).toMatchObject(stored);
    },
  );

  it('takes no prediction that is not its own', async () => {
    const provider = createFakeProvider();
    const input = await bought(provider);
    const collected = attempt(createCollectOutput(rig.deps(provider)), { ...input, predictionId: 'somebody-elses' });
    await expect(collected).rejects.toMatchObject({ code: 'PROVIDER_NOT_FOUND' });
    expect(await findPurchase(rig.database.knex, input.predictionId)).toMatchObject({ state: 'known' });
  });

  it('waits for a ledger that may have forgotten its purchase', async () => {
    const provider = createFakeProvider();
    const input = await bought(provider);
    const { knex } = rig.database;
    await knex('predictions').where({ job_id: input.jobId }).delete();
    await advanceLedgerClock(knex);
    const collect = createCollectOutput(rig.deps(provider));
    await expect(attempt(collect, input)).rejects.toMatchObject({ code: 'PROVIDER_NOT_FOUND' });
    await knex('ledger_clock').update({ at: knex.raw(`now() - interval '11 minutes'`) });
    await expect(attempt(collect, input)).rejects.toMatchObject({ code: 'LEDGER_BEHIND', retryAfterMs: 10_000 });
    await knex('ledger_clock').delete();
  });

  it('leaves its clip to a later purchase that was opened while the output was fetched', async () => {
    const provider = createFakeProvider();
    const input = await bought(provider);
    provider.finish(input.predictionId, { status: 'succeeded', output: clip });
    const { knex } = rig.database;
    const overtaken = {
      ...provider,
      async openOutput(url: string) {
        await insertPurchase(knex, { ...input, attempt: 2, state: 'intended' });
        return await provider.openOutput(url);
      },
    };
    await attempt(createCollectOutput(rig.deps(overtaken)), input);
    expect(await clipRow(input.jobId)).toMatchObject({ status: 'storing', blobId: null });
    expect(await findPurchase(knex, input.predictionId)).toMatchObject({ state: 'stored' });
  });

  it('changes nothing when it is repeated after its end', async () => {
    const provider = createFakeProvider();
    const input = await bought(provider);
    provider.finish(input.predictionId, { status: 'succeeded', output: clip });
    const collect = createCollectOutput(rig.deps(provider));
    await attempt(collect, input);
    const once = await clipRow(input.jobId);
    await attempt(collect, input);
    expect(await clipRow(input.jobId)).toEqual(once);
  });

  it('asks to be called again for a prediction that has not ended, whatever a signal said', async () => {
    const provider = createFakeProvider();
    const input = await bought(provider);
    await expect(attempt(createCollectOutput(rig.deps(provider)), input)).rejects.toMatchObject({
      code: 'PURCHASE_PENDING',
    });
  });

  it.each([
    ['E005 flagged as sensitive', 'PROVIDER_REFUSED_CONTENT'],
    ['E006 could not read the input', 'PROVIDER_INPUT_UNREADABLE'],
    ['E1000 unknown error', 'PROVIDER_FAULT'],
    ['E1001 out of memory', 'PROVIDER_FAULT'],
    ['E6716 timed out starting', 'PROVIDER_FAULT'],
    ['the model broke', 'PREDICTION_FAILED'],
  ])('names why a prediction failed: %s is %s, and costs nothing', async (error, code) => {
    const provider = createFakeProvider();
    const input = await bought(provider);
    provider.finish(input.predictionId, { status: 'failed', error });
    await expect(attempt(createCollectOutput(rig.deps(provider)), input)).rejects.toMatchObject({ code });
    expect(await findPurchase(rig.database.knex, input.predictionId)).toMatchObject({
      state: 'failed',
      costUsd: 0,
      error: { code },
    });
  });

  it('refuses a clip that is too short or no video, without storing it', async () => {
    for (const output of [clip.subarray(0, clip.length - 200), Buffer.from('<html>not a video</html>')]) {
      const provider = createFakeProvider();
      const input = await bought(provider);
      provider.finish(input.predictionId, { status: 'succeeded', output });
      const deps = rig.deps(provider);
      await expect(attempt(createCollectOutput(deps), input)).rejects.toMatchObject({ code: 'OUTPUT_BROKEN' });
      expect(await clipRow(input.jobId)).toMatchObject({ status: 'storing', blobId: null });
      expect(await readdir(deps.workRoot)).toEqual([]);
    }
  });

  it('does not touch a prediction of another generation', async () => {
    const provider = createFakeProvider();
    const [mine, other] = [await bought(provider), await bought(provider)];
    const input = { ...mine, predictionId: other.predictionId };
    await expect(attempt(createCollectOutput(rig.deps(provider)), input)).rejects.toMatchObject({
      code: 'PROVIDER_NOT_FOUND',
    });
  });

  it.each([
    ['truncated-file', 'OUTPUT_BROKEN'],
    ['expired-output', 'OUTPUT_LOST'],
  ])('says %s is %s, over real HTTP', async (fault, code) => {
    const { provider } = replicate;
    await replicate.arm({ fault, match: { promptIncludes: fault } });
    const jobId = await rig.order(1, { clips: [{ prompt: `a room, ${fault}`, durationSeconds: 4 }] });
    const subject = { jobId, subject: clipSubject(1) };
    const { predictionId } = await attempt(createBuy(rig.deps(provider)), subject);
    const collect = createCollectOutput(rig.deps(provider));
    await expect(attempt(collect, { ...subject, predictionId }, { attempt: 6 })).rejects.toMatchObject({ code });
    if (code !== 'OUTPUT_BROKEN') return;
    // The fault was armed once: fetching again gets the whole file.
    await attempt(collect, { ...subject, predictionId });
    expect((await clipRow(jobId))?.status).toBe('stored');
  });
});

describe('a link that is dead', () => {
  const dead = (): Promise<never> => Promise.reject(new ReelwrightError('OUTPUT_LOST', "the output's link is dead"));

  it('is asked for again while the provider lists the output, and believed in the end', async () => {
    const provider = createFakeProvider();
    const input = await bought(provider);
    provider.finish(input.predictionId, { status: 'succeeded', output: clip });
    const collect = createCollectOutput(rig.deps({ ...provider, openOutput: dead }));
    const { knex } = rig.database;
    for (const time of [1, 5]) {
      await expect(attempt(collect, input, { attempt: time })).rejects.toMatchObject({ code: 'OUTPUT_UNREACHABLE' });
      expect(await findPurchase(knex, input.predictionId)).toMatchObject({ state: 'succeeded', error: null });
    }
    await expect(attempt(collect, input, { attempt: 6 })).rejects.toMatchObject({ code: 'OUTPUT_LOST' });
    expect(await findPurchase(knex, input.predictionId)).toMatchObject({ error: { code: 'OUTPUT_LOST' } });
  });

  it.each<[string, (input: Prediction) => Promise<Prediction>]>([
    ['the provider has removed the output', async (seen) => ({ ...seen, outputUrls: [], dataRemoved: true })],
    [
      'the provider has forgotten the prediction',
      () => Promise.reject(new ReelwrightError('PROVIDER_NOT_FOUND', 'none')),
    ],
  ])('is believed at once where %s', async (_what, get) => {
    const provider = createFakeProvider();
    const input = await bought(provider);
    provider.finish(input.predictionId, { status: 'succeeded', output: clip });
    let ended = false;
    const gone = {
      ...provider,
      openOutput: () => {
        ended = true;
        return dead();
      },
      get: async (id: string) => (ended ? await get(await provider.get(id)) : await provider.get(id)),
    };
    await expect(attempt(createCollectOutput(rig.deps(gone)), input)).rejects.toMatchObject({ code: 'OUTPUT_LOST' });
  });
});
