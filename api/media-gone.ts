import { ReelwrightError } from '../domain/errors.js';
import type { JobRecord } from '../storage/jobs-repository.js';

/** Why there are no bytes: MEDIA_DELETED where they were and are not kept any more, else NOT_FOUND with `message`. */
export function noBytes({ mediaDeletedAt }: Pick<JobRecord, 'mediaDeletedAt'>, message: string): ReelwrightError {
  if (mediaDeletedAt === null) return new ReelwrightError('NOT_FOUND', message);
  const at = mediaDeletedAt.toISOString();
  return new ReelwrightError('MEDIA_DELETED', `these media were deleted on ${at}: their time was over`, {
    details: { deletedAt: at },
  });
}
