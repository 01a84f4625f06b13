/** Runs in the workflow sandbox: one export of a finished video, or several videos combined into one. */
import { defineSearchAttributeKey } from '@temporalio/common';
import { CancellationScope, isCancellation, upsertSearchAttributes } from '@temporalio/workflow';
import type { RenditionInput, RenditionResult } from '../domain/contract.js';
import type { RenditionState } from '../domain/renditions.js';
import { rendering, rows } from './activity-options.js';
import { failureInfo } from './failures.js';

const STAGE = defineSearchAttributeKey('ReelStage', 'KEYWORD');

export async function exportVideo(input: RenditionInput): Promise<RenditionResult> {
  return await render(input, () => rendering().makeExport(input));
}

export async function combineVideos(input: RenditionInput): Promise<RenditionResult> {
  return await render(input, () => rendering().makeCombination(input));
}

async function render(input: RenditionInput, make: () => Promise<RenditionResult>): Promise<RenditionResult> {
  try {
    enter('running');
    const result = await make();
    enter('completed');
    return result;
  } catch (error) {
    await CancellationScope.nonCancellable(async () => {
      const cancelled = isCancellation(error);
      const end = cancelled ? 'cancelled' : 'failed';
      const { status } = await rows.endRendition({ ...input, end, error: cancelled ? null : failureInfo(error) });
      enter(status);
    });
    throw error;
  }
}

function enter(stage: RenditionState): void {
  upsertSearchAttributes([{ key: STAGE, value: stage }]);
}
