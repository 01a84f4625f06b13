/** How renditions end that were not completed: as their workflow says, or as the reconciler finds them. */
import type { RowActivities } from '../domain/activity-contract.js';
import { type FailureInfo, renditionWorkflowId } from '../domain/contract.js';
import { ReelwrightError } from '../domain/errors.js';
import { moveRendition, takeStartedRenditions } from '../storage/rendition-moves.js';
import { findRendition } from '../storage/renditions-repository.js';
import type { ActivityDeps } from './deps.js';
import type { ReconcileDeps, ReconcileSettings } from './reconcile-deps.js';

export function createEndRendition({ knex, logger }: ActivityDeps): RowActivities['endRendition'] {
  return async ({ renditionId, end: proposed, error }) => {
    const rendition = await findRendition(knex, renditionId);
    if (rendition === undefined) throw new ReelwrightError('NOT_FOUND', `expected a row for rendition ${renditionId}`);
    // Whoever asked for the end gets it, whatever went wrong on the way there.
    const status = rendition.cancelRequestedAt === null ? proposed : 'cancelled';
    const change = { status, error: status === 'cancelled' ? null : error, completed: true };
    const moved = await moveRendition(knex, renditionId, change);
    if (!moved) logger.info({ renditionId, status }, 'the rendition had already ended');
    return { status };
  };
}

/**
 * Ends open renditions whose workflow is closed or missing, and asks again for the cancel of those that run although
 * their end was asked for. Resolves with how many were ended.
 */
export async function endAbandonedRenditions(
  { knex, workflows, logger }: Pick<ReconcileDeps, 'knex' | 'workflows' | 'logger'>,
  { olderThanMs, atOnce }: Pick<ReconcileSettings, 'olderThanMs' | 'atOnce'>,
): Promise<number> {
  let ended = 0;
  for (const { id, kind, cancelRequestedAt } of await takeStartedRenditions(knex, olderThanMs, atOnce)) {
    const workflowId = renditionWorkflowId(kind, id);
    const isCancelled = cancelRequestedAt !== null;
    if ((await workflows.describe(workflowId)) === 'running') {
      if (isCancelled) await workflows.cancel(workflowId);
      continue;
    }
    const status = isCancelled ? 'cancelled' : 'failed';
    const error = isCancelled ? null : WORKFLOW_ENDED;
    if (!(await moveRendition(knex, id, { status, error, completed: true }))) continue;
    logger.warn({ id, kind, status }, 'ended a rendition whose workflow is closed');
    ended += 1;
  }
  return ended;
}

const WORKFLOW_ENDED: FailureInfo = {
  code: 'WORKFLOW_ENDED',
  message: 'its workflow has ended without saying how, most likely because it was terminated: ask for it anew',
};
