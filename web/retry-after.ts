/** However long an address asks for, it is looked at again after this long. Milliseconds. */
const LONGEST_MS = 10 * 60_000;

/**
 * What a Retry-After header asks for, in milliseconds from now, 10 minutes at most; undefined where it says nothing
 * readable. Seconds or a date (RFC 9110, section 10.2.3).
 */
export function retryAfterMs(header: string | undefined, now: number = Date.now()): number | undefined {
  if (header === undefined) return undefined;
  const asked = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isNaN(asked) ? undefined : Math.min(Math.max(asked, 0), LONGEST_MS);
}
