import type { ActivityFunction, ActivityFunctionWithOptions } from '@temporalio/workflow';

/**
 * Calls an activity with the sentence that the Web UI shows for it. Not `async`: a turn more of the microtask queue here
 * could change the order of commands of what runs side by side.
 */
export function say<F extends ActivityFunction>(
  sentence: string,
  activity: ActivityFunctionWithOptions<F>,
  ...args: Parameters<F>
): Promise<Awaited<ReturnType<F>>> {
  return activity.executeWithOptions({ summary: sentence }, args);
}
