/** Jobs that really run: the workflows on the shared server, the activities on a database, purchases at a provider in memory. */
import { readFile } from 'node:fs/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { inject, vi } from 'vitest';
import type { ActivitySettings } from '../../activities/deps.js';
import {
  createBuyingActivities,
  createLightActivities,
  createMediaActivities,
  createOutputActivities,
  createRenditionActivities,
} from '../../activities/index.js';
import type { WorkflowPort } from '../../activities/workflow-port.js';
import { clipSubject, generationId, musicSubject, SIGNALS, type Subject } from '../../domain/contract.js';
import { createFakeProvider, type FakeProvider } from '../../replicate/fake-provider.js';
import { findJob, type JobRecord } from '../../storage/jobs-repository.js';
import { type LedgerRow, listPurchases } from '../../storage/ledger.js';
import type { videoJob } from '../../workflows/index.js';
import type { ActivityRig } from './activity-rig.js';
import { runWorkflowRig, type WorkflowRig } from './workflow-rig.js';

const LIMIT = { timeout: 30_000, interval: 30 };

/** No reconciler runs here. */
export const NOBODY: WorkflowPort = {
  describe: async () => 'running',
  cancel: async () => undefined,
  startSettlement: async () => undefined,
};

export interface JobRig extends WorkflowRig {
  provider: FakeProvider;
  handle: WorkflowHandle<typeof videoJob>;
  job(): Promise<JobRecord>;
  purchases(): Promise<LedgerRow[]>;
  /** Resolves once this many predictions have been made. */
  bought(count: number): Promise<void>;
  /** Ends the purchase of a clip at the provider, and tells its workflow as the webhook would. */
  finish(number: number, end?: 'succeeded' | { failed: string }): Promise<void>;
  /** The same for a piece of music. */
  finishMusic(number: number, end: Uint8Array | { failed: string }): Promise<void>;
  /** Resolves once `check` no longer throws. */
  until(check: () => Promise<void> | void): Promise<void>;
}

/** Orders a job, starts its workflow and gives it to `test`; workers are stopped afterwards in any case. */
export async function withJob(
  rig: ActivityRig,
  {
    clips,
    order = {},
    settings = {},
    clipPath,
    scenes,
    music = [],
  }: {
    clips: number;
    order?: Record<string, unknown>;
    settings?: Partial<ActivitySettings>;
    /** A file of 4 s that the provider gives as every output. */
    clipPath: string;
    scenes?: readonly string[];
    /** Of a job of music alone: one without clips. */
    music?: readonly { prompt: string; durationSeconds: number }[];
  },
  test: (job: JobRig) => Promise<void>,
): Promise<void> {
  const output = await readFile(clipPath);
  const jobId = clips === 0 ? await rig.orderMusic(music) : await rig.order(clips, order, scenes);
  const provider = createFakeProvider();
  const polling = { firstMs: 3_600_000, maxMs: 3_600_000, factor: 1 };
  const deps = rig.deps(provider, { polling, ...settings });
  const activities = {
    ...createLightActivities({ ...deps, workflows: NOBODY, histories: { async *boughtSince() {} } }),
    ...createBuyingActivities(deps),
    ...createOutputActivities(deps),
    ...createMediaActivities(deps),
    ...createRenditionActivities(deps),
  };
  await runWorkflowRig(inject('temporal'), activities, jobId, async (workflows) => {
    const handle = await workflows.startJob();
    const purchases = (): Promise<LedgerRow[]> => listPurchases(rig.database.knex, jobId);
    await test({
      ...workflows,
      provider,
      handle,
      purchases,
      job: async () => (await findJob(rig.database.knex, jobId)) as JobRecord,
      until: (check) => vi.waitFor(check, LIMIT),
      bought: (count) =>
        vi.waitFor(async () => {
          const known = (await purchases()).filter(({ providerId }) => providerId !== null);
          if (known.length < count) throw new Error(`expected ${count} purchases, seen ${known.length}`);
        }, LIMIT),
      finish: (number, end = 'succeeded') => finish(clipSubject(number), end === 'succeeded' ? output : end),
      finishMusic: (number, end) => finish(musicSubject(number), end),
    });

    async function finish(subject: Subject, end: Uint8Array | { failed: string }): Promise<void> {
      const latest = (await purchases()).filter((row) => row.subject === subject).at(-1);
      if (latest?.providerId == null) throw new Error(`expected a purchase of ${subject}`);
      const predictionId = latest.providerId;
      if ('failed' in end) provider.finish(predictionId, { status: 'failed', error: end.failed });
      else provider.finish(predictionId, { status: 'succeeded', output: end });
      const generation = workflows.client.workflow.getHandle(generationId(jobId, subject));
      await generation.signal(SIGNALS.predictionCompleted, { predictionId });
    }
  });
}
