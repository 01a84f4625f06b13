import { ApplicationFailure, isCancellation, TerminatedFailure } from '@temporalio/workflow';
import type { FailureInfo } from '../domain/contract.js';
import { ERRORS, type ErrorCode } from '../domain/errors.js';
import { withRemedy } from '../domain/remedies.js';

/** A chain of causes deeper than this is cut, so that no failure can hang a replay. */
const MAX_DEPTH = 16;

/** What stands at the bottom of a failure: the code and message that its activity stated, or INTERNAL. */
export function failureInfo(error: unknown): FailureInfo {
  let current = error;
  for (let depth = 0; depth < MAX_DEPTH && current instanceof Error; depth += 1) {
    if (current instanceof ApplicationFailure && current.type != null && current.type in ERRORS) {
      return { code: current.type as ErrorCode, message: current.message };
    }
    if (current instanceof TerminatedFailure) {
      return { code: 'WORKFLOW_ENDED', message: 'its workflow was terminated; what was paid is settled by itself' };
    }
    if (current.cause === undefined) return { code: 'INTERNAL', message: current.message };
    current = current.cause;
  }
  return { code: 'INTERNAL', message: String(error) };
}

/** What a workflow fails with: the reason and what somebody can do about it, over what happened. A cancel stays one. */
export function failureWithRemedy(error: unknown): unknown {
  if (isCancellation(error)) return error;
  const failure = failureInfo(error);
  return ApplicationFailure.create({
    message: withRemedy(failure),
    type: failure.code,
    nonRetryable: true,
    ...(error instanceof Error && { cause: error }),
  });
}
