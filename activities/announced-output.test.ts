import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clipSubject, type GenerationInput } from '../domain/contract.js';
import { makeClip, mediaFolder } from '../media/test-support/media-files.js';
import { createFakeProvider, type FakeProvider } from '../replicate/fake-provider.js';
import { findClip } from '../storage/clips-repository.js';
import { findPurchase } from '../storage/ledger.js';
import { receiveWebhook } from '../storage/webhook-inbox.js';
import { type ActivityRig, attempt, createActivityRig } from '../test/support/activity-rig.js';
import { insertPurchase, VEO } from '../test/support/ledger-rows.js';
import { createBuy } from './buy.js';
import { createCollectOutput } from './collect-output.js';

const { path } = mediaFolder();

let rig: ActivityRig;
let clip: Buffer;
beforeAll(async () => {
  rig = await createActivityRig();
  clip = await readFile(await makeClip(path('clip.mp4'), { seconds: 4 }));
});
afterAll(() => rig.close());

interface Announced extends GenerationInput {
  predictionId: string;
  provider: FakeProvider;
}

/** A purchase that has ended, and the webhook that says so. */
async function announced(end: Record<string, unknown> = {}): Promise<Announced> {
  const provider = createFakeProvider();
  const subject = { jobId: await rig.order(1), subject: clipSubject(1) };
  const { predictionId } = await attempt(createBuy(rig.deps(provider)), subject);
  provider.finish(predictionId, { status: 'succeeded', output: clip });
  const { outputUrls } = await provider.get(predictionId);
  const now = new Date().toISOString();
  const times = { created_at: now, started_at: now, completed_at: now };
  const metrics = { video_output_duration_seconds: 2 };
  const body = { id: predictionId, model: VEO, status: 'succeeded', output: outputUrls[0], ...times, metrics, ...end };
  const webhookId = `msg_${predictionId}`;
  await receiveWebhook(rig.database.knex, { model: VEO, fingerprint: null, webhookId, predictionId, body });
  return { ...subject, predictionId, provider };
}

/** Nobody asks the provider: the signed body says it all. */
function collect({ provider, ...input }: Announced): Promise<unknown> {
  const silent = { ...provider, get: () => Promise.reject(new Error('the provider was asked')) };
  return attempt(createCollectOutput(rig.deps(silent)), input);
}

describe('an output that a webhook has announced', () => {
  it('is stored, and its purchase settled by what the signed body says', async () => {
    const input = await announced();
    // Half of what was ordered was delivered.
    expect(await collect(input)).toMatchObject({ status: 'stored', costUsd: 0.2 });
    expect(await findPurchase(rig.database.knex, input.predictionId)).toMatchObject({
      state: 'stored',
      costUsd: 0.2,
      settledAt: expect.any(Date),
    });
  });

  it('is stored whatever characters the body has that the database cannot keep as text', async () => {
    const input = await announced({ logs: 'NUL \0, half of a pair \ud83d' });
    expect(await collect(input)).toMatchObject({ status: 'stored' });
  });

  it('is in the ledger as bought before it is fetched', async () => {
    const input = await announced();
    const broken = { ...input.provider, openOutput: () => Promise.reject(new Error('the line is down')) };
    await expect(collect({ ...input, provider: broken })).rejects.toThrow('the line is down');
    expect(await findPurchase(rig.database.knex, input.predictionId)).toMatchObject({
      state: 'succeeded',
      costUsd: 0.2,
    });
    expect((await findClip(rig.database.knex, input.jobId, 1))?.status).toBe('storing');
    expect(await collect(input)).toMatchObject({ status: 'stored', costUsd: 0.2 });
  });

  it.each([
    ['somebody is asked about its clip', 'needs_attention', false],
    ['its clip has another one', 'stored', false],
    ['a later attempt is to give its clip', 'generating', true],
  ] as const)('is settled also where %s', async (_what, status, later) => {
    const input = await announced();
    const { knex } = rig.database;
    if (later) await insertPurchase(knex, { ...input, attempt: 2, state: 'intended' });
    await knex('clips').where({ job_id: input.jobId }).update({ status });
    await collect(input);
    expect(await findPurchase(knex, input.predictionId)).toMatchObject({ state: 'stored', costUsd: 0.2 });
  });

  it('that is none ends its purchase with the reason', async () => {
    const input = await announced({ status: 'failed', output: null, error: 'E005 flagged as sensitive', metrics: {} });
    await expect(collect(input)).rejects.toMatchObject({ code: 'PROVIDER_REFUSED_CONTENT' });
    expect(await findPurchase(rig.database.knex, input.predictionId)).toMatchObject({
      state: 'failed',
      costUsd: 0,
      error: { code: 'PROVIDER_REFUSED_CONTENT' },
    });
  });

  it('that is gone already leaves its purchase paid and says so', async () => {
    const input = await announced({ output: null, data_removed: true });
    await expect(collect(input)).rejects.toMatchObject({ code: 'OUTPUT_LOST' });
    expect(await findPurchase(rig.database.knex, input.predictionId)).toMatchObject({
      state: 'succeeded',
      costUsd: 0.2,
      error: { code: 'OUTPUT_LOST' },
    });
  });
});
