/** Everything that runs by the clock, as one table. */
import {
  type Client,
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  type ScheduleSpec,
  type ScheduleUpdateOptions,
} from '@temporalio/client';
import { WORKFLOW_TYPES } from '../domain/contract.js';

/** One row of the table. Others than `SCHEDULES` are for tests that share a server. */
export interface ScheduleEntry {
  scheduleId: string;
  workflowType: string;
  /** Of its runs; the server adds the time to it. */
  workflowId: string;
  spec: ScheduleSpec;
  /** After an outage, runs that were missed longer ago than this are left out. */
  catchupWindow: string;
  /** What it is for, in words that the Web UI shows with the schedule and with each run. */
  about: string;
  /** Whether a worker that starts runs it at once. */
  atStart: boolean;
}

/** A worker that starts may have something to mend; after an outage one run mends all that was missed. */
const RECONCILE: ScheduleEntry = {
  scheduleId: 'reelwright-reconcile',
  workflowType: WORKFLOW_TYPES.reconcile,
  workflowId: 'reconcile',
  spec: { intervals: [{ every: '30s' }] },
  catchupWindow: '1m',
  about:
    'Mends what neither the api nor a running workflow mends: starts that are owed, jobs and purchases left behind',
  atStart: true,
};

/** At an hour when few wait for anything; a minute that nobody else takes. Times are UTC. */
const SELF_TEST: ScheduleEntry = {
  scheduleId: 'reelwright-self-test',
  workflowType: WORKFLOW_TYPES.selfTest,
  workflowId: 'self-test',
  spec: { calendars: [{ hour: 3, minute: 17 }] },
  catchupWindow: '1h',
  about: 'Orders one clip of 4 s each night and checks the video and the ledger; a run that failed says what is wrong',
  atStart: false,
};

/** Nothing waits for it, and workers start often. */
const SWEEP_STORE: ScheduleEntry = {
  scheduleId: 'reelwright-sweep-store',
  workflowType: WORKFLOW_TYPES.sweepStore,
  workflowId: 'sweep-store',
  spec: { intervals: [{ every: '1h' }] },
  catchupWindow: '1h',
  about: 'Lets go of media whose time is over, and deletes bytes that nothing refers to any more',
  atStart: false,
};

export const SCHEDULES: readonly ScheduleEntry[] = [RECONCILE, SELF_TEST, SWEEP_STORE];

export interface ScheduleOptions {
  taskQueue: string;
  /** Whether this deployment may place the order of the self-test. */
  selfTest: boolean;
  schedules?: readonly ScheduleEntry[];
}

/**
 * Creates each schedule, or brings the one of an older release to this one; a pause stays, and so does its note. One that
 * this deployment must not have is removed. Those that run at start are run, unless they run already. Harmless to repeat,
 * from any number of workers.
 */
export async function ensureSchedules(client: Client, options: ScheduleOptions): Promise<void> {
  for (const entry of options.schedules ?? SCHEDULES) {
    if (entry.workflowType === WORKFLOW_TYPES.selfTest && !options.selfTest) await remove(client, entry);
    else await ensure(client, options.taskQueue, entry);
  }
}

async function ensure(client: Client, taskQueue: string, entry: ScheduleEntry): Promise<void> {
  const { scheduleId, workflowType, workflowId, spec, catchupWindow, about, atStart } = entry;
  const schedule = {
    spec,
    action: { type: 'startWorkflow', workflowType, taskQueue, workflowId, args: [], staticSummary: about },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow },
  } as const satisfies Omit<ScheduleUpdateOptions, 'state'>;
  try {
    await client.schedule.create({ scheduleId, ...schedule, state: { note: about } });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    // The note of a pause is its reason.
    await client.schedule
      .getHandle(scheduleId)
      .update(({ state }) => ({ ...schedule, state: state.paused ? state : { ...state, note: about } }));
  }
  if (atStart) await client.schedule.getHandle(scheduleId).trigger(ScheduleOverlapPolicy.SKIP);
}

async function remove(client: Client, { scheduleId }: ScheduleEntry): Promise<void> {
  try {
    await client.schedule.getHandle(scheduleId).delete();
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
  }
}
