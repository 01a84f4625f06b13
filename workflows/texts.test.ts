/** What an operator reads in the Web UI, asked of the server as the Web UI asks it. */
import type { WorkflowHandle } from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';
import { describe, expect, it, vi } from 'vitest';
import { startVideoJob } from '../activities/start-video-job.js';
import { type ClipDecided, type ClipDecision, type FailureInfo, UPDATES, videoJobId } from '../domain/contract.js';
import { REMEDIES } from '../domain/remedies.js';
import { type FakeWorldOptions, fakeWorld } from '../test/support/fake-world.js';
import { jobStart } from '../test/support/job-start.js';
import { withWorkflowRig } from '../test/support/shared-workflow-rig.js';
import type { WorkflowRig } from '../test/support/workflow-rig.js';

const HOUR_MS = 3_600_000;
const LIMIT = { timeout: 20_000, interval: 30 };
const QUICK = { polling: { firstMs: 20, maxMs: 50, factor: 1.5 }, statusOf: () => 'succeeded' as const };

const waiting: NonNullable<FakeWorldOptions['onFailure']> = (_number, _failure, error: FailureInfo) => ({
  status: 'needs_attention',
  error,
  patienceMs: HOUR_MS,
});

interface Metadata {
  currentDetails?: string;
  definition?: { queryDefinitions?: { name?: string; description?: string }[] };
}

const metadata = (handle: WorkflowHandle): Promise<Metadata> => handle.query<Metadata>('__temporal_workflow_metadata');
const details = async (handle: WorkflowHandle): Promise<string> => (await metadata(handle)).currentDetails ?? '';

/** Starts the job as the api does. */
async function start({ client, taskQueue, jobId }: WorkflowRig): Promise<WorkflowHandle> {
  const job = jobStart({ jobId, campaignId: 'a-campaign', clipCount: 2, models: ['veo-3.1'], budgetUsd: 9 });
  await startVideoJob(client, { ...job, ownerId: 'an-owner' }, { taskQueue });
  return client.workflow.getHandle(videoJobId(jobId));
}

interface Told {
  name: string;
  summary: string | undefined;
}

/** The sentence beside each activity and each timer of a history. */
async function sentencesOf(handle: WorkflowHandle): Promise<Told[]> {
  const { events } = await handle.fetchHistory();
  return (events ?? []).flatMap((event) => {
    const name = event.activityTaskScheduledEventAttributes?.activityType?.name;
    if (name == null && event.timerStartedEventAttributes == null) return [];
    const data = event.userMetadata?.summary?.data;
    const summary = data == null ? undefined : (JSON.parse(Buffer.from(data).toString()) as string);
    return [{ name: name ?? 'timer', summary }];
  });
}

