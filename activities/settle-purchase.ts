import { Context } from '@temporalio/activity';
import type { ProviderActivities } from '../domain/activity-contract.js';
import type { SettleInput } from '../domain/contract.js';
import { isReelwrightError, ReelwrightError } from '../domain/errors.js';
import { isFinalStatus } from '../domain/ledger.js';
import { findJobRow } from '../storage/jobs-repository.js';
import { type LedgerRow, purchasesOf } from '../storage/ledger.js';
import { giveUpUnknown } from '../storage/ledger-moves.js';
import { recordUnrecognisable } from '../storage/owed-purchases.js';
import type { ActivityDeps } from './deps.js';
import { failureOf } from './failure-of.js';
import { isCancelled } from './generation-rows.js';
import { withHeartbeat } from './heartbeat.js';
import { requireSubJob } from './required-rows.js';
import { findPurchaseAtProvider } from './resolve-purchase.js';
import { askProvider, cancelAtProvider } from './settle.js';

/**
 * Finds out what became of a purchase that no workflow owns, and stops it where nobody wants it any more. Resolves with
 * its prediction, which runs or has succeeded, or with null when nothing is to be collected. Throws PURCHASE_PENDING
 * until it is known whether it was made, NOT_FOUND without its row.
 */
export function createResolvePurchase(deps: ActivityDeps): ProviderActivities['resolvePurchase'] {
  const { polling } = deps.settings;
  return (input) => withHeartbeat(async () => ({ predictionId: await resolve(deps, input), polling }));
}

async function resolve(deps: ActivityDeps, input: SettleInput): Promise<string | null> {
  const { cancellationSignal: signal } = Context.current();
  const row = await requireRow(deps, input);
  switch (row.state) {
    case 'posting':
    case 'unknown':
      return await whatWasMade(deps, row, signal);
    case 'known':
      return await whatCanBeCollected(deps, row, signal);
    case 'succeeded':
      // A reason why it is not stored, such as that it is lost, is its end.
      return row.error === null ? row.providerId : null;
    case 'intended':
    case 'failed':
    case 'canceled':
    case 'aborted':
    case 'stored':
      return null;
  }
}

async function requireRow({ knex }: ActivityDeps, { jobId, subject, purchaseId }: SettleInput): Promise<LedgerRow> {
  const row = (await purchasesOf(knex, jobId, subject)).find(({ id }) => id === purchaseId);
  if (row !== undefined) return row;
  throw new ReelwrightError('NOT_FOUND', `expected purchase ${purchaseId} of ${subject} of job ${jobId}, found none`);
}

async function whatWasMade(deps: ActivityDeps, row: LedgerRow, signal: AbortSignal): Promise<string | null> {
  try {
    const { predictionId: providerId } = await findPurchaseAtProvider(deps, row, signal);
    return await whatCanBeCollected(deps, { ...row, state: 'known', providerId }, signal);
  } catch (error) {
    if (!isReelwrightError(error, 'PURCHASE_UNKNOWN')) throw error;
    // Nobody waits for a decision here: the row says that one is needed, and is not settled over and over.
    await recordUnrecognisable(deps.knex, row.id, failureOf(error));
    // A cancelled job takes no retry, which is how somebody would give it up.
    const job = await findJobRow(deps.knex, row.jobId);
    if (job?.status === 'cancelled') await giveUpUnknown(deps.knex, row.id, failureOf(error));
    deps.logger.error({ jobId: row.jobId, subject: row.subject, ...error.details }, error.message);
    return null;
  }
}

async function whatCanBeCollected(deps: ActivityDeps, row: LedgerRow, signal: AbortSignal): Promise<string | null> {
  const { providerId } = row;
  if (providerId === null) return null;
  if (await isUnwanted(deps, row)) await cancelAtProvider(deps, providerId, signal);
  const { status } = await askProvider(deps, row, providerId, signal);
  return status === 'succeeded' || !isFinalStatus(status) ? providerId : null;
}

async function isUnwanted({ knex }: ActivityDeps, { jobId, subject }: LedgerRow): Promise<boolean> {
  const job = await findJobRow(knex, jobId);
  return (
    (job !== undefined && isCancelled(job)) || (await requireSubJob(knex, { jobId, subject })).status === 'cancelled'
  );
}
