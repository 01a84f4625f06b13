import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { Context } from '@temporalio/activity';
import type { CollectInput, MediaActivities } from '../domain/activity-contract.js';
import type { GenerationOutcome } from '../domain/contract.js';
import { isReelwrightError, ReelwrightError } from '../domain/errors.js';
import { withWorkDir } from '../media/ffmpeg/work-dir.js';
import { checkClip } from '../media/probe/check-clip.js';
import { checkSound } from '../media/probe/check-sound.js';
import { noteAttention } from '../storage/job-attention.js';
import { lockJob } from '../storage/jobs-repository.js';
import type { LedgerRow } from '../storage/ledger.js';
import { markPurchaseStored, recordOutputLost } from '../storage/ledger-moves.js';
import { findSecondsBefore } from '../storage/music-repository.js';
import { moveSubJob } from '../storage/sub-job.js';
import type { SubJobRecord } from '../storage/sub-jobs.js';
import { secondsSinceWebhook } from '../storage/webhook-inbox.js';
import { webhookToFetchSeconds } from '../telemetry/metrics.js';
import { keepProbe, probeFetched } from './clip-probes.js';
import type { ActivityDeps } from './deps.js';
import { failureOf } from './failure-of.js';
import { fetchOutput } from './fetch-output.js';
import { spentOn } from './generation-facts.js';
import { withHeartbeat } from './heartbeat.js';
import { NOT_STORED, requireSubJob } from './required-rows.js';
import { askProvider, endError, requirePurchase, settledByWebhook } from './settle.js';

/** When a completion was announced that neither the inbox nor the provider shows. */
const NOT_ENDED_PAUSE_MS = 3_000;

/**
 * Fetches, checks and stores what a prediction gave. Throws the reason of a prediction that ended without an output,
 * OUTPUT_LOST when the link is dead, OUTPUT_BROKEN or OUTPUT_UNREACHABLE where fetching again may help.
 */
export function createCollectOutput(deps: ActivityDeps): MediaActivities['collectOutput'] {
  return async ({ predictionId, ...generation }: CollectInput): Promise<GenerationOutcome> => {
    try {
      return await collect({ predictionId, ...generation });
    } catch (error) {
      // Noted with the purchase as well, so that nobody tries again what cannot be had.
      if (isReelwrightError(error, 'OUTPUT_LOST', 'OUTPUT_HOST_REFUSED')) {
        await recordOutputLost(deps.knex, predictionId, failureOf(error));
      }
      throw error;
    }
  };

  async function collect({ predictionId, ...generation }: CollectInput): Promise<GenerationOutcome> {
    const row = await requirePurchase(deps, generation, predictionId);
    const stored = async (): Promise<GenerationOutcome> => {
      const spent = spentOn(await requireSubJob(deps.knex, generation));
      return { status: 'stored', predictionId, ...spent };
    };
    if (row.state === 'stored') return await stored();
    if (Context.current().info.attempt === 1) await noteLag(deps, predictionId);
    const url = await outputOf(deps, row, predictionId);
    const subJob = await requireSubJob(deps.knex, row);
    const isLatest = row.attempt === subJob.attempt;
    if (isLatest) await moveSubJob(deps.knex, subJob, NOT_STORED, { status: 'storing' });
    await withHeartbeat((report) => store(deps, { subJob, predictionId, url, isLatest }, report));
    deps.logger.info({ ...generation, predictionId }, 'stored');
    return await stored();
  }
}

/** A later attempt says how long fetching failed, and not how soon it began. */
async function noteLag({ knex }: ActivityDeps, predictionId: string): Promise<void> {
  const seconds = await secondsSinceWebhook(knex, predictionId);
  if (seconds !== undefined) webhookToFetchSeconds.observe(seconds);
}

/** The output's link, from the ledger, the webhook or the provider, whoever knows it first. */
async function outputOf(deps: ActivityDeps, row: LedgerRow, predictionId: string): Promise<string> {
  const signal = Context.current().cancellationSignal;
  if (row.state === 'succeeded' && row.output?.[0] !== undefined) return row.output[0];
  const prediction =
    (await settledByWebhook(deps, row, predictionId)) ?? (await askProvider(deps, row, predictionId, signal));
  if (prediction.status === 'starting' || prediction.status === 'processing') {
    throw new ReelwrightError(
      'PURCHASE_PENDING',
      `expected prediction ${predictionId} to have ended, it is ${prediction.status}`,
      {
        retryAfterMs: NOT_ENDED_PAUSE_MS,
      },
    );
  }
  if (prediction.status !== 'succeeded') throw endError({ ...prediction, status: prediction.status });
  const [url] = prediction.outputUrls;
  if (url === undefined) {
    throw new ReelwrightError(
      'OUTPUT_LOST',
      `prediction ${predictionId} succeeded, but its output is gone at the provider`,
    );
  }
  return url;
}

interface Found {
  subJob: SubJobRecord;
  predictionId: string;
  url: string;
  isLatest: boolean;
}

async function store(
  deps: ActivityDeps,
  { subJob, predictionId, url, isLatest }: Found,
  report: (progress: unknown) => void,
): Promise<void> {
  const { knex, blobs, provider, workRoot } = deps;
  const signal = Context.current().cancellationSignal;
  await withWorkDir(workRoot, subJob.kind, async (dir) => {
    const path = join(dir, 'output');
    await fetchOutput(provider, url, path, signal, (fetchedBytes) => report({ fetchedBytes }));
    const { contentType, warnings } = await check(deps, subJob, path, signal);
    const probe = subJob.kind === 'clip' ? await probeFetched(deps, subJob, path, signal) : undefined;
    const { id: blobId, sha256 } = await blobs.put(createReadStream(path), { contentType, signal });
    if (probe !== undefined) await keepProbe(deps, sha256, probe);
    await knex.transaction(async (trx) => {
      await lockJob(trx, subJob.jobId);
      await markPurchaseStored(trx, predictionId, blobId);
      // Where the row has what a later attempt gave, this one is kept with its purchase only.
      if (isLatest) {
        await moveSubJob(trx, subJob, NOT_STORED, { status: 'stored', blobId, error: null, warnings, completed: true });
        await noteAttention(trx, subJob.jobId);
      }
    });
  });
}

/** Throws OUTPUT_BROKEN for what is not whole. */
async function check(
  { knex, tools }: ActivityDeps,
  subJob: SubJobRecord,
  path: string,
  signal: AbortSignal,
): Promise<{ contentType: string; warnings: string[] }> {
  const { durationSeconds } = subJob;
  if (subJob.kind === 'clip') {
    await checkClip(tools, path, { expectedDurationSeconds: durationSeconds, signal });
    return { contentType: 'video/mp4', warnings: [] };
  }
  const expected = (await findSecondsBefore(knex, subJob)) + durationSeconds;
  const { contentType, audio } = await checkSound(tools, path, { signal });
  const isOff = Math.abs(audio.durationSeconds - expected) > MUSIC_SLACK_SECONDS;
  const warning = `it lasts ${audio.durationSeconds.toFixed(1)} s instead of ${expected} s`;
  return { contentType, warnings: isOff ? [warning] : [] };
}

/** Music is fitted to the picture anyway: its length is told and not refused. */
const MUSIC_SLACK_SECONDS = 1;
