/** Batches over real rows: what is done to each job, once, whatever dies. */
import type { WorkflowFailedError } from '@temporalio/client';
import { CancelledFailure } from '@temporalio/common';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { createBatchActivities } from '../activities/batches.js';
import { endAbandonedBatches, startOwedBatches } from '../activities/owed-batches.js';
import { startBatch } from '../activities/start-batch.js';
import type { BatchActivities } from '../domain/activity-contract.js';
import type { BatchProgress } from '../domain/batches.js';
import { batchWorkflowId, QUERIES, videoJobId } from '../domain/contract.js';
import { createFakeProvider } from '../replicate/fake-provider.js';
import {
  type BatchRecord,
  listBatchItems,
  markBatchStarted,
  readBatch,
  requestBatchCancel,
} from '../storage/batches-repository.js';
import { type BatchOrder, insertBatch } from '../storage/choose-batch.js';
import { findJob, type JobRecord } from '../storage/jobs-repository.js';
import { type ActivityRig, createActivityRig } from '../test/support/activity-rig.js';
import { type FakeWorkflows, fakeWorkflows } from '../test/support/fake-workflows.js';
import { placeJob, placePurchase } from '../test/support/money-fixtures.js';
import { type AllActivities, runWorkflowRig, type WorkflowRig } from '../test/support/workflow-rig.js';

let rig: ActivityRig;
let ownerId: string;
let campaignId: string;
let workflows: FakeWorkflows;
let started: string[];
let handed: string[];
beforeAll(async () => {
  rig = await createActivityRig();
});
afterAll(() => rig.close());
beforeEach(async () => {
  const { knex } = rig.database;
  [ownerId, campaignId] = [uuidv7(), uuidv7()];
  const clientId = uuidv7();
  await knex('owners').insert({ id: ownerId, name: `owner ${ownerId}` });
  await knex('clients').insert({ id: clientId, owner_id: ownerId, name: 'a client' });
  const campaign = { id: campaignId, owner_id: ownerId, client_id: clientId, name: 'a campaign', goal: 'to show' };
  await knex('campaigns').insert(campaign);
  workflows = fakeWorkflows();
  [started, handed] = [[], []];
});

const deps = () => ({
  ...rig.deps(createFakeProvider()),
  workflows,
  startRun: async ({ jobId, runNumber }: { jobId: string; runNumber: number }) => {
    started.push(`${jobId} ${runNumber}`);
  },
  startBatch: async ({ id }: { id: string }) => void handed.push(id),
  histories: { async *boughtSince() {} },
});
const jobOf = async (id: string): Promise<JobRecord> => (await findJob(rig.database.knex, id)) as JobRecord;
const failedJob = (): Promise<string> =>
  placeJob(rig.database.knex, { ownerId, campaignId, status: 'failed', clips: ['stored', 'failed'] });
const many = async (count: number): Promise<string[]> => {
  const ids: string[] = [];
  for (let index = 0; index < count; index += 1) ids.push(await failedJob());
  return ids;
};
const order = (given: BatchOrder): Promise<string> =>
  rig.database.knex.transaction((trx) => insertBatch(trx, given, 'a test'));
const batchOf = (id: string): Promise<BatchRecord> => readBatch(rig.database.knex, id);

/** Runs the batch's workflow with these activities and gives it to `test`. */
async function run(
  batchId: string,
  activities: BatchActivities,
  test: (handle: ReturnType<WorkflowRig['client']['workflow']['getHandle']>) => Promise<void>,
): Promise<void> {
  await runWorkflowRig(inject('temporal'), activities as unknown as AllActivities, uuidv7(), async (workflow) => {
    await startBatch(workflow.client, await batchOf(batchId), { taskQueue: workflow.taskQueue });
    await test(workflow.client.workflow.getHandle(batchWorkflowId(batchId)));
  });
}

