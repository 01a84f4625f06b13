/** What the routes share. */
import type { FaultBoard, FaultSubject, RequestKind } from './faults.js';
import type { Settings } from './options.js';
import { type PredictionRecord, predictionView } from './prediction-record.js';
import type { PredictionRunner } from './prediction-runner.js';
import type { PredictionStore } from './prediction-store.js';
import { insufficientCredit, internalError, throttled } from './problems.js';
import type { RateLimiter } from './rate-limiter.js';
import type { Secrets } from './secrets.js';
import type { UploadStore } from './upload-store.js';

export interface Parts {
  settings: Settings;
  secrets: Secrets;
  predictions: PredictionStore;
  runner: PredictionRunner;
  uploads: UploadStore;
  faults: FaultBoard;
  creates: RateLimiter;
  /** `http://host:port` of this server. */
  origin: () => string;
}

/** The prediction object as the provider shows it now. */
export function viewNow(parts: Parts, record: PredictionRecord): Record<string, unknown> {
  return predictionView(record, { origin: parts.origin(), ttlMs: parts.settings.outputTtlMs, now: Date.now() });
}

export function subjectOf(record: Pick<PredictionRecord, 'model' | 'input'>): FaultSubject {
  const { prompt } = record.input;
  return { model: record.model, ...(typeof prompt === 'string' ? { prompt } : {}) };
}

/** Throws the problem of the fault that strikes this request, if one is armed for it. */
export function refuseWhereStruck(parts: Parts, request: RequestKind, subject: FaultSubject): void {
  const fault = parts.faults.strikeRequest(request, subject);
  if (fault === undefined) return;
  if (fault.fault === 'http-429') throw throttled(fault.retryAfterSeconds);
  if (fault.fault === 'http-402') throw insufficientCredit();
  throw internalError();
}
