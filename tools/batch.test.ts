import { Client, Connection } from '@temporalio/client';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test, vi } from 'vitest';
import { batchWorkflowId } from '../domain/contract.js';
import { actOnBatchItem, skipBatchItem } from '../storage/batch-items.js';
import { listBatches, moveBatch, readBatch } from '../storage/batches-repository.js';
import { type ActivityRig, createActivityRig } from '../test/support/activity-rig.js';
import { placeJob } from '../test/support/money-fixtures.js';
import { runToolProcess } from '../test/support/run-tool.js';

let rig: ActivityRig;
let connection: Connection;
let client: Client;
beforeAll(async () => {
  const { address, namespace } = inject('temporal');
  rig = await createActivityRig();
  connection = await Connection.connect({ address });
  client = new Client({ connection, namespace });
});
afterAll(async () => {
  await connection.close();
  await rig.close();
});
let owner: { id: string; name: string };
beforeEach(async () => {
  owner = { id: uuidv7(), name: `owner ${uuidv7()}` };
  await rig.database.knex('owners').insert(owner);
});

const run = (args: string[], variables: Record<string, string> = {}) =>
  runToolProcess('tools/batch.ts', args, {
    DATABASE_URL: rig.database.pool.options.connectionString,
    TEMPORAL_ADDRESS: inject('temporal').address,
    TEMPORAL_NAMESPACE: inject('temporal').namespace,
    ...variables,
  });
const failed = () => placeJob(rig.database.knex, { ownerId: owner.id, status: 'failed', clips: ['failed'] });
const newest = async () => {
  const batch = (await listBatches(rig.database.knex, { page: 1, limit: 1 })).batches[0];
  if (batch === undefined) throw new Error('expected a batch');
  return batch;
};
const count = async (): Promise<number> => (await listBatches(rig.database.knex, { page: 1, limit: 1 })).total;

describe('npm run batch', () => {
  test('lists on a dry run what it would do, and does nothing', async () => {
    const id = await failed();
    const before = await count();
    const { code, out, err } = await run(['retry', '--since', '1d', '--owner', owner.name, '--dry-run']);
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(new RegExp(`${id} +${owner.id} +failed +a job\n`));
    expect(out).toMatch(/this would retry 1 failed job of owner .*, ended since .*; nothing was done/);
    expect(await count()).toBe(before);
  });

  test('hands the batch to Temporal, and stops it on request', async () => {
    await failed();
    const { code, out } = await run(['retry', '--since', '1d', '--owner', owner.id, '--no-wait']);
    const batch = await newest();
    expect(code).toBe(0);
    expect(out).toContain(`batch ${batch.id}: retry 1 failed job of owner ${owner.id}`);
    expect(batch).toMatchObject({ total: 1, startedAt: expect.any(Date) });
    const handle = client.workflow.getHandle(batchWorkflowId(batch.id));
    expect((await handle.describe()).type).toBe('batch');
    expect((await run(['list'])).out).toMatch(new RegExp(`${batch.id} +queued +0 of 1 done, 0 skipped`));
    expect((await run(['stop', batch.id])).out).toBe(`batch ${batch.id}: no further job is touched\n`);
    expect((await readBatch(rig.database.knex, batch.id)).cancelRequestedAt).not.toBeNull();
    const { events } = await handle.fetchHistory();
    expect(events?.some((event) => event.workflowExecutionCancelRequestedEventAttributes != null)).toBe(true);
    await handle.terminate();
  });

  test('shows how far it is until the end, and why jobs were skipped', async () => {
    const ids = [await failed(), await failed()];
    const tool = run(['retry', '--since', '1d', '--owner', owner.id]);
    await vi.waitFor(async () => expect(await newest()).toMatchObject({ total: 2, filter: { ownerId: owner.id } }), {
      timeout: 20_000,
    });
    const { knex } = rig.database;
    const { id } = await newest();
    await knex.transaction((trx) => actOnBatchItem(trx, { batchId: id, position: 1 }));
    await skipBatchItem(knex, { batchId: id, position: 2 }, { code: 'BUDGET_EXCEEDED', message: 'too dear' });
    await moveBatch(knex, id, { status: 'completed', completed: true });
    const { code, out } = await tool;
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`${ids[1]} +BUDGET_EXCEEDED +too dear`));
    expect(out).toContain(`batch ${id} is completed: 1 of 2 done, 1 skipped`);
    await client.workflow.getHandle(batchWorkflowId(id)).terminate();
  });

  test('leaves the start to the reconciler while Temporal is away', async () => {
    const away = { TEMPORAL_ADDRESS: '127.0.0.1:9' };
    const { code, err } = await run(['cancel', '--owner', owner.id, '--no-wait'], away);
    expect(code).toBe(0);
    expect(err).toContain('the reconciler starts it');
    expect(await newest()).toMatchObject({ filter: { ownerId: owner.id }, startedAt: null, status: 'queued' });
  });

  test('says that there is no such owner, and exits with 1', async () => {
    const { code, err } = await run(['cancel', '--owner', 'nobody of that name']);
    expect(code).toBe(1);
    expect(err).toContain('there is no owner with the id or the name nobody of that name');
  });

  test.each([
    [[], 'got nothing'],
    [['retry'], '--campaign ID or --since TIME'],
    [['cancel'], '--campaign ID or --owner ID'],
    [['retry', '--campaign', 'x'], 'got x'],
    [['retry', '--since', 'yesterday'], 'got yesterday'],
    [['retry', '--since', '2999-01-01T00:00:00Z'], 'got 2999-01-01T00:00:00Z'],
    [['cancel', '--owner', 'x', '--since', '1d'], '--since'],
    [['show'], 'got nothing'],
    [['stop', 'x'], 'got x'],
  ])('says for %j what was expected, and exits with 2', async (args, said) => {
    const { code, out, err } = await run(args);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(said);
    expect(err).toContain('usage:');
  });
});
