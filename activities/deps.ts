import type { Knex } from 'knex';
import type { Logger } from '../config/logger.js';
import type { Polling, TextLinks } from '../domain/activity-contract.js';
import type { MediaTools } from '../media/ffmpeg/media-tools.js';
import type { VideoProvider } from '../replicate/video-provider.js';
import type { AssetLinks } from '../storage/asset-links.js';
import type { BatchRecord } from '../storage/batches-repository.js';
import type { BlobStore } from '../storage/blob-store.js';
import type { RenditionRecord } from '../storage/renditions-repository.js';
import type { AddressGuard } from '../web/address-guard.js';

/** Durations and bounds that the activities go by; all of them inputs, so that tests are quick. Milliseconds. */
/** How the store is kept. */
export interface StoreSettings {
  /** What the blobs may have in all, in bytes; undefined for no limit. */
  maxBytes: number | undefined;
  /** Days that media are kept after the end of their job, where its campaign says nothing else; undefined for ever. */
  retentionDays: number | undefined;
  /** How long ago a blob that nothing refers to must have been put before it may go, in milliseconds. */
  orphanGraceMs: number;
}

export interface ActivitySettings {
  polling: Polling;
  /** How many clips of one job are generated at once. */
  parallelClips: number;
  /** After a purchase's window has closed, how long its absence from the provider's list proves nothing. */
  absenceAfterMs: number;
  /** How long to wait before the provider's list is searched again for a purchase whose answer was lost. */
  adoptionPauseMs: number;
  /** How long a clip waits for a decision before it is skipped. */
  patienceMs: number;
  /** How many purchases an owner may have open at once, where no limit of its own is set. */
  openPurchasesPerOwner: number;
  /** How soon a purchase that waits for its owner's others is looked at again. */
  limitPauseMs: number;
  /** How soon a purchase that waits while purchasing is paused is looked at again. */
  pausedPauseMs: number;
  /** After trouble with the account, how soon a purchase tries whether it is over; doubled after each, up to a limit. */
  probeAfterMs: number;
  probeMaxMs: number;
  /** The order of our own: how often it is looked at, and how long it may take; null where none may be placed. */
  selfTest: { lookEveryMs: number; patienceMs: number } | null;
  store: StoreSettings;
}

/** What the activities work with. `publicUrl` is where the provider reaches the api; undefined when it cannot. */
export interface ActivityDeps {
  knex: Knex;
  blobs: BlobStore;
  provider: VideoProvider;
  assetLinks: AssetLinks;
  tools: MediaTools;
  /** Folder for temporary files. */
  workRoot: string;
  publicUrl: string | undefined;
  /** Where the texts for people in the Web UI lead. */
  links: TextLinks;
  settings: ActivitySettings;
  /** Guards requests to addresses that callers name. */
  addressGuard: AddressGuard;
  startRun: (run: OwedRun) => Promise<void>;
  /** Hands an export or a combination to Temporal whose row is committed. */
  startRendition: (rendition: RenditionRecord) => Promise<void>;
  /** Hands a batch to Temporal whose row is committed. */
  startBatch: (batch: BatchRecord) => Promise<void>;
  logger: Logger;
}

/** A run whose row is committed and which Temporal does not have yet. */
export interface OwedRun {
  jobId: string;
  runNumber: number;
}
