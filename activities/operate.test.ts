import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { videoJobId } from '../domain/contract.js';
import type { Operated, Operation } from '../domain/operations.js';
import { advanceLedgerClock } from '../storage/ledger-clock.js';
import { findPause, pausePurchasing, resumePurchasing } from '../storage/purchasing.js';
import { type ActivityRig, attempt, createActivityRig } from '../test/support/activity-rig.js';
import { placeJob } from '../test/support/money-fixtures.js';
import { type ReconcileRig, reconcileRig } from '../test/support/reconcile-rig.js';
import type { OwedRun } from './deps.js';
import { createOperate } from './operate.js';

let rig: ActivityRig;
let knex: Knex;
beforeAll(async () => {
  rig = await createActivityRig();
  ({ knex } = rig.database);
});
afterAll(() => rig.close());

interface Operator {
  parts: ReconcileRig;
  started: OwedRun[];
  /** Runs the activity; `runId` is the workflow's run. */
  operate(operation: Operation, runId?: string): Promise<Operated>;
}

function operator(startRun?: (run: OwedRun) => Promise<void>, maxBytes?: number): Operator {
  const parts = reconcileRig(rig);
  const started: OwedRun[] = [];
  const { settings } = parts.deps;
  const deps = {
    ...parts.deps,
    settings: { ...settings, store: { ...settings.store, maxBytes } },
    startRun: startRun ?? (async (run: OwedRun) => void started.push(run)),
  };
  return {
    parts,
    started,
    operate: (operation, runId = randomUUID()) =>
      attempt(createOperate(deps), operation, { workflowExecution: { workflowId: 'operate-x', runId } }),
  };
}

const place = (fields: Partial<Parameters<typeof placeJob>[1]>): Promise<string> =>
  placeJob(knex, { ownerId: rig.ownerId, status: 'failed', clips: ['failed', 'stored'], ...fields });
const jobRow = (id: string) => knex('jobs').where({ id }).first();

