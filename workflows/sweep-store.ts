/** Runs in the workflow sandbox, on a schedule: keeps the store to what somebody still needs. */
import { proxyActivities } from '@temporalio/workflow';
import type { StoreActivities, Swept } from '../domain/activity-contract.js';
import { sweepSentences as sentences } from '../domain/sentences.js';
import { failureWithRemedy } from './failures.js';
import { say } from './say.js';

const care = proxyActivities<StoreActivities>({
  // A store of some terabytes, all of it to go; a dead worker is noticed by the missing heartbeat instead.
  startToCloseTimeout: '6h',
  heartbeatTimeout: '20s',
  // An attempt goes on where the last one ended, and the next sweep is an hour away.
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m', maximumAttempts: 10 },
});

/** In this order, so that what one step lets go of is seen by the next. */
export async function sweepStore(): Promise<Swept> {
  try {
    const expired = await say(sentences.media, care.expireMedia);
    const rows = await say(sentences.rows, care.sweepRows);
    const deleted = await say(sentences.blobs, care.sweepBlobs);
    return { expired, rows, deleted };
  } catch (error) {
    throw failureWithRemedy(error);
  }
}
