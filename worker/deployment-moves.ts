/** Moves open workflows, which are pinned to the build that started them, to another build of the workers. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, isGrpcServiceError, WorkflowNotFoundError } from '@temporalio/client';
import proto from '@temporalio/proto';
import { videoJobId, WORKER_DEPLOYMENT } from '../domain/contract.js';
import { ReelwrightError } from '../domain/errors.js';
import { openOn } from './deployment-status.js';

const { PINNED_OVERRIDE_BEHAVIOR_PINNED } = proto.temporal.api.workflow.v1.VersioningOverride.PinnedOverrideBehavior;
/** gRPC NOT_FOUND: closed by now. */
const NOT_FOUND = 5;
/** What was just started or moved is in the server's lists some moments later. */
const LIST_LAG_MS = 1_000;
/** How often a list may show something new before it is called endless. */
const LISTINGS = 60;

export interface OpenRun {
  workflowId: string;
  runId: string;
}

export interface MoveOptions {
  namespace: string;
  /** The build that takes them over; its workers must poll all queues. */
  buildId: string;
  /** Called before each move; what it throws keeps that workflow where it is and ends the work. */
  check?: (run: OpenRun) => Promise<void>;
}

/**
 * Moves a job and what it has under way, clips and music, and gives the ids of the workflows that were moved. The job
 * comes first: what it starts from then on goes with it. Throws NOT_FOUND where the job has no open workflow.
 */
export async function moveJob(client: Client, jobId: string, options: MoveOptions): Promise<string[]> {
  const { check = async () => undefined } = options;
  const workflowId = videoJobId(jobId);
  const before = await describe(client, workflowId);
  if (before === undefined) throw new ReelwrightError('NOT_FOUND', `expected an open workflow ${workflowId}`);
  // All of them, or none.
  for (const run of [before.run, ...before.children]) await check(run);
  const moved = (await moveRun(client, before.run, options)) ? [workflowId] : [];
  for (const child of (await describe(client, workflowId))?.children ?? []) {
    if (await moveRun(client, child, options)) moved.push(child.workflowId);
  }
  return moved;
}

/** Moves all open workflows of one build and gives their ids; `check` is asked about all of a list before any moves. */
export async function moveAllOf(client: Client, from: string, options: MoveOptions): Promise<string[]> {
  return await moveListed(client, openOn(from), options);
}

/**
 * Moves open workflows of all other builds to this one. For a stack whose workers of other builds are gone; where they
 * still run, they finish their own jobs.
 */
export async function adoptStranded(client: Client, options: MoveOptions): Promise<string[]> {
  const { buildId } = options;
  const query =
    `ExecutionStatus = 'Running' AND TemporalWorkerDeployment = '${WORKER_DEPLOYMENT}' AND ` +
    `TemporalWorkerDeploymentVersion != '${WORKER_DEPLOYMENT}:${buildId}'`;
  return await moveListed(client, query, options);
}

/** Lists again until a list has nothing new: a job may have started a clip meanwhile. */
async function moveListed(client: Client, query: string, options: MoveOptions): Promise<string[]> {
  const { check = async () => undefined } = options;
  const seen = new Set<string>();
  const moved: string[] = [];
  for (let listing = 0; listing < LISTINGS; listing += 1) {
    const runs: OpenRun[] = [];
    for await (const { workflowId, runId } of client.workflow.list({ query })) {
      if (!seen.has(runId)) runs.push({ workflowId, runId });
    }
    if (runs.length === 0) return moved;
    // Jobs before their clips, so that what they start from now on goes with them.
    runs.sort((a, b) => a.workflowId.length - b.workflowId.length);
    for (const run of runs) await check(run);
    for (const run of runs) {
      seen.add(run.runId);
      if (await moveRun(client, run, options)) moved.push(run.workflowId);
    }
    await sleep(LIST_LAG_MS);
  }
  throw new ReelwrightError('NOT_READY', `moved ${moved.length} workflows, and new ones keep coming; is it current?`);
}

/** @returns false when the run is closed by now */
async function moveRun(client: Client, run: OpenRun, { namespace, buildId }: MoveOptions): Promise<boolean> {
  try {
    await client.workflowService.updateWorkflowExecutionOptions({
      namespace,
      workflowExecution: run,
      workflowExecutionOptions: {
        versioningOverride: {
          pinned: {
            behavior: PINNED_OVERRIDE_BEHAVIOR_PINNED,
            version: { deploymentName: WORKER_DEPLOYMENT, buildId },
          },
        },
      },
      updateMask: { paths: ['versioning_override'] },
    });
    return true;
  } catch (error) {
    if (isGrpcServiceError(error) && error.code === NOT_FOUND) return false;
    throw error;
  }
}

/** The open run of a workflow and its open children; undefined where it is closed or was never started. */
async function describe(
  client: Client,
  workflowId: string,
): Promise<{ run: OpenRun; children: OpenRun[] } | undefined> {
  try {
    const { raw, runId, status } = await client.workflow.getHandle(workflowId).describe();
    if (status.name !== 'RUNNING') return undefined;
    const children = (raw.pendingChildren ?? []).flatMap(({ workflowId: id, runId: run }) =>
      id && run ? [{ workflowId: id, runId: run }] : [],
    );
    return { run: { workflowId, runId }, children };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}