describe('a job and its clips in the Web UI', () => {
  it('say at every moment what is done, what is awaited and what it has cost', async () => {
    const world = fakeWorld({ clips: 2, told: true, failing: [1], failTimes: 1, onFailure: waiting, ...QUICK });
    await withWorkflowRig(world.activities, async (rig) => {
      const job = await start(rig);
      const clip = rig.generation(1);
      await vi.waitFor(async () => expect(await details(job)).toContain('**Clip 1 waits for a decision**'), LIMIT);
      await vi.waitFor(async () => expect(await job.query('status')).toContain('1 of 2 clips stored'), LIMIT);
      expect(await details(job)).toContain('Spent so far: &#36;1.60 of a budget of &#36;9.');
      expect(await job.query('status')).toBe(
        'Villa Azul: it waits for a person; 1 of 2 clips stored; ' +
          'clip 1 waits for a decision (PROVIDER_REFUSED_CONTENT); $1.60 spent so far.',
      );
      expect(await details(clip)).toContain('### Clip 1 of 2 waits for a decision');
      expect(await details(clip)).toContain('attempt 1, prediction `prediction-1`');
      expect(await clip.query('status')).toContain('PROVIDER_REFUSED_CONTENT: E005 flagged as sensitive');

      const decision: ClipDecision = { decision: 'retry', prompt: 'a secret garden' };
      await clip.executeUpdate<ClipDecided, [ClipDecision]>(UPDATES.decideClip, { args: [decision] });
      await job.result();
      expect(await job.query('status')).toContain('2 of 2 clips stored; $3.20 spent');
      expect(await details(job)).toContain('[The video](http://api/api/v3/videos/');
      expect(await details(clip)).toContain('attempt 2');
      for (const handle of [job, clip]) {
        expect(await details(handle)).not.toContain('waits for a decision');
        expect(await details(handle)).not.toContain('a secret garden');
      }
    });
  });

  it('describe their query, and have a sentence beside each activity and timer', async () => {
    const world = fakeWorld({ clips: 2, told: true, failing: [1], failTimes: 1, onFailure: waiting, ...QUICK });
    await withWorkflowRig(world.activities, async (rig) => {
      const job = await start(rig);
      const clip = rig.generation(1);
      await vi.waitFor(async () => expect(await details(clip)).toContain('waits for a decision'), LIMIT);
      await clip.executeUpdate<ClipDecided, [ClipDecision]>(UPDATES.decideClip, { args: [{ decision: 'retry' }] });
      await job.result();
      const queries = (await metadata(clip)).definition?.queryDefinitions ?? [];
      expect(queries.find(({ name }) => name === 'status')?.description).toMatch(/in a sentence/);
      const told = [...(await sentencesOf(job)), ...(await sentencesOf(clip))];
      expect(told.filter(({ summary }) => summary === undefined)).toEqual([]);
      const summaries = told.map(({ summary }) => summary);
      for (const expected of [
        'buy clip 1 of 2, attempt 1',
        'buy clip 1 of 2, attempt 2',
        'wait for the webhook of prediction-1, next look in 0 s',
        'wait for a decision about clip 1, skip it after 1 hour',
        'carry out the decision about clip 1: retry',
        'cut 2 clips into the video',
      ])
        expect(summaries).toContain(expected);
    });
  });

  it('are found by owner, campaign, stage, provider, model and need, the clips like their job', async () => {
    const world = fakeWorld({ clips: 2, told: true, failing: [1], onFailure: waiting, ...QUICK });
    await withWorkflowRig(world.activities, async (rig) => {
      const job = await start(rig);
      const attributes = async (handle: WorkflowHandle): Promise<object> => {
        const { typedSearchAttributes } = await handle.describe();
        expect(typedSearchAttributes).toBeInstanceOf(TypedSearchAttributes);
        return Object.fromEntries(typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]));
      };
      const both = {
        ReelOwner: 'an-owner',
        ReelCampaign: 'a-campaign',
        ReelProvider: ['replicate'],
        ReelModel: ['veo-3.1'],
      };
      await vi.waitFor(async () => {
        const needy = { ReelStage: 'needs_attention', ReelNeedsAttention: true };
        expect(await attributes(job)).toMatchObject({ ...both, ...needy });
        expect(await attributes(rig.generation(1))).toMatchObject({ ...both, ...needy });
      }, LIMIT);
      expect(await attributes(rig.generation(2))).toMatchObject({
        ...both,
        ReelStage: 'generating',
        ReelNeedsAttention: false,
      });
      const [described, clip] = [await job.describe(), await rig.generation(2).describe()];
      expect(await described.staticSummary()).toBe('Villa Azul: 2 clips, veo-3.1 1080p, budget $9');
      expect(await described.staticDetails()).toContain('Where a clip cannot be had, it waits for a decision.');
      expect(await clip.staticSummary()).toBe('clip 2 of 2 of Villa Azul: veo-3.1, 8 s');
      expect(await clip.staticDetails()).toContain('Clip 2 of 2 of [Villa Azul](');
      await job.cancel();
      await job.result().catch(() => undefined);
    });
  });
});

describe('a workflow that fails', () => {
  it('says in its failure what an operator should do, over what happened', async () => {
    const world = fakeWorld({ clips: 1, told: true, failing: [1], ...QUICK });
    await withWorkflowRig(world.activities, async (rig) => {
      const job = await start(rig);
      await expect(job.result()).rejects.toMatchObject({
        cause: {
          type: 'PROVIDER_REFUSED_CONTENT',
          message: `PROVIDER_REFUSED_CONTENT: clip 1: E005 flagged as sensitive. What to do: ${REMEDIES.PROVIDER_REFUSED_CONTENT}`,
          cause: { type: 'PROVIDER_REFUSED_CONTENT', message: 'clip 1: E005 flagged as sensitive' },
        },
      });
      expect(await details(job)).toContain(`{"action":"retry","jobId":"${rig.jobId}"}`);
    });
  });

  it('and was cancelled says nothing of the kind', async () => {
    const world = fakeWorld({ clips: 1, told: true });
    await withWorkflowRig(world.activities, async (rig) => {
      const job = await start(rig);
      await vi.waitFor(() => expect(world.calls).toContain('buy 1'), LIMIT);
      await job.cancel();
      await expect(job.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
      expect(await job.query('status')).toContain('it was cancelled');
    });
  });
});

describe('an operation', () => {
  it('that cannot be one fails at once, naming the field', async () => {
    const world = fakeWorld({ clips: 1 });
    await withWorkflowRig(world.activities, async ({ client, taskQueue, jobId }) => {
      const options = { workflowId: `operate-${jobId}`, taskQueue, args: [{ action: 'retry' }] };
      await expect(client.workflow.execute('operate', options)).rejects.toMatchObject({
        cause: { type: 'VALIDATION_FAILED', message: expect.stringContaining('jobId: expected') as string },
      });
      expect(world.calls).toEqual([]);
    });
  });

  it('gives what was done as its result', async () => {
    const world = fakeWorld({ clips: 1 });
    await withWorkflowRig(world.activities, async ({ client, taskQueue, jobId }) => {
      const options = { workflowId: `operate-${jobId}`, taskQueue, args: [{ action: 'resume-purchasing' }] };
      expect(await client.workflow.execute('operate', options)).toEqual({ done: 'resume-purchasing is done' });
      const handle = client.workflow.getHandle(`operate-${jobId}`);
      expect(await details(handle)).toBe('**resume-purchasing is done**');
    });
  });
});
