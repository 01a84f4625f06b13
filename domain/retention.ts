/** How long the media of a finished job are kept. */

const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * When media that came to their end at `endedAt` may go; null for ever. `campaignDays` goes before the days of the
 * deployment, whichever is longer.
 */
export function mediaExpireAt(
  endedAt: Date | null,
  campaignDays: number | null,
  deploymentDays: number | undefined,
): Date | null {
  const days = campaignDays ?? deploymentDays;
  return endedAt === null || days === undefined ? null : new Date(endedAt.getTime() + days * DAY_MS);
}
