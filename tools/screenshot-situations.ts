/** Situations of an operator's day, brought about in a running stack by orders and by faults of the local provider. */
import type { DemoJob } from '../dev/demo-client.js';
import { ended, type RunningStack } from '../test/support/running-stack.js';

const LIMIT_MS = 180_000;

const clip = (prompt: string): object => ({ prompt, durationSeconds: 4 });
const CLIPS = [clip('the terrace at dawn'), clip('the pool, seen from above'), clip('the garden in the evening')];

/** Orders a job of small clips under a name. */
function order(stack: RunningStack, name: string, fields: object = {}): Promise<DemoJob> {
  return stack.api.orderVideo({ kind: 'clips', name, resolution: '720p', budgetUsd: 9, clips: CLIPS, ...fields });
}

const stored = ({ clips }: DemoJob): number => clips.filter(({ status }) => status === 'stored').length;

/** Job ids by situation. */
export interface Situations {
  completed: string;
  waiting: string;
  failed: string;
  running: string;
  paused: string;
}

/** Brings all situations about, the paused purchasing last, since nothing is bought from then on. */
export async function makeSituations(stack: RunningStack): Promise<Situations> {
  const refuse = (prompt: string): Promise<void> =>
    stack.arm({ fault: 'fail', error: 'E005 flagged as sensitive', match: { promptIncludes: prompt } });

  const completed = await order(stack, 'Casa Verde');
  await stack.until(completed.id, ended, LIMIT_MS);

  await refuse('a crowded pool');
  const unwanted = { clips: [clip('a crowded pool'), clip('the hall')], onClipFailure: 'fail' };
  const failed = await order(stack, 'Hotel Mar', unwanted);
  await stack.until(failed.id, ended, LIMIT_MS);

  await refuse('seen from above');
  const waiting = await order(stack, 'Villa Azul');
  await stack.until(waiting.id, (job) => job.status === 'needs_attention' && stored(job) === 2, LIMIT_MS);

  await stack.arm({ fault: 'slow', delayMs: 600_000, match: { promptIncludes: 'in the evening' } });
  const running = await order(stack, 'Loft 21');
  await stack.until(running.id, (job) => stored(job) === 2, LIMIT_MS);

  await stack.arm({ fault: 'http-402', times: -1 });
  const paused = await order(stack, 'Finca Sol');
  await stack.until(paused.id, ({ status }) => status === 'generating', LIMIT_MS);
  return {
    completed: completed.id,
    waiting: waiting.id,
    failed: failed.id,
    running: running.id,
    paused: paused.id,
  };
}
