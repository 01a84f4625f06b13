/**
 * Waits for all of several works, so that none goes on unwatched, and then gives their results or throws the failure of
 * the first one in order that failed.
 */
export async function settleAll<T extends readonly unknown[]>(works: { [K in keyof T]: Promise<T[K]> }): Promise<T> {
  await Promise.allSettled(works);
  for (const work of works) await work;
  return await (Promise.all(works) as Promise<unknown> as Promise<T>);
}
