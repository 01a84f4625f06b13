/** That something waits for a person, told to whoever looks at the list of workflows. */
import { getExternalWorkflowHandle, log, setHandler, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { type FailureInfo, type GenerationInput, parseSubject } from '../domain/contract.js';
import type { JobState } from '../domain/states.js';
import { NEEDS_ATTENTION, STAGE } from './attributes.js';
import type { JobBoard } from './job-board.js';
import { clipAttention } from './messages.js';

/** Says that this generation waits for a decision (`error` is why), or that it waits no more (null). */
export async function tellAttention({ subject }: GenerationInput, error: FailureInfo | null): Promise<void> {
  showAttention(error !== null);
  const { parent } = workflowInfo();
  if (parent === undefined) return;
  try {
    const job = getExternalWorkflowHandle(parent.workflowId);
    await job.signal(clipAttention, { number: parseSubject(subject).number, error });
  } catch (cause) {
    // A job that is over has nobody to tell.
    log.info('the job could not be told about its clip', { cause: String(cause) });
  }
}

/** The job's side: its stage is `needs_attention` while any of its clips waits. Gives the numbers of those that do. */
export function watchAttention(board: JobBoard): ReadonlySet<number> {
  const waiting = new Set<number>();
  setHandler(clipAttention, ({ number, error }) => {
    if (error === null) waiting.delete(number);
    else waiting.add(number);
    board.attention(number, error);
    board.stage(showAttention(waiting.size > 0));
  });
  return waiting;
}

function showAttention(waits: boolean): JobState {
  const stage: JobState = waits ? 'needs_attention' : 'generating';
  upsertSearchAttributes([
    { key: NEEDS_ATTENTION, value: waits },
    { key: STAGE, value: stage },
  ]);
  return stage;
}
