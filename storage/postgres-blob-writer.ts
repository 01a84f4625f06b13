import { createHash } from 'node:crypto';
import type { Pool, PoolClient } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { ATTRIBUTES, inSpan } from '../telemetry/spans.js';
import { BLOB_COLUMNS, type BlobRow, toBlobRef } from './blob-rows.js';
import { readSource } from './blob-source.js';
import type { BlobRef, PutOptions } from './blob-store.js';
import { ChunkRowEncoder, dataOfRow } from './copy-binary.js';
import { startCopy } from './copy-sender.js';
import { borrowClient, connectionError } from './pool-client.js';

/** Bytes of data in a chunk row. */
export const CHUNK_SIZE = 256 * 1024;

/** Stores the source in one pass and one transaction; see `BlobStore.put`. */
export async function putBlob(pool: Pool, source: AsyncIterable<Uint8Array>, options: PutOptions): Promise<BlobRef> {
  return await inSpan('put blob', {}, async (span) => {
    const ref = await put(pool, source, options);
    span.setAttribute(ATTRIBUTES.blobBytes, ref.size);
    return ref;
  });
}

async function put(pool: Pool, source: AsyncIterable<Uint8Array>, options: PutOptions): Promise<BlobRef> {
  options.signal?.throwIfAborted();
  const { client, lost, giveBack, discard } = await borrowClient(pool);
  try {
    const signal = options.signal === undefined ? lost : AbortSignal.any([lost, options.signal]);
    const id = uuidv7();
    await client.query('BEGIN');
    const content = await writeChunks(client, id, readSource(source, options.maxBytes ?? Infinity, signal), signal);
    const ref = await keepOne(client, { id, ...content, contentType: options.contentType });
    options.signal?.throwIfAborted();
    await client.query('COMMIT');
    giveBack();
    return ref;
  } catch (error) {
    // Ends the COPY and rolls back whatever state the connection was in.
    discard();
    throw connectionError(error, lost, 'while a blob was being stored') ?? error;
  }
}

async function writeChunks(
  client: PoolClient,
  id: string,
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<{ sha256: string; size: number }> {
  const hash = createHash('sha256');
  const encoder = new ChunkRowEncoder(id, CHUNK_SIZE);
  const sender = startCopy(client, signal);
  let size = 0;
  const write = async (row: Buffer): Promise<void> => {
    await sender.send(row);
    // Hashed after it was handed over: Postgres works on the row meanwhile.
    const data = dataOfRow(row);
    hash.update(data);
    size += data.length;
  };
  for await (const bytes of source) {
    for (const row of encoder.push(bytes)) await write(row);
  }
  for (const row of encoder.end()) await write(row);
  await sender.end();
  return { sha256: hash.digest('hex'), size };
}

/**
 * Adds the blob's row. Where another blob has the same content, that one is returned (with its own content type) and the
 * new chunks are removed; a put of the same content that is still open elsewhere is waited for.
 */
async function keepOne(client: PoolClient, blob: BlobRef): Promise<BlobRef> {
  const inserted = await client.query<BlobRow>(
    `INSERT INTO blobs (id, sha256, size, chunk_size, content_type, last_put_at)
     VALUES ($1, $2, $3, $4, $5, clock_timestamp())
     ON CONFLICT (sha256) DO UPDATE SET last_put_at = clock_timestamp()
     RETURNING ${BLOB_COLUMNS}`,
    [blob.id, blob.sha256, blob.size, CHUNK_SIZE, blob.contentType],
  );
  const row = inserted.rows[0];
  if (row === undefined) throw new Error('expected the blob row that was inserted or found, got none');
  if (row.id !== blob.id) await client.query('DELETE FROM blob_chunks WHERE blob_id = $1', [blob.id]);
  return toBlobRef(row);
}
