import { z } from 'zod';

/** What is read of a prediction before it is kept whole: Replicate's OpenAPI file, `schemas.PredictionResponse`. */
export const predictionBody = z.looseObject({
  id: z
    .string()
    .min(1)
    .max(200)
    .regex(/^[A-Za-z0-9_-]+$/, { error: 'the id of a prediction' }),
});

export const webhookQuery = z.object({
  workflow: z.string().optional().describe('Which workflow waits: a hint, used when the ledger does not know.'),
  traceparent: z.string().optional().describe('The trace that the purchase belongs to (W3C Trace Context).'),
});

export const webhookReceipt = z.strictObject({ received: z.enum(['new', 'known']) });
