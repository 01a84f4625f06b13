import type { Knex } from 'knex';
import type { JobPlan, RowActivities } from '../domain/activity-contract.js';
import type { VideoJobInput, VideoJobResult } from '../domain/contract.js';
import { ReelwrightError } from '../domain/errors.js';
import { countText, oneLine } from '../domain/shown-text.js';
import type { ClipRecord } from '../storage/clips-repository.js';
import { moveJob, moveJobReading } from '../storage/job-moves.js';
import { type JobResult, resultColumns } from '../storage/job-result.js';
import {
  findJobRow,
  type JobRow,
  jobColumns,
  listOwedStarts,
  lockJob,
  markRunStarted,
} from '../storage/jobs-repository.js';
import { jobRoom } from '../storage/jobs-room.js';
import { hasBought } from '../storage/ledger.js';
import { requireRoom } from '../storage/store-room.js';
import { moveSubJob } from '../storage/sub-job.js';
import { listSubJobs, type SubJobRecord } from '../storage/sub-jobs.js';
import type { ActivityDeps } from './deps.js';
import { startOwedBatches } from './owed-batches.js';
import { NOT_CANCELLED, requireJobRow, UNFINISHED } from './required-rows.js';
import { startOwedRenditions } from './start-owed-renditions.js';

/** How long the api has to start a run by itself before the reconciler does, and how many it takes at once. */
const OWED_AFTER_MS = 30_000;
const OWED_AT_ONCE = 100;

/** Of a job's name, for the texts of the Web UI. */
const MAX_NAME = 100;

const hasUnfetchedImage = (clip: ClipRecord): boolean =>
  (clip.firstImageUrl !== null && clip.firstAssetId === null) ||
  (clip.lastImageUrl !== null && clip.lastAssetId === null);

/** What a job of music alone has made: its last stored piece, which contains those before. Throws NO_MUSIC without one. */
function musicMade(pieces: readonly SubJobRecord[]): { durationSeconds: number; sizeBytes: number | null } {
  const made = pieces.filter(({ status }) => status === 'stored');
  const last = made.at(-1);
  if (last === undefined) {
    throw new ReelwrightError('NO_MUSIC', pieces[0]?.error?.message ?? 'no piece of the music was made');
  }
  return {
    durationSeconds: made.reduce((sum, piece) => sum + piece.durationSeconds, 0),
    sizeBytes: last.sizeBytes,
  };
}

type JobRowActivities = Pick<RowActivities, 'planJob' | 'completeJob' | 'endJob' | 'startOwedRuns'>;

