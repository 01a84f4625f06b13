/** Images that were ordered by address become assets of the job's owner before anything is bought. */
import { Context } from '@temporalio/activity';
import type { ProviderActivities } from '../domain/activity-contract.js';
import type { VideoJobInput } from '../domain/contract.js';
import { ReelwrightError } from '../domain/errors.js';
import { type ClipRecord, listClips } from '../storage/clips-repository.js';
import { moveJob } from '../storage/job-moves.js';
import type { JobRow } from '../storage/jobs-repository.js';
import { type FetchImagesDeps, fetchImage, type WaitingImage } from './fetch-image.js';
import { withHeartbeat } from './heartbeat.js';
import { NOT_CANCELLED, requireJobRow } from './required-rows.js';

const AT_ONCE = 4;

/**
 * Fetches what the job's clips name by address and have no asset for; an address that several name is fetched once. What
 * an earlier attempt fetched stays. Then the job is generating. Throws NOT_FOUND without the job's row, WRONG_STATE when
 * it was cancelled or run again, URL_REFUSED, IMAGE_NOT_FETCHED or IMAGE_UNREACHABLE by the clip and field at fault.
 */
export function createFetchImages(deps: FetchImagesDeps): ProviderActivities['fetchImages'] {
  return async (run) => {
    const job = await requireJobRow(deps.knex, run.jobId);
    const waiting = waitingImages(await listClips(deps.knex, [run.jobId]));
    const fetched = await withHeartbeat(() => fetchAll(deps, job, waiting, Context.current().cancellationSignal));
    const moved = await moveJob(deps.knex, run, NOT_CANCELLED, { status: 'generating', error: null });
    if (!moved) throw wrongState(run, await requireJobRow(deps.knex, run.jobId));
    return { fetched };
  };
}

/**
 * The same for one clip, within whatever activity calls it; gives how many images were fetched. The clip's row has the
 * assets then, `clip` as it was read before has not.
 */
export async function fetchClipImages(deps: FetchImagesDeps, clip: ClipRecord, signal: AbortSignal): Promise<number> {
  const waiting = waitingImages([clip]);
  if (waiting.length === 0) return 0;
  return await fetchAll(deps, await requireJobRow(deps.knex, clip.jobId), waiting, signal);
}

function waitingImages(clips: readonly ClipRecord[]): WaitingImage[] {
  const byUrl = new Map<string, WaitingImage>();
  const add = (url: string | null, assetId: string | null, where: string): void => {
    if (url !== null && assetId === null && !byUrl.has(url)) byUrl.set(url, { url, where });
  };
  for (const clip of clips) {
    add(clip.firstImageUrl, clip.firstAssetId, `clip ${clip.number}, firstImage`);
    add(clip.lastImageUrl, clip.lastAssetId, `clip ${clip.number}, lastImage`);
  }
  return [...byUrl.values()];
}

/** A few at once. The first failure stops the others and is the one that is told. */
async function fetchAll(
  deps: FetchImagesDeps,
  job: JobRow,
  images: readonly WaitingImage[],
  signal: AbortSignal,
): Promise<number> {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const queue = [...images];
  let failure: { error: unknown } | undefined;
  const lane = async (): Promise<void> => {
    for (let image = queue.shift(); image !== undefined && failure === undefined; image = queue.shift()) {
      try {
        await fetchImage(deps, job, image, either);
      } catch (error) {
        failure ??= { error };
        stop.abort();
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  signal.throwIfAborted();
  if (failure !== undefined) throw failure.error;
  return images.length;
}

const wrongState = ({ jobId, runNumber }: VideoJobInput, job: JobRow): ReelwrightError =>
  new ReelwrightError(
    'WRONG_STATE',
    `expected job ${jobId} in run ${runNumber} and not cancelled, seen run ${job.runNumber}, ${job.status}`,
  );
