/** A version that cannot go on with the jobs of the former one is deployed in the middle of them, and all end well. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DemoJob } from '../../dev/demo-client.js';
import { clipSubject, generationId, UPDATES, videoJobId } from '../../domain/contract.js';
import { withAnotherActivity, withAnotherLogLine } from '../support/later-builds.js';
import { type Bought, startTestReplicate, type TestReplicate } from '../support/local-replicate.js';
import { createUnmigratedTestDatabase, type TestDatabase } from '../support/postgres.js';
import { buildForProduction, type ProductionBuild } from '../support/production-build.js';
import { type ProductionFleet, startProductionFleet, type Workers } from '../support/production-fleet.js';
import { runScript } from '../support/production-process.js';
import '../support/quiet-runtime.js';
import { ended } from '../support/running-stack.js';
import { startTestTemporal } from '../support/temporal-part.js';

/** Three builds come first. */
const START_LIMIT_MS = 600_000;
const LIMIT_MS = 240_000;
/** The server looks at a draining build every three minutes unless it is told otherwise. */
const QUICK_DRAINAGE = {
  'matching.wv.VersionDrainageStatusVisibilityGracePeriod': '"2s"',
  'matching.wv.VersionDrainageStatusRefreshInterval': '"2s"',
};
const JOBS = ['webhook', 'decision', 'cut', 'moved'] as const;
type Waiting = (typeof JOBS)[number];

let folder: string;
let replicate: TestReplicate;
let database: TestDatabase;
let stopTemporal: () => Promise<void>;
let fleet: ProductionFleet;
/** Today's code, a version that its histories do not replay on, and one that they do. */
let builds: { a: ProductionBuild; b: ProductionBuild; c: ProductionBuild };
let a: Workers;
let b: Workers;
let jobs: Record<Waiting, DemoJob>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelwright-test-versions-'));
  builds = {
    a: await buildForProduction(),
    b: await buildForProduction(withAnotherActivity),
    c: await buildForProduction(withAnotherLogLine),
  };
  const [temporal, ...others] = await Promise.all([
    startTestTemporal(QUICK_DRAINAGE),
    startTestReplicate(),
    createUnmigratedTestDatabase(),
  ]);
  [replicate, database] = others;
  stopTemporal = temporal.stop;
  fleet = await startProductionFleet({
    build: builds.a,
    databaseUrl: database.url,
    replicate,
    temporal: temporal.provided,
  });
  a = await fleet.startWorkers(builds.a, { env: { FFMPEG_PATH: await heldFfmpeg() } });
  expect((await fleet.deploy(builds.a, 'promote')).stdout.trim()).toBe(a.buildId);
}, START_LIMIT_MS);

afterAll(async () => {
  await fleet?.stop();
  await Promise.all([stopTemporal?.(), replicate?.close(), database?.drop()]);
  for (const build of Object.values(builds ?? {})) await build.remove();
  await rm(folder, { recursive: true, force: true });
}, LIMIT_MS);

/** While this file is there, ffmpeg waits with what it does for a cut. */
const cutHold = (): string => join(folder, 'hold-the-cut');

async function heldFfmpeg(): Promise<string> {
  const path = join(folder, 'ffmpeg');
  const wait = `case "$*" in *reelwright-cut.*) while [ -e '${cutHold()}' ]; do sleep 0.1; done;; esac`;
  await writeFile(path, `#!/bin/sh\n${wait}\nexec ffmpeg "$@"\n`);
  await chmod(path, 0o755);
  await writeFile(cutHold(), '');
  return path;
}

const order = (name: string): Promise<DemoJob> =>
  fleet.client.orderVideo({
    kind: 'clips',
    clips: [1, 2].map((number) => ({ prompt: `the job of ${name}, clip ${number}`, durationSeconds: 4 })),
  });

const clipId = (job: DemoJob, number: number): string => generationId(job.id, clipSubject(number));
const completed = (job: DemoJob): Promise<DemoJob> => fleet.until(job.id, ended, LIMIT_MS);

/** The builds that a workflow's tasks ran on, in their order. */
async function buildsOf(workflowId: string): Promise<string[]> {
  const { events } = await fleet.temporal.workflow.getHandle(workflowId).fetchHistory();
  const ids = (events ?? []).flatMap(
    ({ workflowTaskCompletedEventAttributes: done }) => done?.deploymentVersion?.buildId ?? [],
  );
  return ids.filter((id, index) => id !== ids[index - 1]);
}

const allBuildsOf = async (job: DemoJob): Promise<string[][]> =>
  await Promise.all([videoJobId(job.id), clipId(job, 1), clipId(job, 2)].map(buildsOf));

