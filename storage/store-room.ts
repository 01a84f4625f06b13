/**
 * Whether something still fits into the store. What open jobs, renditions and uploads will need counts as taken from the
 * moment they are let in; whoever is let in holds the lock until its own rows are committed, so that of many at once only
 * those that fit are. What was bought is stored without asking.
 */
import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import { ReelwrightError } from '../domain/errors.js';
import { OPEN_RENDITION_STATES } from '../domain/renditions.js';
import { jobsRoom, type WhoCounts } from './jobs-room.js';

/** The limit of the store in bytes; undefined for none, and then nothing here looks at anything. */
export type StoreLimit = number | undefined;

/** Any number that no other lock of this product has. */
const LOCK = 7_265_401_822;
/** An upload that has not come to its end by then never will. */
const RESERVED_FOR_MS = 60 * 60_000;

export interface StoreRoom {
  /** What the blobs have. */
  storedBytes: number;
  /** What open jobs and renditions, and uploads under way, are estimated to add. */
  reservedBytes: number;
}

/** Locks the store's room until the transaction ends, after all locks of jobs and owners. */
export async function lockRoom(trx: Knex): Promise<void> {
  await trx.raw('SELECT pg_advisory_xact_lock(?)', [LOCK]);
}

/** How full the store is. `jobs` restricts whose estimates count; without it those of all open jobs. */
export async function readRoom(knex: Knex, jobs: WhoCounts = {}): Promise<StoreRoom> {
  const stored = await sumOf(knex('blobs').sum({ bytes: 'size' }));
  const uploads = await sumOf(knex('room_reservations').whereRaw('expires_at > now()').sum({ bytes: 'bytes' }));
  const renditions = await sumOf(
    knex('renditions as r')
      .join('rendition_sources as s', 's.rendition_id', 'r.id')
      .join('blobs as b', 'b.id', 's.blob_id')
      .whereIn('r.status', [...OPEN_RENDITION_STATES])
      .sum({ bytes: 'b.size' }),
  );
  return { storedBytes: stored, reservedBytes: uploads + renditions + (await jobsRoom(knex, jobs)) };
}

async function sumOf(query: Knex.QueryBuilder): Promise<number> {
  const [row]: { bytes: number | null }[] = await query;
  return row?.bytes ?? 0;
}

/**
 * Throws STORAGE_FULL where the store, with `neededBytes` more, would pass its limit. Locks the room: what is let in must
 * be written in the same transaction.
 */
export async function requireRoom(
  trx: Knex,
  limit: StoreLimit,
  neededBytes: number,
  jobs: WhoCounts = {},
): Promise<void> {
  if (limit === undefined) return;
  await lockRoom(trx);
  const room = await readRoom(trx, jobs);
  const { storedBytes, reservedBytes } = room;
  if (storedBytes + reservedBytes + neededBytes <= limit) return;
  const taken = `${megabytes(storedBytes)} are stored, ${megabytes(reservedBytes)} are promised to others`;
  throw new ReelwrightError(
    'STORAGE_FULL',
    `expected room for ${megabytes(neededBytes)} in the store of ${megabytes(limit)}; ${taken}`,
    { details: { limitBytes: limit, neededBytes, ...room } },
  );
}

/**
 * Runs `store`, which puts at most `bytes`, with their room held for it. Throws STORAGE_FULL before anything is put, and
 * what `store` throws. A process that dies leaves a reservation that expires.
 */
export async function withRoom<T>(knex: Knex, limit: StoreLimit, bytes: number, store: () => Promise<T>): Promise<T> {
  if (limit === undefined) return await store();
  const id = randomUUID();
  await knex.transaction(async (trx) => {
    await requireRoom(trx, limit, bytes);
    const expiresAt = trx.raw(`now() + ? * interval '1 millisecond'`, [RESERVED_FOR_MS]);
    await trx('room_reservations').insert({ id, bytes, expires_at: expiresAt });
  });
  try {
    return await store();
  } finally {
    await knex('room_reservations').where({ id }).delete();
  }
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(bytes < 10e6 ? 1 : 0)} MB`;
