/** What the api tells workflows that run: to end, and what was decided. */
import {
  type Client,
  isGrpcServiceError,
  ServiceError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { type ClipDecided, type ClipDecision, UPDATES } from '../domain/contract.js';
import { ERRORS, type ErrorCode, ReelwrightError } from '../domain/errors.js';

export interface JobControl {
  /** Asks the workflow to end, which one that is over takes too; `gone` without one. Rejects when Temporal cannot be reached. */
  cancel(workflowId: string): Promise<'asked' | 'gone'>;
  /**
   * Carries out a decision; repeating it under the same `updateId` does nothing more and gives the same answer. Throws the
   * refusal under its own code, WRONG_STATE where the workflow is over, and NOT_READY without an answer in time.
   */
  decide(workflowId: string, updateId: string, decision: ClipDecision): Promise<ClipDecided>;
  /** What became of a decision that was sent under this id; undefined where none of this id arrived. Throws as `decide`. */
  decided(workflowId: string, updateId: string): Promise<ClipDecided | undefined>;
}

/** Speaks through the client, and waits for no answer longer than `deadlineMs`. */
export function createTemporalJobControl(
  client: Client,
  { deadlineMs = 5_000 }: { deadlineMs?: number } = {},
): JobControl {
  const inTime = <T>(work: () => Promise<T>): Promise<T> => client.withDeadline(Date.now() + deadlineMs, work);
  return {
    async cancel(workflowId) {
      try {
        await inTime(() => client.workflow.getHandle(workflowId).cancel());
        return 'asked';
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return 'gone';
        throw error;
      }
    },
    async decide(workflowId, updateId, decision) {
      const handle = client.workflow.getHandle(workflowId);
      const send = (): Promise<ClipDecided> =>
        handle.executeUpdate<ClipDecided, [ClipDecision]>(UPDATES.decideClip, { args: [decision], updateId });
      return await inTime(send).catch((error: unknown) => {
        throw asRefusal(error, deadlineMs);
      });
    },
    async decided(workflowId, updateId) {
      const update = client.workflow.getHandle(workflowId).getUpdateHandle<ClipDecided>(updateId);
      try {
        return await inTime(() => update.result());
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return undefined;
        throw asRefusal(error, deadlineMs);
      }
    },
  };
}

/** What the client throws, as what the caller of the api is told. */
function asRefusal(error: unknown, deadlineMs: number): unknown {
  if (error instanceof WorkflowUpdateFailedError) {
    const { cause } = error;
    const code = cause instanceof ApplicationFailure ? cause.type : undefined;
    return isErrorCode(code) ? new ReelwrightError(code, cause?.message ?? code, { cause }) : error;
  }
  if (error instanceof WorkflowNotFoundError) {
    return new ReelwrightError(
      'WRONG_STATE',
      'expected a clip that waits for a decision, seen one whose work is over',
      {
        cause: error,
      },
    );
  }
  const silent = error instanceof WorkflowUpdateRPCTimeoutOrCancelledError;
  if (silent || error instanceof ServiceError || isGrpcServiceError(error)) {
    const message = silent
      ? `nobody has taken the decision within ${deadlineMs} ms; send it again`
      : 'the decision could not be handed on; send it again';
    return new ReelwrightError('NOT_READY', message, { cause: error });
  }
  return error;
}

const isErrorCode = (code: string | null | undefined): code is ErrorCode => code != null && Object.hasOwn(ERRORS, code);
