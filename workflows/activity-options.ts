/** The activities as workflows call them, grouped by effect; a reason beside each number. */
import {
  ActivityCancellationType,
  type ActivityInterfaceFor,
  proxyActivities,
  workflowInfo,
} from '@temporalio/workflow';
import type {
  BuyingActivities,
  MediaActivities,
  OutputActivities,
  ProviderActivities,
  RenditionActivities,
  RowActivities,
} from '../domain/activity-contract.js';
import { buyingQueue, mediaQueue, outputQueue, renditionQueue } from '../domain/contract.js';

/** Guarded row changes: harmless to repeat, so they go on until the database answers. */
export const rows = proxyActivities<RowActivities>({
  // A row takes milliseconds; this is how soon a worker that died with one is noticed.
  startToCloseTimeout: '15s',
  retry: { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '15s' },
});

/** Requests that cost nothing: repeated until the provider answers. */
export const provider = proxyActivities<ProviderActivities>({
  // Two images of up to 100 MB each go up at the slowest line we serve, 10 Mbit/s.
  startToCloseTimeout: '3m',
  heartbeatTimeout: '20s',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' },
});

/** Images that were ordered by address; what is fetched stays, so a new attempt goes on where the last one ended. */
export const fetching = proxyActivities<ProviderActivities>({
  // 200 images of a minute each, at worst; a dead worker is noticed by the missing heartbeat instead.
  startToCloseTimeout: '4h',
  heartbeatTimeout: '20s',
  // Some minutes of a server's silence are an answer too; nothing is bought yet.
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s', maximumAttempts: 10 },
});

/**
 * The purchase. Unlimited attempts, because whether one may post is decided by its ledger row and not by a count; no
 * limit on the whole, because a wait longer than what is left of it would fail the activity at once.
 */
export function buying(): ActivityInterfaceFor<BuyingActivities> {
  return proxyActivities<BuyingActivities>({
    taskQueue: buyingQueue(workflowInfo().taskQueue),
    // The window for a POST is 20 s; the rest is for looking through the provider's list.
    startToCloseTimeout: '60s',
    // A worker that died in mid-purchase is noticed soon after the window has closed.
    heartbeatTimeout: '25s',
    // Waits for an answer count as attempts too: after some of them any short outage would cost the longest interval.
    retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '15s' },
  });
}

/** Fetching what was bought: the link lives for an hour, so it is tried until it works or the link is dead. */
export function collecting(): ActivityInterfaceFor<OutputActivities> {
  return proxyActivities<OutputActivities>({
    taskQueue: outputQueue(workflowInfo().taskQueue),
    // A clip of 100 MB over a slow line, decoded once; a dead worker is noticed by the missing heartbeat instead.
    startToCloseTimeout: '15m',
    heartbeatTimeout: '20s',
    retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' },
    // A file that is being stored was paid for: the cancel waits for it.
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  });
}

/** ffmpeg at work on a whole video. */
export function cutting(): ActivityInterfaceFor<Pick<MediaActivities, 'cutVideo'>> {
  return proxyActivities<MediaActivities>({
    taskQueue: mediaQueue(workflowInfo().taskQueue),
    // 100 clips of 10 s, all re-encoded, take about an hour on two cores.
    startToCloseTimeout: '2h',
    heartbeatTimeout: '20s',
    // What still fails after this is the cut itself and not its surroundings.
    retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s', maximumAttempts: 5 },
    // ffmpeg and its files must be gone before the job says that it is cancelled.
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  });
}

/** What makes a finished video nicer and is not worth its failure. */
export function extras(): ActivityInterfaceFor<Pick<MediaActivities, 'makePoster' | 'makePreviews'>> {
  return proxyActivities<MediaActivities>({
    taskQueue: mediaQueue(workflowInfo().taskQueue),
    // A video of a gigabyte out of the store, decoded once: 17 minutes of it in 2 on two cores.
    startToCloseTimeout: '15m',
    heartbeatTimeout: '20s',
    retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '10s', maximumAttempts: 5 },
  });
}

/** Exports and combinations: ffmpeg at work on finished videos, for as long as VP9 takes. */
export function rendering(): ActivityInterfaceFor<RenditionActivities> {
  return proxyActivities<RenditionActivities>({
    taskQueue: renditionQueue(workflowInfo().taskQueue),
    // 20 videos of 17 minutes, all re-encoded, or one of them as VP9; a dead worker is noticed by the missing heartbeat.
    startToCloseTimeout: '8h',
    heartbeatTimeout: '20s',
    retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s', maximumAttempts: 5 },
    // ffmpeg and its files must be gone before anybody is told that it is cancelled.
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  });
}
