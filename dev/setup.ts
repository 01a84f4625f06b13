/** Installs what tests and the stack need beside the npm packages: says in a line each what is there. */
import { join } from 'node:path';
import { ensureFfmpeg } from './install/ffmpeg.js';
import { NotInstalledError } from './install/not-installed.js';
import { findPostgresBinaries } from './install/postgres-binaries.js';
import { ensureTemporalCli } from './install/temporal-cli.js';
import { ensureTestPrograms } from './install/test-programs.js';

/** Set by `.ci/run`: there a program that only some tests want must not be missing in silence. */
const mustHaveAll = process.env['REELWRIGHT_CI'] === '1';
const root = join(import.meta.dirname, '..');

try {
  const { ffmpegPath } = await ensureFfmpeg(process.env);
  console.log(`ffmpeg         ${ffmpegPath}`);
  const { path, source } = await ensureTemporalCli({ root, env: process.env });
  console.log(`Temporal CLI   ${path} (${source})`);
  const { version } = await findPostgresBinaries();
  console.log(`Postgres       npm package ${version}`);
  const missing = await ensureTestPrograms(process.env);
  for (const line of missing) console.log(`${line} Tests that want it are reported as not run.`);
  if (missing.length > 0 && mustHaveAll) process.exitCode = 1;
} catch (error) {
  if (!(error instanceof NotInstalledError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
