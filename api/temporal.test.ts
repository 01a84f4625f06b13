import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { jobStart } from '../test/support/job-start.js';
import { createTemporalJobStarter } from './job-starter.js';
import { lazyTemporalConnection } from './temporal-connection.js';
import { createTemporalSignaler } from './webhooks/prediction-signaler.js';

let connection: Connection;
let client: Client;
beforeAll(async () => {
  const { address, namespace } = inject('temporal');
  connection = await Connection.connect({ address });
  client = new Client({ connection, namespace });
});
afterAll(() => connection.close());

/** Nobody polls its queue: what is started stays where its start put it. */
async function startedJob(): Promise<string> {
  const job = jobStart();
  await createTemporalJobStarter(client, { taskQueue: `test-${randomUUID()}` }).start(job);
  return `video-job-${job.jobId}`;
}

/** A client of an address where nobody listens. */
async function withoutTemporal(work: (client: Client) => Promise<void>): Promise<void> {
  const nowhere = lazyTemporalConnection({ address: '127.0.0.1:1' });
  try {
    await work(new Client({ connection: nowhere }));
  } finally {
    await nowhere.close();
  }
}

describe('the starter of jobs', () => {
  test('starts the workflow of the job', async () => {
    const description = await client.workflow.getHandle(await startedJob()).describe();
    expect([description.type, description.status.name]).toEqual(['videoJob', 'RUNNING']);
  });

  test('gives up at its deadline when Temporal cannot be reached', async () => {
    await withoutTemporal(async (lost) => {
      const starter = createTemporalJobStarter(lost, { deadlineMs: 300 });
      await expect(starter.start(jobStart())).rejects.toThrow();
    });
  });
});

describe('the signal to a generation', () => {
  test('reaches a workflow that runs; one that is over or was never there is gone', async () => {
    const signal = createTemporalSignaler(client);
    const workflowId = await startedJob();
    const handle = client.workflow.getHandle(workflowId);
    expect(await signal(workflowId, { predictionId: 'p1' })).toBe('told');
    const { events } = await handle.fetchHistory();
    const signaled = events?.find((event) => event.workflowExecutionSignaledEventAttributes != null);
    expect(signaled?.workflowExecutionSignaledEventAttributes?.signalName).toBe('predictionCompleted');
    await handle.terminate();
    expect(await signal(workflowId, { predictionId: 'p1' })).toBe('gone');
    expect(await signal(`video-job-${randomUUID()}-clip-01`, { predictionId: 'p1' })).toBe('gone');
  });

  test('fails when Temporal cannot be reached', async () => {
    await withoutTemporal(async (lost) => {
      const signal = createTemporalSignaler(lost, { deadlineMs: 300 });
      await expect(signal('video-job-x', { predictionId: 'p1' })).rejects.toThrow();
    });
  });
});
