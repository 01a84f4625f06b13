/** The answers of requests that may come twice, under the key that their sender gave them. */
import type { Knex } from 'knex';
import { deleteAtMost } from './delete-at-most.js';

/** One request of an owner. `route` holds all of the address: method and path with its parameters filled in. */
export interface KeyedRequest {
  ownerId: string;
  route: string;
  key: string;
  /** SHA-256 as hex of what was asked. */
  bodySha256: string;
}

/** How long an answer is kept, in milliseconds. */
export const ANSWERS_KEPT_FOR_MS = 24 * 60 * 60 * 1000;

export interface KeptAnswer {
  bodySha256: string;
  status: number;
  location: string | null;
  answer: unknown;
}

/** How many rows that are past their time go with each new one; the sweep of the store removes the rest. */
const SWEPT_AT_ONCE = 100;

/**
 * Takes the key until the transaction ends, however it ends; false where another request has it. Only a statement after
 * this one sees what that other request has committed.
 */
export async function takeKey(trx: Knex, { ownerId, route, key }: KeyedRequest): Promise<boolean> {
  const { rows } = await trx.raw<{ rows: { taken: boolean }[] }>(
    'SELECT pg_try_advisory_xact_lock(hashtextextended(?, 0)) AS taken',
    [JSON.stringify([ownerId, route, key])],
  );
  return rows[0]?.taken === true;
}

/** What was answered to this key within the last `keptForMs` milliseconds. */
export async function findAnswer(
  trx: Knex,
  { ownerId, route, key }: KeyedRequest,
  keptForMs: number,
): Promise<KeptAnswer | undefined> {
  return await trx('idempotency_keys')
    .where({ owner_id: ownerId, route, key })
    .whereRaw(`created_at > now() - ? * interval '1 millisecond'`, [keptForMs])
    .first({ bodySha256: 'body_sha256', status: 'status', location: 'location', answer: 'answer' });
}

/** Keeps an answer in the place of one that is past its time. The caller has taken the key and found no answer. */
export async function keepAnswer(
  trx: Knex,
  request: KeyedRequest,
  { status, location, answer }: Omit<KeptAnswer, 'bodySha256'>,
  keptForMs: number,
): Promise<void> {
  await trx('idempotency_keys')
    .insert({
      owner_id: request.ownerId,
      route: request.route,
      key: request.key,
      body_sha256: request.bodySha256,
      status,
      location,
      answer: JSON.stringify(answer),
      created_at: trx.fn.now(),
    })
    .onConflict(['owner_id', 'route', 'key'])
    .merge();
  await dropExpiredAnswers(trx, { keptForMs, limit: SWEPT_AT_ONCE });
}

/** Removes answers that are past their time, at most `limit`, and gives how many went. */
export async function dropExpiredAnswers(
  knex: Knex,
  { keptForMs, limit }: { keptForMs: number; limit: number },
): Promise<number> {
  return await deleteAtMost(knex, limit, {
    table: 'idempotency_keys',
    where: `x.created_at <= now() - :keptForMs * interval '1 millisecond'`,
    values: { keptForMs },
    orderBy: 'x.created_at',
  });
}
