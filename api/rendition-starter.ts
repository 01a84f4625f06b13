import type { Client } from '@temporalio/client';
import { type RenditionStart, startRendition } from '../activities/start-rendition.js';

/** Hands an export or a combination to Temporal that was asked for. */
export interface RenditionStarter {
  /** Resolves once Temporal has its workflow. Rejects, within a bounded time, when it could not be told. */
  start(rendition: RenditionStart): Promise<void>;
}

/** Starts them through the client; gives up after `deadlineMs`, since a request must not wait for Temporal. */
export function createTemporalRenditionStarter(
  client: Client,
  { deadlineMs = 5_000 }: { deadlineMs?: number } = {},
): RenditionStarter {
  return {
    start: (rendition) => client.withDeadline(Date.now() + deadlineMs, () => startRendition(client, rendition)),
  };
}
