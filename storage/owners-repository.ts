/** Owners and their API keys. A key is `rw_` and 32 random bytes; only its SHA-256 is kept, so it can be shown once. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Knex } from 'knex';
import { v7 as uuidv7 } from 'uuid';

const KEY_PREFIX = 'rw_';
const KEY_BYTES = 32;

export interface NewApiKey {
  /** Name of the owner, who is created when there is none of that name. */
  owner: string;
  /** What the key is for. Default `default`. */
  name?: string;
  /** Default: the key never expires. */
  expiresInDays?: number;
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
  createdAt: Date;
  expiresAt: Date | null;
  revokedAt: Date | null;
  lastUsedAt: Date | null;
}

/** Who a request comes from. */
export interface KeyHolder {
  keyId: string;
  ownerId: string;
}

/** Makes a key, and its owner where there is none of that name yet. */
export async function createApiKey(knex: Knex, { owner, name, expiresInDays }: NewApiKey): Promise<CreatedApiKey> {
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
      keySha256: 'key_sha256',
      usedLately: knex.raw(`coalesce(last_used_at > now() - interval '1 minute', false)`) as Knex.Raw<boolean>,
    });
  if (row === undefined || !timingSafeEqual(Buffer.from(row.keySha256), Buffer.from(hash))) return undefined;
  if (!row.usedLately) await noteUse(knex, row.keyId);
  return { keyId: row.keyId, ownerId: row.ownerId };
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

/** Guarded, so that many requests at once write one row version and not one each. */
async function noteUse(knex: Knex, keyId: string): Promise<void> {
  await knex('api_keys')
    .where({ id: keyId })
    .andWhereRaw(`(last_used_at IS NULL OR last_used_at <= now() - interval '1 minute')`)
    .update({ last_used_at: knex.fn.now() });
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
