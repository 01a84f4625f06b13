/**
 * The production topology without containers: the real Temporal server on Postgres, an api, two workers and a media
 * worker from compiled code. Parts of it are killed, and each clip is bought once.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { DemoJob } from '../../dev/demo-client.js';
import { ProcessRecord } from '../../dev/supervisor/process-record.js';
import { Supervisor } from '../../dev/supervisor/supervisor.js';
import { INFRASTRUCTURE_PARTS, type Infrastructure, startInfrastructure } from '../../dev/topology/infrastructure.js';
import { clipSubject, generationId } from '../../domain/contract.js';
import { armGate, installGates } from '../faults/gates.js';
import { killNow } from '../faults/processes.js';
import { openSql, type Sql } from '../faults/sql.js';
import { ffprobe } from '../support/frames.js';
import { startTestReplicate, type TestReplicate } from '../support/local-replicate.js';
import { buildForProduction, type ProductionBuild } from '../support/production-build.js';
import { type ProductionFleet, startProductionFleet } from '../support/production-fleet.js';
import { ended } from '../support/running-stack.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** On a machine that has neither the programs nor Go's cache of their packages they are built first. */
const START_LIMIT_MS = 900_000;
const LIMIT_MS = 240_000;
const CLIP_SECONDS = 4;

const folder = mkdtempSync(join(tmpdir(), 'reelwright-test-topology-'));
// Postgres runs as another user, who has to pass through.
chmodSync(folder, 0o711);
const said: string[] = [];
const supervisor = new Supervisor({
  logFolder: join(folder, 'logs'),
  record: new ProcessRecord(join(folder, 'processes.json')),
  stopOrder: INFRASTRUCTURE_PARTS,
  onReady: () => undefined,
  onEvent: (name, message) => said.push(`${name} ${message}`),
});
let infrastructure: Infrastructure;
let build: ProductionBuild;
let replicate: TestReplicate;
let fleet: ProductionFleet;
let sql: Sql;

beforeAll(async () => {
  infrastructure = await startInfrastructure({
    root: ROOT,
    folder,
    env: process.env,
    supervisor,
    print: (line) => said.push(line),
  });
  [build, replicate] = await Promise.all([buildForProduction(), startTestReplicate()]);
  const { databaseUrl, temporal } = infrastructure;
  fleet = await startProductionFleet({ build, databaseUrl, replicate, temporal });
  sql = openSql(databaseUrl);
  await installGates(sql);
  await fleet.startWorkers(build, { scripts: ['start:worker', 'start:worker', 'start:media-worker'] });
}, START_LIMIT_MS);

afterAll(async () => {
  await sql?.close();
  await fleet?.stop();
  await supervisor.stop();
  await Promise.all([replicate?.close(), build?.remove()]);
  rmSync(folder, { recursive: true, force: true });
}, LIMIT_MS);

const order = (name: string, clips = 2): Promise<DemoJob> =>
  fleet.client.orderVideo({
    kind: 'clips',
    clips: Array.from({ length: clips }, (_, index) => ({
      prompt: `the order of ${name}, clip ${index + 1}`,
      durationSeconds: CLIP_SECONDS,
    })),
  });

/** It has its video, each of its clips was bought once, and it cost what it was to cost. */
async function expectWell(ordered: DemoJob, name: string): Promise<DemoJob> {
  const job = await fleet.until(ordered.id, ended, LIMIT_MS);
  expect(job, said.join('\n')).toMatchObject({ status: 'completed', error: null, warnings: [] });
  const bought = (await replicate.bought()).filter(({ input }) =>
    String(input['prompt']).includes(`order of ${name},`),
  );
  expect(bought.map(({ status }) => status)).toEqual(job.clips.map(() => 'succeeded'));
  expect(job.actualCostUsd).toBe(job.estimatedCostUsd);
  return job;
}

