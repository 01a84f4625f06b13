import type { Knex } from 'knex';
import type { Logger } from '../config/logger.js';
import type { Polling } from '../domain/activity-contract.js';
import type { MediaTools } from '../media/media-tools.js';
import type { VideoProvider } from '../replicate/video-provider.js';
import type { AssetLinks } from '../storage/asset-links.js';
import type { BlobStore } from '../storage/blob-store.js';

/** Durations and bounds that the activities go by; all of them inputs, so that tests are quick. Milliseconds. */
export interface ActivitySettings {
  polling: Polling;
  /** How many clips of one job are generated at once. */
  parallelClips: number;
  /** After a purchase's window has closed, how long its absence from the provider's list proves nothing. */
  absenceAfterMs: number;
  /** How long to wait before the provider's list is searched again for a purchase whose answer was lost. */
  adoptionPauseMs: number;
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
  settings: ActivitySettings;
  startRun: (run: OwedRun) => Promise<void>;
  logger: Logger;
}

/** A run whose row is committed and which Temporal does not have yet. */
export interface OwedRun {
  jobId: string;
  runNumber: number;
}
