/** Bodies of what is done to a job that is there. */
import { z } from 'zod';
import { DECISIONS } from '../../domain/contract.js';
import { budgetUsd, clipChangeFields, MAX_CLIPS } from '../../domain/orders.schema.js';
import { idParams } from './common.schema.js';

/** As written in a path: another spelling of a number is another address, where nothing is. */
const clipNumber = z
  .string()
  .regex(/^[1-9]\d{0,5}$/)
  .transform(Number)
  .describe('Number of a clip, from 1.');

export const clipParams = idParams.extend({ number: clipNumber });

const nothing = z.strictObject({}).optional();

export const retryPayload = z.strictObject({
  budgetUsd: budgetUsd.optional().describe("The job's budget from now on, in US dollars. Default: as it is."),
});

export const regeneratePayload = z.strictObject({
  clip: z.int().min(1).max(MAX_CLIPS).describe('Number of a clip, from 1.'),
  ...clipChangeFields,
});

export const jobAction = z.discriminatedUnion('action', [
  z.strictObject({ action: z.literal('approve'), payload: nothing }),
  z.strictObject({ action: z.literal('cancel'), payload: nothing }),
  z.strictObject({ action: z.literal('retry'), payload: retryPayload.optional() }),
  z.strictObject({ action: z.literal('regenerate_scene'), payload: regeneratePayload }),
]);
export type JobAction = z.output<typeof jobAction>;

/** What the new version of a clip takes instead of what was ordered. */
export const clipChanges = z.strictObject(clipChangeFields);

const RETRY_ONLY = [...(Object.keys(clipChangeFields) as (keyof typeof clipChangeFields)[]), 'budgetUsd'] as const;

export const clipDecision = z
  .strictObject({
    decision: z.enum(DECISIONS).describe('Another attempt, a gap in the video, or the end of the job.'),
    ...clipChangeFields,
    budgetUsd: retryPayload.shape.budgetUsd,
  })
  .superRefine((body, { addIssue }) => {
    if (body.decision === 'retry') return;
    for (const field of RETRY_ONLY) {
      if (body[field] === undefined) continue;
      addIssue({ code: 'custom', path: [field], message: 'goes with the decision retry only' });
    }
  });
