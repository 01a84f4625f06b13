import type { LookupFunction } from 'node:net';

/** All addresses of a name; none where it has none, or where that is not known within the limit. */
export async function resolveName(lookup: LookupFunction, name: string, timeLimitMs: number): Promise<string[]> {
  return await new Promise((resolve) => {
    const timer = setTimeout(resolve, timeLimitMs, []);
    lookup(name, { all: true }, (error, found) => {
      clearTimeout(timer);
      if (error !== null) resolve([]);
      else resolve(typeof found === 'string' ? [found] : found.map(({ address }) => address));
    });
  });
}
