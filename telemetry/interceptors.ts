/** What clients and workers are given so that they are part of a trace; nothing of it while tracing is off. */
import type { ClientInterceptors } from '@temporalio/client';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import type { Logger } from 'pino';
import { observeActivity } from './observe-activity.js';
import { tracing } from './tracing.js';

/** For every client that starts or tells workflows. */
export function clientInterceptors(): ClientInterceptors {
  const traced = tracing();
  return traced === undefined ? {} : { workflow: [traced.client] };
}

/** For every worker, outside of what turns errors into failures: figures, log fields, and spans where they are wanted. */
export function activityInterceptors(logger: Pick<Logger, 'info' | 'warn'>): ActivityInterceptorsFactory[] {
  const observed: ActivityInterceptorsFactory = ({ info }) => ({ inbound: observeActivity(info, logger) });
  const traced = tracing();
  return traced === undefined ? [observed] : [traced.activity, observed];
}
