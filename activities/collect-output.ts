import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { Context } from '@temporalio/activity';
import type { CollectInput, OutputActivities } from '../domain/activity-contract.js';
import type { GenerationOutcome } from '../domain/contract.js';
import { isReelwrightError, ReelwrightError } from '../domain/errors.js';
import { withWorkDir } from '../media/ffmpeg/work-dir.js';
import { checkClip } from '../media/probe/check-clip.js';
import { checkSound } from '../media/probe/check-sound.js';
import { recordOutputLost } from '../storage/ledger-moves.js';
import { findSecondsBefore } from '../storage/music-repository.js';
import type { SubJobRecord } from '../storage/sub-jobs.js';
import { keepProbe, probeFetched } from './clip-probes.js';
import type { ActivityDeps } from './deps.js';
import { failureOf } from './failure-of.js';
import { fetchOutput } from './fetch-output.js';
import { spentOn } from './generation-facts.js';
import { withHeartbeat } from './heartbeat.js';
import { keepOutput, type Output, takeOutput } from './output-rows.js';
import { requireSubJob } from './required-rows.js';
import { requirePurchase } from './settle.js';

/**
 * Fetches, checks and stores what a prediction gave. Throws the reason of a prediction that ended without an output,
 * OUTPUT_LOST when the link is dead, OUTPUT_BROKEN or OUTPUT_UNREACHABLE where fetching again may help.
 */
export function createCollectOutput(deps: ActivityDeps): OutputActivities['collectOutput'] {
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
    const storedAs = (subJob: SubJobRecord): GenerationOutcome => ({
      status: 'stored',
      predictionId,
      ...spentOn(subJob),
    });
    if (row.state === 'stored') return storedAs(await requireSubJob(deps.knex, generation));
    const output = await takeOutput(deps, row, predictionId);
    await withHeartbeat((report) => store(deps, output, report));
    deps.logger.info({ ...generation, predictionId }, 'stored');
    return storedAs(output.subJob);
  }
}

/** So often is a link asked for that is dead although the provider still lists it: for half a minute, by the pauses between. */
const DEAD_LINK_ATTEMPTS = 6;

/** A single refusal is not believed while the provider has the output: the hosts of outputs may be late, or refuse for a moment. */
async function believed({ provider }: ActivityDeps, predictionId: string, error: unknown): Promise<unknown> {
  const { info, cancellationSignal: signal } = Context.current();
  if (!isReelwrightError(error, 'OUTPUT_LOST') || info.attempt >= DEAD_LINK_ATTEMPTS) return error;
  const isListed = await provider.get(predictionId, { signal }).then(
    ({ outputUrls, dataRemoved }) => outputUrls.length > 0 && !dataRemoved,
    (failure: unknown) => {
      if (isReelwrightError(failure, 'PROVIDER_NOT_FOUND')) return false;
      throw failure;
    },
  );
  if (!isListed) return error;
  return new ReelwrightError('OUTPUT_UNREACHABLE', `${error.message}, but the provider still lists the output`, {
    cause: error,
  });
}

async function store(deps: ActivityDeps, output: Output, report: (progress: unknown) => void): Promise<void> {
  const { blobs, provider, workRoot } = deps;
  const { subJob } = output;
  const signal = Context.current().cancellationSignal;
  await withWorkDir(workRoot, subJob.kind, async (dir) => {
    const path = join(dir, 'output');
    try {
      await fetchOutput(provider, output.url, path, signal, (fetchedBytes) => report({ fetchedBytes }));
    } catch (error) {
      throw await believed(deps, output.predictionId, error);
    }
    const { contentType, warnings } = await check(deps, subJob, path, signal);
    const probe = subJob.kind === 'clip' ? await probeFetched(deps, subJob, path, signal) : undefined;
    const { id: blobId, sha256 } = await blobs.put(createReadStream(path), { contentType, signal });
    if (probe !== undefined) await keepProbe(deps, sha256, probe);
    await keepOutput(deps, output, { blobId, warnings });
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
