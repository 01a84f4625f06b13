import { createHash } from 'node:crypto';
import { Context } from '@temporalio/activity';
import type { SelfTestActivities } from '../domain/activity-contract.js';
import { videoJobId } from '../domain/contract.js';
import { isReelwrightError, ReelwrightError } from '../domain/errors.js';
import { jobProgress } from '../domain/states.js';
import { listClips } from '../storage/clips-repository.js';
import { requestCancel } from '../storage/job-actions.js';
import { type JobRecord, markRunStarted } from '../storage/jobs-repository.js';
import { listPurchases } from '../storage/ledger.js';
import { findPause } from '../storage/purchasing.js';
import { placeSelfTestOrder, SELF_TEST_SECONDS } from '../storage/self-test.js';
import type { ReconcileDeps } from './reconcile-deps.js';
import { requireJob } from './required-rows.js';

/** What a clip's length may differ by; see the check of fetched clips. */
const TOLERANCE_SECONDS = 0.5;

type Deps = Pick<ReconcileDeps, 'knex' | 'blobs' | 'startRun' | 'workflows' | 'settings' | 'logger'>;

export function createSelfTestActivities(deps: Deps): SelfTestActivities {
  const { knex, workflows, settings, logger } = deps;
  return {
    async placeSelfTest() {
      // Also here, and not only where the schedule is made: somebody may start the workflow by hand.
      if (settings.selfTest === null) throw new ReelwrightError('SELF_TEST_FAILED', NOT_ALLOWED);
      const jobId = await placeSelfTestOrder(knex, runOfWorkflow());
      await deps.startRun({ jobId, runNumber: 1 });
      await markRunStarted(knex, jobId, 1);
      return { jobId, ...settings.selfTest };
    },

    async readSelfTest({ jobId }) {
      const job = await requireJob(knex, jobId);
      const clips = await listClips(knex, [jobId]);
      const { message } = jobProgress(
        job.status,
        clips.map(({ status }) => status),
        job.cutFraction,
      );
      return { status: job.status, message };
    },

    async checkSelfTest({ jobId }) {
      const job = await requireJob(knex, jobId);
      if (job.status !== 'completed') throw failed(job, `its order is ${job.status}${because(job)}`);
      const video = await readVideo(deps, job);
      const problems = [...video.problems, ...(await ledgerProblems(deps, job))];
      if (problems.length > 0) throw failed(job, problems.join('; '));
      return { jobId, videoBytes: video.bytes, costUsd: job.actualCostUsd };
    },

    async giveUpSelfTest({ jobId, afterMs }) {
      const job = await requireJob(knex, jobId);
      const pause = await findPause(knex);
      const clips = await listClips(knex, [jobId]);
      try {
        await knex.transaction((trx) => requestCancel(trx, job.ownerId, jobId));
        await workflows.cancel(videoJobId(jobId));
      } catch (error) {
        if (!isReelwrightError(error, 'WRONG_STATE')) throw error;
        logger.info({ jobId }, 'the order of the self-test ended while it was given up');
      }
      const reasons = [
        ...(pause === undefined ? [] : [`purchasing is paused: ${pause.code}, ${pause.reason}`]),
        ...clips.flatMap(({ number, status, error }) =>
          status === 'stored' ? [] : [`clip ${number} is ${status}${error === null ? '' : `: ${error.message}`}`],
        ),
      ];
      const seconds = Math.round(afterMs / 1_000);
      throw failed(job, `its order is ${job.status} after ${seconds} s (${reasons.join('; ')}), and was cancelled`);
    },
  };
}

const NOT_ALLOWED =
  'the self-test may not place an order here: REPLICATE_BASE_URL is not on this machine, so it may cost money; ' +
  'set SELF_TEST=on for the workers where that is meant';

/** The workflow's run for which this activity is called; each places one order. */
function runOfWorkflow(): string {
  const { workflowExecution } = Context.current().info;
  if (workflowExecution === undefined) throw new Error('the self-test is an activity of a workflow');
  return workflowExecution.runId;
}

async function readVideo({ blobs }: Deps, job: JobRecord): Promise<{ bytes: number; problems: string[] }> {
  if (job.videoBlobId === null) return { bytes: 0, problems: ['it has no video'] };
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of blobs.open(job.videoBlobId) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  const seconds = job.durationSeconds ?? 0;
  return {
    bytes,
    problems: [
      ...(bytes === job.sizeBytes ? [] : [`its video should have ${job.sizeBytes} bytes and has ${bytes}`]),
      ...(hash.digest('hex') === job.videoSha256 ? [] : ['the bytes of its video are not those that were stored']),
      ...(Math.abs(seconds - SELF_TEST_SECONDS) <= TOLERANCE_SECONDS
        ? []
        : [`its video should last ${SELF_TEST_SECONDS} s and lasts ${seconds} s`]),
    ],
  };
}

async function ledgerProblems({ knex }: Deps, job: JobRecord): Promise<string[]> {
  const purchases = await listPurchases(knex, job.id);
  const lost = purchases.filter(({ state }) => state !== 'stored');
  return [
    ...(purchases.length === 0 ? ['the ledger knows no purchase of it'] : []),
    ...lost.map(({ subject, attempt, state }) => `attempt ${attempt} of ${subject} is ${state} in the ledger`),
    ...(job.actualCostUsd === job.estimatedCostUsd
      ? []
      : [`it should cost $${job.estimatedCostUsd} and cost $${job.actualCostUsd} by the ledger`]),
  ];
}

const because = ({ error }: JobRecord): string => (error === null ? '' : `: ${error.code}, ${error.message}`);

/** What an operator reads in the Web UI. */
const failed = ({ id }: JobRecord, what: string): ReelwrightError =>
  new ReelwrightError(
    'SELF_TEST_FAILED',
    `customers' orders are likely to fare the same: ${what}. Look at the workflow ${videoJobId(id)}; what to do is in ` +
      'docs/operations.md, "The self-test failed"',
  );
