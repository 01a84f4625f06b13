/** Runs in the workflow sandbox: the shape of a job with nothing in it. As many activities, children and stages as ours. */
import { defineSearchAttributeKey } from '@temporalio/common';
import { executeChild, proxyActivities, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { buyingQueue, mediaQueue, outputQueue } from '../../domain/contract.js';

interface NoOps {
  nothing(): Promise<void>;
}

const STAGE = defineSearchAttributeKey('ReelStage', 'KEYWORD');
const on = (taskQueue: string): NoOps => proxyActivities<NoOps>({ taskQueue, startToCloseTimeout: '1m' });

export async function bareJob(clips: number): Promise<void> {
  const { taskQueue, workflowId } = workflowInfo();
  await on(taskQueue).nothing();
  upsertSearchAttributes([{ key: STAGE, value: 'generating' }]);
  await Promise.all(
    Array.from({ length: clips }, (_, index) => executeChild(bareGeneration, { workflowId: `${workflowId}-${index}` })),
  );
  upsertSearchAttributes([{ key: STAGE, value: 'composing' }]);
  await on(mediaQueue(taskQueue)).nothing();
  await on(taskQueue).nothing();
  upsertSearchAttributes([{ key: STAGE, value: 'completed' }]);
}

export async function bareGeneration(): Promise<void> {
  const { taskQueue } = workflowInfo();
  await on(taskQueue).nothing();
  await on(buyingQueue(taskQueue)).nothing();
  await on(outputQueue(taskQueue)).nothing();
}
