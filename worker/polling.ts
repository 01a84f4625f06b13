import type { Polling } from '../domain/activity-contract.js';

/** With a webhook on its way the poll is only the net below it; without one it is all there is. */
const WITH_WEBHOOK = { firstMs: 20_000, maxMs: 60_000 };
const WITHOUT_WEBHOOK = { firstMs: 2_000, maxMs: 15_000 };
const FACTOR = 1.5;

/** How often the provider is asked about a prediction; the environment overrides either bound. */
export function pollingFor(env: {
  PUBLIC_URL?: string | undefined;
  POLL_FIRST_MS?: number | undefined;
  POLL_MAX_MS?: number | undefined;
}): Polling {
  const usual = env.PUBLIC_URL === undefined ? WITHOUT_WEBHOOK : WITH_WEBHOOK;
  const firstMs = env.POLL_FIRST_MS ?? usual.firstMs;
  return { firstMs, maxMs: Math.max(firstMs, env.POLL_MAX_MS ?? usual.maxMs), factor: FACTOR };
}
