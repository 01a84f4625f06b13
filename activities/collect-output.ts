import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { Context } from '@temporalio/activity';
import type { CollectInput, MediaActivities } from '../domain/activity-contract.js';
import type { GenerationOutcome } from '../domain/contract.js';
import { isReelwrightError, ReelwrightError } from '../domain/errors.js';
import { checkClip } from '../media/check-clip.js';
import { withWorkDir } from '../media/work-dir.js';
import { type ClipRecord, moveClip } from '../storage/clips-repository.js';
import { noteAttention } from '../storage/job-attention.js';
import { lockJob } from '../storage/jobs-repository.js';
import type { LedgerRow } from '../storage/ledger.js';
import { markPurchaseStored, recordOutputLost } from '../storage/ledger-moves.js';
import type { ActivityDeps } from './deps.js';
import { failureOf } from './failure-of.js';
import { fetchOutput } from './fetch-output.js';
import { withHeartbeat } from './heartbeat.js';
import { NOT_STORED, requireClip } from './required-rows.js';
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
    const stored: GenerationOutcome = { status: 'stored', predictionId };
    if (row.state === 'stored') return stored;
    const url = await outputOf(deps, row, predictionId);
    const clip = await requireClip(deps.knex, row);
    const isLatest = row.attempt === clip.attempt;
    if (isLatest) await moveClip(deps.knex, clip, NOT_STORED, { status: 'storing' });
    await withHeartbeat((report) => store(deps, { clip, predictionId, url, isLatest }, report));
    deps.logger.info({ ...generation, predictionId }, 'stored');
    return stored;
  }
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

async function store(
  { knex, blobs, provider, tools, workRoot }: ActivityDeps,
  { clip, predictionId, url, isLatest }: { clip: ClipRecord; predictionId: string; url: string; isLatest: boolean },
  report: (progress: unknown) => void,
): Promise<void> {
  const signal = Context.current().cancellationSignal;
  await withWorkDir(workRoot, 'clip', async (dir) => {
    const path = join(dir, 'output.mp4');
    await fetchOutput(provider, url, path, signal, (fetchedBytes) => report({ fetchedBytes }));
    await checkClip(tools, path, { expectedDurationSeconds: clip.durationSeconds, signal });
    const { id: blobId } = await blobs.put(createReadStream(path), { contentType: 'video/mp4', signal });
    await knex.transaction(async (trx) => {
      await lockJob(trx, clip.jobId);
      await markPurchaseStored(trx, predictionId, blobId);
      // Where the clip has what a later attempt gave, this one is kept with its purchase only.
      if (isLatest) {
        await moveClip(trx, clip, NOT_STORED, { status: 'stored', blobId, error: null, warnings: [], completed: true });
        await noteAttention(trx, clip.jobId);
      }
    });
  });
}