describe('a batch of retries', () => {
  it('skips what would not fit into the store', async () => {
    const [only] = await many(1);
    const batchId = await order({ action: 'retry', filter: { campaignId } });
    const given = deps();
    const settings = { ...given.settings, store: { ...given.settings.store, maxBytes: 1_000 } };
    await run(batchId, createBatchActivities({ ...given, settings }), async (handle) => {
      expect(await handle.result()).toMatchObject({ total: 1, done: 0, skippedFor: { STORAGE_FULL: 1 } });
    });
    expect(await jobOf(only ?? '')).toMatchObject({ status: 'failed', runNumber: 1 });
  });

  it('retries the failed jobs of a campaign and says why it skipped the others', async () => {
    const { knex } = rig.database;
    const ids = await many(12);
    const [again, finished, poor] = ids as [string, string, string];
    await placePurchase(knex, { jobId: poor, subject: 'clip:2', state: 'failed', costUsd: 0.4 });
    await knex('jobs').where({ id: poor }).update({ budget_usd: 0.5 });
    const gaps = await placeJob(knex, { ownerId, campaignId, status: 'completed_with_gaps', clips: ['skipped'] });
    const batchId = await order({ action: 'retry', filter: { campaignId } });
    await knex('jobs').where({ id: again }).update({ run_number: 2 });
    await knex('jobs').where({ id: finished }).update({ status: 'completed' });
    await run(batchId, createBatchActivities(deps()), async (handle) => {
      const expected = { total: 12, done: 9, skipped: 3, pending: 0 };
      const skippedFor = { WRONG_STATE: 2, BUDGET_EXCEEDED: 1 };
      expect(await handle.result()).toEqual({ ...expected, skippedFor });
      expect(await handle.query<BatchProgress>(QUERIES.batchProgress)).toMatchObject(expected);
      expect((await handle.describe()).searchAttributes['ReelStage']).toEqual(['completed']);
    });
    const items = await listBatchItems(knex, batchId);
    expect(items.map(({ jobId }) => jobId)).toEqual(ids);
    expect(items.slice(0, 3)).toMatchObject([
      { status: 'skipped', code: 'WRONG_STATE', message: 'expected a job in run 1, as it was chosen, seen run 2' },
      { status: 'skipped', code: 'WRONG_STATE' },
      { status: 'skipped', code: 'BUDGET_EXCEEDED', message: expect.stringContaining('the budget of the job is $0.5') },
    ]);
    expect(started.toSorted()).toEqual(
      ids
        .slice(3)
        .map((id) => `${id} 2`)
        .toSorted(),
    );
    for (const id of ids.slice(3)) expect(await jobOf(id)).toMatchObject({ status: 'queued', runNumber: 2 });
    expect(await jobOf(again)).toMatchObject({ status: 'failed', runNumber: 2 });
    expect(await jobOf(poor)).toMatchObject({ status: 'failed', runNumber: 1 });
    expect((await jobOf(gaps)).status).toBe('completed_with_gaps');
    expect(await batchOf(batchId)).toMatchObject({ status: 'completed', error: null, completedAt: expect.any(Date) });
  });

  it('retries none twice when a worker dies after its work and before it could say so', async () => {
    const ids = await many(15);
    const batchId = await order({ action: 'retry', filter: { campaignId } });
    const real = createBatchActivities(deps());
    const died = new Set<string>();
    const workOnBatch: BatchActivities['workOnBatch'] = async (input) => {
      const worked = await real.workOnBatch(input);
      if (died.has(String(input.positions))) return worked;
      died.add(String(input.positions));
      // What was retried has failed once more by the time another worker takes over.
      await rig.database.knex('jobs').whereIn('id', ids).where({ status: 'queued' }).update({ status: 'failed' });
      throw new Error('the worker died');
    };
    await run(batchId, { ...real, workOnBatch }, async (handle) => {
      expect(await handle.result()).toMatchObject({ total: 15, done: 15 });
    });
    expect(died.size).toBe(2);
    for (const id of ids) expect((await jobOf(id)).runNumber).toBe(2);
  });

  it('ends in full when Temporal cannot be told of the runs: their starts are owed', async () => {
    const [id = ''] = await many(1);
    const batchId = await order({ action: 'retry', filter: { campaignId } });
    const startRun = (): Promise<void> => Promise.reject(new Error('no Temporal here'));
    await run(batchId, createBatchActivities({ ...deps(), startRun }), async (handle) => {
      expect(await handle.result()).toMatchObject({ done: 1 });
    });
    expect(await jobOf(id)).toMatchObject({ status: 'queued', runNumber: 2 });
    expect(await rig.database.knex('jobs').where({ id }).first('run_started_at')).toEqual({ run_started_at: null });
  });

  it('gives up a job whose retry fails again and again, and goes on with the others', async () => {
    const [id = ''] = await many(3);
    const batchId = await order({ action: 'retry', filter: { campaignId } });
    const { knex } = rig.database;
    await knex.raw(`
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not this one'; END $$;
      CREATE TRIGGER refuse BEFORE UPDATE ON jobs FOR EACH ROW WHEN (OLD.id = '${id}') EXECUTE FUNCTION refuse()`);
    try {
      await run(batchId, createBatchActivities(deps()), async (handle) => {
        expect(await handle.result()).toMatchObject({ done: 2, skipped: 1, skippedFor: { INTERNAL: 1 } });
      });
    } finally {
      await knex.raw('DROP TRIGGER refuse ON jobs; DROP FUNCTION refuse()');
    }
    expect((await jobOf(id)).runNumber).toBe(1);
  });
});

