/** Owners and their API keys. A key is `rw_` and 32 random bytes; only its SHA-256 is kept, so it can be shown once. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Knex } from 'knex';
import { v7 as uuidv7 } from 'uuid';
import { given } from './list-page.js';

const KEY_PREFIX = 'rw_';
const KEY_BYTES = 32;

export interface NewApiKey {
  /** Name of the owner, who is created when there is none of that name. */
  owner: string;
  /** What the key is for. Default `default`. */
  name?: string;
  /** Default: the key never expires. */
  expiresInDays?: number;
  /** Whether it opens the routes for whoever runs this. Default false. */
  admin?: boolean;
}

export interface CreatedApiKey {
  id: string;
  ownerId: string;
  /** The key itself. Nothing can show it again. */
  key: string;
  expiresAt: Date | null;
}

export interface ApiKeyRecord {
  id: string;
  ownerId: string;
  ownerName: string;
  name: string;
  admin: boolean;
  createdAt: Date;
  expiresAt: Date | null;
  revokedAt: Date | null;
  lastUsedAt: Date | null;
}

/** Who a request comes from. */
export interface KeyHolder {
  keyId: string;
  ownerId: string;
  admin: boolean;
}

/** Makes a key, and its owner where there is none of that name yet. */
export async function createApiKey(
  knex: Knex,
  { owner, name, expiresInDays, admin = false }: NewApiKey,
): Promise<CreatedApiKey> {
  const key = KEY_PREFIX + randomBytes(KEY_BYTES).toString('base64url');
  const id = uuidv7();
  return await knex.transaction(async (trx) => {
    await trx('owners').insert({ id: uuidv7(), name: owner }).onConflict('name').ignore();
    const found: { id: string } = await trx('owners').where({ name: owner }).first('id');
    const [row]: { expiresAt: Date | null }[] = await trx('api_keys')
      .insert({
        id,
        owner_id: found.id,
        name: name ?? 'default',
        key_sha256: sha256(key),
        admin,
        expires_at: expiresInDays === undefined ? null : trx.raw(`now() + ? * interval '1 day'`, [expiresInDays]),
      })
      .returning({ expiresAt: 'expires_at' } as never);
    return { id, ownerId: found.id, key, expiresAt: row?.expiresAt ?? null };
  });
}

/** The holder of a key that is known, not revoked and not expired; notes its use, at most once a minute. */
export async function findKeyHolder(knex: Knex, key: string): Promise<KeyHolder | undefined> {
  const hash = sha256(key);
  const row: (KeyHolder & { keySha256: string; usedLately: boolean }) | undefined = await knex('api_keys')
    .where({ key_sha256: hash, revoked_at: null })
    .andWhereRaw('(expires_at IS NULL OR expires_at > now())')
    .first({
      keyId: 'id',
      ownerId: 'owner_id',
      admin: 'admin',
      keySha256: 'key_sha256',
      usedLately: knex.raw(`coalesce(last_used_at > now() - interval '1 minute', false)`) as Knex.Raw<boolean>,
    });
  if (row === undefined || !timingSafeEqual(Buffer.from(row.keySha256), Buffer.from(hash))) return undefined;
  if (!row.usedLately) await noteKeyUse(knex, row.keyId);
  return { keyId: row.keyId, ownerId: row.ownerId, admin: row.admin };
}

/** All keys, or those of one owner, the newest first. */
export async function listApiKeys(knex: Knex, ownerName?: string): Promise<ApiKeyRecord[]> {
  const query = knex('api_keys as k')
    .join('owners as o', 'o.id', 'k.owner_id')
    .orderBy([
      { column: 'k.created_at', order: 'desc' },
      { column: 'k.id', order: 'desc' },
    ])
    .select({
      id: 'k.id',
      ownerId: 'k.owner_id',
      ownerName: 'o.name',
      name: 'k.name',
      admin: 'k.admin',
      createdAt: 'k.created_at',
      expiresAt: 'k.expires_at',
      revokedAt: 'k.revoked_at',
      lastUsedAt: 'k.last_used_at',
    });
  return ownerName === undefined ? await query : await query.where('o.name', ownerName);
}

/** Ends a key and says whether there is one; a key that was revoked before keeps its first date. */
export async function revokeApiKey(knex: Knex, keyId: string): Promise<boolean> {
  const revoked = await knex('api_keys')
    .where({ id: keyId })
    .update({ revoked_at: knex.raw('coalesce(revoked_at, now())') });
  return revoked === 1;
}

/** What an owner may spend and have open at once; null for no cap, and for the limit of the deployment. */
export interface OwnerLimits {
  /** US dollars in a day (UTC). */
  dailyCapUsd: number | null;
  openPurchases: number | null;
}

const LIMITS = { dailyCapUsd: 'daily_cap_usd', openPurchases: 'open_purchases' };

/** Sets the limits that are given and tells all of them; undefined when there is no owner of this name. */
export async function setOwnerLimits(
  knex: Knex,
  ownerName: string,
  { dailyCapUsd, openPurchases }: { [Limit in keyof OwnerLimits]: OwnerLimits[Limit] | undefined },
): Promise<OwnerLimits | undefined> {
  const changes = given({ daily_cap_usd: dailyCapUsd, open_purchases: openPurchases });
  if (Object.keys(changes).length > 0) await knex('owners').where({ name: ownerName }).update(changes);
  return await knex('owners').where({ name: ownerName }).first(LIMITS);
}

/** Notes a use of the key, at most once a minute. Guarded, so that many requests at once write one row version and not one each. */
export async function noteKeyUse(knex: Knex, keyId: string): Promise<void> {
  await knex('api_keys')
    .where({ id: keyId })
    .andWhereRaw(`(last_used_at IS NULL OR last_used_at <= now() - interval '1 minute')`)
    .update({ last_used_at: knex.fn.now() });
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
