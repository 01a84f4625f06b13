import { ApplicationFailure } from '@temporalio/common';
import type { ActivityInboundCallsInterceptor } from '@temporalio/worker';
import { ERRORS, isReelwrightError } from '../domain/errors.js';

/**
 * Where our errors become Temporal's, once for all activities: the code is the failure's type, the error table says
 * whether to try again, and what the provider asked for is the delay until then. What is not ours stays as it is: it is
 * tried again.
 */
export function classifyFailures(): ActivityInboundCallsInterceptor {
  return {
    async execute(input, next) {
      try {
        return await next(input);
      } catch (error) {
        if (!isReelwrightError(error)) throw error;
        throw ApplicationFailure.create({
          message: error.message,
          type: error.code,
          nonRetryable: !ERRORS[error.code].retry,
          ...(error.details === undefined ? {} : { details: [error.details] }),
          // Zero would mean "no delay given".
          ...(error.retryAfterMs === undefined ? {} : { nextRetryDelay: Math.max(1, error.retryAfterMs) }),
          cause: error,
        });
      }
    },
  };
}
