import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import { nextAttempt, type OpenedBy } from '../domain/purchase.js';
import { type MoneyBounds, refuseOverBudget } from './budgets.js';
import { requireAssetsKept } from './delete-asset.js';
import type { JobRow } from './jobs-repository.js';
import { purchasesOf } from './ledger.js';
import { giveUpUnknown, openAttempt } from './ledger-moves.js';
import { moveSubJob, type SubJobKey, subjectOf } from './sub-job.js';
import { priceOf, providerModelOf, type SubJobRecord } from './sub-jobs.js';

/** What may be made again, on somebody's word. */
export interface Reopening {
  job: JobRow;
  subJob: SubJobRecord;
  openedBy: Extract<OpenedBy, 'decision' | 'retry' | 'regenerate'>;
}

/**
 * Gives a clip or a piece of music another attempt on somebody's word, under the locks of `lockMoney`: its row is pending
 * again, and where nothing more comes of its purchases by themselves a new one is opened and its price reserved. A
 * purchase of which nobody can say any more whether it was made is given up. Throws BUDGET_EXCEEDED, and ASSET_NOT_FOUND for a clip whose image was
 * deleted.
 */
export async function reopen(trx: Knex, bounds: MoneyBounds, { job, subJob, openedBy }: Reopening): Promise<void> {
  // Without its image the clip would be another one.
  if (subJob.kind === 'clip') {
    await requireAssetsKept(trx, [subJob.firstAssetId, subJob.lastAssetId], `clip ${subJob.number}`);
  }
  const subject = subjectOf(subJob);
  const [before] = await purchasesOf(trx, job.id, subject);
  // While it is still looked for, an unknown purchase is no reason for another one.
  if ([subJob.error?.code, before?.error?.code].includes('PURCHASE_UNKNOWN')) await giveUpLatest(trx, subJob);
  const purchases = await purchasesOf(trx, job.id, subject);
  const [latest] = purchases;
  const estimateUsd = priceOf(subJob, job);
  const next = nextAttempt(purchases);
  const open = next.kind === 'current' && latest?.state === 'intended' ? [latest.id] : [];
  const made = next.kind === 'current' && open.length === 0 && openedBy !== 'regenerate';
  if (!made) await refuseOverBudget(trx, bounds, estimateUsd, open);
  if (next.kind === 'spent' || (openedBy === 'regenerate' && open.length === 0)) {
    const model = providerModelOf(subJob);
    const attempt = (latest?.attempt ?? 0) + 1;
    await openAttempt(trx, { id: randomUUID(), jobId: job.id, subject, attempt, model, estimateUsd, openedBy });
  }
  await moveSubJob(trx, subJob, [subJob.status], {
    status: 'pending',
    error: null,
    preparedInputs: null,
    completed: false,
  });
}

/** Gives up the latest purchase where nobody could say whether it was made; found later it is a stray. */
export async function giveUpLatest(trx: Knex, subJob: SubJobKey): Promise<void> {
  const [latest] = await purchasesOf(trx, subJob.jobId, subjectOf(subJob));
  if (latest?.state !== 'unknown') return;
  const message = `attempt ${latest.attempt} was given up: nobody could say whether it was made`;
  await giveUpUnknown(trx, latest.id, { code: 'PURCHASE_UNKNOWN', message });
}
