/** Finds the Temporal CLI, whose dev server the embedded stack runs, or gets it. */
import { randomUUID } from 'node:crypto';
import { access, constants, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Progress, startProgress } from '../progress.js';
import { nodeArguments } from '../supervisor/node-command.js';
import { cacheFolder } from './cache-folder.js';
import { findOnPath } from './find-on-path.js';
import { goBuild } from './go-build.js';
import { NotInstalledError } from './not-installed.js';
import { type DownloadOptions, downloadTemporalCli } from './temporal-download.js';
import { TEMPORAL_CLI_VERSION, whyTemporalCliIsUnfit } from './temporal-version.js';

const ABANDONED_AFTER_MS = 24 * 3_600_000;

export interface TemporalCliOptions {
  /** The checkout. */
  root: string;
  env: NodeJS.ProcessEnv;
  signal?: AbortSignal | undefined;
  /** What downloads into a folder; the SDK when absent. */
  downloadCommand?: (folder: string) => DownloadOptions['command'];
  downloadSilenceMs?: number;
  progress?: () => Progress;
}

export interface TemporalCli {
  path: string;
  source: 'TEMPORAL_CLI_PATH' | 'PATH' | 'cache' | 'download' | 'build';
}

/** Where a CLI that was downloaded or built is kept. Files appear there whole, by a rename. */
export function cachedTemporalCli(env: NodeJS.ProcessEnv): string {
  return join(cacheFolder(env), `temporal-${TEMPORAL_CLI_VERSION}-${process.platform}-${process.arch}`);
}

/**
 * In this order: `TEMPORAL_CLI_PATH`, `temporal` on the PATH, the cached copy, the SDK's own download, `go build`.
 * @throws NotInstalledError with all that was tried
 */
export async function ensureTemporalCli(options: TemporalCliOptions): Promise<TemporalCli> {
  const { env } = options;
  const given = env['TEMPORAL_CLI_PATH'];
  if (given !== undefined && given !== '') {
    const why = await whyTemporalCliIsUnfit(given);
    if (why !== undefined) throw new NotInstalledError(`TEMPORAL_CLI_PATH cannot be used: ${why}`);
    return { path: given, source: 'TEMPORAL_CLI_PATH' };
  }
  const tried: string[] = [];
  const onPath = await findOnPath('temporal', env['PATH']);
  if (onPath !== undefined) {
    const why = await whyTemporalCliIsUnfit(onPath);
    if (why === undefined) return { path: onPath, source: 'PATH' };
    tried.push(`PATH: ${why}`);
  }
  const cached = cachedTemporalCli(env);
  if (await isExecutable(cached)) return { path: cached, source: 'cache' };
  return getTemporalCli(options, cached, tried);
}

async function getTemporalCli(options: TemporalCliOptions, cached: string, tried: string[]): Promise<TemporalCli> {
  const progress = options.progress?.() ?? startProgress(`Temporal CLI ${TEMPORAL_CLI_VERSION}`);
  const cache = cacheFolder(options.env);
  await mkdir(cache, { recursive: true });
  await removeAbandoned(cache);
  // Two checkouts may be at it at once: each works in a folder of its own, and the last rename wins.
  const folder = join(cache, `temporal-${randomUUID()}.tmp`);
  await mkdir(folder);
  try {
    try {
      progress.update('downloading');
      const file = await downloadTemporalCli({
        folder,
        command: options.downloadCommand?.(folder) ?? sdkDownload(options.root, folder),
        loadLimitMs: 60_000,
        silenceLimitMs: options.downloadSilenceMs ?? 5_000,
        onProgress: (bytes) => progress.update(`downloading, ${Math.round(bytes / 1e6)} MB`),
        signal: options.signal,
      });
      const why = await whyTemporalCliIsUnfit(file);
      if (why !== undefined) throw new Error(why);
      await adopt(file, cached);
      progress.done('downloaded');
      return { path: cached, source: 'download' };
    } catch (error) {
      options.signal?.throwIfAborted();
      tried.push(`download: ${error instanceof Error ? error.message : String(error)}`);
    }
    const target = join(folder, 'temporal');
    progress.update('cannot be downloaded; building it with Go, once, about 3 minutes');
    await goBuild({
      what: 'the Temporal CLI',
      package: 'github.com/temporalio/cli/cmd/temporal',
      variables: { 'github.com/temporalio/cli/temporalcli.Version': TEMPORAL_CLI_VERSION },
      moduleFolder: join(options.root, 'tools/temporal'),
      target,
      env: options.env,
      onProgress: (packages, seconds) =>
        progress.update(`building with Go, once, about 3 minutes: ${packages} packages, ${Math.round(seconds)} s`),
      signal: options.signal,
    });
    await adopt(target, cached);
    progress.done('built');
    return { path: cached, source: 'build' };
  } catch (error) {
    if (!(error instanceof NotInstalledError)) throw error;
    progress.done('not available');
    const lines = [...tried, `build: ${error.message}`].map((line) => `  ${line}`);
    const advice =
      'Install Go 1.25 or later, or the Temporal CLI (https://docs.temporal.io/cli), or set TEMPORAL_CLI_PATH.';
    throw new NotInstalledError(`No Temporal CLI:\n${lines.join('\n')}\n${advice}`, error);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function sdkDownload(root: string, folder: string): DownloadOptions['command'] {
  const program = { root, file: 'dev/install/temporal-download-child.ts', args: [folder], env: {} };
  return { file: process.execPath, args: nodeArguments(program), cwd: root };
}

/** Moves a finished file into the cache: on disk first, then visible, never half there. */
async function adopt(file: string, cached: string): Promise<void> {
  const handle = await open(file, 'r');
  try {
    await handle.chmod(0o755);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(file, cached);
}

/** What a killed run left, once it is a day old and certainly nobody's work any more. */
async function removeAbandoned(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    if (!/^temporal-.*\.tmp$/.test(name)) continue;
    const path = join(cache, name);
    const stats = await stat(path).catch(() => undefined); // another checkout may have just removed it
    if (stats !== undefined && Date.now() - stats.mtimeMs > ABANDONED_AFTER_MS)
      await rm(path, { recursive: true, force: true });
  }
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).size > 0;
  } catch {
    return false;
  }
}
