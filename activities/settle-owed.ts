import { generationId, settleId } from '../domain/contract.js';
import { withdrawIntent } from '../storage/ledger-moves.js';
import { listOwedPurchases, type OwedPurchase } from '../storage/owed-purchases.js';
import type { ReconcileDeps, ReconcileSettings } from './reconcile-deps.js';

type Deps = Pick<ReconcileDeps, 'knex' | 'workflows' | 'logger'>;

/**
 * Rule (c): hands every purchase that has no end, and every output that is not stored, to a settlement, unless a running
 * workflow owns it; an intent that nobody will post any more is withdrawn. Resolves with how many were handed over.
 */
export async function settleOwedPurchases(
  deps: Deps,
  { olderThanMs, atOnce }: Pick<ReconcileSettings, 'olderThanMs' | 'atOnce'>,
): Promise<number> {
  const { knex, workflows, logger } = deps;
  let settling = 0;
  for (const purchase of await listOwedPurchases(knex, olderThanMs, atOnce)) {
    const { id: purchaseId, jobId, subject, providerId } = purchase;
    if (await isOwned(deps, purchase)) continue;
    if (purchase.state === 'intended') {
      if (await withdrawIntent(knex, purchaseId)) logger.info({ jobId, subject, purchaseId }, 'withdrew an intent');
      continue;
    }
    await workflows.startSettlement({ jobId, subject, purchaseId }, settleId(providerId ?? purchaseId));
    logger.warn({ jobId, subject, purchaseId, predictionId: providerId, state: purchase.state }, 'settles a purchase');
    settling += 1;
  }
  return settling;
}

/** A settlement that began before the prediction's id was known bears the row's. */
async function isOwned({ workflows }: Deps, { id, jobId, subject, providerId }: OwedPurchase): Promise<boolean> {
  const owners = [generationId(jobId, subject), settleId(id), ...(providerId === null ? [] : [settleId(providerId)])];
  for (const workflowId of owners) if ((await workflows.describe(workflowId)) === 'running') return true;
  return false;
}