describe('an operation on a job', () => {
  test('retries it for its owner, and starts the run', async () => {
    const jobId = await place({});
    const { operate, started } = operator();
    const { done } = await operate({ action: 'retry', jobId, budgetUsd: 50 });
    expect(done).toBe(`job ${jobId} runs once more, as run 2: ${videoJobId(jobId)}`);
    expect(started).toEqual([{ jobId, runNumber: 2 }]);
    const row = await jobRow(jobId);
    expect(row).toMatchObject({ status: 'queued', run_number: 2, budget_usd: 50 });
    expect(row.run_started_at).toBeInstanceOf(Date);
  });

  test.each([
    ['retry', { status: 'failed' }],
    ['regenerate', { status: 'completed' }],
  ] as const)('to %s it is refused where what it makes would not fit into the store', async (action, fields) => {
    const jobId = await place({ ...fields, clips: ['stored', 'failed'] });
    const { operate } = operator(undefined, 1_000);
    const operation = action === 'retry' ? { action, jobId } : { action, jobId, clip: 1 };
    await expect(operate(operation)).rejects.toMatchObject({ code: 'STORAGE_FULL' });
    expect(await jobRow(jobId)).toMatchObject({ ...fields, run_number: 1 });
  });

  test('is done once, however often its activity runs', async () => {
    const jobId = await place({});
    const { operate } = operator();
    const runId = randomUUID();
    const first = await operate({ action: 'retry', jobId }, runId);
    expect(await operate({ action: 'retry', jobId }, runId)).toEqual(first);
    expect(await jobRow(jobId)).toMatchObject({ run_number: 2 });
    await expect(operate({ action: 'retry', jobId })).rejects.toMatchObject({ code: 'WRONG_STATE' });
  });

  test('stands although Temporal cannot be told: the run is owed', async () => {
    const jobId = await place({});
    const { operate, parts } = operator(async () => {
      throw new Error('no Temporal here');
    });
    await operate({ action: 'retry', jobId });
    expect(await jobRow(jobId)).toMatchObject({ status: 'queued', run_number: 2, run_started_at: null });
    expect(parts.log().map(({ msg }) => msg)).toContain(
      'the workflow does not know of it yet: the reconciler repeats it',
    );
  });

  test('makes one clip again, changed as asked', async () => {
    const jobId = await place({ status: 'completed', clips: ['stored', 'stored'] });
    const { operate, started } = operator();
    await operate({ action: 'regenerate', jobId, clip: 2, prompt: 'another garden' });
    const clips = await knex('clips').where({ job_id: jobId }).orderBy('number').select('status', 'prompt');
    expect(clips[0]).toMatchObject({ status: 'stored' });
    expect(clips[1]).toMatchObject({ status: 'pending', prompt: 'another garden' });
    expect(started).toHaveLength(1);
  });

  test('does not fetch an image from where no caller may lead it', async () => {
    const jobId = await place({ status: 'completed', clips: ['stored'] });
    const image = { url: 'http://127.0.0.1:1/x.jpg' };
    const { operate } = operator();
    await expect(operate({ action: 'regenerate', jobId, clip: 1, firstImage: image })).rejects.toMatchObject({
      code: 'URL_REFUSED',
    });
    expect(await jobRow(jobId)).toMatchObject({ status: 'completed', run_number: 1 });
  });

  test('cancels it, and tells its workflow', async () => {
    const jobId = await place({ status: 'generating', clips: ['generating'] });
    const { operate, parts } = operator();
    expect((await operate({ action: 'cancel', jobId })).done).toBe(`job ${jobId} is being cancelled`);
    expect((await jobRow(jobId)).cancel_requested_at).toBeInstanceOf(Date);
    expect(parts.workflows.cancelled).toEqual([videoJobId(jobId)]);
  });

  test.each(['retry', 'cancel'] as const)('that is not there is refused: %s', async (action) => {
    const { operate } = operator();
    await expect(operate({ action, jobId: uuidv7() })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('leaves no prompt in the log', async () => {
    const jobId = await place({ status: 'completed', clips: ['stored'] });
    const { operate, parts } = operator();
    await operate({ action: 'regenerate', jobId, clip: 1, prompt: 'a secret garden' });
    expect(JSON.stringify(parts.log())).toContain('an operator acted');
    expect(JSON.stringify(parts.log())).not.toContain('secret garden');
  });
});

describe('an operation on purchasing', () => {
  test('pauses it until another one resumes it', async () => {
    const { operate } = operator();
    await operate({ action: 'pause-purchasing', reason: 'prices are checked' });
    expect(await findPause(knex)).toMatchObject({ code: 'PURCHASING_PAUSED', reason: 'prices are checked' });
    expect(await operate({ action: 'resume-purchasing' })).toEqual({ done: 'purchasing goes on' });
    expect(await findPause(knex)).toBeUndefined();
    expect(await operate({ action: 'resume-purchasing' })).toEqual({ done: 'purchasing was not paused' });
  });

  test('does not lift the pause of a ledger that may have forgotten purchases', async () => {
    const { operate } = operator();
    const pause = { code: 'LEDGER_BEHIND' as const, reason: 'run npm run reconcile', pausedBy: 'ledger' };
    await pausePurchasing(knex, { ...pause, probeAfterMs: null });
    await expect(operate({ action: 'resume-purchasing' })).rejects.toMatchObject({
      type: 'LEDGER_BEHIND',
      nonRetryable: true,
      message: 'run npm run reconcile',
    });
    expect(await findPause(knex)).toMatchObject({ code: 'LEDGER_BEHIND' });
    await resumePurchasing(knex);
  });

  test('does not lift a pause by hand either while the ledger’s clock stands still', async () => {
    const { operate } = operator();
    await operate({ action: 'pause-purchasing', reason: 'a restore' });
    await advanceLedgerClock(knex);
    await knex('ledger_clock').update({ at: knex.raw(`now() - interval '11 minutes'`) });
    const refused = { type: 'LEDGER_BEHIND', message: expect.stringContaining('the ledger stands at ') };
    await expect(operate({ action: 'resume-purchasing' })).rejects.toMatchObject(refused);
    expect(await findPause(knex)).toMatchObject({ code: 'PURCHASING_PAUSED' });
    await advanceLedgerClock(knex);
    expect(await operate({ action: 'resume-purchasing' })).toEqual({ done: 'purchasing goes on' });
  });
});
