import type { Pool } from 'pg';
import { validate as isUuid } from 'uuid';
import { ReelwrightError } from '../domain/errors.js';
import { findBlob, toBlobRef } from './blob-rows.js';
import type { BlobStore } from './blob-store.js';
import { withClient } from './pool-client.js';
import { readBlob } from './postgres-blob-reader.js';
import { putBlob } from './postgres-blob-writer.js';

const FOREIGN_KEY_VIOLATION = '23503';

/**
 * Blobs in Postgres, streamed by binary COPY. Each open put or read holds one connection of `pool`, whose size therefore
 * bounds how many run at once; further ones wait, at most the pool's connection timeout (then NOT_READY). The same bytes
 * put with another content type keep the first one. A put that fails leaves a Node stream it read from open.
 */
export function createPostgresBlobStore(pool: Pool): BlobStore {
  return {
    put: (source, options) => putBlob(pool, source, options),
    open: (id, range) => readBlob(pool, id, range),
    async stat(id) {
      const row = await withClient(pool, `while blob ${id} was looked up`, (client) => findBlob(client, id));
      return row === undefined ? undefined : toBlobRef(row);
    },
    async delete(id) {
      if (!isUuid(id)) return false;
      try {
        const deleted = await withClient(pool, `while blob ${id} was being deleted`, (client) =>
          client.query('DELETE FROM blobs WHERE id = $1', [id]),
        );
        return deleted.rowCount === 1;
      } catch (error) {
        throw stillReferredTo(id, error) ?? error;
      }
    },
  };
}

function stillReferredTo(id: string, cause: unknown): ReelwrightError | undefined {
  if (!(cause instanceof Error) || !('code' in cause) || cause.code !== FOREIGN_KEY_VIOLATION) return undefined;
  const table = 'table' in cause ? cause.table : undefined;
  return new ReelwrightError('WRONG_STATE', `blob ${id} is still referred to by a row of ${String(table)}`, { cause });
}
