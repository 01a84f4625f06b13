import { z } from 'zod';
import { ReelwrightError } from '../domain/errors.js';
import type { Prediction } from './video-provider.js';

const time = z.iso.datetime({ offset: true }).transform((text) => new Date(text));

/** `PredictionResponse` of the provider's openapi.yaml, as far as we read it; unknown fields are left alone. */
const predictionSchema = z.object({
  id: z.string().min(1).max(200),
  model: z.string(),
  status: z.enum(['starting', 'processing', 'succeeded', 'failed', 'canceled', 'aborted']),
  input: z.record(z.string(), z.unknown()).nullish(),
  output: z
    .union([z.string(), z.array(z.string())])
    .nullish()
    .catch(null),
  error: z.unknown().optional(),
  data_removed: z.boolean().nullish(),
  created_at: time,
  started_at: time.nullish(),
  completed_at: time.nullish(),
  metrics: z.record(z.string(), z.unknown()).nullish(),
});

/** True for what `readPrediction` can read. */
export const isPrediction = (value: unknown): boolean => predictionSchema.safeParse(value).success;

/** Reads a prediction object; throws PROVIDER_UNAVAILABLE that says what does not fit. */
export function readPrediction(value: unknown): Prediction {
  const result = predictionSchema.safeParse(value);
  if (!result.success) {
    const problem = result.error.issues[0];
    throw new ReelwrightError(
      'PROVIDER_UNAVAILABLE',
      `expected a prediction from the provider, but ${problem?.path.join('.') ?? 'it'}: ${problem?.message ?? 'unreadable'}`,
    );
  }
  const { data } = result;
  return {
    id: data.id,
    model: data.model,
    status: data.status,
    input: data.input ?? {},
    outputUrls: data.output == null ? [] : [data.output].flat(),
    error: data.error == null ? null : errorText(data.error),
    dataRemoved: data.data_removed ?? false,
    createdAt: data.created_at,
    startedAt: data.started_at ?? null,
    completedAt: data.completed_at ?? null,
    metrics: Object.fromEntries(
      Object.entries(data.metrics ?? {}).filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
    ),
  };
}

/** Text that Postgres can hold: it has no way to store NUL. */
function errorText(error: unknown): string {
  const text = typeof error === 'string' ? error : JSON.stringify(error);
  return text.replaceAll('\0', '');
}
