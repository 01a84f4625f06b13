/** The care of the store: what has been kept long enough goes, and then the bytes that nothing refers to any more. */
import { Context } from '@temporalio/activity';
import type { StoreActivities, SweptBlobs } from '../domain/activity-contract.js';
import { listBlobReferences } from '../storage/blob-references.js';
import { dropEncodedClips } from '../storage/encoded-clips.js';
import { ANSWERS_KEPT_FOR_MS, dropExpiredAnswers } from '../storage/idempotency-keys.js';
import { dropMediaProbes } from '../storage/media-probes.js';
import { deleteOrphan, findOrphans } from '../storage/orphans.js';
import { expireCombinations, expireJob, listExpiredJobs } from '../storage/remove-media.js';
import { dropOldWebhooks, WEBHOOKS_KEPT_FOR_MS } from '../storage/webhook-inbox.js';
import type { ActivityDeps } from './deps.js';
import { withHeartbeat } from './heartbeat.js';

/** Rows that one statement looks at or removes. */
const AT_ONCE = 500;
/** Encoded clips are kept for the next cut of their job, which mostly comes soon or never; they can be made again. */
const ENCODED_CLIPS_UNUSED_DAYS = 30;

type Deps = Pick<ActivityDeps, 'knex' | 'settings' | 'logger'>;

/** How far a walk through the blobs has come; what a heartbeat carries to the next attempt. */
interface Progress extends SweptBlobs {
  afterId: string | null;
}

export function createStoreActivities(deps: Deps): StoreActivities {
  const { knex, settings, logger } = deps;
  const { retentionDays, orphanGraceMs } = settings.store;
  return {
    /** Media whose time is over. What is still at work, or waits to be settled, stays for the next sweep. */
    async expireMedia() {
      return await withHeartbeat(async (report) => {
        let jobs = 0;
        const inUse: string[] = [];
        for (;;) {
          const expired = await listExpiredJobs(knex, { retentionDays, limit: AT_ONCE, except: inUse });
          for (const jobId of expired) {
            Context.current().cancellationSignal.throwIfAborted();
            if (await expireJob(knex, jobId)) jobs += 1;
            else inUse.push(jobId);
            report({ jobs });
          }
          if (expired.length < AT_ONCE) break;
        }
        const combinations = await expireCombinations(knex, retentionDays);
        if (jobs + combinations > 0) logger.info({ jobs, combinations }, 'media were deleted, their time being over');
        return { jobs, combinations };
      });
    },

    /** Rows that are of use only while something else is there, or for a time. */
    async sweepRows() {
      const unusedDays = Math.min(retentionDays ?? ENCODED_CLIPS_UNUSED_DAYS, ENCODED_CLIPS_UNUSED_DAYS);
      return await withHeartbeat(async () => ({
        encodedClips: await untilNone((limit) => dropEncodedClips(knex, { unusedDays, limit })),
        mediaProbes: await untilNone((limit) => dropMediaProbes(knex, { olderThanMs: orphanGraceMs, limit })),
        answers: await untilNone((limit) => dropExpiredAnswers(knex, { keptForMs: ANSWERS_KEPT_FOR_MS, limit })),
        webhooks: await untilNone((limit) => dropOldWebhooks(knex, { keptForMs: WEBHOOKS_KEPT_FOR_MS, limit })),
      }));
    },

    /** Deletes blobs that nothing refers to; goes on where an attempt that was broken off had come to. */
    async sweepBlobs() {
      const { heartbeatDetails } = Context.current().info;
      const progress: Progress = { afterId: null, blobs: 0, bytes: 0, ...(heartbeatDetails as Progress | undefined) };
      return await withHeartbeat(async (report) => {
        const references = await listBlobReferences(knex);
        const search = { references, graceMs: orphanGraceMs };
        for (;;) {
          const page = await findOrphans(knex, { ...search, afterId: progress.afterId, limit: AT_ONCE });
          for (const id of page.ids) {
            Context.current().cancellationSignal.throwIfAborted();
            const bytes = await deleteOrphan(knex, id, search);
            if (bytes === undefined) continue;
            progress.blobs += 1;
            progress.bytes += bytes;
            report({ ...progress, afterId: id });
          }
          if (page.lastId === null) break;
          progress.afterId = page.lastId;
          report({ ...progress });
        }
        const { blobs, bytes } = progress;
        if (blobs > 0) logger.info({ blobs, bytes }, 'blobs were deleted that nothing referred to');
        return { blobs, bytes };
      });
    },
  };
}

async function untilNone(drop: (limit: number) => Promise<number>): Promise<number> {
  let all = 0;
  for (;;) {
    Context.current().cancellationSignal.throwIfAborted();
    const dropped = await drop(AT_ONCE);
    all += dropped;
    if (dropped === 0) return all;
  }
}
