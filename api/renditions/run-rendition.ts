/** What the api tells Temporal of exports and combinations, after the rows are committed. */
import { renditionWorkflowId } from '../../domain/contract.js';
import { ReelwrightError } from '../../domain/errors.js';
import type { RenditionKind } from '../../domain/renditions.js';
import { markRenditionStarted, requestRenditionCancel } from '../../storage/rendition-moves.js';
import { findRendition, type RenditionRecord } from '../../storage/renditions-repository.js';
import { type ApiContext, ownerOf } from '../context.js';
import type { ApiDeps } from '../deps.js';
import type { UnitOfWork } from '../idempotency.js';

type Deps = Pick<ApiDeps, 'knex' | 'renditionStarter' | 'jobControl'>;

/** The caller's rendition of this kind; throws NOT_FOUND for a missing one and for another owner's alike. */
export async function readRendition(
  knex: ApiDeps['knex'],
  ownerId: string,
  kind: RenditionKind,
  id: string,
): Promise<RenditionRecord> {
  const rendition = await findRendition(knex, id, { ownerId, kind });
  if (rendition !== undefined) return rendition;
  throw new ReelwrightError('NOT_FOUND', `there is no ${kind === 'export' ? 'export' : 'combined video'} ${id}`);
}

/**
 * Hands a committed rendition to Temporal. One whose start fails here stays queued, and the reconciler starts it: the
 * failure is logged and not told.
 */
export async function startRenditionRun(ctx: ApiContext, deps: Deps, rendition: RenditionRecord): Promise<void> {
  const { id, kind } = rendition;
  try {
    await deps.renditionStarter.start(rendition);
    await markRenditionStarted(deps.knex, id);
  } catch (error) {
    ctx.state.log.warn({ err: error, id, kind }, 'the start of a rendition is not certain: the reconciler repeats it');
  }
}

/** Asks for the end of the caller's rendition and gives the status of the answer. Throws NOT_FOUND or WRONG_STATE. */
export async function cancelRendition(
  ctx: ApiContext,
  deps: Deps,
  { db, afterCommit }: UnitOfWork,
  { kind, id }: { kind: RenditionKind; id: string },
): Promise<200 | 202> {
  const done = await requestRenditionCancel(db, id, { ownerId: ownerOf(ctx), kind });
  // Also where nothing changed: whoever asked before may have died before the workflow was told.
  afterCommit(async () => {
    try {
      const told = await deps.jobControl.cancel(renditionWorkflowId(kind, id));
      if (told === 'gone') ctx.state.log.info({ id, kind }, 'a rendition was cancelled whose workflow is not running');
    } catch (error) {
      ctx.state.log.warn(
        { err: error, id, kind },
        'the workflow does not know of its cancel yet: the reconciler repeats it',
      );
    }
  });
  return done === 'unchanged' ? 200 : 202;
}
