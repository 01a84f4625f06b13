import {
  type Client,
  ScheduleAlreadyRunning,
  ScheduleOverlapPolicy,
  type ScheduleUpdateOptions,
} from '@temporalio/client';
import { WORKFLOW_TYPES } from '../domain/contract.js';

/** What a schedule and its runs are called; others where several share a server. */
export interface ScheduleNames {
  scheduleId: string;
  workflowId: string;
}

interface Timing {
  workflowType: string;
  every: '30s' | '1h';
  /** How far back runs are made up for that fell into an outage. */
  catchupWindow: '1m' | '1h';
}

const RECONCILER: ScheduleNames = { scheduleId: 'reelwright-reconcile', workflowId: 'reconcile' };
const SWEEP: ScheduleNames = { scheduleId: 'reelwright-sweep-store', workflowId: 'sweep-store' };

/** Creates all schedules, or brings those of an older release to this one. Harmless to repeat, from any number of workers. */
export async function ensureSchedules(client: Client, taskQueue: string): Promise<void> {
  await ensureReconciler(client, taskQueue);
  await ensureSweep(client, taskQueue);
}

/** The reconciler, every 30 s. Runs it once, unless it is running: a worker that starts may have something to mend. */
export async function ensureReconciler(client: Client, taskQueue: string, names = RECONCILER): Promise<void> {
  // After an outage one run mends all that was missed.
  const timing = { workflowType: WORKFLOW_TYPES.reconcile, every: '30s', catchupWindow: '1m' } as const;
  await ensure(client, taskQueue, names, timing);
  await client.schedule.getHandle(names.scheduleId).trigger(ScheduleOverlapPolicy.SKIP);
}

/** The sweep of the store, every hour. Not at a start of its own: nothing waits for it, and workers start often. */
export async function ensureSweep(client: Client, taskQueue: string, names = SWEEP): Promise<void> {
  const timing = { workflowType: WORKFLOW_TYPES.sweepStore, every: '1h', catchupWindow: '1h' } as const;
  await ensure(client, taskQueue, names, timing);
}

/** A pause that somebody made stays. */
async function ensure(
  client: Client,
  taskQueue: string,
  { scheduleId, workflowId }: ScheduleNames,
  { workflowType, every, catchupWindow }: Timing,
): Promise<void> {
  const schedule = {
    spec: { intervals: [{ every }] },
    action: { type: 'startWorkflow', workflowType, taskQueue, workflowId, args: [] },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow },
  } as const satisfies Omit<ScheduleUpdateOptions, 'state'>;
  try {
    await client.schedule.create({ scheduleId, ...schedule });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    await client.schedule.getHandle(scheduleId).update(({ state }) => ({ ...schedule, state }));
  }
}
