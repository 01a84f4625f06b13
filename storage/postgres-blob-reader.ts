import { Readable } from 'node:stream';
import type { Pool } from 'pg';
import { type CopyToStreamQuery, to as copyTo } from 'pg-copy-streams';
import { rangeWithin, unknownBlob } from './blob-range.js';
import { type BlobRow, findBlob } from './blob-rows.js';
import type { ByteRange } from './blob-store.js';
import { BytesDecoder } from './copy-binary.js';
import { type BorrowedClient, borrowClient, connectionError } from './pool-client.js';

/** Bytes that may wait in each of the two streams between the socket and the reader. */
const QUEUED_BYTES = 128 * 1024;

/** The bytes of a blob; see `BlobStore.open`. A connection is held from the first read to the end of the stream. */
export function readBlob(pool: Pool, id: string, range?: ByteRange): Readable {
  return new BlobReadable(pool, id, range);
}

class BlobReadable extends Readable {
  readonly #pool: Pool;
  readonly #id: string;
  readonly #range: ByteRange | undefined;
  #borrowed: BorrowedClient | undefined;
  #copy: CopyToStreamQuery | undefined;
  #started = false;

  constructor(pool: Pool, id: string, range: ByteRange | undefined) {
    super({ highWaterMark: QUEUED_BYTES });
    this.#pool = pool;
    this.#id = id;
    this.#range = range;
  }

  override _read(): void {
    if (this.#started) {
      this.#copy?.resume();
      return;
    }
    this.#started = true;
    this.#start().catch((error: unknown) => this.#fail(error));
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    // Closed and not given back: after an abandoned COPY the next query on it would never be answered.
    this.#copy?.destroy();
    this.#borrowed?.discard();
    callback(error);
  }

  async #start(): Promise<void> {
    const borrowed = await borrowClient(this.#pool);
    if (this.destroyed) return borrowed.giveBack();
    this.#borrowed = borrowed;
    const blob = await findBlob(borrowed.client, this.#id);
    if (this.destroyed) return;
    if (blob === undefined) throw unknownBlob(this.#id);
    const range = rangeWithin(blob.size, this.#range);
    if (range === undefined) return this.#finish();
    this.#forward(blob, range, borrowed);
  }

  #forward(blob: BlobRow, range: ByteRange, borrowed: BorrowedClient): void {
    const decoder = new BytesDecoder();
    const expected = range.end - range.start + 1;
    let sent = 0;
    const copy = borrowed.client.query(copyTo(selectRange(blob, range), { highWaterMark: QUEUED_BYTES }));
    this.#copy = copy;
    copy.on('error', (error) => this.#fail(error));
    copy.on('data', (piece: Buffer) => {
      try {
        for (const data of decoder.push(piece)) {
          sent += data.length;
          if (!this.push(data)) copy.pause();
        }
      } catch (error) {
        this.#fail(error);
      }
    });
    copy.on('end', () => {
      if (decoder.ended && sent === expected) return this.#finish();
      this.#fail(new Error(`expected ${expected} bytes of blob ${blob.id}, got ${sent}`));
    });
  }

  #finish(): void {
    this.#borrowed?.giveBack();
    this.push(null);
  }

  #fail(error: unknown): void {
    const when = `while blob ${this.#id} was being read`;
    const lost = this.#borrowed === undefined ? undefined : connectionError(error, this.#borrowed.lost, when);
    this.destroy(lost ?? (error instanceof Error ? error : new Error(String(error))));
  }
}

/** The COPY of a range. It takes no parameters: what is put in are a UUID that Postgres returned and numbers. */
export function selectRange(blob: BlobRow, range: ByteRange): string {
  const first = Math.floor(range.start / blob.chunk_size);
  const last = Math.floor(range.end / blob.chunk_size);
  const skipped = range.start - first * blob.chunk_size;
  const kept = range.end - last * blob.chunk_size + 1;
  // Parts of a chunk are cut by Postgres, which then fetches only those from disk.
  const data =
    first === last
      ? `substring(data FROM ${skipped + 1} FOR ${kept - skipped})`
      : `CASE n WHEN ${first} THEN substring(data FROM ${skipped + 1}) WHEN ${last} THEN substring(data FROM 1 FOR ${kept}) ELSE data END`;
  return `COPY (SELECT ${data} FROM blob_chunks WHERE blob_id = '${blob.id}' AND n BETWEEN ${first} AND ${last} ORDER BY n) TO STDOUT (FORMAT binary)`;
}
