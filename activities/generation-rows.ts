import type { RowActivities } from '../domain/activity-contract.js';
import { type GenerationOutcome, parseSubject } from '../domain/contract.js';
import { findClip, moveClip } from '../storage/clips-repository.js';
import type { ActivityDeps } from './deps.js';
import { NOT_STORED } from './required-rows.js';

/** The end of a generation that stored nothing. Where its clip is stored all the same, that is what it answers. */
export function createEndGeneration({ knex, logger }: ActivityDeps): RowActivities['endGeneration'] {
  return async ({ jobId, subject, end }): Promise<GenerationOutcome> => {
    const { number } = parseSubject(subject);
    const error = end.status === 'failed' ? end.error : null;
    const moved = await moveClip(knex, { jobId, number }, NOT_STORED, { status: end.status, error, completed: true });
    if (moved) {
      logger.warn({ jobId, subject, ...end }, 'the generation ended without an output');
      return end;
    }
    const clip = await findClip(knex, jobId, number);
    return clip?.status === 'stored' ? { status: 'stored', predictionId: clip.predictionId } : end;
  };
}
