/** What clients and workers are given so that they are part of a trace; nothing of it while tracing is off. */
import type { Client } from '@temporalio/client';
import { OpenTelemetryWorkflowClientInterceptor } from '@temporalio/interceptors-opentelemetry/lib/client/index.js';
import { OpenTelemetryActivityInboundInterceptor } from '@temporalio/interceptors-opentelemetry/lib/worker/index.js';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import type { Logger } from 'pino';
import { observeActivity } from './observe-activity.js';
import { isTracing } from './tracing.js';

type ClientInterceptors = NonNullable<NonNullable<ConstructorParameters<typeof Client>[0]>['interceptors']>;

/** For every client that starts or tells workflows. */
export function clientInterceptors(): ClientInterceptors {
  return isTracing() ? { workflow: [new OpenTelemetryWorkflowClientInterceptor()] } : {};
}

/** For every worker, outside of what turns errors into failures: figures, log fields, and spans where they are wanted. */
export function activityInterceptors(logger: Pick<Logger, 'info' | 'warn'>): ActivityInterceptorsFactory[] {
  const observed: ActivityInterceptorsFactory = ({ info }) => ({ inbound: observeActivity(info, logger) });
  if (!isTracing()) return [observed];
  return [(context) => ({ inbound: new OpenTelemetryActivityInboundInterceptor(context) }), observed];
}
