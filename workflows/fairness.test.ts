/** The share of the purchase rate that a customer gets while another one's large order is being bought. */
import { v7 as uuidv7 } from 'uuid';
import { expect, inject, it } from 'vitest';
import { startVideoJob } from '../activities/start-video-job.js';
import { videoJobId } from '../domain/contract.js';
import { type FakeWorld, fakeWorld } from '../test/support/fake-world.js';
import { jobStart } from '../test/support/job-start.js';
import { type AllActivities, runWorkflowRig } from '../test/support/workflow-rig.js';

const LARGE = 60;
const QUICK = { polling: { firstMs: 20, maxMs: 50, factor: 1.5 }, statusOf: () => 'succeeded' as const };

/** The activities of both jobs on one queue; `buys` gets the job of each purchase in their order. */
function together(worlds: ReadonlyMap<string, FakeWorld>, buys: string[]): AllActivities {
  const [any] = worlds.values();
  const names = Object.keys(any?.activities ?? {}) as (keyof AllActivities)[];
  const dispatch = names.map((name) => [
    name,
    async (input: { jobId: string }) => {
      if (name === 'buy') buys.push(input.jobId);
      return await worlds.get(input.jobId)?.activities[name](input as never);
    },
  ]);
  return Object.fromEntries(dispatch) as AllActivities;
}

it('lets a single clip pass a large order of somebody else, which waits for the purchase rate', async () => {
  const large = uuidv7();
  const single = uuidv7();
  const worlds = new Map([
    [large, fakeWorld({ clips: LARGE, parallelClips: LARGE, ...QUICK })],
    [single, fakeWorld({ clips: 1, ...QUICK })],
  ]);
  const buys: string[] = [];
  const activities = together(worlds, buys);
  let boughtBefore = LARGE;
  const { prepareGeneration } = activities;
  activities.prepareGeneration = async (input) => {
    if (input.jobId === single) boughtBefore = buys.length;
    return await prepareGeneration(input);
  };
  await runWorkflowRig(
    inject('temporal'),
    activities,
    large,
    async ({ client, taskQueue }) => {
      const order = (jobId: string, clipCount: number): Promise<void> =>
        startVideoJob(client, jobStart({ jobId, ownerId: `owner-of-${jobId}`, clipCount }), { taskQueue });
      await order(large, LARGE);
      await expect.poll(() => buys.length, { timeout: 20_000, interval: 20 }).toBeGreaterThan(2);
      await order(single, 1);
      await Promise.all([large, single].map((jobId) => client.workflow.getHandle(videoJobId(jobId)).result()));
    },
    { buysPerSecond: 4 },
  );
  const place = buys.indexOf(single) + 1;
  expect(buys).toHaveLength(LARGE + 1);
  // In the order of arrival it would come last; in its turn it is the second or third of those that still wait.
  const waited = place - boughtBefore;
  const backlog = LARGE - boughtBefore;
  expect(backlog).toBeGreaterThan(5);
  expect(waited, `${waited} of a backlog of ${backlog}`).toBeLessThanOrEqual(backlog / 2);
}, 90_000);
