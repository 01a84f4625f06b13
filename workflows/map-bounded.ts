import { CancellationScope, condition } from '@temporalio/workflow';

/**
 * Runs `run` over all items with at most `limit()` at a time, starting in order; the limit may change meanwhile. Waits
 * for every run, and only then rejects with the first rejection; results stand in the order of the items.
 */
export async function mapBounded<T, R>(
  items: readonly T[],
  limit: () => number,
  run: (item: T) => Promise<R>,
): Promise<R[]> {
  const results = new Map<number, R>();
  const rejections: unknown[] = [];
  const runs: Promise<void>[] = [];
  let running = 0;
  const mayStart = (): boolean => running < Math.max(1, limit());
  for (const [index, item] of items.entries()) {
    // A cancel ends the runs, which makes room; what `run` does then is its own affair.
    if (!mayStart()) await CancellationScope.nonCancellable(() => condition(mayStart));
    if (rejections.length > 0) break;
    running += 1;
    runs.push(
      run(item)
        .then((result) => void results.set(index, result))
        .catch((error: unknown) => void rejections.push(error))
        .finally(() => {
          running -= 1;
        }),
    );
  }
  await Promise.all(runs);
  if (rejections.length > 0) throw rejections[0];
  return items.map((_, index) => results.get(index) as R);
}
