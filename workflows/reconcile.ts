/** Runs in the workflow sandbox, on a schedule: mends what neither the api nor a running workflow will mend. */
import { rows } from './activity-options.js';

export async function reconcile(): Promise<{ started: number }> {
  return await rows.startOwedRuns();
}
