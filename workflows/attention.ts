/** That something waits for a person, told to whoever looks at the list of workflows: by search attribute and in words. */
import { defineSearchAttributeKey } from '@temporalio/common';
import {
  getExternalWorkflowHandle,
  log,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { type FailureInfo, type GenerationInput, parseSubject, UPDATES } from '../domain/contract.js';
import type { JobState } from '../domain/states.js';
import { clipAttention } from './messages.js';

const NEEDS_ATTENTION = defineSearchAttributeKey('ReelNeedsAttention', 'BOOL');
const STAGE = defineSearchAttributeKey('ReelStage', 'KEYWORD');

/** Says that this generation waits for a decision (`error` is why), or that it waits no more (null). */
export async function tellAttention({ subject }: GenerationInput, error: FailureInfo | null): Promise<void> {
  upsertSearchAttributes([{ key: NEEDS_ATTENTION, value: error !== null }]);
  setCurrentDetails(error === null ? '' : howToDecide(error));
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

const howToDecide = ({ code, message }: FailureInfo): string =>
  [
    `**Waits for a decision**: ${code}, ${message}`,
    '',
    // Paragraphs: the Web UI shows lists in one line.
    `Send the update \`${UPDATES.decideClip}\` with one of:`,
    '',
    '`{"decision": "retry"}` (with `prompt`, `model`, `firstImage`, `lastImage` or `budgetUsd` if wanted)',
    '',
    '`{"decision": "skip"}` (a video without this clip) or `{"decision": "fail"}` (no video)',
  ].join('\n');

/** The job's side: its stage is `needs_attention` while any of its clips waits. Gives the numbers of those that do. */
export function watchAttention(): ReadonlySet<number> {
  const waiting = new Set<number>();
  setHandler(clipAttention, ({ number, error }) => {
    if (error === null) waiting.delete(number);
    else waiting.add(number);
    const stage: JobState = waiting.size > 0 ? 'needs_attention' : 'generating';
    upsertSearchAttributes([
      { key: NEEDS_ATTENTION, value: waiting.size > 0 },
      { key: STAGE, value: stage },
    ]);
  });
  return waiting;
}
