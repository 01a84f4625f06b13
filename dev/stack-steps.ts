/**
 * Steps of the start that run as short-lived processes of their own, so that what they load (the bundler, knex, the
 * Temporal client) does not stay in the supervisor's memory.
 */
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type RunResult, runProgram } from './install/run-program.js';
import { nodeArguments } from './supervisor/node-command.js';

export interface StepContext {
  /** The checkout. */
  root: string;
  env: NodeJS.ProcessEnv;
  signal: AbortSignal;
}

/** A step ended with another code than 0; the message holds its last words. */
export class StepError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'StepError';
  }
}

const KEPT_BUNDLES = 3;

/**
 * Bundles the workflows, once per build; with the interceptors of traces where the environment wants traces.
 * @returns the path of the bundle
 */
export async function bundleWorkflows(context: StepContext, folder: string, buildId: string): Promise<string> {
  const traced = (context.env['OTEL_EXPORTER_OTLP_ENDPOINT'] ?? '') !== '';
  const target = join(folder, `workflows-${buildId}${traced ? '-traced' : ''}.js`);
  if (existsSync(target)) return target;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  await runStep(context, 'The bundling of the workflows', 'worker/bundle.ts', [
    target,
    ...(traced ? ['--traced'] : []),
  ]);
  removeOldBundles(folder);
  return target;
}

/** Brings the database to this code's schema, and sees to it that the file holds an API key that it knows. */
export async function prepareDatabase(context: StepContext, keyFile: string): Promise<void> {
  await runStep(context, 'The preparation of the database', 'dev/prepare-database.ts', [keyFile]);
}

/**
 * Makes this build the current one of the worker deployment, then moves the open jobs of other builds to it.
 * @param adoptStranded false where those builds may have workers of their own
 * @param onTrouble called when the second part fails, which leaves those jobs where they are
 * @returns as soon as the first part is done; the second goes on
 */
export async function deployWorkers(
  context: StepContext,
  adoptStranded: boolean,
  onTrouble: (message: string) => void,
): Promise<void> {
  let isCurrent: () => void = () => undefined;
  const current = new Promise<void>((resolve) => {
    isCurrent = resolve;
  });
  let seen = '';
  let isDone = false;
  const args = adoptStranded ? ['--adopt-stranded'] : [];
  const program = { root: context.root, file: 'dev/deploy-workers.ts', args, env: context.env };
  const finished = runProgram(process.execPath, nodeArguments(program), {
    cwd: context.root,
    env: context.env,
    signal: context.signal,
    onOutput: (text) => {
      seen += text;
      if (/^current$/m.test(seen)) isCurrent();
    },
  }).then((result) => {
    if (result.code === 0) return;
    if (!isDone) throw failure('The deployment of the workers', result);
    onTrouble(`jobs of earlier builds could not be moved: ${result.tail.slice(-500)}`);
  });
  await Promise.race([current, finished]);
  isDone = true;
  // After this point an abort is the stop of the stack, which has nothing to report.
  finished.catch(() => undefined);
}

async function runStep(context: StepContext, what: string, file: string, args: readonly string[]): Promise<void> {
  const { root, env, signal } = context;
  const result = await runProgram(process.execPath, nodeArguments({ root, file, args, env }), {
    cwd: root,
    env,
    signal,
  });
  if (result.code !== 0) throw failure(what, result);
}

function failure(what: string, result: RunResult): StepError {
  return new StepError(`${what} failed (code ${result.code}):\n${result.tail.slice(-1_500)}`);
}

/** Workers of earlier builds may still run from theirs. */
function removeOldBundles(folder: string): void {
  const names = readdirSync(folder).filter((name) => /^workflows-.*\.js$/.test(name));
  const byAge = names.map((name) => ({ path: join(folder, name), time: statSync(join(folder, name)).mtimeMs }));
  byAge.sort((a, b) => b.time - a.time);
  for (const { path } of byAge.slice(KEPT_BUNDLES)) rmSync(path, { force: true });
}
