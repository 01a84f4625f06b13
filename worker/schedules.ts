import {
  type Client,
  ScheduleAlreadyRunning,
  ScheduleOverlapPolicy,
  type ScheduleUpdateOptions,
} from '@temporalio/client';
import { WORKFLOW_TYPES } from '../domain/contract.js';

/** What the schedule and its runs are called; others where several share a server. */
export interface ScheduleNames {
  scheduleId: string;
  workflowId: string;
}

const NAMES: ScheduleNames = { scheduleId: 'reelwright-reconcile', workflowId: 'reconcile' };

/**
 * Creates the schedule of the reconciler, every 30 s, or brings the one of an older release to this one; a pause of it
 * stays. Then runs it once, unless it is running: a worker that starts may have something to mend. Harmless to repeat,
 * from any number of workers.
 */
export async function ensureSchedules(client: Client, taskQueue: string, names = NAMES): Promise<void> {
  const { scheduleId, workflowId } = names;
  const schedule = {
    spec: { intervals: [{ every: '30s' }] },
    action: { type: 'startWorkflow', workflowType: WORKFLOW_TYPES.reconcile, taskQueue, workflowId, args: [] },
    // After an outage one run mends all that was missed.
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1m' },
  } as const satisfies Omit<ScheduleUpdateOptions, 'state'>;
  try {
    await client.schedule.create({ scheduleId, ...schedule });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    await client.schedule.getHandle(scheduleId).update(({ state }) => ({ ...schedule, state }));
  }
  await client.schedule.getHandle(scheduleId).trigger(ScheduleOverlapPolicy.SKIP);
}
