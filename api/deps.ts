/** What the api is given by its composition root, and what tests give it instead. */
import type { Knex } from 'knex';
import type { Logger } from '../config/logger.js';
import type { PredictionCompletedSignal } from '../domain/contract.js';
import type { MediaProbe } from '../media/probe/media-probe.js';
import type { AssetLinks } from '../storage/asset-links.js';
import type { ServingBlobStore } from '../storage/blob-store.js';
import type { SignedTokens } from '../storage/signed-tokens.js';
import type { VideoLinkTokens } from '../storage/video-link-tokens.js';
import type { KeptWebhook, ReceivedWebhook } from '../storage/webhook-inbox.js';
import type { AddressGuard } from '../web/address-guard.js';
import type { BatchStarter } from './batch-starter.js';
import type { JobControl } from './job-control.js';
import type { JobStarter } from './job-starter.js';
import type { RenditionStarter } from './rendition-starter.js';
import type { WebhookSecrets } from './webhooks/webhook-secrets.js';

export interface ApiConfig {
  /** Largest file of one upload, in bytes. */
  maxUploadBytes: number;
  /** What the blobs may have in all, in bytes. Default: no limit. */
  maxStoreBytes?: number | undefined;
  /** Days that media are kept after the end of their job. Default: for ever. */
  retentionDays?: number | undefined;
  /** Where uploads lie until they are checked; made when missing. */
  uploadFolder: string;
  temporalNamespace: string;
  /** Base address of the Temporal Web UI; undefined leaves workflows without a link. */
  temporalUiUrl: string | undefined;
  /** How long the names of all addresses in one order may take to be resolved, in milliseconds. Default 10 s. */
  addressCheckMs?: number;
  /** Largest JSON body, in bytes. Default 1 MiB. */
  maxJsonBytes?: number;
  /** How long an answer is kept for its `Idempotency-Key`, in milliseconds. Default 24 h. */
  idempotencyKeptForMs?: number;
  /** How long a client may take nothing of its answer before it is cut off, in milliseconds. Default 60 s. */
  stallMs?: number;
  /** How long it is remembered which bytes a caller's request is answered with, in milliseconds. Default 1 s, 0 for not. */
  answersRememberedForMs?: number;
  /** How long a session holds, in seconds. Default 5 days. */
  sessionSeconds?: number;
  /** How long a viewing by a link goes on at most once the link has expired, in seconds. Default 4 h. */
  viewingSeconds?: number;
  /** How much of a refused body is still read, so that its sender gets to read the answer, in bytes. Default 64 MiB. */
  maxDrainBytes?: number;
}

/** The provider's webhooks on their way to the workflow that waits for them. */
export interface WebhookPorts {
  secrets: WebhookSecrets;
  receive(webhook: ReceivedWebhook): Promise<KeptWebhook>;
  /** Tells the workflow; `gone` when no such workflow is running. Rejects when Temporal cannot be reached. */
  signal(workflowId: string, signal: PredictionCompletedSignal): Promise<'told' | 'gone'>;
}

/** One part that must be there for the api to be of use. */
export interface HealthCheck {
  name: string;
  /**
   * Rejects when the part is missing; `paused` where it is there and somebody has stopped its work, which orders can wait
   * for. The signal ends the wait.
   */
  check(signal: AbortSignal): Promise<'ready' | 'paused'>;
}

export interface ApiDeps {
  config: ApiConfig;
  knex: Knex;
  blobs: ServingBlobStore;
  assetLinks: AssetLinks;
  videoLinks: VideoLinkTokens;
  sessionTokens: SignedTokens;
  /** Judges the addresses that callers name. */
  addressGuard: AddressGuard;
  jobStarter: JobStarter;
  jobControl: JobControl;
  renditionStarter: RenditionStarter;
  batchStarter: BatchStarter;
  webhooks: WebhookPorts;
  /** Throws MEDIA_UNREADABLE for what is no media file. */
  probeMedia(path: string): Promise<MediaProbe>;
  healthChecks: readonly HealthCheck[];
  logger: Logger;
  /** Default: the system's time. */
  clock?: () => Date;
}
