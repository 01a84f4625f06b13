/** Runs in the workflow sandbox: the story of one job, from its plan to its video. */
import {
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  isCancellation,
  log,
  patched,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import type { JobPlan } from '../domain/activity-contract.js';
import type { FailureInfo, GenerationOutcome, VideoJobInput, VideoJobResult } from '../domain/contract.js';
import { jobSentences as sentences } from '../domain/sentences.js';
import type { JobState } from '../domain/states.js';
import { cutting, extras, fetching, rows } from './activity-options.js';
import { watchAttention } from './attention.js';
import { STAGE } from './attributes.js';
import { failureInfo, failureWithRemedy } from './failures.js';
import { generateClips } from './generate-clips.js';
import { startMusic } from './generate-music.js';
import { type JobBoard, jobBoard } from './job-board.js';
import { say } from './say.js';

export async function videoJob(job: VideoJobInput): Promise<VideoJobResult> {
  const board = jobBoard(job);
  const waiting = watchAttention(board);
  try {
    const plan = await say(sentences.plan, rows.planJob, job);
    board.planned(plan);
    if (plan.fetchImages === true) {
      enter('planning', board);
      await say(sentences.fetchImages, fetching.fetchImages, job);
    }

    enter('generating', board);
    await generateAll(job, plan, waiting, board);

    if (!isMusicAlone(plan)) await compose(job, board);
    const result = await say(sentences.complete, rows.completeJob, job);
    board.completed(result);
    enter(result.status, board);
    return result;
  } catch (error) {
    await CancellationScope.nonCancellable(() => conclude(job, error, board));
    throw failureWithRemedy(error);
  }
}

async function compose(job: VideoJobInput, board: JobBoard): Promise<void> {
  enter('composing', board);
  await say(sentences.cut(board.stored()), cutting().cutVideo, job);
  if (patched('previews')) await extra('previews', () => say(sentences.previews, extras().makePreviews, job));
  else if (patched('poster')) await extra('poster', () => say(sentences.poster, extras().makePoster, job));
}

/** Clips and music side by side. Throws why there is nothing to cut; what was paid is stored by then. */
async function generateAll(
  { jobId }: VideoJobInput,
  plan: JobPlan,
  waiting: ReadonlySet<number>,
  board: JobBoard,
): Promise<void> {
  const music = startMusic(jobId, plan.music ?? [], board);
  try {
    const outcomes = await generateClips(jobId, plan, waiting, board);
    if (CancellationScope.current().consideredCancelled) throw new CancelledFailure('the job was cancelled');
    const missing = isMusicAlone(plan) ? undefined : whyNoVideo(plan.clips, outcomes);
    if (missing !== undefined) throw ApplicationFailure.nonRetryable(missing.message, missing.code);
  } catch (error) {
    music.cancel();
    throw error;
  } finally {
    await music.done;
  }
}

/** A video without a poster and the like is a video. */
async function extra(what: string, make: () => Promise<unknown>): Promise<void> {
  try {
    await make();
  } catch (error) {
    if (isCancellation(error)) throw error;
    log.warn(`there is no ${what}`, { ...failureInfo(error) });
  }
}

/** Ordered without any clip. */
const isMusicAlone = ({ clips, music = [] }: JobPlan): boolean => clips.length === 0 && music.length > 0;

async function conclude(job: VideoJobInput, failure: unknown, board: JobBoard): Promise<void> {
  const end = isCancellation(failure) ? 'cancelled' : 'failed';
  const error = end === 'cancelled' ? null : failureInfo(failure);
  await say(sentences.end(error), rows.endJob, { ...job, end, error });
  if (error !== null) board.failed(error);
  enter(end, board);
}

/** Why there is no video to cut: a clip that failed or was cancelled by itself, or no clip at all. */
function whyNoVideo(clips: readonly number[], outcomes: readonly GenerationOutcome[]): FailureInfo | undefined {
  const failed = outcomes.findIndex((outcome) => outcome.status === 'failed');
  const index = failed >= 0 ? failed : outcomes.findIndex((outcome) => outcome.status === 'cancelled');
  const outcome = outcomes[index];
  if (outcome?.status === 'failed') {
    return { code: outcome.error.code, message: `clip ${clips[index]}: ${outcome.error.message}` };
  }
  if (outcome !== undefined) return { code: 'PREDICTION_CANCELED', message: `clip ${clips[index]} was cancelled` };
  if (outcomes.some(({ status }) => status === 'stored')) return undefined;
  return { code: 'NO_CLIPS', message: 'every clip was skipped, so there is nothing to cut' };
}

function enter(stage: JobState, board: JobBoard): void {
  board.stage(stage);
  upsertSearchAttributes([{ key: STAGE, value: stage }]);
}
