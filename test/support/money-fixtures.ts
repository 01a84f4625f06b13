/** Rows that tests of money begin with, put into the tables as activities would have left them. */
import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import { v7 as uuidv7 } from 'uuid';
import type { FailureInfo, Subject } from '../../domain/contract.js';
import type { PredictionState } from '../../domain/ledger.js';
import { clipsOrder } from '../../domain/orders.schema.js';
import type { OpenedBy } from '../../domain/purchase.js';
import type { ClipState, JobState } from '../../domain/states.js';
import { insertJob } from '../../storage/insert-job.js';
import { insertPurchase } from './ledger-rows.js';

/** What one clip of `placeJob` costs, in US dollars: 4 s of veo-3.1-fast without sound. */
export const CLIP_USD = 0.4;

export interface JobFixture {
  ownerId: string;
  status?: JobState;
  /** One clip for each. */
  clips: ClipState[];
  budgetUsd?: number;
  campaignId?: string;
  /** Whether a run was handed to Temporal. Default true. */
  started?: boolean;
}

/** A job with clips of 4 s, all of it in the given states. */
export async function placeJob(knex: Knex, fixture: JobFixture): Promise<string> {
  const { ownerId, status = 'queued', clips, budgetUsd, campaignId, started = true } = fixture;
  const id = uuidv7();
  const asked = clips.map((_, index) => ({ prompt: `clip ${index + 1}`, durationSeconds: 4 }));
  const order = clipsOrder.parse({ kind: 'clips', clips: asked, budgetUsd, campaignId });
  await insertJob(knex, {
    id,
    ownerId,
    name: 'a job',
    order,
    estimatedCostUsd: clips.length * CLIP_USD,
    warnings: [],
    clips: asked.map(({ prompt, durationSeconds }, index) => ({
      number: index + 1,
      sceneName: null,
      model: order.model,
      prompt,
      durationSeconds,
      firstAssetId: null,
      lastAssetId: null,
    })),
  });
  const error = status === 'failed' ? JSON.stringify({ code: 'PROVIDER_REFUSED_CONTENT', message: 'refused' }) : null;
  const completed = ['completed', 'completed_with_gaps', 'failed', 'cancelled'].includes(status);
  await knex('jobs')
    .where({ id })
    .update({
      status,
      error,
      completed_at: completed ? knex.fn.now() : null,
      run_started_at: started ? knex.fn.now() : null,
    });
  for (const [index, state] of clips.entries()) {
    await knex('clips')
      .where({ job_id: id, number: index + 1 })
      .update({ status: state, completed_at: state === 'pending' ? null : knex.fn.now() });
  }
  return id;
}

export interface PurchaseFixture {
  jobId: string;
  state: PredictionState;
  subject?: Subject;
  attempt?: number;
  openedBy?: OpenedBy;
  costUsd?: number;
  error?: FailureInfo;
}

const WITHOUT_ID: readonly PredictionState[] = ['intended', 'posting', 'unknown'];

/** A purchase of a clip that costs `CLIP_USD`; gives the row's id. */
export async function placePurchase(knex: Knex, purchase: PurchaseFixture): Promise<string> {
  const { costUsd = null, openedBy = 'order', ...row } = purchase;
  const providerId = WITHOUT_ID.includes(row.state) ? null : `p-${randomUUID()}`;
  const id = await insertPurchase(knex, { ...row, providerId, estimateUsd: CLIP_USD });
  await knex('predictions').where({ id }).update({ cost_usd: costUsd, opened_by: openedBy });
  return id;
}

/** A prediction that resembles a purchase and that nobody ordered. */
export async function placeStray(knex: Knex, purchaseId: string, costUsd: number | null): Promise<void> {
  await knex('strays').insert({
    provider_id: `stray-${randomUUID()}`,
    purchase_id: purchaseId,
    model: 'google/veo-3.1-fast',
    status: costUsd === null ? 'processing' : 'succeeded',
    estimate_usd: CLIP_USD,
    cost_usd: costUsd,
    reason: 'a second prediction of one purchase',
    created_at: knex.fn.now(),
    settled_at: costUsd === null ? null : knex.fn.now(),
  });
}
