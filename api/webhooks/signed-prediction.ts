import type { SeenPrediction } from '../../domain/seen-prediction.js';
import { isPrediction, readPrediction } from '../../replicate/prediction-schema.js';
import { seenPrediction } from '../../replicate/seen-prediction.js';

/** The prediction in a webhook's signed body; undefined for a body that says too little to judge it by. */
export const signedPrediction = (body: unknown): SeenPrediction | undefined =>
  isPrediction(body) ? seenPrediction(readPrediction(body)) : undefined;
