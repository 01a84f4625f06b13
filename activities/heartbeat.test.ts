import { MockActivityEnvironment } from '@temporalio/testing';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { withHeartbeat } from './heartbeat.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Runs `work` as an activity, and gives what its heartbeats carried. */
async function beatsOf(
  work: Parameters<typeof withHeartbeat>[0],
  { heartbeatDetails, fails }: { heartbeatDetails?: unknown; fails?: string } = {},
): Promise<unknown[]> {
  const environment = new MockActivityEnvironment({ heartbeatDetails });
  const beats: unknown[] = [];
  environment.on('heartbeat', (details: unknown) => void beats.push(details));
  const ran = environment.run(() => withHeartbeat(work));
  await (fails === undefined ? ran : expect(ran).rejects.toThrow(fails));
  await vi.advanceTimersByTimeAsync(60_000);
  return beats;
}

it('sends nothing for what is done at once', async () => {
  expect(await beatsOf(async () => 'done')).toEqual([]);
});

it('sends one each 5 seconds, with the progress that was reported last', async () => {
  const beats = await beatsOf(async (report) => {
    await vi.advanceTimersByTimeAsync(5_000);
    report({ fetchedBytes: 1 });
    report({ fetchedBytes: 2 });
    await vi.advanceTimersByTimeAsync(9_999);
  });
  expect(beats).toEqual([undefined, { fetchedBytes: 2 }]);
});

it('carries what the attempt before had reached until there is something newer', async () => {
  const work = async (report: (progress: unknown) => void): Promise<void> => {
    await vi.advanceTimersByTimeAsync(5_000);
    report({ afterId: 8 });
    await vi.advanceTimersByTimeAsync(5_000);
  };
  expect(await beatsOf(work, { heartbeatDetails: { afterId: 7 } })).toEqual([{ afterId: 7 }, { afterId: 8 }]);
});

it('sends none once the work has failed', async () => {
  const beats = await beatsOf(
    async () => {
      await vi.advanceTimersByTimeAsync(5_000);
      throw new Error('the disk is full');
    },
    { fails: 'the disk is full' },
  );
  expect(beats).toHaveLength(1);
});
