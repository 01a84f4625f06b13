import type { Prediction } from '../replicate/video-provider.js';
import { unknownProviderIds } from '../storage/purchase-facts.js';
import type { ActivityDeps } from './deps.js';

/** A page of the provider's list. */
const BATCH = 100;

/**
 * Reads the provider's whole list since `createdAfter` and gives, the oldest first, what neither a purchase nor a stray
 * has. The tables are asked after the list, so that nothing whose purchase was noted before is among it. A list that
 * fails proves nothing and throws.
 */
export async function unknownPredictions(
  { knex, provider }: Pick<ActivityDeps, 'knex' | 'provider'>,
  createdAfter: Date,
  signal: AbortSignal,
): Promise<Prediction[]> {
  const unknown: Prediction[] = [];
  let batch: Prediction[] = [];
  const sift = async (): Promise<void> => {
    const ids = await unknownProviderIds(
      knex,
      batch.map(({ id }) => id),
    );
    unknown.push(...batch.filter(({ id }) => ids.has(id)));
    batch = [];
  };
  for await (const prediction of provider.list({ createdAfter, signal })) {
    batch.push(prediction);
    if (batch.length === BATCH) await sift();
  }
  await sift();
  return unknown.reverse();
}
