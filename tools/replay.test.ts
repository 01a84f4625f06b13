import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { v7 as uuidv7 } from 'uuid';
import { beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { ensureTemporalCli } from '../dev/install/temporal-cli.js';
import { generationId, settleId } from '../domain/contract.js';
import { mediaFolder } from '../media/test-support/media-files.js';
import { fakeWorld } from '../test/support/fake-world.js';
import { runToolProcess } from '../test/support/run-tool.js';
import { runWorkflowRig } from '../test/support/workflow-rig.js';

// A process of its own for each, which loads the SDK and all workflows.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const { path } = mediaFolder();
const temporal = inject('temporal');
const QUICK = { firstMs: 20, maxMs: 50, factor: 1.5 };

let jobId: string;
let otherJobId: string;
let swappedBundle: string;
beforeAll(async () => {
  [jobId, otherJobId] = [uuidv7(), uuidv7()];
  const { activities } = fakeWorld({ clips: 2, music: 1, polling: QUICK, statusOf: () => 'succeeded' });
  // The workers are gone when this resolves: a replay needs none.
  for (const id of [jobId, otherJobId]) {
    await runWorkflowRig(temporal, activities, id, async ({ client, taskQueue, startJob }) => {
      await (await startJob()).result();
      const args = [{ jobId: id, subject: 'clip:1', purchaseId: 'a-purchase' }];
      await client.workflow.execute('settle', { workflowId: settleId(uuidv7()), taskQueue, args });
    });
  }
  swappedBundle = path('swapped.js');
  const code = await readFile(temporal.bundlePath, 'utf8');
  const swapped = code
    .replaceAll(/\.cutVideo\b/g, '.held')
    .replaceAll(/\.completeJob\b/g, '.cutVideo')
    .replaceAll(/\.held\b/g, '.completeJob');
  await writeFile(swappedBundle, swapped);
});

const run = (args: string[], variables: Record<string, string> = {}) =>
  runToolProcess('tools/replay.ts', args, {
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
    WORKFLOW_BUNDLE_PATH: temporal.bundlePath,
    ...variables,
  });
/** What stands in the place of a payload once it is decoded. */
function valueOf(value: unknown): unknown {
  const payload = value as { metadata?: { encoding?: string }; data?: string } | null;
  if (typeof payload?.metadata?.encoding !== 'string') return value;
  return payload.data === undefined ? null : JSON.parse(Buffer.from(payload.data, 'base64').toString());
}

const named = (out: string, result: string): string[] =>
  [...out.matchAll(new RegExp(`^${result} +(\\S+)`, 'gm'))].map(([, id = '']) => id).toSorted();

describe('npm run replay', () => {
  test('replays a job with its clips, its music and its settlements, and no other job', async () => {
    const { code, out, err } = await run([jobId]);
    expect([code, err]).toEqual([0, '']);
    const own = ['clip:1', 'clip:2', 'music:1'].map((subject) => generationId(jobId, subject as 'clip:1'));
    expect(named(out, 'OK')).toEqual([expect.stringMatching(/^settle-/), `video-job-${jobId}`, ...own]);
    expect(out).toMatch(/replay: 5 histories, 5 OK, 0 differ\n$/);
  });

  test('replays one workflow by its id', async () => {
    const clip = generationId(otherJobId, 'clip:2');
    expect(named((await run([clip])).out, 'OK')).toEqual([clip]);
  });

  test('finds two activities in the other order, says where, and exits with 1', async () => {
    const { code, out } = await run([jobId], { WORKFLOW_BUNDLE_PATH: swappedBundle });
    expect(code).toBe(1);
    expect(named(out, 'DIFF')).toEqual([`video-job-${jobId}`]);
    expect(out).toMatch(/at event \d+\n +the history has: activity cutVideo\n +the code did: +activity completeJob\n/);
    expect(out).toContain(
      "Temporal says: [TMPRL1100] Nondeterminism error: Activity type of scheduled event 'cutVideo'",
    );
    expect(out).toMatch(/replay: 5 histories, 4 OK, 1 differ\n$/);
  });

  test('replays what was started or closed in a span of time, newest first, and says how much that is', async () => {
    const { code, out, err } = await run(['--since', '1h', '--most', '7']);
    expect(err).toMatch(/^replay: \d+ workflows since 20/);
    // Other tests share the server, some with workflows that end in strange ways; none of them does what the code would not.
    const others = [...out.matchAll(/^OK .* (\w+), \d+ events$/gm)].filter(([, type]) => type !== 'reconcile');
    expect([code, others.length]).toEqual([0, 7]);
    expect(out).toMatch(/, 0 differ; \d+ older ones were not replayed\n$/);
  });

  test('replays what the CLI and the Web UI write, with values in place of payloads or without', async () => {
    const cli = await ensureTemporalCli({ root: process.cwd(), env: process.env });
    const show = ['workflow', 'show', '--address', temporal.address, '--namespace', temporal.namespace];
    const files: string[] = [];
    for (const [index, id] of [`video-job-${jobId}`, generationId(jobId, 'clip:1')].entries()) {
      const args = [...show, '--workflow-id', id, '--output', 'json'];
      const { stdout } = await promisify(execFile)(cli.path, args, { maxBuffer: 1e8 });
      files.push(path(`cli-${index}.json`));
      await writeFile(files.at(-1) ?? '', stdout);
    }
    // What the Web UI downloads once it has decoded it, and what the HTTP API gives: values where the payloads were.
    const decoded = JSON.parse(await readFile(files[0] ?? '', 'utf8'), (_name, value: unknown) =>
      valueOf(value),
    ) as object;
    expect(JSON.stringify(decoded)).toContain(`"input":{"payloads":[{"jobId":"${jobId}","runNumber":1}]}`);
    files.push(path('ui.json'));
    await writeFile(files.at(-1) ?? '', JSON.stringify(decoded));
    // No server is asked.
    const { code, out, err } = await run(files, { TEMPORAL_ADDRESS: '127.0.0.1:9' });
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/replay: 3 histories, 3 OK, 0 differ\n$/);
    expect((await run([files[0] ?? ''], { WORKFLOW_BUNDLE_PATH: swappedBundle })).code).toBe(1);
  });

  test.each([
    [[uuidv7()], {}, 'Temporal knows no workflow of'],
    [['missing.json'], {}, 'missing.json'],
    [[uuidv7()], { TEMPORAL_ADDRESS: '127.0.0.1:9' }, 'expected Temporal at TEMPORAL_ADDRESS'],
  ])('exits with 1 for %j where %j', async (args, variables, said) => {
    const { code, err } = await run(args, variables);
    expect(code).toBe(1);
    expect(err).toContain(said);
  });

  test.each([
    [[], 'got nothing'],
    [['--since', 'yesterday'], 'got yesterday'],
    [['--since', '1h', 'x'], '--since alone'],
    [['x', '--most', '5'], '--most goes with --since'],
  ])('says for %j what was expected, and exits with 2', async (args, said) => {
    const { code, out, err } = await run(args);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(said);
    expect(err).toContain('usage:');
  });
});
