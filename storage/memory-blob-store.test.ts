import { beforeEach, describe } from 'vitest';
import type { BlobStore } from './blob-store.js';
import { describeBlobStore } from './blob-store-contract.js';
import { createMemoryBlobStore, type MemoryBlobStore } from './memory-blob-store.js';

describe('the blob store in memory', () => {
  let store: MemoryBlobStore;
  beforeEach(() => {
    store = createMemoryBlobStore();
  });
  describeBlobStore({
    store: (): BlobStore => store,
    kept: () => Promise.resolve({ blobs: store.count(), chunks: 0 }),
  });
});
