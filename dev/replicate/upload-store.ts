/** Uploaded files: their bytes and their description on disk, removed after their time. */
import { createHash } from 'node:crypto';
import { createWriteStream, readdirSync, rmSync } from 'node:fs';
import { readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { newId } from './ids.js';
import { readJsonFolder, writeJsonFile } from './json-files.js';

const ARRIVING = '.arriving';
const CONTENT = '.content';

/** The account that owns every file and prediction here; part of a download link's signature. */
export const OWNER = 'local';

export interface Upload {
  id: string;
  sequence: number;
  name: string;
  contentType: string;
  size: number;
  sha256: string;
  metadata: Record<string, unknown>;
  createdAt: string;
  expiresAt: string;
}

/** Bytes that have arrived but belong to no upload yet. */
export interface ReceivedContent {
  path: string;
  size: number;
  sha256: string;
}

export class UploadStore {
  readonly #folder: string;
  readonly #ttlMs: number;
  #uploads: Upload[];

  constructor(folder: string, ttlMs: number) {
    this.#folder = folder;
    this.#ttlMs = ttlMs;
    this.#uploads = readJsonFolder<Upload>(folder).sort((a, b) => a.sequence - b.sequence);
    this.#removeLeftovers();
  }

  /** Takes in a stream of any length, and leaves nothing of one that failed. */
  async receive(content: Readable): Promise<ReceivedContent> {
    const path = join(this.#folder, `${newId()}${ARRIVING}`);
    const hash = createHash('sha256');
    let size = 0;
    try {
      await pipeline(
        content,
        async function* measure(chunks: AsyncIterable<Buffer>) {
          for await (const chunk of chunks) {
            size += chunk.length;
            hash.update(chunk);
            yield chunk;
          }
        },
        createWriteStream(path),
      );
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    }
    return { path, size, sha256: hash.digest('hex') };
  }

  async discard(content: ReceivedContent): Promise<void> {
    await rm(content.path, { force: true });
  }

  async add(content: ReceivedContent, fields: Pick<Upload, 'name' | 'contentType' | 'metadata'>): Promise<Upload> {
    const now = Date.now();
    const upload: Upload = {
      ...fields,
      id: newId(),
      sequence: (this.#uploads.at(-1)?.sequence ?? 0) + 1,
      size: content.size,
      sha256: content.sha256,
      createdAt: new Date(now).toISOString(),
      expiresAt: new Date(now + this.#ttlMs).toISOString(),
    };
    // In the list before the wait below, so that the next upload takes another place in the order.
    this.#uploads.push(upload);
    await rename(content.path, this.contentPath(upload));
    writeJsonFile(join(this.#folder, `${upload.id}.json`), upload);
    return upload;
  }

  /** Oldest first. */
  list(): Upload[] {
    return this.#uploads.filter((upload) => Date.parse(upload.expiresAt) > Date.now());
  }

  find(id: string): Upload | undefined {
    return this.list().find((upload) => upload.id === id);
  }

  /** The upload that a link of this server names, with or without `/download`. */
  findByUrl(link: string, origin: string): Upload | undefined {
    const url = new URL(link);
    const id = url.origin === origin ? /^\/v1\/files\/([^/]+)(\/download)?$/.exec(url.pathname)?.[1] : undefined;
    return id === undefined ? undefined : this.find(id);
  }

  contentPath(upload: Upload): string {
    return join(this.#folder, `${upload.id}${CONTENT}`);
  }

  readBytes(upload: Upload): Promise<Buffer> {
    return readFile(this.contentPath(upload));
  }

  remove(upload: Upload): void {
    this.#uploads = this.#uploads.filter((kept) => kept !== upload);
    // The description goes first: without it the bytes are unreachable.
    rmSync(join(this.#folder, `${upload.id}.json`), { force: true });
    rmSync(this.contentPath(upload), { force: true });
  }

  /** Removes from disk what has outlived its time. */
  removeExpired(): void {
    for (const upload of this.#uploads.filter((kept) => Date.parse(kept.expiresAt) <= Date.now())) this.remove(upload);
  }

  /** Content whose upload was never described: the process was killed while it arrived. */
  #removeLeftovers(): void {
    const known = new Set(this.#uploads.map((upload) => `${upload.id}${CONTENT}`));
    for (const name of readdirSync(this.#folder)) {
      const isContent = name.endsWith(ARRIVING) || name.endsWith(CONTENT);
      if (isContent && !known.has(name)) rmSync(join(this.#folder, name), { force: true });
    }
  }
}
