import type { Readable } from 'node:stream';
import type { ReelwrightError } from '../domain/errors.js';
import type { ProviderStatus } from '../domain/ledger.js';

/** A prediction as far as we use it. `outputUrls` is empty until it succeeded and after its data was removed. */
export interface Prediction {
  id: string;
  model: string;
  status: ProviderStatus;
  input: Record<string, unknown>;
  outputUrls: string[];
  error: string | null;
  dataRemoved: boolean;
  createdAt: Date;
  startedAt: Date | null;
  completedAt: Date | null;
  /** As the provider states them: `predict_time` and `total_time` in seconds, and figures of the model. */
  metrics: Record<string, number>;
}

export interface CreateRequest {
  model: `${string}/${string}`;
  /** The version to run, 64 hex digits, for a model that cannot be run by its name alone. */
  version?: string;
  input: Record<string, unknown>;
  /** Told once the prediction is completed. Undefined: nobody is told. */
  webhookUrl?: string;
  /** The provider ends the prediction by itself after this many seconds: a bound on a runaway, not on its cost. */
  cancelAfterSeconds: number;
  signal: AbortSignal;
}

/**
 * What is known after the one POST of a create: it was created; the answer proves that it was not; or nobody can say,
 * and it must be looked for.
 */
export type CreateResult =
  | { kind: 'created'; prediction: Prediction }
  | { kind: 'not-created'; error: ReelwrightError }
  | { kind: 'unknown'; error: ReelwrightError };

export interface ProviderFile {
  id: string;
  url: string;
  expiresAt: Date | null;
}

export interface OutputStream {
  body: Readable;
  /** Bytes that the server announced; null when it did not. */
  contentLength: number | null;
}

/**
 * The port to the seller of generations. No call retries by itself: one call is one request, and Temporal decides about
 * the next. Failures are ReelwrightErrors classified here and nowhere else.
 */
export interface VideoProvider {
  /** Posts once. Never throws: the result says what is known. */
  create(request: CreateRequest): Promise<CreateResult>;
  /** Throws PROVIDER_NOT_FOUND for an id that the provider does not know. */
  get(id: string, options?: { signal?: AbortSignal }): Promise<Prediction>;
  /** Cancels; a prediction that has ended stays as it ended. Resolves with what it is now. */
  cancel(id: string, options?: { signal?: AbortSignal }): Promise<Prediction>;
  /** All predictions created at or after `createdAfter`, newest first, over all pages. Throws when any page fails. */
  list(options: { createdAfter: Date; signal?: AbortSignal }): AsyncIterable<Prediction>;
  /** Gives the provider a file to use as an input. Each upload has another link. */
  uploadFile(file: Blob, options: { filename: string; signal?: AbortSignal }): Promise<ProviderFile>;
  /** The current secret of the provider's webhooks, `whsec_` and base64. */
  webhookSecret(options?: { signal?: AbortSignal }): Promise<string>;
  /**
   * Opens an output. Throws OUTPUT_HOST_REFUSED for a URL that is not the provider's, OUTPUT_LOST when the link is dead,
   * OUTPUT_UNREACHABLE when trying again may help.
   */
  openOutput(url: string, options?: { signal?: AbortSignal }): Promise<OutputStream>;
}
