import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { useDatabase } from '../test/support/use-database.js';
import { createApiKey, findKeyHolder, listApiKeys, revokeApiKey, setOwnerLimits } from './owners-repository.js';

const database = useDatabase({ poolMax: 5 });

const lastUsed = async (id: string): Promise<Date | null> =>
  (await listApiKeys(database.knex)).find((key) => key.id === id)?.lastUsedAt ?? null;

describe('an API key', () => {
  test('is rw_ and 32 random bytes, of which only the SHA-256 is kept', async () => {
    const { key, id } = await createApiKey(database.knex, { owner: 'Anna' });
    expect(key).toMatch(/^rw_[A-Za-z0-9_-]{43}$/);
    const row = await database.knex('api_keys').where({ id }).first();
    expect(row.key_sha256).toBe(createHash('sha256').update(key).digest('hex'));
    expect(JSON.stringify(row)).not.toContain(key);
  });

  test('belongs to the one owner of its name, who is made once, also by many at the same time', async () => {
    const keys = await Promise.all(Array.from({ length: 5 }, () => createApiKey(database.knex, { owner: 'Crowd' })));
    expect(new Set(keys.map(({ ownerId }) => ownerId)).size).toBe(1);
    expect(new Set(keys.map(({ key }) => key)).size).toBe(5);
    const holder = await findKeyHolder(database.knex, keys[0]?.key ?? '');
    expect(holder).toEqual({ keyId: keys[0]?.id, ownerId: keys[0]?.ownerId, admin: false });
  });

  test('that is unknown, revoked or expired has no holder', async () => {
    const { knex } = database;
    expect(await findKeyHolder(knex, 'rw_unknown')).toBeUndefined();
    const { key, id } = await createApiKey(knex, { owner: 'Anna', expiresInDays: 2 });
    expect(await findKeyHolder(knex, key)).toBeDefined();
    await knex('api_keys').where({ id }).update({ expires_at: knex.fn.now() });
    expect(await findKeyHolder(knex, key)).toBeUndefined();
    const other = await createApiKey(knex, { owner: 'Anna' });
    expect(await revokeApiKey(knex, other.id)).toBe(true);
    expect(await findKeyHolder(knex, other.key)).toBeUndefined();
  });

  test('expires after as many days as were asked for, or never', async () => {
    const { expiresAt } = await createApiKey(database.knex, { owner: 'Anna', expiresInDays: 30 });
    const days = ((expiresAt?.getTime() ?? 0) - Date.now()) / 86_400_000;
    expect(days).toBeCloseTo(30, 1);
    expect((await createApiKey(database.knex, { owner: 'Anna' })).expiresAt).toBeNull();
  });

  test('notes its last use, at most once a minute', async () => {
    const { knex } = database;
    const { key, id } = await createApiKey(knex, { owner: 'Anna' });
    expect(await lastUsed(id)).toBeNull();
    await findKeyHolder(knex, key);
    const first = await lastUsed(id);
    expect(first).toBeInstanceOf(Date);
    await findKeyHolder(knex, key);
    expect(await lastUsed(id)).toEqual(first);
    await knex('api_keys')
      .where({ id })
      .update({ last_used_at: knex.raw(`now() - interval '61 seconds'`) });
    await findKeyHolder(knex, key);
    expect((await lastUsed(id))?.getTime()).toBeGreaterThanOrEqual(first?.getTime() ?? Infinity);
  });

  test('keeps the date of its first revocation, and one that is not there cannot be revoked', async () => {
    const { knex } = database;
    const { id } = await createApiKey(knex, { owner: 'Anna' });
    const revokedAt = async () => (await listApiKeys(knex, 'Anna')).find((key) => key.id === id)?.revokedAt;
    await revokeApiKey(knex, id);
    const first = await revokedAt();
    expect(first).toBeInstanceOf(Date);
    expect(await revokeApiKey(knex, id)).toBe(true);
    expect(await revokedAt()).toEqual(first);
    expect(await revokeApiKey(knex, '01890a5d-ac96-774b-bcce-b302099a8057')).toBe(false);
  });
});

describe('an admin key', () => {
  test('is one that was made as such, and no other key of its owner', async () => {
    const { knex } = database;
    const admin = await createApiKey(knex, { owner: 'Operator', admin: true });
    const plain = await createApiKey(knex, { owner: 'Operator' });
    expect((await findKeyHolder(knex, admin.key))?.admin).toBe(true);
    expect((await findKeyHolder(knex, plain.key))?.admin).toBe(false);
    expect((await listApiKeys(knex, 'Operator')).filter((key) => key.admin).map(({ id }) => id)).toEqual([admin.id]);
  });
});

describe("an owner's limits", () => {
  test('are none until they are set, each by itself, and may be taken away again', async () => {
    const { knex } = database;
    await createApiKey(knex, { owner: 'Limited' });
    const set = (change: Partial<Parameters<typeof setOwnerLimits>[2]>) =>
      setOwnerLimits(knex, 'Limited', { dailyCapUsd: undefined, openPurchases: undefined, ...change });
    expect(await set({})).toEqual({ dailyCapUsd: null, openPurchases: null });
    expect(await set({ dailyCapUsd: 12.5 })).toEqual({ dailyCapUsd: 12.5, openPurchases: null });
    expect(await set({ openPurchases: 3 })).toEqual({ dailyCapUsd: 12.5, openPurchases: 3 });
    expect(await set({ dailyCapUsd: null })).toEqual({ dailyCapUsd: null, openPurchases: 3 });
    const none = { dailyCapUsd: 1, openPurchases: 1 };
    expect(await setOwnerLimits(knex, 'Nobody', none)).toBeUndefined();
  });
});