export function createJobRowActivities(deps: ActivityDeps): JobRowActivities {
  const { knex, settings, startRun, links, logger } = deps;
  return {
    /**
     * Takes the job for this run. Throws NOT_FOUND without its row, WRONG_STATE when it was cancelled, run again or has
     * lost its media, and STORAGE_FULL where nothing is bought yet and what is to come would not fit into the store.
     */
    async planJob(run): Promise<JobPlan> {
      const subJobs = await listSubJobs(knex, run.jobId);
      const clips = subJobs.filter((subJob) => subJob.kind === 'clip');
      const music = subJobs.filter((subJob) => subJob.kind === 'music');
      // Before anything is bought a bad address fails the job; later it is its clip's own, and answered by `onClipFailure`.
      const fetchImages = run.runNumber === 1 && clips.some(hasUnfetchedImage);
      const status = fetchImages ? 'planning' : 'generating';
      const { maxBytes } = settings.store;
      const take = (on: Knex): Promise<JobRow | undefined> =>
        moveJobReading(on, run, NOT_CANCELLED, { status, error: null }, jobColumns(on));
      const takeWithRoom = (bytes: number): Promise<JobRow | undefined> =>
        knex.transaction(async (trx) => {
          await lockJob(trx, run.jobId);
          // Whoever has bought goes on: what is paid is stored.
          if (!(await hasBought(trx, run.jobId))) {
            await requireRoom(trx, bytes, await jobRoom(trx, run.jobId), { before: run.jobId });
          }
          return await take(trx);
        });
      const job = await requireMoved(run, maxBytes === undefined ? await take(knex) : await takeWithRoom(maxBytes));
      return {
        fetchImages,
        summary:
          clips.length === 0
            ? `${oneLine(job.name, MAX_NAME)}: music`
            : `${oneLine(job.name, MAX_NAME)}: ${countText(clips.length, 'clip')}, ${job.model} ${job.resolution}`,
        clips: clips.map((clip) => clip.number),
        ...(music.length > 0 && { music: music.map((piece) => piece.number) }),
        parallelClips: settings.parallelClips,
        facts: {
          name: oneLine(job.name, MAX_NAME),
          estimatedCostUsd: job.estimatedCostUsd,
          budgetUsd: job.budgetUsd,
          clips: clips.map(({ model, durationSeconds }) => ({ model, durationSeconds })),
          links,
        },
      };
    },

    async completeJob(run) {
      const subJobs = await listSubJobs(knex, run.jobId);
      const all = subJobs.every((subJob) => subJob.status === 'stored');
      const status: VideoJobResult['status'] = all ? 'completed' : 'completed_with_gaps';
      const music = subJobs.some(({ kind }) => kind === 'clip') ? undefined : musicMade(subJobs);
      const change = { status, error: null, completed: true, ...(music && { durationSeconds: music.durationSeconds }) };
      const result = await requireMoved(
        run,
        await moveJobReading<JobResult>(knex, run, NOT_CANCELLED, change, resultColumns(knex)),
      );
      const { durationSeconds, sizeBytes } = music ?? result;
      if (durationSeconds === null || sizeBytes === null) {
        throw new ReelwrightError('INTERNAL', `expected job ${run.jobId} to have a video, seen none`);
      }
      return { status, durationSeconds, sizeBytes, costUsd: result.costUsd };
    },

    async endJob({ end: proposed, error, ...run }) {
      await knex.transaction(async (trx) => {
        await lockJob(trx, run.jobId);
        const job = await findJobRow(trx, run.jobId);
        // Whoever asked for the end gets it, whatever went wrong on the way there.
        const end = job !== undefined && job.cancelRequestedAt !== null ? 'cancelled' : proposed;
        // A later run owns the rows of its clips too.
        const own = job?.runNumber === run.runNumber ? await listSubJobs(trx, run.jobId) : [];
        for (const subJob of own) await moveSubJob(trx, subJob, UNFINISHED, { status: 'cancelled', completed: true });
        // Of an earlier cancel there is nothing to say.
        const change = { status: end, error: end === 'cancelled' ? null : error, completed: true };
        const moved = await moveJob(trx, run, NOT_CANCELLED, change);
        if (!moved) logger.info({ ...run, end }, 'the job had already ended or is run again');
      });
    },

    async startOwedRuns() {
      const owed = await listOwedStarts(knex, OWED_AFTER_MS, OWED_AT_ONCE);
      let started = 0;
      for (const { id: jobId, runNumber } of owed) {
        // One that cannot be started must not keep the others waiting; the next run tries it again.
        try {
          await startRun({ jobId, runNumber });
        } catch (error) {
          logger.error({ err: error, jobId, runNumber }, 'a run that is owed could not be started');
          continue;
        }
        await markRunStarted(knex, jobId, runNumber);
        logger.warn({ jobId, runNumber }, 'started a run that was still owed');
        started += 1;
      }
      started += await startOwedRenditions(deps, OWED_AFTER_MS, OWED_AT_ONCE);
      return { started: started + (await startOwedBatches(deps, OWED_AFTER_MS, OWED_AT_ONCE)) };
    },
  };

  /** What was read of a job that moved; throws why it did not. */
  async function requireMoved<Row>({ jobId, runNumber }: VideoJobInput, moved: Row | undefined): Promise<Row> {
    if (moved !== undefined) return moved;
    const job = await requireJobRow(knex, jobId);
    const gone = job.mediaDeletedAt === null ? '' : ', its media deleted';
    throw new ReelwrightError(
      'WRONG_STATE',
      `expected job ${jobId} in run ${runNumber} and not cancelled, seen run ${job.runNumber}, ${job.status}${gone}`,
    );
  }
}
