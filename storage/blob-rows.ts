import type { ClientBase } from 'pg';
import { validate as isUuid } from 'uuid';
import type { BlobRef } from './blob-store.js';

/** A row of `blobs`, as far as the store reads it. */
export interface BlobRow {
  id: string;
  sha256: string;
  size: number;
  chunk_size: number;
  content_type: string;
}

export const BLOB_COLUMNS = 'id, sha256, size, chunk_size, content_type';

/** The blob's row, or undefined when there is none, also where `id` is not a UUID and could be nobody's. */
export async function findBlob(client: ClientBase, id: string): Promise<BlobRow | undefined> {
  if (!isUuid(id)) return undefined;
  const found = await client.query<BlobRow>(`SELECT ${BLOB_COLUMNS} FROM blobs WHERE id = $1`, [id]);
  return found.rows[0];
}

export function toBlobRef(row: BlobRow): BlobRef {
  return { id: row.id, sha256: row.sha256, size: row.size, contentType: row.content_type };
}
