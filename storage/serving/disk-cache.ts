/** Chunks of blobs on disk, in front of Postgres: bounded, by content, and worth nothing that Postgres does not have. */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { LRUCache } from 'lru-cache';
import { CachedFile } from './cached-file.js';

export interface DiskCacheOptions {
  /** Made when missing. Several processes may share it: each counts only what it has seen itself. */
  folder: string;
  /** Most bytes of chunks in it. What was not used for the longest time makes room. */
  maxBytes: number;
  /** Most files open at once. Default 128. */
  openFiles?: number;
  /** Most bytes on their way to the disk; where it is slower than the database, the rest is not kept. Default 4 MiB. */
  pendingBytes?: number;
  /** How long nothing is written after a disk that was full or failed, in milliseconds. Default 10,000. */
  restMs?: number;
  /** Told of trouble with the disk, in which the caller gets its bytes from elsewhere. */
  onTrouble?: (error: unknown) => void;
}

/** What the cache must know of a blob; the hash is its name. */
export interface CachedBlob {
  sha256: string;
  size: number;
  chunk_size: number;
}

/** A file, and how many bytes of chunks are counted for it. */
interface Entry {
  file: CachedFile;
  bytes: number;
}

const NAME = /^[0-9a-f]{64}-[0-9]+$/;
const PART = /\.part$/;

export class DiskCache {
  readonly #options: Required<DiskCacheOptions>;
  /** By name; the one that was used the longest ago first. */
  readonly #entries = new Map<string, Entry>();
  readonly #open: LRUCache<string, CachedFile>;
  readonly #writes = new Set<Promise<void>>();
  /** Names that are being taken from the disk: another file must not get one of them meanwhile. */
  readonly #leaving = new Set<string>();
  #bytes = 0;
  #pending = 0;
  #restUntil = 0;

  constructor(options: DiskCacheOptions) {
    this.#options = {
      openFiles: 128,
      pendingBytes: 4 * 1024 * 1024,
      restMs: 10_000,
      onTrouble: () => undefined,
      ...options,
    };
    this.#open = new LRUCache({
      max: this.#options.openFiles,
      dispose: (file) => this.#inBackground(file.close()),
    });
  }

  /** Of the chunks on disk. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes over what an earlier process has left complete, and removes the rest. */
  async adopt(): Promise<void> {
    const { folder } = this.#options;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const found: { name: string; size: number; usedAt: number }[] = [];
    for (const name of await readdir(folder)) {
      const path = join(folder, name);
      if (PART.test(name)) await rm(path, { force: true });
      if (!NAME.test(name)) continue;
      const { size, mtimeMs, atimeMs } = await stat(path);
      if (size === Number(name.split('-')[1])) found.push({ name, size, usedAt: Math.max(mtimeMs, atimeMs) });
      else await rm(path, { force: true });
    }
    for (const { name, size } of found.toSorted((a, b) => a.usedAt - b.usedAt)) {
      // How many chunks it has depends on their size, which the blob's row tells with the first use.
      this.#entries.set(name, { file: new CachedFile(join(folder, name), 0, undefined), bytes: size });
      this.#bytes += size;
    }
    this.#makeRoom(0, undefined);
    await this.settle();
  }

  has(blob: CachedBlob, n: number): boolean {
    const name = nameOf(blob);
    const entry = this.#entries.get(name);
    if (entry === undefined) return false;
    this.#entries.delete(name);
    this.#entries.set(name, entry);
    return entry.bytes === blob.size || entry.file.has(n);
  }

  /** Part of a chunk that is there, or undefined where it turns out not to be. Read into `into`, where that is given. */
  async read(blob: CachedBlob, n: number, from: number, length: number, into?: Buffer): Promise<Buffer | undefined> {
    const name = nameOf(blob);
    const entry = this.#entries.get(name);
    if (entry === undefined) return undefined;
    this.#open.set(name, entry.file);
    try {
      const buffer = into?.subarray(0, length) ?? Buffer.allocUnsafeSlow(length);
      const bytes = await entry.file.read(n * blob.chunk_size + from, buffer);
      if (bytes === undefined) this.#drop(name, entry);
      return bytes;
    } catch (error) {
      this.#drop(name, entry);
      // Somebody has emptied the folder: it is disposable.
      if (!isMissing(error)) this.#options.onTrouble(error);
      return undefined;
    }
  }

  /** Keeps a whole chunk, in the background, where there is room for it. */
  keep(blob: CachedBlob, n: number, chunk: Buffer): void {
    const { pendingBytes, folder } = this.#options;
    if (this.#pending + chunk.length > pendingBytes || performance.now() < this.#restUntil || this.has(blob, n)) return;
    const name = nameOf(blob);
    if (this.#leaving.has(name) || !this.#makeRoom(chunk.length, name)) return;
    let entry = this.#entries.get(name);
    if (entry === undefined) {
      const part = join(folder, `${name}.${randomUUID()}.part`);
      const chunkCount = Math.ceil(blob.size / blob.chunk_size);
      entry = { file: new CachedFile(join(folder, name), chunkCount, part), bytes: 0 };
      this.#entries.set(name, entry);
    }
    this.#open.set(name, entry.file);
    this.#inBackground(this.#write(name, entry, n, blob.chunk_size, chunk));
  }

  /** Resolves when nothing is on its way to the disk. */
  async settle(): Promise<void> {
    while (this.#writes.size > 0) await Promise.all(this.#writes);
  }

  /** Closes all files; what is complete stays for the next process. */
  async close(): Promise<void> {
    await this.settle();
    this.#open.clear();
    await this.settle();
  }

  async #write(name: string, entry: Entry, n: number, chunkSize: number, chunk: Buffer): Promise<void> {
    this.#pending += chunk.length;
    try {
      const isNew = await entry.file.write(n, n * chunkSize, chunk);
      if (!isNew || this.#entries.get(name) !== entry) return;
      entry.bytes += chunk.length;
      this.#bytes += chunk.length;
    } catch (error) {
      this.#drop(name, entry);
      this.#restUntil = performance.now() + this.#options.restMs;
      if (!isMissing(error)) this.#options.onTrouble(error);
    } finally {
      this.#pending -= chunk.length;
    }
  }

  /** Says whether there is room for so many bytes more, after others than `kept` have made it. */
  #makeRoom(bytes: number, kept: string | undefined): boolean {
    const isEnough = (): boolean => this.#bytes + this.#pending + bytes <= this.#options.maxBytes;
    for (const [name, entry] of this.#entries) {
      if (isEnough()) return true;
      if (name !== kept) this.#drop(name, entry);
    }
    return isEnough();
  }

  #drop(name: string, entry: Entry): void {
    if (this.#entries.get(name) !== entry) return;
    this.#entries.delete(name);
    this.#bytes -= entry.bytes;
    this.#leaving.add(name);
    this.#inBackground(entry.file.remove().finally(() => this.#leaving.delete(name)));
    this.#open.delete(name);
  }

  #inBackground(work: Promise<void>): void {
    const done = work
      .catch((error: unknown) => this.#options.onTrouble(error))
      .finally(() => this.#writes.delete(done));
    this.#writes.add(done);
  }
}

/** The size is part of the name, so that a file that was cut short is known for one. */
const nameOf = ({ sha256, size }: CachedBlob): string => `${sha256}-${size}`;

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT';
