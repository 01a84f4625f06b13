import type { Knex } from 'knex';
import type { RowActivities } from '../domain/activity-contract.js';
import type { ClipDecision, FailureInfo, GenerationInput, GenerationStep } from '../domain/contract.js';
import { ReelwrightError } from '../domain/errors.js';
import { lockMoney, type MoneyBounds } from '../storage/budgets.js';
import { changeClip } from '../storage/clip-changes.js';
import { noteAttention } from '../storage/job-attention.js';
import { setBudget } from '../storage/jobs-repository.js';
import { reopen } from '../storage/reopen.js';
import type { SubJobRecord } from '../storage/sub-jobs.js';
import type { ActivityDeps } from './deps.js';
import { close, isCancelled } from './generation-rows.js';
import { once, ownActivityKey } from './once.js';
import { requireSubJob } from './required-rows.js';

/** Well within the time of the activity. */
const RESOLVE_LIMIT_MS = 5_000;
const ROUTE = 'update decideClip';

/**
 * Carries out a decision about a clip that waits, in one transaction: all of it or nothing, and once, however often a
 * worker dies before it is told. Throws WRONG_STATE where the
 * clip does not wait, VALIDATION_FAILED and ASSET_NOT_FOUND for changes that cannot be had, BUDGET_EXCEEDED where
 * another attempt would cost too much.
 */
export function createDecideClip({ knex, addressGuard, logger }: ActivityDeps): RowActivities['decideClip'] {
  return async ({ decision, ...generation }) => {
    for (const image of [decision.firstImage, decision.lastImage]) {
      if (image !== undefined && 'url' in image)
        await addressGuard.checkAddress(image.url, { timeLimitMs: RESOLVE_LIMIT_MS });
    }
    const step = await knex.transaction(async (trx) => {
      const bounds = await lockMoney(trx, generation.jobId);
      if (bounds === undefined) throw new ReelwrightError('WRONG_STATE', 'expected the job of a clip, seen none');
      const asked = { ownerId: bounds.job.ownerId, route: ROUTE, key: ownActivityKey(), what: decision };
      return await once<GenerationStep>(trx, asked, () => carryOut(trx, bounds, generation, decision));
    });
    logger.info({ ...generation, decision: decision.decision, step: step.status }, 'decided');
    return step;
  };
}

async function carryOut(
  trx: Knex,
  bounds: MoneyBounds,
  generation: GenerationInput,
  decision: ClipDecision,
): Promise<GenerationStep> {
  const { job } = bounds;
  const clip = await requireSubJob(trx, generation);
  const waits = clip.kind === 'clip' && clip.status === 'needs_attention';
  if (isCancelled(job) || !waits) {
    throw new ReelwrightError('WRONG_STATE', `expected a clip that waits for a decision, seen ${clip.status}`);
  }
  if (decision.decision !== 'retry') return await endAsDecided(trx, clip, decision.decision);
  if (decision.budgetUsd !== undefined) {
    await setBudget(trx, job.id, decision.budgetUsd);
    bounds.jobBudgetUsd = decision.budgetUsd;
  }
  await changeClip(trx, job, clip, decision);
  await reopen(trx, bounds, { job, subJob: await requireSubJob(trx, generation), openedBy: 'decision' });
  await noteAttention(trx, job.id);
  return { status: 'again' };
}

async function endAsDecided(
  trx: Knex,
  clip: SubJobRecord,
  decision: Exclude<ClipDecision['decision'], 'retry'>,
): Promise<GenerationStep> {
  const error: FailureInfo = clip.error ?? { code: 'INTERNAL', message: 'no reason is noted' };
  return await close(trx, clip, { status: decision === 'skip' ? 'skipped' : 'failed', error });
}