async function boughtFor(name: string): Promise<Bought[]> {
  return (await replicate.bought()).filter(({ input }) => String(input['prompt']).includes(`the job of ${name},`));
}

async function release(name: string): Promise<void> {
  for (const { id, status } of await boughtFor(name)) {
    if (status !== 'processing') continue;
    await fetch(`${replicate.server.origin}/_local/predictions/${id}/release`, { method: 'POST' });
  }
}

async function replay(build: ProductionBuild, workflowId: string): Promise<void> {
  const history = await fleet.temporal.workflow.getHandle(workflowId).fetchHistory();
  const workflowBundle = { codePath: join(build.folder, 'dist', 'workflow-bundle.js') };
  await Worker.runReplayHistory({ workflowBundle }, history, workflowId);
}

/** What status says of a build: its row, by heading. */
async function statusOf({ buildId }: Workers): Promise<Record<string, string>> {
  const { stdout } = await fleet.deploy(builds.b, 'status');
  const [head, row] = ['BUILD', buildId].map((start) =>
    stdout.split('\n').find((line) => line.startsWith(`${start} `)),
  );
  if (head === undefined || row === undefined) throw new Error(`expected a row of ${buildId}:\n${stdout}`);
  const cells = row.split(/ {2,}/);
  return Object.fromEntries(head.split(/ {2,}/).map((heading, index) => [heading, cells[index] ?? '']));
}

