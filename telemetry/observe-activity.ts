import { trace } from '@opentelemetry/api';
import type { Info } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type { ActivityInboundCallsInterceptor } from '@temporalio/worker';
import type { Logger } from 'pino';
import { type LogFields, withLogFields } from './log-context.js';
import { activityFailures, activityLastSuccess, activitySeconds } from './metrics.js';
import { ATTRIBUTES } from './spans.js';

/** What of an activity's input names the thing it is about: ids and numbers, never content. */
const SUBJECT_FIELDS = ['jobId', 'runNumber', 'subject', 'predictionId', 'purchaseId', 'renditionId'] as const;

/**
 * Of each attempt of an activity: its figures, one log line at its end, and what all lines within it and its span say of
 * whom it is about.
 */
export function observeActivity(info: Info, logger: Pick<Logger, 'info' | 'warn'>): ActivityInboundCallsInterceptor {
  const activity = info.activityType;
  return {
    async execute(input, next) {
      const subject = subjectOf(input.args[0]);
      nameSubject(subject);
      return await withLogFields({ ...identityOf(info), ...subject }, async () => {
        const started = performance.now();
        const end = (outcome: 'completed' | 'failed' | 'cancelled'): { outcome: string; milliseconds: number } => {
          const seconds = (performance.now() - started) / 1000;
          activitySeconds.observe({ activity, outcome }, seconds);
          return { outcome, milliseconds: Math.round(seconds * 1000) };
        };
        try {
          const result = await next(input);
          activityLastSuccess.set({ activity }, Date.now() / 1000);
          logger.info(end('completed'), 'activity');
          return result;
        } catch (error) {
          if (error instanceof CancelledFailure) {
            logger.info(end('cancelled'), 'activity');
          } else {
            const code = codeOf(error);
            activityFailures.inc({ activity, code });
            logger.warn({ ...end('failed'), code, ...reasonOf(code, error) }, 'activity');
          }
          throw error;
        }
      });
    },
  };
}

function identityOf({ workflowExecution, activityType, attempt }: Info): LogFields {
  const { workflowId, runId } = workflowExecution ?? {};
  return { ...(workflowId && { workflowId }), ...(runId && { runId }), activity: activityType, attempt };
}

function subjectOf(argument: unknown): LogFields {
  if (typeof argument !== 'object' || argument === null) return {};
  const given = argument as Record<string, unknown>;
  return Object.fromEntries(
    SUBJECT_FIELDS.flatMap((field) => {
      const value = given[field];
      return typeof value === 'string' || typeof value === 'number' ? [[field, value] as const] : [];
    }),
  );
}

function nameSubject({ jobId, subject, predictionId }: LogFields): void {
  trace.getActiveSpan()?.setAttributes({
    ...(jobId !== undefined && { [ATTRIBUTES.jobId]: jobId }),
    ...(subject !== undefined && { [ATTRIBUTES.subject]: subject }),
    ...(predictionId !== undefined && { [ATTRIBUTES.predictionId]: predictionId }),
  });
}

/** Of the error table, which `classifyFailures` has put into the failure's type. */
const codeOf = (error: unknown): string =>
  error instanceof ApplicationFailure && typeof error.type === 'string' ? error.type : 'OTHER';

/** A message is enough for what has been classified; anything else is a fault of this code and keeps its stack. */
const reasonOf = (code: string, error: unknown): object =>
  code !== 'OTHER' && error instanceof Error ? { reason: error.message } : { err: error };
