/** Finished renders by content hash. Each appears under its name only when it is whole. */
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { copyFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Moves a file, also to another file system; there it is copied beside its place first, so it appears at once. */
async function moveInto(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    const beside = `${to}.${randomUUID()}.unfinished`;
    try {
      await copyFile(from, beside);
      await rename(beside, to);
    } finally {
      await rm(beside, { force: true });
    }
  }
}

/** The name of a render: a hash of everything that its bytes depend on. */
export function renderKey(parts: Record<string, unknown>): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export class RenderCache {
  readonly #folder: string;
  readonly #workFolder: string;
  readonly #making = new Map<string, Promise<unknown>>();

  /** `workFolder` belongs to this process alone and is emptied: what is in it was left by a killed one. */
  constructor(folder: string, workFolder: string) {
    this.#folder = folder;
    this.#workFolder = workFolder;
    rmSync(workFolder, { recursive: true, force: true });
    mkdirSync(workFolder, { recursive: true });
    mkdirSync(folder, { recursive: true });
  }

  /**
   * The path of the render of that name, made by `make` where it is not there yet. `make` gets a folder of its own that
   * is removed afterwards and returns the file in it. Renders of one name are made once, even when asked for together.
   */
  async obtain(name: string, signal: AbortSignal, make: (folder: string) => Promise<string>): Promise<string> {
    const path = join(this.#folder, name);
    for (;;) {
      signal.throwIfAborted();
      if (existsSync(path)) return path;
      const other = this.#making.get(name);
      if (other === undefined) break;
      // Its maker may be canceled; then the next one in this loop makes it.
      await Promise.allSettled([other]);
    }
    const made = this.#make(path, make);
    this.#making.set(name, made);
    try {
      await made;
    } finally {
      this.#making.delete(name);
    }
    return path;
  }

  async #make(path: string, make: (folder: string) => Promise<string>): Promise<void> {
    const folder = join(this.#workFolder, randomUUID());
    mkdirSync(folder, { recursive: true });
    try {
      await moveInto(await make(folder), path);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
}
