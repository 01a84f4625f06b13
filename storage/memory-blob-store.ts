import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { v7 as uuidv7 } from 'uuid';
import { rangeWithin, unknownBlob } from './blob-range.js';
import { readSource } from './blob-source.js';
import type { BlobRef, BlobStore } from './blob-store.js';

export interface MemoryBlobStore extends BlobStore {
  /** How many blobs it keeps. */
  count(): number;
}

/** Blobs in this process' memory, for tests of what uses the port. It knows no rows that refer to a blob. */
export function createMemoryBlobStore(): MemoryBlobStore {
  const blobs = new Map<string, { ref: BlobRef; content: Buffer }>();
  return {
    count: () => blobs.size,
    async put(source, { contentType, maxBytes, signal }) {
      const pieces: Buffer[] = [];
      for await (const bytes of readSource(source, maxBytes ?? Infinity, signal ?? new AbortController().signal)) {
        pieces.push(Buffer.from(bytes));
      }
      const content = Buffer.concat(pieces);
      const sha256 = createHash('sha256').update(content).digest('hex');
      for (const { ref } of blobs.values()) if (ref.sha256 === sha256) return { ...ref };
      const ref = { id: uuidv7(), sha256, size: content.length, contentType };
      blobs.set(ref.id, { ref, content });
      return { ...ref };
    },
    open(id, range) {
      return Readable.from(
        (async function* read() {
          const blob = blobs.get(id);
          if (blob === undefined) throw unknownBlob(id);
          const within = rangeWithin(blob.content.length, range);
          if (within !== undefined) yield blob.content.subarray(within.start, within.end + 1);
        })(),
        { objectMode: false },
      );
    },
    async stat(id) {
      const blob = blobs.get(id);
      return blob === undefined ? undefined : { ...blob.ref };
    },
    async delete(id) {
      return blobs.delete(id);
    },
  };
}
