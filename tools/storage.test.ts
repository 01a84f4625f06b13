import { randomBytes } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { BlobRef } from '../storage/blob-store.js';
import { createPostgresBlobStore } from '../storage/postgres-blob-store.js';
import { type Verified, verifyBlobs } from '../storage/verify-blobs.js';
import { type ActivityRig, createActivityRig } from '../test/support/activity-rig.js';
import { runToolProcess } from '../test/support/run-tool.js';

const CHUNK = 256 * 1024;

let rig: ActivityRig;
let refs: BlobRef[];
beforeAll(async () => {
  rig = await createActivityRig();
});
afterAll(() => rig.close());
beforeEach(async () => {
  const { knex } = rig.database;
  await knex('assets').delete();
  await knex('blobs').delete();
  refs = [];
  for (const size of [3 * CHUNK + 5, 2 * CHUNK, 10, 0]) refs.push(await put(size));
});

async function* pieces(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield bytes;
}
const put = (size: number): Promise<BlobRef> =>
  createPostgresBlobStore(rig.database.pool).put(pieces(randomBytes(size)), { contentType: 'video/mp4' });
const run = (args: string[], variables: Record<string, string> = {}) =>
  runToolProcess('tools/storage.ts', args, { DATABASE_URL: rig.database.pool.options.connectionString, ...variables });
const chunk = (blob: BlobRef, n: number) => rig.database.knex('blob_chunks').where({ blob_id: blob.id, n });
const all = (): number => refs.reduce((sum, { size }) => sum + size, 0);

describe('npm run storage -- verify', () => {
  test('says that all is well, and exits with 0', async () => {
    const { code, out } = await run(['verify']);
    expect(code).toBe(0);
    expect(out).toBe(`4 blobs verified, ${(all() / 1e6).toFixed(1)} MB, 0 wrong; the last one is ${refs[3]?.id}\n`);
  });

  test('finds a corrupted and a missing chunk, names the rows that refer to them, and exits with 1', async () => {
    const [first, second, third] = refs as [BlobRef, BlobRef, BlobRef];
    const assetId = uuidv7();
    await rig.database.knex('assets').insert({
      id: assetId,
      owner_id: rig.ownerId,
      blob_id: first.id,
      type: 'video',
      name: 'x',
      content_type: 'video/mp4',
    });
    await chunk(first, 1).update({ data: randomBytes(CHUNK) });
    await chunk(second, 1).delete();
    await chunk(third, 0).update({ data: randomBytes(9) });
    const { code, out } = await run(['verify']);
    expect(code).toBe(1);
    expect(out).toContain(`WRONG ${first.id} 0.8 MB, sha256 ${first.sha256}: its content has the hash `);
    expect(out).toContain(`  assets.blob_id id=${assetId}\n`);
    expect(out).toContain(
      `WRONG ${second.id} 0.5 MB, sha256 ${second.sha256}: chunk 1 is missing\n  nothing refers to it`,
    );
    expect(out).toContain(`WRONG ${third.id} 0.0 MB, sha256 ${third.sha256}: chunk 0 has 9 bytes instead of 10`);
    expect(out).toContain('4 blobs verified, ');
    expect(out).toContain(' 3 wrong; ');
  });

  test('finds a chunk too many', async () => {
    const [blob] = refs as [BlobRef];
    await rig.database.knex('blob_chunks').insert({ blob_id: blob.id, n: 9, data: Buffer.from('x') });
    expect((await run(['verify'])).out).toContain('chunk 9 is one too many');
  });

  test('goes on after a blob, looks only at what is new, or at some', async () => {
    expect((await run(['verify', '--after', refs[1]?.id ?? ''])).out).toContain('2 blobs verified');
    await rig.database
      .knex('blobs')
      .whereIn(
        'id',
        refs.slice(0, 3).map(({ id }) => id),
      )
      .update({ last_put_at: new Date('2020-01-01') });
    expect((await run(['verify', '--since', '2021-01-01'])).out).toContain('1 blobs verified');
    expect((await run(['verify', '--sample', '3'])).out).toContain('3 blobs verified');
  });

  test.each([
    ['expected status or verify, got nothing', []],
    ['got check', ['check']],
    ['--since: expected a time', ['verify', '--since', 'yesterday']],
    ['--after: expected the id of a blob', ['verify', '--after', '7']],
    ['--sample: expected a whole number from 1, got 0', ['verify', '--sample', '0']],
    [
      '--sample: expected without --after',
      ['verify', '--sample', '1', '--after', '01890a5d-ac96-774b-bcce-b302099a8057'],
    ],
    ['--megabytes-per-second: expected a whole number', ['verify', '--megabytes-per-second', 'fast']],
  ])('says %j for a wrong command line, and exits with 2', async (said, args) => {
    const { code, out, err } = await run(args);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(said);
    expect(err).toContain('usage:');
  });
});

test('npm run storage -- status says what is stored and what room is left', async () => {
  const { code, out } = await run(['status'], { BLOB_STORE_MAX_BYTES: '10000000' });
  expect(code).toBe(0);
  const megabytes = (all() / 1e6).toFixed(1);
  expect(out).toMatch(new RegExp(`orphans +4 +${megabytes}\nall +4 +${megabytes}\n`));
  expect(out).toMatch(/limit \(BLOB_STORE_MAX_BYTES\) +10.0\n/);
  expect(out).toMatch(/free +8.7\n/);
});

describe('a verification', () => {
  test('reads no faster than it may, and ends when it is told to, saying how far it had come', async () => {
    const blobs = createPostgresBlobStore(rig.database.pool);
    const stop = new AbortController();
    const seen: Verified[] = [];
    const reading = verifyBlobs(rig.database.knex, blobs, {
      maxBytesPerSecond: 1,
      signal: stop.signal,
      onBlob(progress) {
        seen.push(progress);
        stop.abort();
      },
    });
    await expect(reading).rejects.toMatchObject({ name: 'AbortError' });
    expect(seen).toEqual([{ blobs: 1, bytes: 3 * CHUNK + 5, problems: 0, lastId: refs[0]?.id }]);
    const rest = await verifyBlobs(rig.database.knex, blobs, { afterId: refs[0]?.id });
    expect(rest.blobs).toBe(3);
  });

  test('does not complain of a blob that is deleted meanwhile, and holds no connection afterwards', async () => {
    const blobs = createPostgresBlobStore(rig.database.pool);
    const problems: unknown[] = [];
    await verifyBlobs(rig.database.knex, blobs, {
      onBlob: () => void Promise.resolve(rig.database.knex('blobs').delete()),
      onProblem: (problem) => problems.push(problem),
    });
    expect(problems).toEqual([]);
    expect(rig.database.pool.idleCount).toBe(rig.database.pool.totalCount);
  });
});
