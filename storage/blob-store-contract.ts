import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import type { BlobStore, ByteRange } from './blob-store.js';

const CHUNK = 256 * 1024;
const MP4 = { contentType: 'video/mp4' };

/** What the suite needs of an implementation beside the store itself. */
export interface BlobStoreUnderTest {
  store: () => BlobStore;
  /** How many blobs and, where they are apart, chunks are kept: what a failed put must not change. */
  kept: () => Promise<{ blobs: number; chunks: number }>;
  /** Whether a reader that has begun sees the blob as it was then, whatever is deleted meanwhile. Default true. */
  readsWhatIsDeleted?: boolean;
}

/** Yields the bytes in pieces, as a socket would. */
export async function* inPieces(bytes: Buffer, pieceSize = 60_000): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += pieceSize) yield bytes.subarray(start, start + pieceSize);
}

/** The contract of `BlobStore`; every implementation runs it. */
export function describeBlobStore({ store, kept, readsWhatIsDeleted = true }: BlobStoreUnderTest): void {
  const put = (bytes: Buffer) => store().put(inPieces(bytes), MP4);
  const read = (id: string, range?: ByteRange) => buffer(store().open(id, range));

  describe('put and open', () => {
    test.each([
      ['nothing', 0],
      ['one byte', 1],
      ['one byte less than a chunk', CHUNK - 1],
      ['exactly a chunk', CHUNK],
      ['one byte more than a chunk', CHUNK + 1],
      ['exactly three chunks', 3 * CHUNK],
      ['several chunks and a part', 5 * CHUNK + 4_321],
    ])('gives back %s byte for byte, with its size, hash and content type', async (_title, size) => {
      const bytes = randomBytes(size);
      const ref = await put(bytes);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      expect(ref).toEqual({ id: ref.id, sha256, size, contentType: 'video/mp4' });
      expect(await store().stat(ref.id)).toEqual(ref);
      expect((await read(ref.id)).equals(bytes)).toBe(true);
    });

    test.each([1, 7, 65_536, CHUNK, CHUNK + 1, 3 * CHUNK])('takes pieces of %i bytes', async (pieceSize) => {
      const bytes = randomBytes(pieceSize === 1 ? 5_000 : 2 * CHUNK + 999);
      const ref = await store().put(inPieces(bytes, pieceSize), MP4);
      expect((await read(ref.id)).equals(bytes)).toBe(true);
    });

    test('does not depend on the source leaving its buffers alone', async () => {
      const bytes = randomBytes(2 * CHUNK + 10);
      const reused = Buffer.alloc(1_000);
      const ref = await store().put(
        (async function* overwriting() {
          for await (const piece of inPieces(bytes, 1_000)) {
            reused.set(piece);
            yield reused.subarray(0, piece.length);
          }
        })(),
        MP4,
      );
      expect((await read(ref.id)).equals(bytes)).toBe(true);
    });

    test('takes a Node stream as its source', async () => {
      const bytes = randomBytes(CHUNK + 5);
      const ref = await store().put(Readable.from(inPieces(bytes)), MP4);
      expect((await read(ref.id)).equals(bytes)).toBe(true);
    });
  });

  describe('open with a range', () => {
    const size = 3 * CHUNK + 100;
    test.each<[string, ByteRange]>([
      ['the first byte', { start: 0, end: 0 }],
      ['the last byte', { start: size - 1, end: size - 1 }],
      ['everything', { start: 0, end: size - 1 }],
      ['all but the first and last byte', { start: 1, end: size - 2 }],
      ['the first chunk', { start: 0, end: CHUNK - 1 }],
      ['the second chunk', { start: CHUNK, end: 2 * CHUNK - 1 }],
      ['the last byte of a chunk', { start: CHUNK - 1, end: CHUNK - 1 }],
      ['the first byte of a chunk', { start: CHUNK, end: CHUNK }],
      ['both sides of a chunk edge', { start: CHUNK - 1, end: CHUNK }],
      ['the inside of a chunk', { start: CHUNK + 10, end: CHUNK + 20 }],
      ['the inside of one chunk to the inside of another', { start: 10, end: 2 * CHUNK + 9 }],
      ['the last, shorter chunk', { start: 3 * CHUNK, end: size - 1 }],
    ])('gives %s', async (_title, range) => {
      const bytes = randomBytes(size);
      const { id } = await put(bytes);
      expect((await read(id, range)).equals(bytes.subarray(range.start, range.end + 1))).toBe(true);
    });

    test.each<[number, ByteRange]>([
      [10, { start: 0, end: 10 }],
      [10, { start: 10, end: 10 }],
      [10, { start: -1, end: 5 }],
      [10, { start: 6, end: 5 }],
      [10, { start: 0.5, end: 5 }],
      [10, { start: 0, end: Number.NaN }],
      [0, { start: 0, end: 0 }],
    ])('of a blob of %i bytes fails with RangeError for %j', async (blobSize, range) => {
      const { id } = await put(randomBytes(blobSize));
      await expect(read(id, range)).rejects.toThrow(RangeError);
    });
  });

  describe('the same content', () => {
    test('put twice is one blob, which keeps its first content type', async () => {
      const bytes = randomBytes(CHUNK + 1);
      const first = await put(bytes);
      const before = await kept();
      expect(await store().put(inPieces(bytes), { contentType: 'application/octet-stream' })).toEqual(first);
      expect(await kept()).toEqual(before);
    });

    test('put twenty times at once is one blob', async () => {
      const bytes = randomBytes(2 * CHUNK + 1);
      const before = await kept();
      const refs = await Promise.all(Array.from({ length: 20 }, () => put(bytes)));
      expect(new Set(refs.map((ref) => ref.id)).size).toBe(1);
      const after = await kept();
      expect(after.blobs - before.blobs).toBe(1);
      expect((await read(refs[0]?.id ?? '')).equals(bytes)).toBe(true);
    });

    test('can be put again after it was deleted', async () => {
      const bytes = randomBytes(1_000);
      const first = await put(bytes);
      await store().delete(first.id);
      const second = await put(bytes);
      expect(second.sha256).toBe(first.sha256);
      expect((await read(second.id)).equals(bytes)).toBe(true);
    });
  });

  describe('a put that fails', () => {
    test('keeps nothing when the source fails, and says why', async () => {
      const before = await kept();
      const failing = (async function* source() {
        yield* inPieces(randomBytes(3 * CHUNK));
        throw new Error('the download broke');
      })();
      await expect(store().put(failing, MP4)).rejects.toThrow('the download broke');
      expect(await kept()).toEqual(before);
    });

    test('keeps nothing when it is aborted, also while the source is silent', async () => {
      const before = await kept();
      const abort = new AbortController();
      const source = new PassThrough();
      source.write(randomBytes(2 * CHUNK));
      const putting = store().put(source, { ...MP4, signal: abort.signal });
      const reason = new Error('the client went away');
      setImmediate(() => abort.abort(reason));
      await expect(putting).rejects.toBe(reason);
      expect(await kept()).toEqual(before);
      source.destroy();
    });

    test('does not start when it was aborted before', async () => {
      const source = inPieces(randomBytes(10));
      await expect(store().put(source, { ...MP4, signal: AbortSignal.abort() })).rejects.toThrow('aborted');
    });

    test('keeps nothing when there are more bytes than allowed', async () => {
      const before = await kept();
      const bytes = randomBytes(3 * CHUNK);
      const limit = { ...MP4, maxBytes: bytes.length - 1 };
      await expect(store().put(inPieces(bytes), limit)).rejects.toMatchObject({ code: 'BODY_TOO_LARGE' });
      expect(await kept()).toEqual(before);
      const exact = await store().put(inPieces(bytes), { ...MP4, maxBytes: bytes.length });
      expect(exact.size).toBe(bytes.length);
    });

    test('leaves a Node stream open, so that its owner can drain it and answer', async () => {
      const source = new PassThrough();
      source.write(randomBytes(1_000));
      await expect(store().put(source, { ...MP4, maxBytes: 10 })).rejects.toMatchObject({ code: 'BODY_TOO_LARGE' });
      expect(source.destroyed).toBe(false);
      source.resume();
      source.end(randomBytes(1_000));
      await once(source, 'end');
    });

    test('lets a generator clean up', async () => {
      let cleanedUp = false;
      const source = (async function* generator() {
        try {
          for (;;) yield randomBytes(1_000);
        } finally {
          cleanedUp = true;
        }
      })();
      await expect(store().put(source, { ...MP4, maxBytes: 5_000 })).rejects.toMatchObject({ code: 'BODY_TOO_LARGE' });
      await expect.poll(() => cleanedUp).toBe(true);
    });
  });

  describe('a blob that does not exist', () => {
    test.each(['018f2f6e-0000-7000-8000-000000000000', 'no-uuid', "'; DROP TABLE blobs; --"])(
      'is not found by the id %s',
      async (id) => {
        await expect(read(id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
        expect(await store().stat(id)).toBeUndefined();
        expect(await store().delete(id)).toBe(false);
      },
    );
  });

  describe('delete', () => {
    test('removes the blob and all it kept, once', async () => {
      const before = await kept();
      const { id } = await put(randomBytes(2 * CHUNK + 1));
      expect(await store().delete(id)).toBe(true);
      expect(await kept()).toEqual(before);
      expect(await store().delete(id)).toBe(false);
      expect(await store().stat(id)).toBeUndefined();
      await expect(read(id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    });

    const began = readsWhatIsDeleted ? test : () => undefined;
    began('lets a reader that had begun read to the end', async () => {
      const bytes = randomBytes(20 * CHUNK);
      const { id } = await put(bytes);
      const reader = store().open(id).iterator() as AsyncIterator<Buffer>;
      const pieces = [(await reader.next()).value as Buffer];
      await store().delete(id);
      for (let next = await reader.next(); next.done !== true; next = await reader.next()) pieces.push(next.value);
      expect(Buffer.concat(pieces).equals(bytes)).toBe(true);
    });

    test('does not touch other blobs', async () => {
      const bytes = randomBytes(CHUNK + 1);
      const other = await put(bytes);
      const { id } = await put(randomBytes(CHUNK + 1));
      await store().delete(id);
      expect((await read(other.id)).equals(bytes)).toBe(true);
    });
  });

  describe('a reader that leaves early', () => {
    test('frees what it held, so that many in a row leave the store usable', async () => {
      const bytes = randomBytes(20 * CHUNK);
      const { id } = await put(bytes);
      for (let reader = 0; reader < 5; reader += 1) {
        for await (const _piece of store().open(id)) break;
        store().open(id).destroy();
        const opening = store().open(id);
        opening.read();
        opening.destroy();
      }
      expect((await read(id)).equals(bytes)).toBe(true);
    });
  });
}
