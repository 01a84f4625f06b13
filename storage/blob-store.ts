import type { Readable } from 'node:stream';

/** What is known of a stored blob. `sha256` is lower-case hex and is also its strong ETag; sizes are bytes. */
export interface BlobRef {
  id: string;
  sha256: string;
  size: number;
  contentType: string;
}

/** A byte range, both ends inclusive, as in RFC 9110. */
export interface ByteRange {
  start: number;
  end: number;
}

export interface PutOptions {
  contentType: string;
  /** The put is refused with BODY_TOO_LARGE beyond this many bytes, and nothing is kept. */
  maxBytes?: number;
  /** Aborting it rolls the put back. */
  signal?: AbortSignal;
}

/**
 * The port behind which every media byte is kept. Content-addressed: putting the same bytes twice, at once or later,
 * gives the same blob. Blobs never change. Memory used by either direction does not depend on a blob's size.
 */
export interface BlobStore {
  /** Stores all that `source` yields; keeps nothing when the source fails, ends early by abort, or is too large. */
  put(source: AsyncIterable<Uint8Array>, options: PutOptions): Promise<BlobRef>;
  /**
   * The bytes of the range (default: all), in order. The stream fails with NOT_FOUND when there is no such blob, and
   * with RangeError when the range is not within it. Destroying it early frees what it holds.
   */
  open(id: string, range?: ByteRange): Readable;
  /** The blob's facts, or undefined when there is none. */
  stat(id: string): Promise<BlobRef | undefined>;
  /** Deletes the blob and says whether there was one. Fails while a row still refers to it. */
  delete(id: string): Promise<boolean>;
}

/** A store whose bytes are given out to clients, any number of them and however slow. */
export interface ServingBlobStore extends BlobStore {
  /**
   * The bytes of the range (default: all) in order, in pieces that may be shared with other readers and must not be
   * changed. A piece holds until the next one is asked for or the reading ends; then its memory may be used again. No connection is held while
   * a reader does not ask. Throws as `open` fails.
   */
  pieces(id: string, range?: ByteRange): AsyncGenerator<Buffer, void, undefined>;
}
