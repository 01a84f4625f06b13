/** How long histories get on the usual path, where webhooks tell the outcomes: real activities on a real server. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { generationId, videoJobId } from '../domain/contract.js';
import { type ActivityRig, createActivityRig } from '../test/support/activity-rig.js';
import { withJob } from '../test/support/job-rig.js';
import { startTestReplicate, type TestReplicate } from '../test/support/local-replicate.js';

const MOST_OF_A_CLIP = 34;
const mostOfAJob = (clips: number): number => 40 + 10 * clips;
const LIMIT_MS = 60_000;

let rig: ActivityRig;
let replicate: TestReplicate;
beforeAll(async () => {
  [rig, replicate] = await Promise.all([createActivityRig(), startTestReplicate()]);
});
afterAll(() => Promise.all([rig.close(), replicate.close()]));

test.each([1, 4])(
  'a job of %d clips and its clips stay within their number of events, and hold no prompt',
  async (clips) => {
    await withJob(rig, { clips, clipPath: replicate.clipPath }, async (job) => {
      const numbers = Array.from({ length: clips }, (_, index) => index + 1);
      await job.bought(clips);
      // One after the other, each while its workflow waits: this takes the most events.
      for (const number of numbers) {
        const waits = (): Promise<string> => job.generation(number).query<string>('status');
        await job.until(async () => expect(await waits()).toContain('the provider is at work on it'));
        await job.finish(number);
        await job.until(async () => expect((await job.job()).actualCostUsd).toBeGreaterThan(0.4 * (number - 0.5)));
      }
      await job.handle.result();
      const events = async (workflowId: string): Promise<{ count: number; text: string }> => {
        const { events: all = [] } = await job.client.workflow.getHandle(workflowId).fetchHistory();
        const text = JSON.stringify(all, (_, value: unknown) =>
          value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : value,
        );
        return { count: all?.length ?? 0, text };
      };
      const ofJob = await events(videoJobId(job.jobId));
      expect(ofJob.count).toBeLessThanOrEqual(mostOfAJob(clips));
      expect(ofJob.count).toBeGreaterThan(30);
      for (const number of numbers) {
        const { count, text } = await events(generationId(job.jobId, `clip:${number}`));
        expect(count).toBeLessThanOrEqual(MOST_OF_A_CLIP);
        expect(count).toBeGreaterThan(20);
        expect(text).not.toContain('"prompt"');
        // What this rig orders as the prompt; the texts say `clip 2 of 4`.
        expect(text).not.toContain(`clip ${number}"`);
      }
    });
  },
  LIMIT_MS,
);