/** The process that an activity runs in, which names itself `<pid>@<host>`. */
async function workerOf(workflowId: string, activity: string): Promise<number> {
  return await vi.waitFor(
    async () => {
      const { raw } = await fleet.temporal.workflow.getHandle(workflowId).describe();
      const pending = raw.pendingActivities?.find(({ activityType }) => activityType?.name === activity);
      const pid = Number(/^(\d+)@/.exec(pending?.lastWorkerIdentity ?? '')?.[1]);
      if (!(pid > 0)) throw new Error(`expected ${activity} of ${workflowId} to run, got ${JSON.stringify(pending)}`);
      return pid;
    },
    { timeout: LIMIT_MS, interval: 50 },
  );
}

test(
  'promotes a build whose workers poll all queues, and completes an order',
  async () => {
    const promoted = await fleet.deploy(build, 'promote');
    expect(promoted.code, promoted.stderr).toBe(0);
    expect((await fetch(`${fleet.apiUrl}/health/ready`)).status).toBe(200);
    const job = await expectWell(await order('a quiet day', 4), 'a quiet day');
    const video = join(folder, 'video.mp4');
    await fleet.client.download(job.videoUrl ?? '', video);
    expect(Number((await ffprobe(video)).format.duration)).toBeCloseTo(4 * CLIP_SECONDS, 1);
  },
  LIMIT_MS,
);

test(
  'a worker that is killed in mid-purchase is taken over by the other',
  async () => {
    const gate = await armGate(sql, { from: 'posting', to: 'known' }, 'the order of a killed worker, clip 1');
    const job = await order('a killed worker');
    await gate.caught(LIMIT_MS);
    const clip = generationId(job.id, clipSubject(1));
    const killed = await workerOf(clip, 'buy');
    await killNow(killed);
    await gate.rollBack();
    await expectWell(job, 'a killed worker');
    const { events } = await fleet.temporal.workflow.getHandle(clip).fetchHistory();
    const bought = events?.find(
      ({ activityTaskScheduledEventAttributes: scheduled }) => scheduled?.activityType?.name === 'buy',
    );
    const took = events?.find(({ activityTaskStartedEventAttributes: started }) =>
      started?.scheduledEventId?.equals(bought?.eventId ?? 0),
    )?.activityTaskStartedEventAttributes;
    expect(took?.attempt).toBeGreaterThan(1);
    expect(took?.identity).toMatch(/^\d+@/);
    expect(took?.identity).not.toMatch(new RegExp(`^${killed}@`));
  },
  LIMIT_MS,
);

test.each(['temporal', 'postgres'])(
  'a killed %s comes back, and the order that was under way ends well',
  async (part) => {
    const name = `a killed ${part}`;
    await replicate.arm({ fault: 'hang', match: { promptIncludes: `the order of ${name}, clip 1` } });
    const job = await order(name);
    await fleet.until(job.id, ({ clips }) => clips[1]?.status === 'stored', LIMIT_MS);
    const before = supervisor.pids()[part];
    if (before === undefined) throw new Error(`expected a process of ${part}`);
    process.kill(before, 'SIGKILL');
    const held = (await replicate.bought()).find(({ input }) => String(input['prompt']).includes(`${name}, clip 1`));
    await fetch(`${replicate.server.origin}/_local/predictions/${held?.id}/release`, { method: 'POST' });
    await vi.waitFor(() => expect(supervisor.pids()[part] ?? before).not.toBe(before), { timeout: 60_000 });
    await expectWell(job, name);
    await expectWell(await order(`the time after ${name}`), `the time after ${name}`);
  },
  LIMIT_MS,
);

test('shows jobs to whoever opens the Web UI', async () => {
  const path = '/api/v1/namespaces/default/workflows';
  const { executions } = (await (await fetch(`${infrastructure.temporalUiUrl}${path}`)).json()) as {
    executions: { type: { name: string } }[];
  };
  expect(executions.filter(({ type }) => type.name === 'videoJob')).toHaveLength(6);
});

test('spent what the provider sold, once for each clip', async () => {
  const bought = await replicate.bought();
  expect(bought).toHaveLength(4 + 5 * 2);
  const [ledger] = await sql.query<{ spent: number }>(
    'SELECT sum(cost_usd)::double precision AS spent FROM predictions',
  );
  expect(ledger?.spent).toBeCloseTo(
    bought.reduce((sum, { priceUsd }) => sum + priceUsd, 0),
    6,
  );
});
