/** The commands of `npm run deploy`, each read from its arguments. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, Connection } from '@temporalio/client';
import { ReelwrightError } from '../domain/errors.js';
import { endRamp, promote, ramp } from '../worker/deployment.js';
import { type MoveOptions, moveAllOf, moveJob } from '../worker/deployment-moves.js';
import { type DeployedBuild, deployedBuilds, openByType } from '../worker/deployment-status.js';
import { printTable, readOptions, UsageError } from './command-line.js';

const DEFAULT_TIMEOUT_SECONDS = 60;
const LOOK_EVERY_MS = 1_000;

export interface DeployContext {
  connection: Connection;
  client: Client;
  namespace: string;
  /** The build that this command is part of, and where its workflow bundle lies if not where the build puts it. */
  ownBuildId: string;
  bundlePath: string | undefined;
}

export type DeployCommand = (context: DeployContext) => Promise<void>;

/** Throws UsageError, as all of these do. */
export function parsePromote(args: readonly string[]): DeployCommand {
  const options = readOptions(args, ['build-id', 'timeout-seconds', 'percent']);
  const timeoutMs = wholeNumber('timeout-seconds', options['timeout-seconds'], DEFAULT_TIMEOUT_SECONDS) * 1_000;
  const given = buildOf('build-id', options['build-id']);
  const percentage = options.percent === undefined ? undefined : wholeNumber('percent', options.percent, 0);
  if (percentage !== undefined && percentage > 99) throw new UsageError('--percent: expected 0 to 99');
  return async ({ connection, namespace, ownBuildId }) => {
    const buildId = given ?? ownBuildId;
    if (percentage === undefined) {
      await promote(connection, { namespace, buildId, timeoutMs });
      console.error('deploy: new jobs go to this build:');
      console.log(buildId);
    } else if (percentage > 0) {
      await ramp(connection, { namespace, buildId, timeoutMs, percentage });
      console.error(`deploy: ${percentage} of 100 new jobs go to this build:`);
      console.log(buildId);
    } else {
      await endRamp(connection, namespace);
      console.error('deploy: all new jobs go to the current build');
    }
  };
}

export function parseStatus(args: readonly string[]): DeployCommand {
  readOptions(args, []);
  return async ({ client, namespace, ownBuildId }) => {
    const { current, ramping, builds } = await deployedBuilds(client, namespace);
    console.log(`current: ${current ?? 'none: jobs wait until a build is promoted'}`);
    if (ramping !== undefined) console.log(`ramping: ${ramping.buildId}, ${ramping.percentage} of 100 new jobs`);
    console.log(`this build: ${ownBuildId}`);
    const rows = builds.map((build) => [
      build.buildId,
      build.status,
      time(build.createdAt),
      time(build.currentSince),
      time(build.drainageSince),
      time(build.drainageCheckedAt),
      String(build.open),
      build.isFree ? 'yes' : 'no',
    ]);
    const dates = ['CREATED', 'CURRENT SINCE', 'DRAINAGE SINCE', 'DRAINAGE CHECKED'];
    printTable([['BUILD', 'STATUS', ...dates, 'OPEN', 'MAY STOP'], ...rows]);
  };
}

export function parseDrainStatus(args: readonly string[]): DeployCommand {
  const options = readOptions(args, ['build-id', 'wait-seconds']);
  const buildId = buildOf('build-id', options['build-id']);
  if (buildId === undefined) throw new UsageError('--build-id: expected the build whose workers are to be stopped');
  const waitMs = wholeNumber('wait-seconds', options['wait-seconds'], 0) * 1_000;
  return async ({ client, namespace }) => {
    for (const end = performance.now() + waitMs; ; await sleep(LOOK_EVERY_MS)) {
      const { builds } = await deployedBuilds(client, namespace);
      const build = builds.find((one) => one.buildId === buildId);
      if (build === undefined) throw new ReelwrightError('NOT_FOUND', `the deployment has no build ${buildId}`);
      if (build.isFree) {
        console.log(`build ${buildId} is ${build.status}: its workers may be stopped`);
        return;
      }
      if (performance.now() >= end) throw new ReelwrightError('NOT_READY', await whyNotFree(client, build));
    }
  };
}

async function whyNotFree(client: Client, { buildId, status, open }: DeployedBuild): Promise<string> {
  const what =
    open > 0
      ? `open on it: ${await openByType(client, buildId)}`
      : status === 'draining'
        ? 'nothing is open on it, and the server has not looked yet, which it does every few minutes'
        : 'new jobs go to it';
  return `build ${buildId} is ${status}: its workers are needed; ${what}`;
}

export function parseMove(args: readonly string[]): DeployCommand {
  const options = readOptions(args, ['to', 'job', 'all-of'], ['unchecked']);
  const given = buildOf('to', options.to);
  const { job } = options;
  const from = buildOf('all-of', options['all-of']);
  if ((job === undefined) === (from === undefined)) throw new UsageError('expected either --job or --all-of');
  return async ({ client, namespace, ownBuildId, bundlePath }) => {
    const buildId = given ?? ownBuildId;
    if (from === buildId) throw new UsageError(`--all-of: expected another build than ${buildId}, which takes them`);
    if (options.unchecked !== true && buildId !== ownBuildId) {
      throw new UsageError(
        `--to: this is build ${ownBuildId}, and only its own code can be checked; use the command of ${buildId}, or --unchecked`,
      );
    }
    await requireBuild(client, namespace, buildId);
    const check = options.unchecked === true ? undefined : await replayCheck(client, bundlePath);
    const move: MoveOptions = { namespace, buildId, ...(check === undefined ? {} : { check }) };
    const moved = job === undefined ? await moveAllOf(client, from as string, move) : await moveJob(client, job, move);
    console.error(`deploy: ${moved.length} workflows were moved to build ${buildId}`);
    for (const workflowId of moved) console.log(workflowId);
  };
}

/** A build that no worker ever had would keep what is moved to it for ever. */
async function requireBuild(client: Client, namespace: string, buildId: string): Promise<void> {
  const { builds } = await deployedBuilds(client, namespace);
  if (builds.some((build) => build.buildId === buildId)) return;
  throw new ReelwrightError('NOT_FOUND', `the deployment has no build ${buildId}: start its workers first`);
}

/** The worker package is heavy, and no other command wants it. */
async function replayCheck(client: Client, bundlePath: string | undefined): Promise<MoveOptions['check']> {
  const { requireReplay } = await import('../worker/replay-check.js');
  const { findWorkflowBundle } = await import('../worker/workflow-bundle.js');
  const bundle = await findWorkflowBundle(bundlePath);
  return (run) => requireReplay(client, bundle, run);
}

function wholeNumber(name: string, value: string | undefined, absent: number): number {
  if (value === undefined) return absent;
  if (!/^\d{1,6}$/.test(value)) throw new UsageError(`--${name}: expected a whole number, got ${value}`);
  return Number(value);
}

/** Build ids go into the server's list filters. */
function buildOf(option: string, value: string | undefined): string | undefined {
  if (value === undefined || /^[\w.-]{1,255}$/.test(value)) return value;
  throw new UsageError(`--${option}: expected the id of a build, got ${value === '' ? 'nothing' : value}`);
}

function time(at: Date | undefined): string {
  return at?.toISOString() ?? '-';
}
