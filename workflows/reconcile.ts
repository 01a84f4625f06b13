/** Runs in the workflow sandbox, on a schedule: mends what neither the api nor a running workflow will mend. */
import { patched, proxyActivities } from '@temporalio/workflow';
import type { ProviderActivities, Reconciled } from '../domain/activity-contract.js';
import { reconcileSentences } from '../domain/sentences.js';
import { rows } from './activity-options.js';
import { say } from './say.js';

const ledger = proxyActivities<Pick<ProviderActivities, 'reconcileLedger'>>({
  // A day of the provider's list, page by page.
  startToCloseTimeout: '5m',
  heartbeatTimeout: '20s',
  // The next run is half a minute away, and begins with the runs that are owed: they must not wait for a provider.
  retry: { maximumAttempts: 1 },
});

export async function reconcile(): Promise<Pick<Reconciled, 'started'> | Reconciled> {
  const { started } = await say(reconcileSentences.runs, rows.startOwedRuns);
  if (!patched('reconcile-ledger')) return { started };
  return { started, ...(await say(reconcileSentences.ledger, ledger.reconcileLedger)) };
}
