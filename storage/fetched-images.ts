import type { Knex } from 'knex';
import { requireAssetsKept } from './delete-asset.js';
import { lockJob } from './jobs-repository.js';

/** Notes the asset of an address on every image of the job that still waits for it, and says on how many. */
export async function noteFetchedImage(
  trx: Knex,
  { jobId, url, assetId }: { jobId: string; url: string; assetId: string },
): Promise<number> {
  // Two images of the same clips are noted at the same time: without an order they would wait for each other.
  await lockJob(trx, jobId);
  let noted = 0;
  for (const which of ['first', 'last']) {
    noted += await trx('clips')
      .where({ job_id: jobId, [`${which}_image_url`]: url })
      .whereNull(`${which}_asset_id`)
      .update({ [`${which}_asset_id`]: assetId, prepared_inputs: null });
  }
  await requireAssetsKept(trx, [assetId], `job ${jobId}`);
  return noted;
}
