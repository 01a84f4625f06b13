import { type FileHandle, open, rename, rm } from 'node:fs/promises';

/** The chunks of one blob that are on disk: a file with holes, under its last name once it has none. */
export class CachedFile {
  readonly #present: Uint8Array;
  readonly #lastPath: string;
  #path: string;
  #missing: number;
  #handle: Promise<FileHandle> | undefined;
  #made: boolean;
  #users = 0;
  #closing = false;
  #removed = false;

  /** @param partPath where it grows, a name that no other process uses; undefined where it is complete at `path` */
  constructor(path: string, chunkCount: number, partPath: string | undefined) {
    this.#lastPath = path;
    this.#path = partPath ?? path;
    this.#made = partPath === undefined;
    this.#present = new Uint8Array(chunkCount).fill(partPath === undefined ? 1 : 0);
    this.#missing = partPath === undefined ? 0 : chunkCount;
  }

  has(n: number): boolean {
    return this.#present[n] === 1;
  }

  /** The bytes at a place of the file, as the buffer they are read into; undefined where it has been cut short. */
  async read(position: number, buffer: Buffer): Promise<Buffer | undefined> {
    return await this.#use(async (handle) => {
      const { length } = buffer;
      const { bytesRead } = await handle.read(buffer, 0, length, position);
      return bytesRead === length ? buffer : undefined;
    });
  }

  /** Adds a chunk, and says whether it is new. With the last one the file gets its last name. */
  async write(n: number, position: number, chunk: Buffer): Promise<boolean> {
    return await this.#use(async (handle) => {
      const { bytesWritten } = await handle.write(chunk, 0, chunk.length, position);
      if (bytesWritten !== chunk.length)
        throw new Error(`expected to write ${chunk.length} bytes of a chunk, wrote ${bytesWritten}`);
      if (this.#present[n] === 1) return false;
      this.#present[n] = 1;
      this.#missing -= 1;
      if (this.#missing === 0) await this.#complete(handle);
      return true;
    });
  }

  /** Closes the file as soon as nobody uses it; the next use opens it again. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.#users === 0) await this.#closeNow();
  }

  /** Takes it from the disk. Whoever reads it at the moment reads on. */
  async remove(): Promise<void> {
    this.#removed = true;
    await rm(this.#path, { force: true });
    await this.close();
  }

  async #complete(handle: FileHandle): Promise<void> {
    // A name that says "complete" must not outlive the bytes in a crash of the machine.
    await handle.datasync();
    if (this.#removed) return;
    await rename(this.#path, this.#lastPath);
    this.#path = this.#lastPath;
  }

  async #use<T>(work: (handle: FileHandle) => Promise<T>): Promise<T> {
    this.#users += 1;
    try {
      this.#closing = this.#removed;
      this.#handle ??= open(this.#path, this.#made ? (this.#missing > 0 ? 'r+' : 'r') : 'wx+', 0o600);
      const handle = await this.#handle;
      this.#made = true;
      return await work(handle);
    } finally {
      this.#users -= 1;
      if (this.#closing && this.#users === 0) await this.#closeNow();
    }
  }

  async #closeNow(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    // One that could not be opened needs no closing; who wanted it was told.
    await (await handle?.catch(() => undefined))?.close();
    // It may have been made while it was being removed.
    if (this.#removed) await rm(this.#path, { force: true });
  }
}
