import type { Knex } from 'knex';
import type { JobState } from '../domain/states.js';

/**
 * Notes how much of the cut of this run is done, 0 to 1, while the job is composing. It never goes back, also where the
 * cut begins anew on another worker. Harmless to repeat; nothing happens where a later run owns the job.
 */
export async function noteCutFraction(
  knex: Knex,
  { jobId, runNumber }: { jobId: string; runNumber: number },
  fraction: number,
): Promise<void> {
  await knex('jobs')
    .where({ id: jobId, run_number: runNumber, status: 'composing' satisfies JobState })
    .update({ cut_fraction: knex.raw('greatest(cut_fraction, ?::real)', [fraction]) });
}
