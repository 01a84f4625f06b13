/** Each part of the stack is killed in the middle of a job; the job ends well, and nothing is bought twice. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ended, type RunningStack, startRunningStack } from '../support/running-stack.js';

const LIMIT_MS = 240_000;
const PARTS = ['api', 'worker', 'mediaWorker', 'replicate', 'temporal', 'postgres'] as const;

let stack: RunningStack;
beforeAll(async () => {
  stack = await startRunningStack();
}, LIMIT_MS);
afterAll(() => stack.stop(), LIMIT_MS);

describe.each(PARTS)('kill -9 of %s', (part) => {
  it.each(['generating', 'composing'])(
    'while the job is %s ends in a completed job',
    async (stage) => {
      const prompt = `a room in which ${part} is killed while ${stage}`;
      const clips = [1, 2].map((number) => ({ prompt: `${prompt}, ${number}`, durationSeconds: 4 }));
      const ordered = await stack.api.orderVideo({ kind: 'clips', resolution: '720p', clips });
      await stack.until(ordered.id, (job) => job.status === stage || ended(job), LIMIT_MS);
      const before = stack.state().pids[part];
      if (before === undefined) throw new Error(`expected a process of ${part}`);
      process.kill(before, 'SIGKILL');
      const job = await stack.until(ordered.id, ended, LIMIT_MS);
      expect(job.status, JSON.stringify(job.error)).toBe('completed');
      // A job may end before the part that it no longer needs is back.
      await vi.waitFor(() => expect(stack.state().pids[part]).not.toBe(before), { timeout: 60_000, interval: 200 });
      const bought = await stack.bought(prompt);
      expect(bought.map(({ status }) => status)).toEqual(['succeeded', 'succeeded']);
    },
    LIMIT_MS,
  );
});
