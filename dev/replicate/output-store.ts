/** The files that finished predictions link to. */
import { mkdirSync, rmSync } from 'node:fs';
import { copyFile, link, rm, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { newToken } from './ids.js';
import type { OutputRecord } from './prediction-record.js';
import type { Rendered } from './renderer.js';

/** Error codes of file systems where a file cannot have a second name there. */
const NO_LINK = ['EXDEV', 'EPERM', 'ENOTSUP', 'EMLINK'];

export class OutputStore {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  /** Keeps the file under a name of its own, so that it outlives the cache it came from. */
  async own(predictionId: string, rendered: Rendered): Promise<OutputRecord> {
    const path = join(this.#folder, `${predictionId}${extname(rendered.fileName)}`);
    // A killed process may have left it without saying so.
    await rm(path, { force: true });
    try {
      await link(rendered.path, path);
    } catch (error) {
      if (!NO_LINK.includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
      await copyFile(rendered.path, path);
    }
    return { ...this.#record(rendered, (await stat(path)).size), path, owned: true };
  }

  /** Links to a file that stays where it is and that many predictions return; nothing is read or written. */
  share(rendered: Rendered, size: number): OutputRecord {
    return { ...this.#record(rendered, size), path: rendered.path, owned: false };
  }

  remove(output: OutputRecord): void {
    if (output.owned) rmSync(output.path, { force: true });
  }

  #record(rendered: Rendered, size: number): Omit<OutputRecord, 'path' | 'owned'> {
    return { token: newToken(), fileName: rendered.fileName, contentType: rendered.contentType, size };
  }
}
