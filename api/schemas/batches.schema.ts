/** One thing done to many jobs. */
import { z } from 'zod';
import { BATCH_ACTIONS, BATCH_ITEM_STATES, BATCH_STATES, MAX_BATCH_JOBS } from '../../domain/batches.js';
import { id, text } from '../../domain/fields.schema.js';
import { JOB_STATES } from '../../domain/states.js';
import { timestamp } from './common.schema.js';
import { errorCode } from './envelope.schema.js';
import { failure, workflow } from './jobs.schema.js';

const time = z.iso.datetime({ offset: true, error: 'expected a time such as 2026-05-01T09:30:00Z' });
const owner = text(200).describe('The id or the name of an owner.');

const retryOrder = z
  .strictObject({
    action: z.literal('retry'),
    campaignId: id.optional(),
    since: time.optional().describe('Jobs that ended at this time or later.'),
    until: time.optional().describe('Jobs that ended before this time.'),
    withGaps: z.boolean().default(false).describe('Jobs that are completed_with_gaps as well.'),
    owner: owner.optional(),
  })
  .refine(({ campaignId, since }) => campaignId !== undefined || since !== undefined, {
    path: ['campaignId'],
    error: 'expected a campaign or a time (`since`)',
  });

const cancelOrder = z
  .strictObject({ action: z.literal('cancel'), owner: owner.optional(), campaignId: id.optional() })
  .refine((order) => order.owner !== undefined || order.campaignId !== undefined, {
    path: ['owner'],
    error: 'expected an owner or a campaign',
  });

export const batchOrder = z
  .discriminatedUnion('action', [retryOrder, cancelOrder])
  .describe(`At most ${MAX_BATCH_JOBS} jobs; which they are is decided when the batch is ordered.`);
export type BatchOrderBody = z.output<typeof batchOrder>;

export const batchAction = z.strictObject({ action: z.literal('cancel') });

const filter = z.strictObject({
  ownerId: z.uuid().optional(),
  campaignId: z.uuid().optional(),
  since: timestamp.optional(),
  until: timestamp.optional(),
  withGaps: z.boolean().optional(),
});

const batch = {
  id: z.uuid(),
  action: z.enum(BATCH_ACTIONS),
  filter,
  requestedBy: z.string(),
  status: z.enum(BATCH_STATES),
  progress: z.strictObject({
    total: z.int(),
    done: z.int(),
    skipped: z.int(),
    pending: z.int(),
    percent: z.int().min(0).max(100),
    skippedFor: z.record(z.string(), z.int()).describe('How many were skipped for which code.'),
  }),
  error: failure,
  workflow,
  createdAt: timestamp,
  updatedAt: timestamp,
  completedAt: timestamp.nullable(),
};

export const batchJson = z.strictObject(batch);
export type BatchJson = z.output<typeof batchJson>;

export const batchWithResultsJson = z.strictObject({
  ...batch,
  results: z
    .array(
      z.strictObject({
        jobId: z.uuid(),
        status: z.enum(BATCH_ITEM_STATES),
        code: errorCode.nullable().describe('Why it was skipped.'),
        message: z.string().nullable(),
        finishedAt: timestamp.nullable(),
      }),
    )
    .describe('One for each job, in the order in which they are worked on.'),
});
export type BatchWithResultsJson = z.output<typeof batchWithResultsJson>;

export const batchPreviewJson = z.strictObject({
  action: z.enum(BATCH_ACTIONS),
  filter,
  total: z.int(),
  jobs: z.array(z.strictObject({ jobId: z.uuid(), ownerId: z.uuid(), name: z.string(), status: z.enum(JOB_STATES) })),
});
export type BatchPreviewJson = z.output<typeof batchPreviewJson>;
