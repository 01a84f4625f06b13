import { v7 as uuidv7 } from 'uuid';
import { beforeEach, describe, expect, test } from 'vitest';
import { placeJob } from '../test/support/money-fixtures.js';
import { useDatabase } from '../test/support/use-database.js';
import { openDatabase } from './database.js';
import { findJobRow, type JobRow, lockJob } from './jobs-repository.js';
import { moveSubJob, type SubJobKey } from './sub-job.js';

const database = useDatabase();
let clip: SubJobKey;
beforeEach(async () => {
  const ownerId = uuidv7();
  await database.knex('owners').insert({ id: ownerId, name: ownerId });
  const jobId = await placeJob(database.knex, { ownerId, clips: ['pending', 'pending'], status: 'generating' });
  clip = { kind: 'clip', jobId, number: 1 };
  await database
    .knex('jobs')
    .where({ id: jobId })
    .update({ updated_at: new Date(0) });
});

const touchedAt = async (): Promise<Date> =>
  (await database.knex('jobs').where({ id: clip.jobId }).first('updated_at')).updated_at;
const states = async (): Promise<string[]> =>
  await database.knex('clips').where({ job_id: clip.jobId }).orderBy('number').pluck('status');

/** Waits until so many statements wait for a lock. */
async function waiting(count: number): Promise<void> {
  const asked = `SELECT count(*)::integer AS n FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'`;
  await expect.poll(async () => (await database.knex.raw(asked)).rows[0].n, { timeout: 10_000 }).toBe(count);
}

describe('moveSubJob', () => {
  test('changes the one row, and its job has changed with it', async () => {
    expect(await moveSubJob(database.knex, clip, ['pending'], { status: 'generating', started: true })).toBe(true);
    expect(await states()).toEqual(['generating', 'pending']);
    expect((await touchedAt()).getTime()).toBeGreaterThan(0);
  });

  test('changes neither from another state', async () => {
    expect(await moveSubJob(database.knex, clip, ['storing'], { status: 'stored' })).toBe(false);
    expect(await states()).toEqual(['pending', 'pending']);
    expect((await touchedAt()).getTime()).toBe(0);
  });

  test.each([
    [['pending'], true, 'changed too'],
    [['storing'], false, 'Anna'],
  ] as const)('takes another change along if it happens: from %j it does: %s', async (from, moves, name) => {
    const { ownerId } = (await findJobRow(database.knex, clip.jobId)) as JobRow;
    await database
      .knex('owners')
      .where({ id: ownerId })
      .update({ name: `Anna ${ownerId}` });
    const other = database
      .knex('owners')
      .where({ id: ownerId })
      .update({ name: `changed too ${ownerId}` });
    expect(await moveSubJob(database.knex, clip, from, { status: 'stored' }, { with: other })).toBe(moves);
    expect(await database.knex('owners').where({ id: ownerId }).first('name')).toEqual({ name: `${name} ${ownerId}` });
  });

  test('never waits with the clip in its hand for whoever has the job and wants the clip', async () => {
    let moving: Promise<boolean> | undefined;
    const moved = await database.knex.transaction(async (trx) => {
      await lockJob(trx, clip.jobId);
      moving = moveSubJob(database.knex, clip, ['pending', 'generating'], { status: 'storing' });
      await waiting(1);
      return await moveSubJob(trx, clip, ['pending'], { status: 'generating' });
    });
    expect([moved, await moving]).toEqual([true, true]);
    expect(await states()).toEqual(['storing', 'pending']);
  });

  test('looks at the state as it is once it has waited', async () => {
    let moving: Promise<boolean> | undefined;
    await database.knex.transaction(async (trx) => {
      await lockJob(trx, clip.jobId);
      moving = moveSubJob(database.knex, clip, ['pending'], { status: 'storing' });
      await waiting(1);
      await moveSubJob(trx, clip, ['pending'], { status: 'cancelled' });
    });
    expect(await moving).toBe(false);
    expect(await states()).toEqual(['cancelled', 'pending']);
  });

  test('holds its job until the transaction ends', async () => {
    let locking: Promise<void> | undefined;
    const order: string[] = [];
    await database.knex.transaction(async (trx) => {
      await moveSubJob(trx, clip, ['pending'], { status: 'generating' });
      locking = database.knex.transaction(async (other) => {
        await lockJob(other, clip.jobId);
        order.push('locked');
      });
      await waiting(1);
      order.push('moved');
    });
    await locking;
    expect(order).toEqual(['moved', 'locked']);
  });

  test('makes no new entry in an index of jobs', async () => {
    const { knex } = database;
    const hot = async (): Promise<{ n_tup_upd: number; n_tup_hot_upd: number }> => {
      await knex.raw('SELECT pg_stat_force_next_flush()');
      return (await knex.raw(`SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'jobs'`))
        .rows[0];
    };
    const one = openDatabase(database.url, { poolMax: 1 });
    const before = await hot();
    for (let count = 0; count < 20; count += 1) {
      await moveSubJob(one.knex, clip, ['pending', 'generating'], { status: 'generating' });
    }
    await one.close();
    await expect.poll(async () => (await hot()).n_tup_upd - before.n_tup_upd).toBe(20);
    expect((await hot()).n_tup_hot_upd - before.n_tup_hot_upd).toBeGreaterThanOrEqual(18);
  });
});
