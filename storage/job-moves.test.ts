import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { v7 as uuidv7 } from 'uuid';
import { beforeEach, describe, expect, test } from 'vitest';
import { CLIP_USD, placeJob, placePurchase } from '../test/support/money-fixtures.js';
import { useDatabase } from '../test/support/use-database.js';
import { moveJob, moveJobReading } from './job-moves.js';
import { resultColumns } from './job-result.js';
import { findJobRow, jobColumns } from './jobs-repository.js';
import { createPostgresBlobStore } from './postgres-blob-store.js';

const database = useDatabase();
let run: { jobId: string; runNumber: number };
beforeEach(async () => {
  const ownerId = uuidv7();
  await database.knex('owners').insert({ id: ownerId, name: ownerId });
  const jobId = await placeJob(database.knex, { ownerId, clips: ['stored'], status: 'generating' });
  run = { jobId, runNumber: 1 };
});

describe('moveJobReading', () => {
  test('gives the row as it is after the move', async () => {
    const { knex } = database;
    const moved = await moveJobReading(knex, run, ['generating'], { status: 'composing' }, jobColumns(knex));
    expect(moved).toMatchObject({ id: run.jobId, status: 'composing', transition: 'cut', orderedFrameRate: null });
    expect(moved).toEqual(await findJobRow(knex, run.jobId));
  });

  test('gives what the job has come to, its video and its cost', async () => {
    const { knex } = database;
    await placePurchase(knex, { jobId: run.jobId, state: 'stored', costUsd: CLIP_USD });
    const bytes = Readable.from([randomBytes(1_234)]);
    const { id } = await createPostgresBlobStore(database.pool).put(bytes, { contentType: 'video/mp4' });
    await moveJob(knex, run, ['generating'], { status: 'composing', videoBlobId: id, durationSeconds: 4.5 });
    const change = { status: 'completed', completed: true } as const;
    expect(await moveJobReading(knex, run, ['composing'], change, resultColumns(knex))).toEqual({
      durationSeconds: 4.5,
      sizeBytes: 1_234,
      costUsd: CLIP_USD,
    });
  });

  test.each([
    ['in another state', {}],
    ['in a later run', { status: 'generating', run_number: 2 }],
    ['whose end was asked for', { status: 'generating', cancel_requested_at: new Date() }],
    ['whose media are gone', { status: 'generating', media_deleted_at: new Date() }],
  ])('moves nothing and gives nothing of a job %s', async (_, row) => {
    const { knex } = database;
    const before = { status: 'queued', ...row };
    await knex('jobs').where({ id: run.jobId }).update(before);
    expect(await moveJobReading(knex, run, ['generating'], { status: 'composing' }, jobColumns(knex))).toBeUndefined();
    expect((await findJobRow(knex, run.jobId))?.status).toBe(before.status);
  });
});
