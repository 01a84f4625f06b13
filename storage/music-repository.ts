import type { Knex } from 'knex';
import type { MusicModelName, MusicPiece } from '../domain/music.js';
import type { ClipState } from '../domain/states.js';
import { type SubJob, selectSubJobs } from './sub-job.js';

/** A piece of music's row together with what its latest purchase says. `durationSeconds` counts new music only. */
export interface MusicRecord extends SubJob {
  kind: 'music';
  model: MusicModelName;
}

/** The statement, still to be run, that writes a new job's music. */
export const musicInserted = (knex: Knex, jobId: string, pieces: readonly MusicPiece[]): Knex.QueryBuilder =>
  knex('music_pieces').insert(
    pieces.map(({ number, model, prompt, durationSeconds }) => ({
      job_id: jobId,
      number,
      status: 'pending' satisfies ClipState,
      model,
      prompt,
      duration_seconds: durationSeconds,
    })),
  );

/** The music of these jobs, in the order of its numbers. */
export async function listMusic(knex: Knex, jobIds: readonly string[]): Promise<MusicRecord[]> {
  return await selectSubJobs(knex, 'music')
    .whereIn('c.job_id', [...jobIds])
    .orderBy(['c.job_id', 'c.number']);
}

export async function findMusicPiece(knex: Knex, jobId: string, number: number): Promise<MusicRecord | undefined> {
  return await selectSubJobs(knex, 'music').where({ 'c.job_id': jobId, 'c.number': number }).first();
}

/** Seconds of music that a piece goes on from. */
export async function findSecondsBefore(
  knex: Knex,
  { jobId, number }: Pick<MusicRecord, 'jobId' | 'number'>,
): Promise<number> {
  const row: { seconds?: string | null } | undefined = await knex('music_pieces')
    .where({ job_id: jobId })
    .where('number', '<', number)
    .sum({ seconds: 'duration_seconds' })
    .first();
  return Number(row?.seconds ?? 0);
}
