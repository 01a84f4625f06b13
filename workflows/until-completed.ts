import { condition } from '@temporalio/workflow';
import type { Polling } from '../domain/activity-contract.js';
import type { GenerationInput } from '../domain/contract.js';
import { isFinalStatus } from '../domain/ledger.js';
import { generationSentences } from '../domain/sentences.js';
import { provider } from './activity-options.js';
import { say } from './say.js';

/** The webhook's signal or the poll, whichever says it first; ids that are not this purchase's are nobody's business. */
export async function untilCompleted(
  { jobId, subject }: GenerationInput,
  predictionId: string,
  polling: Polling,
  completed: ReadonlySet<string>,
): Promise<void> {
  for (let pause = polling.firstMs; ; pause = Math.min(pause * polling.factor, polling.maxMs)) {
    const summary = generationSentences.wait(predictionId, pause);
    if (await condition(() => completed.has(predictionId), pause, { summary })) return;
    const look = generationSentences.look(predictionId);
    const { status } = await say(look, provider.pollPrediction, { jobId, subject, predictionId });
    if (isFinalStatus(status)) return;
  }
}
