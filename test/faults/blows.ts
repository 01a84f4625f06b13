/** What is done to a stack while purchases are held at their transitions. */
import type { FaultStack } from './fault-stack.js';
import type { HeldJob } from './kill-points.js';
import { killNow, type PartName, pidOf, restarted } from './processes.js';

export interface Blow {
  name: string;
  strike(faults: FaultStack, jobs: readonly HeldJob[]): Promise<void>;
}

const RESTART_LIMIT_MS = 90_000;
/** How the parts call themselves at the database. */
const APPLICATIONS: Readonly<Record<string, PartName>> = {
  worker: 'worker',
  'media-worker': 'mediaWorker',
  api: 'api',
};

/** Kills the processes that hold the transactions, all at once, and starts no other blow before they are back. */
async function killHolders(faults: FaultStack, jobs: readonly HeldJob[], then: () => Promise<void>): Promise<void> {
  const parts = [...new Set(jobs.map(({ held }) => partOf(held.application)))];
  const former = parts.map((part) => ({ part, pid: pidOf(faults.stack.state(), part) }));
  await Promise.all(former.map(({ pid }) => killNow(pid)));
  await then();
  await Promise.all(former.map(({ part, pid }) => restarted(faults.stack.state, part, pid, RESTART_LIMIT_MS)));
}

function partOf(application: string): PartName {
  const part = APPLICATIONS[application];
  if (part === undefined) throw new Error(`expected a part of the stack at a transition, saw "${application}"`);
  return part;
}

const rollBack = async (jobs: readonly HeldJob[]): Promise<void> => {
  for (const { gate } of jobs) await gate.rollBack();
};
const letGo = async (jobs: readonly HeldJob[]): Promise<void> => {
  for (const { gate } of jobs) await gate.letGo();
};

function killed(part: PartName, name: string): Blow {
  return {
    name,
    async strike(faults, jobs) {
      const pid = pidOf(faults.stack.state(), part);
      await killNow(pid);
      await letGo(jobs);
      await restarted(faults.stack.state, part, pid, RESTART_LIMIT_MS);
    },
  };
}

export const KILLED_BEFORE_COMMIT: Blow = {
  name: 'its process is killed before the commit',
  strike: (faults, jobs) => killHolders(faults, jobs, () => rollBack(jobs)),
};

export const KILLED_AFTER_COMMIT: Blow = {
  name: 'its process is killed and the commit goes through',
  strike: (faults, jobs) => killHolders(faults, jobs, () => letGo(jobs)),
};

export const POSTGRES_KILLED: Blow = killed('postgres', 'Postgres is killed');

export const OTHER_BLOWS: readonly Blow[] = [
  {
    name: 'its connections to the database are cut',
    async strike(faults, jobs) {
      await faults.sql.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = ANY($1)`,
        [Object.keys(APPLICATIONS)],
      );
      await rollBack(jobs);
    },
  },
  killed('temporal', 'Temporal is killed'),
  killed('replicate', 'the provider is killed'),
  killed('api', 'the api is killed'),
];
