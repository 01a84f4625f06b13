import { createHash } from 'node:crypto';
import { fingerprintOf } from '../domain/purchase.js';
import type { SeenPrediction } from '../domain/seen-prediction.js';
import type { Prediction } from './video-provider.js';

/** Our links have a few hundred characters; what is longer is none of ours, and no index would hold it. */
const MAX_FINGERPRINT = 2_000;

/** What is kept of a prediction that no purchase has yet. */
export const seenPrediction = (prediction: Prediction): SeenPrediction => ({
  id: prediction.id,
  model: prediction.model,
  fingerprint: recognisable(prediction),
  status: prediction.status,
  started: prediction.startedAt !== null,
  metrics: prediction.metrics,
  createdAt: prediction.createdAt,
});

function recognisable({ input, dataRemoved }: Prediction): string | null {
  if (dataRemoved || Object.keys(input).length === 0) return null;
  const fingerprint = fingerprintOf(input, (text) => createHash('sha256').update(text).digest('hex'));
  return fingerprint.length > MAX_FINGERPRINT || fingerprint.includes('\0') ? null : fingerprint;
}
