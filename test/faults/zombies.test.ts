/**
 * A worker that is frozen, not dead, in the middle of a purchase, for longer than Temporal waits for it: another worker
 * takes the purchase over, and then the frozen one goes on where it was. And purchases whose request is on its way when
 * the worker dies.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ended } from '../support/running-stack.js';
import { type FaultStack, startFaultStack } from './fault-stack.js';
import { describeFigures, figuresOf } from './figures.js';
import type { Gate } from './gates.js';
import { killNow, pidOf, restarted, signal } from './processes.js';
import { type SecondWorker, startSecondWorker } from './second-worker.js';
import { untilBytesWait } from './unread-bytes.js';

const START_LIMIT_MS = 120_000;
const LIMIT_MS = 240_000;
const CATCH_LIMIT_MS = 60_000;
const RIGHT_TO_POST = { from: 'intended', to: 'posting' } as const;

let faults: FaultStack;
beforeAll(async () => {
  faults = await startFaultStack();
}, START_LIMIT_MS);
afterAll(() => faults.stop(), START_LIMIT_MS);

/** The job's purchase may be posted, but its worker does not know that yet. */
async function atRightToPost(prompt: string): Promise<{ jobId: string; gate: Gate }> {
  const gate = await faults.arm(RIGHT_TO_POST, prompt);
  const jobId = await faults.order(prompt);
  await gate.caught(CATCH_LIMIT_MS);
  return { jobId, gate };
}

/** The provider is frozen, and the request that creates the prediction lies before it. */
async function withPostInFlight(prompt: string): Promise<{ jobId: string; provider: number }> {
  const { replicateUrl = '' } = faults.stack.state();
  const { jobId, gate } = await atRightToPost(prompt);
  const provider = pidOf(faults.stack.state(), 'replicate');
  signal(provider, 'SIGSTOP');
  await gate.letGo();
  await untilBytesWait(Number(new URL(replicateUrl).port), CATCH_LIMIT_MS);
  return { jobId, provider };
}

async function expectBoughtOnce(jobId: string, prompt: string): Promise<void> {
  const job = await faults.stack.until(jobId, ended, LIMIT_MS);
  const bought = await faults.stack.bought(prompt);
  expect({ status: job.status, bought: bought.map(({ status }) => status) }, JSON.stringify(job.error)).toEqual({
    status: 'completed',
    bought: ['succeeded'],
  });
}

describe('a worker that is killed while its purchase is on the way to the provider', () => {
  it(
    'has bought once: what the provider made of it is found',
    async () => {
      const prompt = 'killed with its request in flight';
      const { jobId, provider } = await withPostInFlight(prompt);
      const worker = pidOf(faults.stack.state(), 'worker');
      await killNow(worker);
      signal(provider, 'SIGCONT');
      await expectBoughtOnce(jobId, prompt);
      await restarted(faults.stack.state, 'worker', worker, LIMIT_MS);
    },
    LIMIT_MS,
  );
});

describe('a worker that is frozen for longer than Temporal waits for it', () => {
  /** Freezes the only worker and starts another one; then lets both live until the first has shown that it goes on. */
  async function haunted(meanwhile: () => Promise<void>): Promise<void> {
    const worker = pidOf(faults.stack.state(), 'worker');
    signal(worker, 'SIGSTOP');
    let second: SecondWorker | undefined;
    try {
      second = await startSecondWorker(faults.stack);
      await meanwhile();
    } finally {
      signal(worker, 'SIGCONT');
      await second?.stop();
    }
    expect(pidOf(faults.stack.state(), 'worker')).toBe(worker);
    const next = await faults.order('a job for the worker that was frozen');
    expect((await faults.stack.until(next, ended, LIMIT_MS)).status).toBe('completed');
  }

  it(
    'while its purchase is on the way to the provider has bought once, though its answer comes late',
    async () => {
      const prompt = 'frozen with its request in flight';
      const { jobId, provider } = await withPostInFlight(prompt);
      await haunted(async () => {
        signal(provider, 'SIGCONT');
        await faults.stack.until(jobId, ended, LIMIT_MS);
      });
      await expectBoughtOnce(jobId, prompt);
    },
    LIMIT_MS,
  );

  it(
    'with a right to post that it has not used, does not post when it goes on',
    async () => {
      const prompt = 'frozen before its request';
      const { jobId, gate } = await atRightToPost(prompt);
      await haunted(async () => {
        await gate.letGo();
        await faults.stack.until(jobId, ended, LIMIT_MS);
      });
      await expectBoughtOnce(jobId, prompt);
    },
    LIMIT_MS,
  );
});

it('in the end the figures are right', async () => {
  const figures = figuresOf(await faults.evidence());
  expect(
    figures.filter(({ ok }) => !ok),
    describeFigures(figures),
  ).toEqual([]);
});
