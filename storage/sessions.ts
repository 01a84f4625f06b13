/** Sessions: what a browser holds in the place of a key, for some days. A session has the rights of its key. */
import type { Knex } from 'knex';
import { v7 as uuidv7 } from 'uuid';
import { type KeyHolder, noteKeyUse } from './owners-repository.js';
import { inSeconds } from './signed-tokens.js';

export interface Session {
  id: string;
  /** Whole seconds. */
  expiresAt: Date;
}

/** Opens a session of this key, and forgets those of its sessions that are over. */
export async function openSession(knex: Knex, keyId: string, seconds: number): Promise<Session> {
  const session = { id: uuidv7(), expiresAt: inSeconds(seconds) };
  await knex('sessions').where({ key_id: keyId }).andWhereRaw('expires_at <= now()').delete();
  await knex('sessions').insert({ id: session.id, key_id: keyId, expires_at: session.expiresAt });
  return session;
}

/** Whose session it is, unless it is over, was ended, or its key does not hold any more. Counts as a use of the key. */
export async function findSessionHolder(knex: Knex, sessionId: string): Promise<KeyHolder | undefined> {
  const row: (KeyHolder & { usedLately: boolean }) | undefined = await knex('sessions as s')
    .join('api_keys as k', 'k.id', 's.key_id')
    .where({ 's.id': sessionId, 's.revoked_at': null, 'k.revoked_at': null })
    .andWhereRaw('s.expires_at > now() AND (k.expires_at IS NULL OR k.expires_at > now())')
    .first({
      keyId: 'k.id',
      ownerId: 'k.owner_id',
      admin: 'k.admin',
      usedLately: knex.raw(`coalesce(k.last_used_at > now() - interval '1 minute', false)`) as Knex.Raw<boolean>,
    });
  if (row === undefined) return undefined;
  if (!row.usedLately) await noteKeyUse(knex, row.keyId);
  return { keyId: row.keyId, ownerId: row.ownerId, admin: row.admin };
}

/** Ends sessions of this key, all of them or the one, and says how many were open. */
export async function endSessions(knex: Knex, keyId: string, sessionId?: string): Promise<number> {
  return await knex('sessions')
    .where({ key_id: keyId, revoked_at: null, ...(sessionId === undefined ? {} : { id: sessionId }) })
    .andWhereRaw('expires_at > now()')
    .update({ revoked_at: knex.fn.now() });
}
