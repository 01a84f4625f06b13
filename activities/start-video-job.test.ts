import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { jobStart } from '../test/support/job-start.js';
import { startVideoJob, type VideoJobStart } from './start-video-job.js';

let connection: Connection;
let client: Client;
beforeAll(async () => {
  const { address, namespace } = inject('temporal');
  connection = await Connection.connect({ address });
  client = new Client({ connection, namespace });
});
afterAll(() => connection.close());

/** Nobody polls it: what is started stays where its start put it. */
const taskQueue = `test-${randomUUID()}`;

const job = (fields: Partial<VideoJobStart> = {}): VideoJobStart =>
  jobStart({ campaignId: randomUUID(), models: ['veo-3.1-fast', 'hailuo-02'], clipCount: 3, ...fields });

const handleOf = ({ jobId }: VideoJobStart) => client.workflow.getHandle(`video-job-${jobId}`);

describe('the start of a job', () => {
  test('tells Temporal its id, input, owner, campaign, stage, models and a sentence for people', async () => {
    const started = job();
    await startVideoJob(client, started, { taskQueue });
    const description = await handleOf(started).describe();
    expect(description).toMatchObject({ type: 'videoJob', taskQueue, status: { name: 'RUNNING' } });
    expect(description.priority?.fairnessKey).toBe(started.ownerId);
    expect(await description.staticSummary()).toBe('Villa Azul: 3 clips, veo-3.1-fast + hailuo-02 1080p');
    const attributes = Object.fromEntries(
      description.typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]),
    );
    expect(attributes).toEqual({
      ReelOwner: started.ownerId,
      ReelCampaign: started.campaignId,
      ReelStage: 'queued',
      ReelModel: ['veo-3.1-fast', 'hailuo-02'],
      ReelProvider: ['replicate'],
      ReelNeedsAttention: false,
    });
    const { events } = await handleOf(started).fetchHistory();
    const payload = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0]?.data;
    expect(JSON.parse(Buffer.from(payload ?? []).toString())).toEqual({ jobId: started.jobId, runNumber: 1 });
  });

  test('of a job that runs, or has run, changes nothing', async () => {
    const started = job({ campaignId: null });
    await startVideoJob(client, started, { taskQueue });
    const first = await handleOf(started).describe();
    await startVideoJob(client, started, { taskQueue });
    await handleOf(started).terminate();
    await startVideoJob(client, started, { taskQueue });
    const last = await handleOf(started).describe();
    expect([last.runId, last.status.name]).toEqual([first.runId, 'TERMINATED']);
  });

  test.each([
    ['200 quotes', '"'.repeat(200)],
    ['200 characters of 4 bytes', '😀'.repeat(100)],
    ['200 characters of 3 bytes', '荘'.repeat(200)],
    ['lines', `a\n\nb${' '.repeat(100)}c`],
  ])('is taken with a name of %s and all models', async (_what, name) => {
    const models: VideoJobStart['models'] = [
      'veo-3',
      'veo-3-fast',
      'veo-3.1',
      'veo-3.1-fast',
      'hailuo-02',
      'hailuo-2.3',
    ];
    const started = job({ name, models, clipCount: 100 });
    await startVideoJob(client, started, { taskQueue });
    const summary = await (await handleOf(started).describe()).staticSummary();
    expect(summary).toMatch(/: 100 clips, veo-3 \+ .* 1080p$/);
    expect(Buffer.byteLength(JSON.stringify(summary))).toBeLessThanOrEqual(400);
    expect(summary).not.toMatch(/\n|\p{Surrogate}/u);
  });
});