describe('a batch of cancels', () => {
  it('asks for the end of all open jobs of an owner, and tells their workflows', async () => {
    const { knex } = rig.database;
    const running = await placeJob(knex, { ownerId, status: 'generating', clips: ['generating'] });
    const waiting = await placeJob(knex, { ownerId, status: 'needs_attention', clips: ['needs_attention'] });
    const unstarted = await placeJob(knex, { ownerId, clips: ['pending'], started: false });
    const over = await failedJob();
    const batchId = await order({ action: 'cancel', filter: { ownerId } });
    await run(batchId, createBatchActivities(deps()), async (handle) => {
      expect(await handle.result()).toMatchObject({ total: 3, done: 3, skipped: 0 });
    });
    for (const id of [running, waiting]) expect((await jobOf(id)).cancelRequestedAt).not.toBeNull();
    expect((await jobOf(unstarted)).status).toBe('cancelled');
    expect((await jobOf(over)).status).toBe('failed');
    expect(workflows.cancelled.toSorted()).toEqual([running, waiting, unstarted].map(videoJobId).toSorted());
  });
});

describe('the cancel of a batch', () => {
  it('stops it: what was done stays done, and no further job is touched', async () => {
    const ids = await many(60);
    const batchId = await order({ action: 'retry', filter: { campaignId } });
    const real = createBatchActivities(deps());
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let calls = 0;
    // The first portion is done; those after it begin, and touch no job before the end is asked for.
    const workOnBatch: BatchActivities['workOnBatch'] = async (input) => {
      calls += 1;
      if (calls > 1) await held;
      return await real.workOnBatch(input);
    };
    await run(batchId, { ...real, workOnBatch }, async (handle) => {
      await expect.poll(() => calls, { timeout: 20_000 }).toBe(4);
      expect(await rig.database.knex.transaction((trx) => requestBatchCancel(trx, batchId))).toBe('requested');
      await handle.cancel();
      release();
      const failure = (await handle.result().catch((error: unknown) => error)) as WorkflowFailedError;
      expect(failure.cause).toBeInstanceOf(CancelledFailure);
    });
    const batch = await batchOf(batchId);
    expect(batch).toMatchObject({ status: 'cancelled', error: null, total: 60 });
    expect([batch.done, batch.skipped, batch.pending]).toEqual([10, 0, 50]);
    const again = (await Promise.all(ids.map(jobOf))).filter(({ runNumber }) => runNumber === 2);
    expect(again).toHaveLength(10);
  });

  it('of one that was not handed to Temporal ends it at once', async () => {
    await many(1);
    const batchId = await order({ action: 'retry', filter: { campaignId } });
    const ask = () => rig.database.knex.transaction((trx) => requestBatchCancel(trx, batchId));
    expect(await ask()).toBe('cancelled');
    expect(await ask()).toBe('unchanged');
    await run(batchId, createBatchActivities(deps()), async (handle) => {
      await expect(handle.result()).rejects.toThrow();
    });
    expect(await batchOf(batchId)).toMatchObject({ status: 'cancelled', done: 0 });
  });
});

describe('the reconciler', () => {
  const old = (batchId: string) =>
    rig.database
      .knex('batches')
      .where({ id: batchId })
      .update({ updated_at: new Date(0), started_at: new Date(0) });

  it('starts a batch that is owed, once', async () => {
    const batchId = await order({ action: 'cancel', filter: { ownerId } });
    await startOwedBatches(deps(), 0, 100);
    await startOwedBatches(deps(), 0, 100);
    expect(handed.filter((id) => id === batchId)).toEqual([batchId]);
  });

  it('ends a batch whose workflow was terminated, and repeats a cancel that was not told', async () => {
    const [terminated, running] = [
      await order({ action: 'cancel', filter: { ownerId } }),
      await order({ action: 'cancel', filter: { ownerId } }),
    ];
    for (const id of [terminated, running]) {
      await markBatchStarted(rig.database.knex, id);
      await old(id);
    }
    workflows.states.set(batchWorkflowId(running), 'running');
    await rig.database.knex.transaction((trx) => requestBatchCancel(trx, running));
    await endAbandonedBatches(deps(), { olderThanMs: 0, atOnce: 1_000 });
    expect(await batchOf(terminated)).toMatchObject({ status: 'failed', error: { code: 'WORKFLOW_ENDED' } });
    expect((await batchOf(running)).status).toBe('queued');
    expect(workflows.cancelled).toEqual([batchWorkflowId(running)]);
  });
});
