/**
 * Runs `run` over all items with at most `limit` at a time, starting in order. Waits for every run, and only then
 * rejects with the first rejection; results stand in the order of the items.
 */
export async function mapBounded<T, R>(items: readonly T[], limit: number, run: (item: T) => Promise<R>): Promise<R[]> {
  const results = new Map<number, R>();
  const rejections: unknown[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < items.length && rejections.length === 0) {
      const index = next;
      next += 1;
      try {
        results.set(index, await run(items[index] as T));
      } catch (error) {
        rejections.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, Math.min(limit, items.length)) }, lane));
  if (rejections.length > 0) throw rejections[0];
  return items.map((_, index) => results.get(index) as R);
}
