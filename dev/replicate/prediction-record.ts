/** A prediction as it is kept on disk, and what of it the provider shows. All times are ISO 8601. */
import type { WebhookEvent } from './create-validation.js';
import type { BoundFault, FaultKind } from './faults.js';

export const FINAL_STATUSES = ['succeeded', 'failed', 'canceled', 'aborted'] as const;
export type FinalStatus = (typeof FINAL_STATUSES)[number];
export type Status = 'starting' | 'processing' | FinalStatus;

export interface OutputRecord {
  /** The part of the link nobody can guess. */
  token: string;
  fileName: string;
  contentType: string;
  /** Where the bytes are on this machine. */
  path: string;
  size: number;
  /** Whether `path` belongs to this prediction alone and goes when it expires. */
  owned: boolean;
}

export interface DeliveryAttempt {
  at: string;
  /** Null where no answer came. */
  statusCode: number | null;
  error: string | null;
}

/** One webhook message. */
export interface Delivery {
  webhookId: string;
  event: WebhookEvent;
  /** `lost`: sent without success and not to be sent again. */
  state: 'pending' | 'delivered' | 'lost';
  /** The exact body, kept while the message is pending. */
  body: string | null;
  /** Not sent before this time; null is at once. */
  notBefore: string | null;
  /** How often it is sent after the first success. */
  duplicates: number;
  attempts: DeliveryAttempt[];
}

export interface PredictionRecord {
  id: string;
  /** Order of creation; the list's cursor. */
  sequence: number;
  model: string;
  version: string;
  /** As it was sent; kept for `/_local/predictions` even after the provider shows it no more. */
  input: Record<string, unknown>;
  status: Status;
  createdAt: string;
  startedAt: string | null;
  completedAt: string | null;
  deadlineAt: string | null;
  error: string | null;
  logs: string;
  output: OutputRecord | null;
  metrics: Record<string, unknown> | null;
  dataRemoved: boolean;
  webhook: string | null;
  webhookEvents: WebhookEvent[];
  /** Faults that struck this prediction when it was created. */
  faults: BoundFault[];
  deliveries: Delivery[];
}

export function isFinal(record: PredictionRecord): boolean {
  return (FINAL_STATUSES as readonly string[]).includes(record.status);
}

/** The fault of that kind that struck this prediction, if one did. */
export function boundFault<Kind extends FaultKind>(
  record: PredictionRecord,
  kind: Kind,
): Extract<BoundFault, { fault: Kind }> | undefined {
  return record.faults.find((fault): fault is Extract<BoundFault, { fault: Kind }> => fault.fault === kind);
}

/** Whether input, output and logs are gone: `ttlMs` after the prediction ended. */
export function isExpired(record: PredictionRecord, ttlMs: number, now: number): boolean {
  return record.dataRemoved || (record.completedAt !== null && now >= Date.parse(record.completedAt) + ttlMs);
}

export interface ViewContext {
  /** `http://host:port`, without a trailing slash. */
  origin: string;
  ttlMs: number;
  now: number;
}

export function outputUrl(output: OutputRecord, origin: string): string {
  return `${origin}/_delivery/${output.token}/${output.fileName}`;
}

/** The prediction object of the provider's API; fields: `schemas_prediction_response` of its OpenAPI file. */
export function predictionView(record: PredictionRecord, context: ViewContext): Record<string, unknown> {
  const { origin } = context;
  const expired = isExpired(record, context.ttlMs, context.now);
  const inputErased = expired || boundFault(record, 'input-erased') !== undefined;
  const get = `${origin}/v1/predictions/${record.id}`;
  return {
    id: record.id,
    model: record.model,
    version: record.version,
    input: inputErased ? {} : record.input,
    logs: expired ? '' : record.logs,
    output: expired || record.output === null ? null : outputUrl(record.output, origin),
    data_removed: inputErased,
    error: record.error,
    source: 'api',
    status: record.status,
    created_at: record.createdAt,
    ...(record.startedAt === null ? {} : { started_at: record.startedAt }),
    ...(record.completedAt === null ? {} : { completed_at: record.completedAt }),
    ...(record.deadlineAt === null ? {} : { deadline: record.deadlineAt }),
    ...(record.metrics === null ? {} : { metrics: record.metrics }),
    urls: { web: `${origin}/p/${record.id}`, get, cancel: `${get}/cancel` },
  };
}
