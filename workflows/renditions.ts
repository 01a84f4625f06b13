/** Runs in the workflow sandbox: one export of a finished video, or several videos combined into one. */
import {
  CancellationScope,
  isCancellation,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import type { FailureInfo, RenditionInput, RenditionResult } from '../domain/contract.js';
import { renditionDetails, renditionStatus } from '../domain/rendition-story.js';
import type { RenditionState } from '../domain/renditions.js';
import { renditionSentences as sentences } from '../domain/sentences.js';
import { rendering, rows } from './activity-options.js';
import { STAGE } from './attributes.js';
import { failureInfo, failureWithRemedy } from './failures.js';
import { status } from './messages.js';
import { say } from './say.js';

export async function exportVideo(input: RenditionInput): Promise<RenditionResult> {
  return await render(input, () => say(sentences.export, rendering().makeExport, input));
}

export async function combineVideos(input: RenditionInput): Promise<RenditionResult> {
  return await render(input, () => say(sentences.combine, rendering().makeCombination, input));
}

async function render(input: RenditionInput, make: () => Promise<RenditionResult>): Promise<RenditionResult> {
  let seen: { state: RenditionState; result?: RenditionResult; error?: FailureInfo | null } = { state: 'queued' };
  setHandler(status, () => renditionStatus(seen), { description: 'How far it is, in a sentence' });
  try {
    enter({ state: 'running' });
    const result = await make();
    enter({ state: 'completed', result });
    return result;
  } catch (failure) {
    await CancellationScope.nonCancellable(async () => {
      const cancelled = isCancellation(failure);
      const error = cancelled ? null : failureInfo(failure);
      const end = { ...input, end: cancelled ? ('cancelled' as const) : ('failed' as const), error };
      const { status: state } = await say(sentences.end(error), rows.endRendition, end);
      enter({ state, error });
    });
    throw failureWithRemedy(failure);
  }

  function enter(next: typeof seen): void {
    seen = next;
    setCurrentDetails(renditionDetails(seen));
    upsertSearchAttributes([{ key: STAGE, value: seen.state }]);
  }
}
