import { blobs } from './0001-blobs.js';
import { catalog } from './0002-catalog.js';
import { jobs } from './0003-jobs.js';
import { ledger } from './0004-ledger.js';
import { money } from './0005-money.js';
import { cut } from './0006-cut.js';
import { music } from './0007-music.js';
import { extras } from './0008-extras.js';
import { cutProgress } from './0009-cut-progress.js';
import { mediaProbes } from './0010-media-probes.js';
import { linksAndSessions } from './0011-links-and-sessions.js';
import { storeCare } from './0012-store-care.js';
import { batches } from './0013-batches.js';
import { touchedJobs } from './0014-touched-jobs.js';
import { oldWebhooks } from './0015-old-webhooks.js';
import type { Migration } from './migration.js';

/** Every step in the order it runs. A list and not a folder's content: source and compiled code then see the same. */
export const MIGRATIONS: readonly Migration[] = [
  blobs,
  catalog,
  jobs,
  ledger,
  money,
  cut,
  music,
  extras,
  cutProgress,
  mediaProbes,
  linksAndSessions,
  storeCare,
  batches,
  touchedJobs,
  oldWebhooks,
];