describe('a deploy in the middle of running jobs', () => {
  test(
    'begins with jobs that wait for a webhook, for a decision and for ffmpeg',
    async () => {
      for (const name of ['webhook', 'moved'] as const) {
        await replicate.arm({ fault: 'hang', match: { promptIncludes: `the job of ${name}, clip 1` } });
      }
      const refusal = { fault: 'fail', error: 'The input was flagged as sensitive. (E005)' };
      await replicate.arm({ ...refusal, match: { promptIncludes: 'the job of decision, clip 1' } });
      const ordered = await Promise.all(JOBS.map(async (name) => [name, await order(name)] as const));
      jobs = Object.fromEntries(ordered) as Record<Waiting, DemoJob>;
      const waits = (name: Waiting, status: string, first: string, second: string) =>
        fleet.until(
          jobs[name].id,
          (job) => job.status === status && job.clips[0]?.status === first && job.clips[1]?.status === second,
          LIMIT_MS,
        );
      await waits('webhook', 'generating', 'generating', 'stored');
      await waits('moved', 'generating', 'generating', 'stored');
      await waits('decision', 'needs_attention', 'needs_attention', 'stored');
      await waits('cut', 'composing', 'stored', 'stored');
    },
    LIMIT_MS,
  );

  test(
    'brings a version on which their histories do not replay, and one on which they do',
    async () => {
      for (const job of Object.values(jobs)) {
        for (const id of [videoJobId(job.id), clipId(job, 1)]) {
          await expect(replay(builds.b, id)).rejects.toBeInstanceOf(DeterminismViolationError);
          await replay(builds.a, id);
          await replay(builds.c, id);
        }
      }
    },
    LIMIT_MS,
  );

  test(
    'sends new jobs to the new version, whose workers stand beside the old ones',
    async () => {
      expect(await runScript(builds.b, 'migrate', fleet.env)).toMatchObject({ code: 0, stderr: '' });
      b = await fleet.startWorkers(builds.b);
      expect((await fleet.deploy(builds.b, 'promote')).stdout.trim()).toBe(b.buildId);
      const job = await order('the new version');
      expect(await completed(job)).toMatchObject({ status: 'completed', warnings: [] });
      expect(await allBuildsOf(job)).toEqual([[b.buildId], [b.buildId], [b.buildId]]);
      expect(await statusOf(b)).toMatchObject({ STATUS: 'current', 'MAY STOP': 'no' });
      expect(await statusOf(a)).toMatchObject({ STATUS: 'draining', OPEN: '7', 'MAY STOP': 'no' });
      const { code, stderr } = await fleet.deploy(builds.b, 'drain-status', '--build-id', a.buildId);
      expect(code).toBe(1);
      expect(stderr).toMatch(/its workers are needed; open on it: videoJob 4, generation 3/);
    },
    LIMIT_MS,
  );

  test(
    'leaves the old version whole: its worker can be killed and started again on the newer tables',
    async () => {
      a.processes[0]?.kill();
      const [worker] = (await fleet.startWorkers(builds.a, { scripts: ['start:worker'] })).processes;
      if (worker !== undefined) a.processes[0] = worker;
      expect((await fetch(`${fleet.apiUrl}/health/ready`)).status).toBe(200);
    },
    LIMIT_MS,
  );

  test(
    'is taken back by promoting the old version again, and ramped up in part',
    async () => {
      expect((await fleet.deploy(builds.a, 'promote')).stdout.trim()).toBe(a.buildId);
      const back = await order('the rollback');
      await fleet.until(back.id, (job) => job.status === 'composing', LIMIT_MS);
      expect((await allBuildsOf(back)).flat()).toEqual([a.buildId, a.buildId, a.buildId]);

      expect((await fleet.deploy(builds.b, 'promote', '--percent', '40')).code).toBe(0);
      expect((await fleet.deploy(builds.b, 'status')).stdout).toContain(`ramping: ${b.buildId}, 40 of 100 new jobs`);
      expect((await fleet.deploy(builds.b, 'promote', '--percent', '0')).code).toBe(0);
      expect((await fleet.deploy(builds.b, 'status')).stdout).not.toContain('ramping:');
      expect((await fleet.deploy(builds.b, 'promote')).code).toBe(0);
    },
    LIMIT_MS,
  );

  test(
    'refuses to move a job to a version on which it does not replay, and moves it to one on which it does',
    async () => {
      const { moved } = jobs;
      const refused = await fleet.deploy(builds.b, 'move', '--job', moved.id);
      expect(refused.code).toBe(1);
      expect(refused.stderr).toContain(`${videoJobId(moved.id)} was not moved`);
      const blind = await fleet.deploy(builds.b, 'move', '--job', moved.id, '--to', a.buildId);
      expect(blind).toMatchObject({ code: 2, stdout: '' });

      const c = await fleet.startWorkers(builds.c);
      const done = await fleet.deploy(builds.c, 'move', '--job', moved.id);
      expect(done.code, done.stderr).toBe(0);
      expect(done.stdout.trim().split('\n')).toEqual([videoJobId(moved.id), clipId(moved, 1)]);
      await release('moved');
      expect(await completed(moved)).toMatchObject({ status: 'completed', warnings: [] });
      const [parent, first, second] = await allBuildsOf(moved);
      expect([parent, first, second]).toEqual([[a.buildId, c.buildId], [a.buildId, c.buildId], [a.buildId]]);
      for (const one of c.processes) expect(await one.stop()).toMatchObject({ code: 0, stderr: '' });
    },
    LIMIT_MS,
  );

  test(
    'lets the old jobs end on the old version',
    async () => {
      await release('webhook');
      await fleet.temporal.workflow
        .getHandle(clipId(jobs.decision, 1))
        .executeUpdate(UPDATES.decideClip, { args: [{ decision: 'retry' }] });
      await rm(cutHold());
      for (const name of ['webhook', 'decision', 'cut'] as const) {
        expect(await completed(jobs[name]), name).toMatchObject({ status: 'completed', warnings: [] });
        expect((await allBuildsOf(jobs[name])).flat(), name).toEqual([a.buildId, a.buildId, a.buildId]);
      }
    },
    LIMIT_MS,
  );

  test('bought each clip once, and the refused one once more', async () => {
    for (const name of [...JOBS, 'the new version', 'the rollback']) {
      const statuses = (await boughtFor(name)).map(({ status }) => status);
      const extra = name === 'decision' ? ['failed'] : [];
      expect(statuses.toSorted(), name).toEqual([...extra, 'succeeded', 'succeeded']);
    }
    const all = await replicate.bought();
    expect(all).toHaveLength(2 * (JOBS.length + 2) + 1);
    for (const job of Object.values(jobs)) {
      const { actualCostUsd, estimatedCostUsd } = await fleet.client.job(job.id);
      expect(actualCostUsd).toBe(estimatedCostUsd);
    }
  });

  test(
    'ends with the old workers, which may stop once their version is drained',
    async () => {
      const drained = await fleet.deploy(builds.b, 'drain-status', '--build-id', a.buildId, '--wait-seconds', '60');
      expect(drained.stderr).toBe('');
      expect(drained.stdout).toContain(`build ${a.buildId} is drained: its workers may be stopped`);
      expect(await statusOf(a)).toMatchObject({ STATUS: 'drained', OPEN: '0', 'MAY STOP': 'yes' });
      for (const one of a.processes) expect(await one.stop()).toMatchObject({ code: 0, stderr: '' });
      expect(await completed(await order('the time after'))).toMatchObject({ status: 'completed' });
      for (const one of b.processes) expect(await one.stop()).toMatchObject({ code: 0, stderr: '' });
    },
    LIMIT_MS,
  );
});
