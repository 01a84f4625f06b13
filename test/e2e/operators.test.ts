/** What operators and engineers do to many jobs at once, through every real part: the self-test, batches, the replay. */
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { BatchWithResultsJson } from '../../api/schemas/batches.schema.js';
import type { DemoJob } from '../../dev/demo-client.js';
import type { SelfTestPassed } from '../../domain/activity-contract.js';
import { openDatabase } from '../../storage/database.js';
import { createApiKey } from '../../storage/owners-repository.js';
import { replayAndStop } from '../support/replay-stack.js';
import { runToolProcess } from '../support/run-tool.js';
import { ended, type RunningStack, startRunningStack } from '../support/running-stack.js';

const LIMIT_MS = 300_000;

let stack: RunningStack;
let connection: Connection;
let client: Client;
let adminKey: string;
beforeAll(async () => {
  stack = await startRunningStack({ SELF_TEST: 'auto', POLL_FIRST_MS: '1000', POLL_MAX_MS: '2000' });
  const { temporalAddress, temporalNamespace, databaseUrl } = stack.state();
  connection = await Connection.connect({ address: temporalAddress });
  client = new Client({ connection, namespace: temporalNamespace });
  const database = openDatabase(databaseUrl, { applicationName: 'test', poolMax: 1 });
  ({ key: adminKey } = await createApiKey(database.knex, { owner: 'operators', admin: true }));
  await database.close();
}, LIMIT_MS);
afterAll(async () => {
  await connection?.close();
  await replayAndStop(stack);
}, LIMIT_MS);

const tool = (file: string, args: string[]) => {
  const { databaseUrl, temporalAddress, temporalNamespace } = stack.state();
  return runToolProcess(file, args, {
    DATABASE_URL: databaseUrl,
    TEMPORAL_ADDRESS: temporalAddress,
    TEMPORAL_NAMESPACE: temporalNamespace,
    WORKFLOW_BUNDLE_PATH: inject('temporal').bundlePath,
  });
};
const order = (prompt: string): Promise<DemoJob> =>
  stack.api.orderVideo({
    kind: 'clips',
    resolution: '720p',
    onClipFailure: 'fail',
    clips: [{ prompt, durationSeconds: 4 }],
  });
