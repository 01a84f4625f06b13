/** The Temporal server as production runs it, its schema tool and its Web UI: built once with Go, kept in the cache. */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '../install/cache-folder.js';
import { goBuild } from '../install/go-build.js';
import { type Progress, startProgress } from '../progress.js';

/** The tags that `tools/temporal-server/go.mod` requires; docker-compose.yml runs the images of the same. */
export const TEMPORAL_SERVER_VERSION = '1.29.1';
export const TEMPORAL_UI_VERSION = '2.42.1';

const PROGRAMS = {
  server: 'go.temporal.io/server/cmd/server',
  sqlTool: 'go.temporal.io/server/cmd/tools/sql',
  ui: 'github.com/temporalio/ui-server/v2/cmd/server',
} as const;

export type TemporalPrograms = Record<keyof typeof PROGRAMS, string>;

export interface TemporalProgramsOptions {
  /** The checkout. */
  root: string;
  env: NodeJS.ProcessEnv;
  signal?: AbortSignal | undefined;
  progress?: () => Progress;
}

/** The paths of the programs. @throws NotInstalledError without Go, or when a build fails */
export async function ensureTemporalPrograms(options: TemporalProgramsOptions): Promise<TemporalPrograms> {
  const { root, env, signal } = options;
  const name = `temporal-server-${TEMPORAL_SERVER_VERSION}-ui-${TEMPORAL_UI_VERSION}`;
  const cached = join(cacheFolder(env), `${name}-${process.platform}-${process.arch}`);
  if (!existsSync(cached)) await build(cached);
  return { server: join(cached, 'server'), sqlTool: join(cached, 'sqlTool'), ui: join(cached, 'ui') };

  async function build(target: string): Promise<void> {
    const progress = options.progress?.() ?? startProgress(`Temporal server ${TEMPORAL_SERVER_VERSION}`);
    // Two checkouts may be at it at once: each works in a folder of its own, and the first rename wins.
    const folder = join(cacheFolder(env), `temporal-${randomUUID()}.tmp`);
    await mkdir(folder, { recursive: true });
    try {
      let before = 0;
      for (const [program, path] of Object.entries(PROGRAMS)) {
        let built = 0;
        await goBuild({
          what: 'the Temporal server',
          package: path,
          moduleFolder: join(root, 'tools/temporal-server'),
          target: join(folder, program),
          env,
          onProgress: (packages, seconds) => {
            built = packages;
            const sum = before + packages;
            progress.update(`building ${program} with Go, once, minutes: ${sum} packages, ${Math.round(seconds)} s`);
          },
          signal,
        });
        before += built;
      }
      await rename(folder, target).catch((error: NodeJS.ErrnoException) => {
        if (!existsSync(target)) throw error;
      });
      progress.done('built');
    } catch (error) {
      progress.done('not available');
      throw error;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
}
