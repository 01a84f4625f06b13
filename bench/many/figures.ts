/** What the bench of many jobs found, beside what the project holds itself to. */
import { type BenchResult, type Measure, median } from '../report.js';

/** Events are the server's own count: more of them fail the bench. Memory is megabytes, of the worker. */
export const BOUNDS = {
  ofInstant: 0.8,
  ofBare: 0.55,
  clipEvents: 34,
  parentEvents: (clips: number): number => 40 + 10 * clips,
  workerRssMb: 450,
  webhookToFetchMs: 250,
};

/**
 * @param rounds jobs per second of each way: ours, the same workflows with instant activities, the barest ones; as many of
 * each, the first of one measured beside the first of the others
 */
export function throughput(about: string, rounds: ReadonlyMap<string, number[]>, peakRssMb: number): BenchResult {
  const measures = [...rounds].map(([name, figures]): Measure => ({ name, rounds: figures, median: median(figures) }));
  const [ours, instant, bare] = measures as [Measure, Measure, Measure];
  // Round by round: the speed of a machine changes within the minutes that all the rounds take.
  const to = (one: Measure, atLeast: number): Partial<Measure> => ({
    reference: one.name,
    ratio: median(ours.rounds.map((figure, round) => figure / (one.rounds[round] ?? Number.NaN))),
    goal: { atLeast },
  });
  return {
    name: 'many jobs',
    about,
    unit: 'jobs/s',
    measures: [
      { ...ours, ...to(instant, BOUNDS.ofInstant), peakRssMb, mostRssMb: BOUNDS.workerRssMb },
      { ...ours, name: 'ours, once more', ...to(bare, BOUNDS.ofBare) },
      instant,
      bare,
    ],
  };
}

/** @param delays in milliseconds, of clips that were bought one after the other */
export function webhookDelay(delays: readonly number[]): BenchResult {
  const p95 = delays.toSorted((a, b) => a - b)[Math.ceil(0.95 * delays.length) - 1] ?? Number.NaN;
  const limit = `${BOUNDS.webhookToFetchMs} ms`;
  return {
    name: 'from webhook to fetch',
    about: `one clip after the other, ${delays.length} of them; the ratio is the 95th percentile to ${limit}`,
    unit: 'ms',
    measures: [
      {
        name: 'webhook received to fetch started',
        rounds: [...delays],
        median: median(delays),
        ratio: p95 / BOUNDS.webhookToFetchMs,
        reference: limit,
        goal: { atMost: 1 },
      },
    ],
  };
}