async function admin<Data>(path: string, body?: unknown): Promise<Data> {
  const response = await fetch(`${stack.state().apiUrl}/api/v3/admin${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { 'X-API-Key': adminKey, 'Content-Type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const { data, error } = (await response.json()) as { data: Data; error: unknown };
  if (!response.ok) throw new Error(JSON.stringify(error));
  return data;
}
async function whenOver(id: string): Promise<BatchWithResultsJson> {
  let batch = await admin<BatchWithResultsJson>(`/batches/${id}`);
  const over = async (): Promise<string> => {
    batch = await admin<BatchWithResultsJson>(`/batches/${id}`);
    return batch.status;
  };
  await expect.poll(over, { timeout: 60_000, interval: 200 }).not.toMatch(/queued|running/);
  return batch;
}

describe('the self-test', () => {
  it(
    'is on the schedule of a stack with a provider of its own, and finds it in order',
    async () => {
      const schedule = client.schedule.getHandle('reelwright-self-test');
      await schedule.trigger();
      let run: { workflowId: string } | undefined;
      await expect
        .poll(
          async () => {
            run = (await schedule.describe()).info.recentActions[0]?.action.workflow;
            return run;
          },
          { timeout: 30_000 },
        )
        .toBeDefined();
      const result = (await client.workflow.getHandle(run?.workflowId ?? '').result()) as SelfTestPassed;
      expect(result).toMatchObject({ costUsd: 0.4 });
      expect(result.videoBytes).toBeGreaterThan(10_000);
      const bought = await stack.bought('A calm sea at dusk');
      expect(bought.map(({ priceUsd }) => priceUsd)).toEqual([0.4]);
    },
    LIMIT_MS,
  );
});

describe('batches', () => {
  it(
    'retry what failed, once, by one command, and say what they did',
    async () => {
      const prompts = ['a first room', 'a second room'];
      for (const prompt of prompts) {
        await stack.arm({
          fault: 'fail',
          error: 'E005: flagged as sensitive',
          match: { promptIncludes: prompt },
          times: 1,
        });
      }
      const jobs = await Promise.all(prompts.map(order));
      for (const { id } of jobs) expect((await stack.until(id, ended, LIMIT_MS)).status).toBe('failed');
      const whole = await stack.until((await order('a third room')).id, ended, LIMIT_MS);
      expect(whole.status).toBe('completed');
      const { code, out, err } = await tool('tools/batch.ts', ['retry', '--since', '1h']);
      expect([code, err]).toEqual([0, '']);
      expect(out).toMatch(/batch \S+ is completed: 2 of 2 done, 0 skipped\n$/);
      for (const { id } of jobs) {
        const job = await stack.until(id, (one) => ended(one) && one.status !== 'failed', LIMIT_MS);
        expect(job.status).toBe('completed');
      }
      for (const prompt of prompts) expect(await stack.bought(prompt)).toHaveLength(2);
    },
    LIMIT_MS,
  );

  it(
    'cancel all open jobs of an owner, by the API',
    async () => {
      await stack.arm({ fault: 'hang', match: { promptIncludes: 'a room without end' } });
      const jobs = await Promise.all([order('a room without end; 1'), order('a room without end; 2')]);
      for (const { id } of jobs) await stack.until(id, ({ status }) => status === 'generating', LIMIT_MS);
      const owner = await ownerName();
      const { id } = await admin<{ id: string }>('/batches', { action: 'cancel', owner });
      const batch = await whenOver(id);
      expect(batch).toMatchObject({ status: 'completed', progress: { total: 2, done: 2, percent: 100 } });
      expect(batch.results.map(({ jobId }) => jobId).toSorted()).toEqual(jobs.map((job) => job.id).toSorted());
      for (const { id: jobId } of jobs) {
        expect((await stack.until(jobId, ended, LIMIT_MS)).status).toBe('cancelled');
      }
      expect((await client.workflow.getHandle(`batch-${id}`).describe()).status.name).toBe('COMPLETED');
    },
    LIMIT_MS,
  );
});

describe('the replay', () => {
  it(
    'takes a job from the stack, and all that ran today',
    async () => {
      const job = await stack.until((await order('a room to replay')).id, ended, LIMIT_MS);
      const one = await tool('tools/replay.ts', [job.id]);
      expect([one.code, one.err]).toEqual([0, '']);
      expect(one.out).toContain(`OK    video-job-${job.id}  videoJob`);
      expect(one.out).toMatch(/replay: 2 histories, 2 OK, 0 differ\n$/);
      const all = await tool('tools/replay.ts', ['--since', '1d']);
      expect(all.code).toBe(0);
      for (const type of ['videoJob', 'generation', 'batch', 'selfTest', 'reconcile']) {
        expect(all.out).toMatch(new RegExp(`^OK .* ${type}, `, 'm'));
      }
      expect(all.out).toMatch(/, 0 differ\n$/);
      const newest = await tool('tools/replay.ts', ['--since', '1d', '--most', '2']);
      const types = [...newest.out.matchAll(/^OK .* (\w+), \d+ events$/gm)].map(([, type]) => type);
      expect(types.filter((type) => type !== 'reconcile')).toHaveLength(2);
      expect(types).toContain('reconcile');
      expect(newest.out).toMatch(/, 0 differ; \d+ older ones were not replayed\n$/);
    },
    LIMIT_MS,
  );
});

/** Whose key the stack hands out. */
async function ownerName(): Promise<string> {
  const { databaseUrl } = stack.state();
  const database = openDatabase(databaseUrl, { applicationName: 'test', poolMax: 1 });
  try {
    const row: { name: string } = await database
      .knex('owners as o')
      .join('jobs as j', 'j.owner_id', 'o.id')
      .whereNot('o.name', 'self-test')
      .first('o.name');
    return row.name;
  } finally {
    await database.close();
  }
}
