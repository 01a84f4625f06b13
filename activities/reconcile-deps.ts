import { BEHIND_AFTER_MS } from '../storage/ledger-clock.js';
import type { ActivityDeps } from './deps.js';
import type { PurchaseHistories } from './purchase-histories.js';
import type { WorkflowPort } from './workflow-port.js';

/** How the reconciler goes by its rules. Milliseconds and counts. */
export interface ReconcileSettings {
  /** A job or a purchase younger than this is left to the workflow that has just been started for it. */
  olderThanMs: number;
  /** How many jobs, purchases and strays one run looks at, of each. */
  atOnce: number;
  /** How often the provider's list is compared with the ledger. */
  compareEveryMs: number;
  /** A prediction younger than this may be a create whose answer is on its way. */
  tooYoungMs: number;
  /** When the ledger's clock is older than this, what was bought since may be missing in the ledger. */
  behindAfterMs: number;
}

export const RECONCILE_SETTINGS: ReconcileSettings = {
  olderThanMs: 60_000,
  atOnce: 50,
  // The provider erases inputs after an hour: so each prediction is seen once while it can be recognised.
  compareEveryMs: 50 * 60_000,
  tooYoungMs: 5 * 60_000,
  behindAfterMs: BEHIND_AFTER_MS,
};

export interface ReconcileDeps extends ActivityDeps {
  workflows: WorkflowPort;
  histories: PurchaseHistories;
}
