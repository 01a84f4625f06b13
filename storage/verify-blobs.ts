/** Whether the bytes in the store are those that were put: every blob is read and hashed anew. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Knex } from 'knex';
import { isReelwrightError } from '../domain/errors.js';
import { type BlobReference, listBlobReferences } from './blob-references.js';
import type { BlobStore } from './blob-store.js';

export interface VerifyOptions {
  /** Goes on after this blob; undefined for the beginning. */
  afterId?: string | undefined;
  /** Only what was put since then. */
  since?: Date | undefined;
  /** Only so many blobs, chosen at random each time. */
  sample?: number | undefined;
  /** Reads at most so many bytes in a second, on average. */
  maxBytesPerSecond?: number | undefined;
  signal?: AbortSignal | undefined;
  /** Told after each blob. */
  onBlob?: (progress: Verified) => void;
  /** Told of each blob that is not right, as it is found. */
  onProblem?: (problem: BlobProblem) => void;
}

export interface Verified {
  blobs: number;
  bytes: number;
  problems: number;
  /** The last blob that was looked at: where another run may go on. */
  lastId: string | null;
}

export interface BlobProblem {
  blobId: string;
  sha256: string;
  sizeBytes: number;
  /** What is wrong with it: chunks by their numbers, or the hash of the whole. */
  wrong: string;
  /** Rows that refer to it, e.g. `clips.blob_id job_id=0190... number=3`. */
  referredBy: string[];
}

interface Row {
  id: string;
  sha256: string;
  size: number;
  chunkSize: number;
}

/** A chunk that is wrong: its number as it should be and as it is, and its lengths in bytes. */
interface ChunkRow {
  wanted: number | null;
  found: number | null;
  length: number | null;
  expected: number | null;
}

const PAGE = 200;
/** Most chunks or rows that one message names. */
const NAMED = 20;

/**
 * Reads blobs one after the other, in the order of their ids, and tells of those that are not what was put. Memory does
 * not depend on their number or size. Throws the signal's reason, and what the database throws of anything but a blob.
 */
export async function verifyBlobs(knex: Knex, blobs: BlobStore, options: VerifyOptions = {}): Promise<Verified> {
  const references = await listBlobReferences(knex);
  const progress: Verified = { blobs: 0, bytes: 0, problems: 0, lastId: options.afterId ?? null };
  const startedAt = performance.now();
  for await (const row of walk(knex, options)) {
    options.signal?.throwIfAborted();
    const wrong = await problemOf(knex, blobs, row, options.signal);
    if (wrong !== undefined) {
      progress.problems += 1;
      const { id: blobId, sha256, size: sizeBytes } = row;
      options.onProblem?.({ blobId, sha256, sizeBytes, wrong, referredBy: await referrers(knex, references, row.id) });
    }
    progress.blobs += 1;
    progress.bytes += row.size;
    progress.lastId = row.id;
    options.onBlob?.({ ...progress });
    if (options.maxBytesPerSecond !== undefined) {
      const dueMs = (progress.bytes / options.maxBytesPerSecond) * 1000;
      await sleep(Math.max(0, dueMs - (performance.now() - startedAt)), undefined, { signal: options.signal });
    }
  }
  return progress;
}

async function* walk(knex: Knex, { afterId, since, sample }: VerifyOptions): AsyncGenerator<Row> {
  let last = afterId ?? '00000000-0000-0000-0000-000000000000';
  const columns = { id: 'id', sha256: 'sha256', size: 'size', chunkSize: 'chunk_size' };
  const matching = (): Knex.QueryBuilder =>
    knex('blobs')
      .where('id', '>', last)
      .modify((query) => (since === undefined ? undefined : void query.where('last_put_at', '>=', since)));
  if (sample !== undefined) {
    yield* (await matching().orderByRaw('random()').limit(sample).select(columns)) as Row[];
    return;
  }
  for (;;) {
    const rows: Row[] = await matching().orderBy('id').limit(PAGE).select(columns);
    yield* rows;
    if (rows.length < PAGE) return;
    last = rows.at(-1)?.id ?? last;
  }
}

/** What is wrong with a blob; undefined for one that is right, or that was deleted meanwhile. */
async function problemOf(
  knex: Knex,
  blobs: BlobStore,
  row: Row,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const wrong = (await wrongChunks(knex, row)) ?? (await wrongContent(blobs, row, signal));
  return wrong === undefined || (await blobs.stat(row.id)) === undefined ? undefined : wrong;
}

/** By their numbers and lengths, which are read without their content. */
async function wrongChunks(knex: Knex, { id, size, chunkSize }: Row): Promise<string | undefined> {
  const count = Math.ceil(size / chunkSize);
  const { rows } = await knex.raw<{ rows: ChunkRow[] }>(
    `WITH wanted AS (
       SELECT n, CASE WHEN n = :count - 1 THEN :size - n::bigint * :chunkSize ELSE :chunkSize END AS length
       FROM generate_series(0, :count - 1) AS n)
     SELECT w.n AS wanted, c.n AS found, octet_length(c.data) AS length, w.length AS expected
     FROM wanted w FULL JOIN (SELECT n, data FROM blob_chunks WHERE blob_id = :id) c ON c.n = w.n
     WHERE w.n IS NULL OR c.n IS NULL OR octet_length(c.data) <> w.length
     ORDER BY coalesce(w.n, c.n) LIMIT :limit`,
    { id, count, size, chunkSize, limit: NAMED + 1 },
  );
  if (rows.length === 0) return undefined;
  const told = rows.slice(0, NAMED).map(({ wanted, found, length, expected }) => {
    if (found === null) return `chunk ${wanted} is missing`;
    if (wanted === null) return `chunk ${found} is one too many`;
    return `chunk ${found} has ${length} bytes instead of ${expected}`;
  });
  return [...told, ...(rows.length > NAMED ? ['and more'] : [])].join(', ');
}

async function wrongContent(
  blobs: BlobStore,
  { id, sha256 }: Row,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const hash = createHash('sha256');
  const bytes = blobs.open(id);
  try {
    for await (const piece of bytes) {
      signal?.throwIfAborted();
      hash.update(piece as Buffer);
    }
  } catch (error) {
    signal?.throwIfAborted();
    if (isReelwrightError(error, 'NOT_FOUND')) return 'it is gone';
    if (!isDataCorrupted(error)) throw error;
    return `the database cannot read it: ${(error as Error).message}`;
  } finally {
    if (!bytes.closed) {
      bytes.destroy();
      await once(bytes, 'close');
    }
  }
  const seen = hash.digest('hex');
  return seen === sha256 ? undefined : `its content has the hash ${seen}`;
}

/** Class XX, and what the reader says of a blob that ends too soon. Everything else is not the blob's fault. */
function isDataCorrupted(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? error.code : undefined;
  return (typeof code === 'string' && code.startsWith('XX')) || error.message.startsWith('expected ');
}

async function referrers(knex: Knex, references: readonly BlobReference[], id: string): Promise<string[]> {
  const found: string[] = [];
  for (const { table, column, key } of references) {
    const rows: Record<string, unknown>[] = await knex(table).where(column, id).limit(NAMED).select(key);
    found.push(
      ...rows.map((row) => [`${table}.${column}`, ...key.map((name) => `${name}=${String(row[name])}`)].join(' ')),
    );
  }
  return found;
}
