import { listOwedRenditions, markRenditionStarted } from '../storage/rendition-moves.js';
import type { ActivityDeps } from './deps.js';

/**
 * Hands exports and combinations to Temporal whose rows were committed at least `olderThanMs` ago, and which nobody has
 * started. Resolves with how many there were.
 */
export async function startOwedRenditions(
  { knex, startRendition, logger }: Pick<ActivityDeps, 'knex' | 'startRendition' | 'logger'>,
  olderThanMs: number,
  atOnce: number,
): Promise<number> {
  let started = 0;
  for (const rendition of await listOwedRenditions(knex, olderThanMs, atOnce)) {
    const { id, kind } = rendition;
    // One that cannot be started must not keep the others waiting; the next run tries it again.
    try {
      await startRendition(rendition);
    } catch (error) {
      logger.error({ err: error, id, kind }, 'a rendition that is owed could not be started');
      continue;
    }
    await markRenditionStarted(knex, id);
    logger.warn({ id, kind }, 'started a rendition that was still owed');
    started += 1;
  }
  return started;
}
