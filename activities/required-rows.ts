/** What several activities ask of the rows they work on. */
import type { Knex } from 'knex';
import { type GenerationInput, parseSubject } from '../domain/contract.js';
import { ReelwrightError } from '../domain/errors.js';
import { CLIP_STATES, JOB_STATES } from '../domain/states.js';
import { type ClipRecord, findClip } from '../storage/clips-repository.js';

/** What is stored stays stored; from every other state a clip may still move, since what is paid is stored. */
export const NOT_STORED = CLIP_STATES.filter((state) => state !== 'stored');

/** `cancelled` is final; a reset may lead back from every other state of a job. */
export const NOT_CANCELLED = JOB_STATES.filter((state) => state !== 'cancelled');

/** The clip that a generation makes; throws NOT_FOUND without its row. */
export async function requireClip(knex: Knex, { jobId, subject }: GenerationInput): Promise<ClipRecord> {
  const clip = await findClip(knex, jobId, parseSubject(subject).number);
  if (clip !== undefined) return clip;
  throw new ReelwrightError('NOT_FOUND', `expected a row for ${subject} of job ${jobId}, found none`);
}
